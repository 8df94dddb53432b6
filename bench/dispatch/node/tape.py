"""What the benchmark's dispatch was given in each round of a day, and what it answered."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from edge.core.decode import receipt_of
from edge.core.model import Event, Now
from edge.core.scenario import Outcome
from edge.scenarios.dispatch.messages.down import Advice, Assignment, OrderReceipt, Update
from edge.scenarios.dispatch.messages.up import RiderPosition
from edge.scenarios.dispatch.options import DispatchOptions

from ...demo.district.instance import Instance
from ...driver import Driver, Sent
from ..policies.doorstep import NO_CHANGES, Doorstep
from ..simulator.strict import simulate

Messages = dict[str, list[tuple[str, Any]]]
"""Kind and message, by client, in their sequence."""

_KINDS: Final[dict[type, str]] = {Assignment: "assignment", Update: "update", Advice: "advice"}


class Round(Struct, frozen=True):
    """One round of a node: its instant, the positions that came since the round before, the events, and what the
    benchmark's dispatch made of them."""

    now: Now
    positions: list[tuple[str, RiderPosition]]
    events: list[Event]
    outcomes: list[Outcome]
    sent: list[Sent]

    def messages(self) -> list[tuple[str, str, Any]]:
        """Client, kind and message: first the receipts, as a node has them."""
        receipts = [
            (event.client, "receipt", receipt_of(OrderReceipt, event.body.id, kind_of(event.body), outcome, self.now))
            for event, outcome in zip(self.events, self.outcomes, strict=True)
        ]
        return [*receipts, *((client, _KINDS[type(body)], body) for client, body in self.sent)]


class Tape(Driver):
    """A driver that writes down each round which a node would make, too: not those with nothing new and nothing due."""

    def __init__(self, rules: DispatchOptions) -> None:
        super().__init__(rules)
        self.rounds: list[Round] = []
        self._positions: list[tuple[str, RiderPosition]] = []

    def observe(self, client: str, body: RiderPosition, now: Now) -> None:
        """A rider's position."""
        super().observe(client, body, now)
        self._positions.append((client, body))

    def round(self, events: Sequence[Event], now: Now) -> tuple[list[Outcome], list[Sent]]:
        """One round, written down."""
        deadline = self.dispatch.next_deadline()
        due = deadline is not None and deadline <= now.mono
        outcomes, sent = super().round(events, now)
        if events or self._positions or due or sent:
            self.rounds.append(Round(now, self._positions, [*events], outcomes, sent))
            self._positions = []
        return outcomes, sent


def kind_of(body: Struct) -> str:
    """The kind of a message towards the node, as its topic has it."""
    return str(body.__struct_config__.tag)


def record(instance: Instance, changes: Mapping[str, Any] = NO_CHANGES) -> tuple[list[Round], DispatchOptions]:
    """The rounds of a day on the strict track, and the node's options on it, with these changes. Raises
    IllegalDecision."""
    tapes: list[tuple[Tape, DispatchOptions]] = []

    def driver(rules: DispatchOptions) -> Tape:
        tapes.append((Tape(rules), rules))
        return tapes[0][0]

    simulate(instance, lambda day: Doorstep(day, changes=changes, driver=driver))
    tape, rules = tapes[0]
    return tape.rounds, rules
