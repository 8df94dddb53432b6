"""The dispatch scenario's face towards the node: events, deadlines and decisions in, answers and counts out.

A round of the node is `expire`, any number of `apply`, `decide`, `apply_decisions`. All of them are functions of the
durable state, their arguments and what the `Sensor` shows; so a recorded round replays to the byte, and a recovered
node continues as if nothing had happened. Positions come in beside that (`report_position`, `presence`), are in memory
only, and reach a round through the `Sensor` alone.
"""

from collections.abc import Callable, Sequence
from typing import Final

from ...core.model import Decision, DispatchRules, Event, Now
from ...limits import MATCHING_ROWS_MAX, ROUND_AGAIN_MIN
from ...messages.envelope import DURABLE_KINDS, Promise
from . import assignments, events
from .assignments import Effects
from .decide.choice import choose
from .lifecycle import Refusal
from .state.dispatch_state import DispatchState
from .state.orders import Orders
from .state.positions import milliseconds
from .state.riders import Riders
from .state.sensor import LiveSensor, Sensor
from .view import Live, live, order_states, rider_states

Policy = Callable[[Orders, Riders, DispatchRules, Now, Sensor], list[Decision]]
"""What should change about waiting orders, given everything that the node knows."""


class Dispatch:
    """Orders find riders. A node's policy is `choose`; a what-if may ask what another one would have done."""

    KINDS: Final[frozenset[str]] = frozenset(DURABLE_KINDS)

    def __init__(self, rules: DispatchRules, policy: Policy = choose) -> None:
        self._state = DispatchState(rules)
        self._policy = policy

    def configure(self, rules: DispatchRules) -> None:
        """New rules apply from the next decision on; running offers keep their deadlines."""
        if rules != self._state.rules:
            self._state.rules = rules
            self._state.dirty = True
            self._state.positions.configure(rules)

    # -- in memory only ------------------------------------------------------------------------------------------------

    def report_position(self, client: str, points: list[tuple[int, float, float]], now: Now) -> None:
        """Where a client was: `(at, lat, lon)`, by its own wall clock. Clients who are not on shift are forgotten."""
        self._state.positions.report_position(client, points, now)

    def presence(self, client: str, present: bool, now: Now) -> None:
        """A client's first connection came, or its last one went: then it counts as silent sooner."""
        if present:
            self.touch(client, now)
        else:
            self._state.positions.disconnected(client, milliseconds(now))

    def touch(self, client: str, now: Now) -> None:
        """Something came from a client: it is not silent."""
        self._state.positions.touch(client, milliseconds(now))

    def live_sensor(self) -> LiveSensor:
        """The live sight of one round."""
        return LiveSensor(self._state.positions)

    # -- a round -------------------------------------------------------------------------------------------------------

    def expire(self, now: Now, sensor: Sensor, out: Effects) -> None:
        """Silent riders, ends of shifts, lapsed offers, orders that cannot be delivered."""
        assignments.expire(self._state, now, sensor, out)

    def apply(self, event: Event, now: Now, out: Effects) -> Refusal | None:
        """One event; None where it is accepted. A refused event changes nothing, but its sender was heard of."""
        return events.apply(self._state, event, now, out)

    def decide(self, now: Now, sensor: Sensor) -> list[Decision]:
        """What should change about the waiting orders. Changes nothing itself; empty where nothing is new.

        A backlog must not make rounds dearer, or it would feed itself. So between the looks at everything that
        REDECIDE_S asks for, a round sees the new orders, and of the others only as many as it may find a rider for."""
        dispatch = self._state
        orders = dispatch.orders
        if not orders.waiting:
            return []
        needs_decision = sensor.needs_decision(now)
        if not (needs_decision or dispatch.dirty):
            return []
        again = ROUND_AGAIN_MIN + 2 * dispatch.riders.idle
        if not needs_decision and len(orders.waiting) > again:
            orders = orders.part(MATCHING_ROWS_MAX, again)
        return self._policy(orders, dispatch.riders, dispatch.rules, now, sensor)

    def apply_decisions(self, decisions: Sequence[Decision], now: Now, out: Effects) -> None:
        """Makes decisions true, fresh or recorded ones. Called once in every round, also with none."""
        assignments.apply_decisions(self._state, decisions, now, out)

    def promise(self, order: str) -> Promise | None:
        """What can be promised about an order placed in this round; None where no rider is in sight."""
        found = self._state.orders.open.get(order)
        return None if found is None or not found.promised_ms else self._state.promise(found)

    def next_deadline(self) -> float | None:
        """When a round is due even without events, in monotonic seconds. 0.0: at once."""
        dispatch = self._state
        due = [dispatch.orders.timers.next(), dispatch.riders.timers.next()]
        if dispatch.riders.watched:
            due.append(dispatch.positions.next_silence_ms())
        if dispatch.orders.waiting:
            if dispatch.dirty:
                return 0.0
            if dispatch.riders.watched:
                due.append(dispatch.positions.next_look_ms())
        known = [time for time in due if time is not None]
        return min(known) / 1000 if known else None

    # -- snapshots, pages ----------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything durable; nothing of positions."""
        return self._state.snapshot()

    def restore(self, body: bytes) -> None:
        """From a snapshot. Raises JournalError where it cannot be read."""
        self._state.restore(body)

    def positions_dropped(self) -> dict[str, int]:
        """Positions that no decision can see, by reason, since this process began."""
        return self._state.positions.dropped

    @property
    def orders_open(self) -> int:
        """How many orders have not ended; `live` draws the whole picture, this is for those who ask every second."""
        return len(self._state.orders.open)

    @property
    def order_states(self) -> dict[str, int]:
        """How many open orders are in each state: cheaper than `live`, for the status."""
        return order_states(self._state)

    @property
    def rider_states(self) -> dict[str, int]:
        """How many riders are in each state."""
        return rider_states(self._state)

    def live(self) -> Live:
        """For the node's own status page."""
        return live(self._state)
