"""How long riders work: breaks that they or a dispatcher plan, rests, and the longest time on duty.

A break is a pause with times: from its beginning on the rider gets nothing new, and until then nothing that is fetched
later. What it has accepted it brings to its end.
"""

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from ....messages.envelope import Client
from ..options import DispatchOptions

if TYPE_CHECKING:
    from .riders import Rider

REST: Final = "the node"
"""Who has paused a rider that rests; no client has a name with a space."""


class Break(Struct, frozen=True, array_like=True):
    """When a rider gets nothing new, monotonic ms (`until_ms` 0: until it is resumed), and who wants it."""

    from_ms: int
    until_ms: int
    by: Client


class Duty(Struct, array_like=True):
    """Monotonic ms: on shift since `since_ms`, at work without a rest since `rested_ms`, paused since `paused_ms` and
    until `resumes_ms` (0: until it is resumed). `ahead` is a break to come. `leaves`: the shift ends with the last
    order."""

    since_ms: int = 0
    rested_ms: int = 0
    paused_ms: int = 0
    resumes_ms: int = 0
    ahead: Break | None = None
    leaves: bool = False


def next_break(duty: Duty, rules: DispatchOptions) -> Break | None:
    """The break that comes first: one that is planned, or a rest."""
    ahead = duty.ahead
    if not rules.rest_after_s:
        return ahead
    from_ms = duty.rested_ms + rules.rest_after_s * 1000
    if ahead is not None and ahead.from_ms <= from_ms:
        return ahead
    return Break(from_ms, from_ms + rules.rest_s * 1000, REST)


def over_ms(duty: Duty, rules: DispatchOptions) -> int | None:
    """When the longest time on duty is over."""
    return duty.since_ms + rules.max_on_duty_s * 1000 if rules.max_on_duty_s else None


def off_ms(rider: "Rider", rules: DispatchOptions) -> int | None:
    """The last moment at which the rider may fetch something: its shift, or its duty, ends, or a break begins."""
    coming = next_break(rider.duty, rules)
    return _first(rider.until_ms, over_ms(rider.duty, rules), None if coming is None else coming.from_ms)


def turn_ms(rider: "Rider", rules: DispatchOptions) -> int | None:
    """When something changes by itself: the shift ends, a break begins or ends."""
    if rider.paused:
        return _first(rider.until_ms, rider.duty.resumes_ms or None)
    coming = next_break(rider.duty, rules)
    return _first(rider.until_ms, None if coming is None else coming.from_ms)


def _first(*bounds: int | None) -> int | None:
    return min((bound for bound in bounds if bound is not None), default=None)


def pause(rider: "Rider", now_ms: int, resumes_ms: int) -> None:
    """It is paused now."""
    duty = rider.duty
    duty.paused_ms, duty.resumes_ms = now_ms, resumes_ms
    if duty.ahead is not None and duty.ahead.from_ms <= now_ms:
        duty.ahead = None


def resume(rider: "Rider", now_ms: int, rules: DispatchOptions) -> None:
    """It works again. A pause that was long enough was a rest; and so was one that a dispatcher ends."""
    duty = rider.duty
    if rider.paused == REST or now_ms - duty.paused_ms >= rules.rest_s * 1000:
        duty.rested_ms = now_ms
    duty.resumes_ms, duty.leaves = 0, False


def stays_ms(rider: "Rider", now_ms: int, rules: DispatchOptions) -> int:
    """Until when a rest that should end now goes on, because the rider still works; 0 where it ends."""
    if rider.paused != REST or not rider.orders:
        return 0
    return max(now_ms, rider.free_ms) + rules.rest_s * 1000
