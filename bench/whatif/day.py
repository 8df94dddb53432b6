"""A recorded day: what customers, riders and kitchens did, and the outcome of each order.

Times are Unix milliseconds, as the node's wall clock labelled its rounds; they never run backwards here. Places are
(latitude, longitude) in the node's coordinate system.
"""

from typing import Any, Literal

from msgspec import Struct

from edge.scenarios.dispatch.messages.overrides import OrderReschedule, RiderPause, RiderResume
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.times.messages import DropoffPromise

from ..job import Place


class Order(Struct):
    """An order. `expected_ms` is the ready time stated when it was placed (0: none), `delays` the kitchen's later
    estimates (when sent, ready when), `ready_ms` the actual time; `announced`: the kitchen sent `kitchen.ready`.
    `cancelled_ms` is 0 where nobody cancelled it. `terms` are further fields of its `order.place`."""

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
    terms: dict[str, Any] = {}


class Shift(Struct, frozen=True):
    """A rider's shift. `until_ms` is its planned end (None: there was none), `off_ms` its actual end (None: not in the
    journal). `start` is an estimate: see `recording`. `limits` are further fields of its `rider.shift`."""

    rider: str
    capacity: int
    on_ms: int
    until_ms: int | None
    off_ms: int | None
    start: Place
    limits: dict[str, Any] = {}


class Reply(Struct, frozen=True):
    """A rider's reply to an offer, and its delay. A lapse is an offer without a reply."""

    answer: Literal["accept", "decline", "lapse"]
    after_ms: int


class Request(Struct, frozen=True):
    """A break of a rider, or other times of an order: by whom, and when the node got it."""

    at_ms: int
    client: str
    body: RiderPause | RiderResume | OrderReschedule


class Outcome(Struct, frozen=True):
    """The outcome of an order: delivered, returned, cancelled, undeliverable, refused, or open where its end is not in
    the journal. `promised_ms` is the promised drop-off (0: no promise). Simulated ones have the whole promise, too, and
    whether the node had learned of the shop when it was made."""

    state: str = "open"
    ended_ms: int = 0
    promised_ms: int = 0
    promise: DropoffPromise | None = None
    shop_seen: bool = False


class Day(Struct, frozen=True):
    """The input of a simulation. `pace` is the ratio of the actual to the expected duration of rides, measured on
    `paced` rides. `replies` and `silences` (begin, end) are by rider; `begun_before` riders were on shift already when
    the journal began. Riders report their place every `position_s`, off by the next of their `errors` (degrees); where
    `fresh` also with everything that they send."""

    rules: DispatchOptions
    orders: tuple[Order, ...]
    shifts: tuple[Shift, ...]
    replies: dict[str, tuple[Reply, ...]]
    silences: dict[str, tuple[tuple[int, int], ...]]
    outcomes: dict[str, Outcome]
    pace: float
    paced: int
    begun_before: int
    position_s: int = 30
    fresh: bool = True
    errors: dict[str, tuple[Place, ...]] = {}
    requests: tuple[Request, ...] = ()

    def riders(self) -> list[str]:
        """Everybody with a shift, in the order in which the first ones began."""
        shifts = sorted(self.shifts, key=lambda shift: (shift.on_ms, shift.rider))
        return list(dict.fromkeys(shift.rider for shift in shifts))
