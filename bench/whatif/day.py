"""A day as the journal tells it: what people brought into it, and what became of each order.

Times are Unix milliseconds, as the node's wall clock labelled its rounds; they never run backwards here. Places are
(latitude, longitude) in the node's coordinate system.
"""

from typing import Literal

from msgspec import Struct

from edge.scenarios.dispatch.options import DispatchOptions

Place = tuple[float, float]


class Order(Struct, frozen=True):
    """An order. `expected_ms` is when the kitchen meant to be ready when it was placed, `delays` what it said later
    (when, and for when), `ready_ms` how it turned out; `announced`: it also said so then. `cancelled_ms` is 0 where
    nobody cancelled it."""

    name: str
    client: str
    shop: str
    pickup: Place
    dropoff: Place
    placed_ms: int
    expected_ms: int
    ready_ms: int
    promise: bool = True
    announced: bool = False
    delays: tuple[tuple[int, int], ...] = ()
    cancelled_ms: int = 0
    cancelled_by: str = ""


class Shift(Struct, frozen=True):
    """A rider's time on the road. `until_ms` is the end that was planned (None: none was), `off_ms` the end as it came
    (None: not in the journal). `start` is a stand-in: see `recording`."""

    rider: str
    capacity: int
    on_ms: int
    until_ms: int | None
    off_ms: int | None
    start: Place


class Reply(Struct, frozen=True):
    """How a rider answered an offer, and how long after it came. A lapse has no answer."""

    answer: Literal["accept", "decline", "lapse"]
    after_ms: int


class Outcome(Struct, frozen=True):
    """What became of an order: delivered, cancelled, undeliverable, refused, or open where nothing is known of its end.
    `promised_ms` is the drop-off that its customer was promised (0: no promise)."""

    state: str = "open"
    ended_ms: int = 0
    promised_ms: int = 0


class Day(Struct, frozen=True):
    """Everything that a simulation needs. `pace` is what the rides took over what the node expected of them, measured
    on `paced` rides. `replies` and `silences` (from when, to when) are by rider; `begun_before` riders were on shift
    already when the journal began."""

    rules: DispatchOptions
    orders: tuple[Order, ...]
    shifts: tuple[Shift, ...]
    replies: dict[str, tuple[Reply, ...]]
    silences: dict[str, tuple[tuple[int, int], ...]]
    outcomes: dict[str, Outcome]
    pace: float
    paced: int
    begun_before: int

    def riders(self) -> list[str]:
        """Everybody with a shift, in the order in which the first ones began."""
        shifts = sorted(self.shifts, key=lambda shift: (shift.on_ms, shift.rider))
        return list(dict.fromkeys(shift.rider for shift in shifts))
