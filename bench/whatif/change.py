"""Changes of a recorded day: `riders=+2`, `riders=-2`, `kitchen=+20%`.

Added riders are copies. The riders of the day, by the begin of their shifts, are divided into as many equal parts as
there are riders to add, and the middle one of each part is copied: shifts, capacity, start and replies (from the middle
on, so that the two do not answer alike). Riders are removed by the same rule, so a change is spread over the day like
its riders.

`kitchen` scales every time of a kitchen: the expected one, the delays and when they are sent, and when meals are ready.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct, structs

from edge.scenarios.dispatch.messages.overrides import OrderReschedule
from edge.scenarios.dispatch.state.riders import RIDERS_MAX

from .day import Day, Order, Request, Shift

KITCHEN_PERCENT_MIN: Final = -90
KITCHEN_PERCENT_MAX: Final = 900
"""Changes of the preparation times: a tenth of them, and ten times as long. Beyond it is another trade."""

_TEXT: Final = re.compile(r"(riders|kitchen)=([+-]\d{1,9})(%?)")


class ChangeError(ValueError):
    """A change that cannot be made. The text has the reason and the possible changes."""


class Change(Struct, frozen=True):
    """`amount` riders more or fewer, or per cent more or less time in the kitchens."""

    what: Literal["riders", "kitchen"]
    amount: int

    def __str__(self) -> str:
        return f"{self.what}={self.amount:+}{'%' if self.what == 'kitchen' else ''}"


def parse(texts: Sequence[str]) -> list[Change]:
    """Parse the changes of the command line. Raises ChangeError."""
    changes: list[Change] = []
    for text in texts:
        change = _parse(text)
        if any(other.what == change.what for other in changes):
            raise ChangeError(f"{change.what} is changed twice; give one sum of both.")
        changes.append(change)
    return changes


def _parse(text: str) -> Change:
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ChangeError(f"{text!r} is no change. Write riders=+2, riders=-2, kitchen=+20% or kitchen=-20%.")
    what, amount, percent = found[1], int(found[2]), found[3]
    if what == "riders":
        if percent:
            raise ChangeError(f"{text!r}: riders are counted, not measured in per cent. Write riders=+2 or riders=-2.")
        if abs(amount) > RIDERS_MAX:
            raise ChangeError(f"{text!r}: a node knows {RIDERS_MAX} riders at most. Change fewer.")
        return Change("riders", amount)
    if not percent:
        raise ChangeError(f"{text!r}: kitchens are measured in per cent. Write kitchen={found[2]}%.")
    if not KITCHEN_PERCENT_MIN <= amount <= KITCHEN_PERCENT_MAX:
        raise ChangeError(f"{text!r}: from {KITCHEN_PERCENT_MIN}% to +{KITCHEN_PERCENT_MAX}% makes sense.")
    return Change("kitchen", amount)


def changed(day: Day, changes: Sequence[Change]) -> Day:
    """The changed day. Raises ChangeError where it has not enough riders."""
    for change in changes:
        if change.what == "kitchen":
            orders = tuple(_cooked(order, 100 + change.amount) for order in day.orders)
            day = structs.replace(day, orders=orders)
        elif change.amount > 0:
            day = _more(day, change.amount)
        elif change.amount < 0:
            day = _fewer(day, -change.amount)
    return day


def _cooked(order: Order, percent: int) -> Order:
    def later(ms: int) -> int:
        return ms and order.placed_ms + (ms - order.placed_ms) * percent // 100

    return structs.replace(
        order,
        expected_ms=later(order.expected_ms),
        ready_ms=later(order.ready_ms),
        delays=tuple((later(at_ms), later(ready_ms)) for at_ms, ready_ms in order.delays),
    )


def _spread(names: Sequence[str], count: int) -> list[str]:
    """The middle one of each of `count` equal parts."""
    return [names[(2 * index + 1) * len(names) // (2 * count)] for index in range(count)]


def _more(day: Day, count: int) -> Day:
    names = day.riders()
    if not names:
        raise ChangeError("Nobody was on shift on this day: there is no rider to double.")
    if len(names) + count > RIDERS_MAX:
        raise ChangeError(f"A node knows {RIDERS_MAX} riders at most, and there are {len(names)}. Add fewer.")
    shifts: list[Shift] = list(day.shifts)
    requests = list(day.requests)
    replies, silences = dict(day.replies), dict(day.silences)
    taken = dict.fromkeys(names)
    number = 0
    for model in _spread(names, count):
        number += 1
        while f"what-if-{number}" in taken:
            number += 1
        name = f"what-if-{number}"
        shifts += [structs.replace(shift, rider=name) for shift in day.shifts if shift.rider == model]
        answers = day.replies.get(model, ())
        replies[name] = answers[len(answers) // 2 :] + answers[: len(answers) // 2]
        silences[name] = day.silences.get(model, ())
        requests += [
            structs.replace(each, client=name, body=structs.replace(each.body, rider=name))
            for each in day.requests
            if _rider(each) == model
        ]
    return structs.replace(day, shifts=tuple(shifts), replies=replies, silences=silences, requests=tuple(requests))


def _fewer(day: Day, count: int) -> Day:
    names = day.riders()
    if count >= len(names):
        riders = "1 rider" if len(names) == 1 else f"{len(names)} riders"
        raise ChangeError(f"riders=-{count} leaves nobody: the day had {riders}. Take away fewer.")
    gone = dict.fromkeys(_spread(names, count))
    shifts = tuple(shift for shift in day.shifts if shift.rider not in gone)
    return structs.replace(
        day, shifts=shifts, requests=tuple(each for each in day.requests if _rider(each) not in gone)
    )


def _rider(request: Request) -> str:
    """Whose break it is."""
    return "" if isinstance(request.body, OrderReschedule) else request.body.rider
