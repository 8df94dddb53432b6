"""The dispatch scenario's face towards the node: events, deadlines and decisions in, answers and counts out.

A round of the node is `expire`, any number of `apply`, `decide`, `settle`. All of them are functions of the durable
state, their arguments and what the `Sight` shows; so a recorded round replays to the byte, and a recovered node goes on
as if nothing had happened. Positions come in beside that (`sighted`, `presence`), are in memory only, and reach a round
through the `Sight` alone.
"""

from collections.abc import Callable, Sequence
from typing import Final

from ...core.model import Decision, DispatchRules, Event, Now
from ...limits import MATCHING_ROWS_MAX, ROUND_AGAIN_MIN
from ...messages.envelope import DURABLE_KINDS, Promise
from . import assignments, events
from .assignments import Say
from .decide.choice import choose
from .lifecycle import Refusal
from .state.dispatch_state import Book
from .state.orders import Orders
from .state.positions import milliseconds
from .state.riders import Riders
from .state.sensor import Sight, Witness
from .view import Live, live, order_states, rider_states

Policy = Callable[[Orders, Riders, DispatchRules, Now, Sight], list[Decision]]
"""What should change about waiting orders, given everything that the node knows."""


class Dispatch:
    """Orders find riders. A node's policy is `choose`; a what-if may ask what another one would have done."""

    KINDS: Final[frozenset[str]] = frozenset(DURABLE_KINDS)

    def __init__(self, rules: DispatchRules, policy: Policy = choose) -> None:
        self._book = Book(rules)
        self._policy = policy

    def configure(self, rules: DispatchRules) -> None:
        """New rules apply from the next decision on; running offers keep their deadlines."""
        if rules != self._book.rules:
            self._book.rules = rules
            self._book.dirty = True
            self._book.positions.configure(rules)

    # -- in memory only ------------------------------------------------------------------------------------------------

    def sighted(self, client: str, points: list[tuple[int, float, float]], now: Now) -> None:
        """Where a client was: `(at, lat, lon)`, by its own wall clock. Clients who are not on shift are forgotten."""
        self._book.positions.sighted(client, points, now)

    def presence(self, client: str, present: bool, now: Now) -> None:
        """A client's first connection came, or its last one went: then it counts as silent sooner."""
        if present:
            self.heard(client, now)
        else:
            self._book.positions.gone(client, milliseconds(now))

    def heard(self, client: str, now: Now) -> None:
        """Something came from a client: it is not silent."""
        self._book.positions.hear(client, milliseconds(now))

    def witness(self) -> Witness:
        """The live sight of one round."""
        return Witness(self._book.positions)

    # -- a round -------------------------------------------------------------------------------------------------------

    def expire(self, now: Now, sight: Sight, say: Say) -> None:
        """Silent riders, ends of shifts, lapsed offers, orders that cannot be delivered."""
        assignments.expire(self._book, now, sight, say)

    def apply(self, event: Event, now: Now, say: Say) -> Refusal | None:
        """One event; None where it is accepted. A refused event changes nothing, but its sender was heard of."""
        return events.apply(self._book, event, now, say)

    def decide(self, now: Now, sight: Sight) -> list[Decision]:
        """What should change about the waiting orders. Changes nothing itself; empty where nothing is new.

        A backlog must not make rounds dearer, or it would feed itself. So between the looks at everything that
        REDECIDE_S asks for, a round sees the new orders, and of the others only as many as it may find a rider for."""
        book = self._book
        orders = book.orders
        if not orders.waiting:
            return []
        stirred = sight.stirred(now)
        if not (stirred or book.dirty):
            return []
        again = ROUND_AGAIN_MIN + 2 * book.riders.idle
        if not stirred and len(orders.waiting) > again:
            orders = orders.part(MATCHING_ROWS_MAX, again)
        return self._policy(orders, book.riders, book.rules, now, sight)

    def settle(self, decisions: Sequence[Decision], now: Now, say: Say) -> None:
        """Makes decisions true, fresh or recorded ones. Called once in every round, also with none."""
        assignments.settle(self._book, decisions, now, say)

    def promise(self, order: str) -> Promise | None:
        """What can be promised about an order placed in this round; None where no rider is in sight."""
        found = self._book.orders.open.get(order)
        return None if found is None or not found.promised_ms else self._book.promise(found)

    def next_deadline(self) -> float | None:
        """When a round is due even without events, in monotonic seconds. 0.0: at once."""
        book = self._book
        due = [book.orders.timers.next(), book.riders.timers.next()]
        if book.riders.watched:
            due.append(book.positions.next_silence_ms())
        if book.orders.waiting:
            if book.dirty:
                return 0.0
            if book.riders.watched:
                due.append(book.positions.next_look_ms())
        known = [time for time in due if time is not None]
        return min(known) / 1000 if known else None

    # -- snapshots, pages ----------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything durable; nothing of positions."""
        return self._book.snapshot()

    def restore(self, body: bytes) -> None:
        """From a snapshot. Raises JournalError where it cannot be read."""
        self._book.restore(body)

    def positions_dropped(self) -> dict[str, int]:
        """Positions that no decision can see, by reason, since this process began."""
        return self._book.positions.dropped

    @property
    def orders_open(self) -> int:
        """How many orders have not ended; `live` draws the whole picture, this is for those who ask every second."""
        return len(self._book.orders.open)

    @property
    def order_states(self) -> dict[str, int]:
        """How many open orders are in each state: cheaper than `live`, for the status."""
        return order_states(self._book)

    @property
    def rider_states(self) -> dict[str, int]:
        """How many riders are in each state."""
        return rider_states(self._book)

    def live(self) -> Live:
        """For the node's own status page."""
        return live(self._book)
