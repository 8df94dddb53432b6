"""The node's own dispatch on the strict track: the scenario that runs in a node, with its rounds, offers and timers.

Nothing is decided here. News become the events that phones would send, in the same minute; who is offered an order
accepts at once. Metres of the instance become degrees near the equator, minutes become milliseconds, and the node's
options are those of the track: straight rides at the instance's speed, its service times, no silence, no refusals.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from msgspec import structs

from edge.core.model import Event, Now
from edge.messages import envelope
from edge.scenarios.dispatch.messages.catalog import Durable
from edge.scenarios.dispatch.messages.down import Advice, Assignment
from edge.scenarios.dispatch.messages.up import (
    ORDERS_PER_RIDER_MAX,
    KitchenDelay,
    KitchenReady,
    OrderPlace,
    RiderPosition,
    RiderProgress,
    RiderReply,
    RiderShift,
)
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.travel.ride_times import METRES_PER_DEG

from ...driver import Driver
from .policy import (
    Assign,
    Change,
    Day,
    Decision,
    Declined,
    Free,
    GaveUp,
    Known,
    News,
    PickedUp,
    Place,
    Placed,
    Ready,
    Reposition,
    Wake,
)

ZERO_MS: Final = 1_767_225_600_000
"""The wall clock at minute 0 of a day."""

ORIGIN_DEG: Final = 1.0
"""Longitude of an instance's origin, on the equator, where a degree is as long both ways: not 0, 0, which is what a
phone without a fix sends."""

NO_CHANGES: Final[Mapping[str, Any]] = MappingProxyType({})

ROUNDS_MAX: Final = 100
"""In one minute: offers, their acceptances, and what follows from those."""


def point(place: Place) -> envelope.Place:
    """Metres east and north as degrees."""
    x, y = place
    return envelope.Place(y / METRES_PER_DEG, ORIGIN_DEG + x / METRES_PER_DEG)


def options(day: Day) -> DispatchOptions:
    """The track's rules as a node's options."""
    parameters = day.parameters
    return DispatchOptions(
        # A hair faster, so that a ride of so many whole minutes is not a hair, and then a minute, longer.
        speed_mps=parameters.metres_per_minute / 60 * (1 + 1e-9),
        detour_factor=1.0,
        ride_step_s=60,
        divert=False,
        pickup_service_s=parameters.pickup_service * 60,
        dropoff_service_s=parameters.dropoff_service * 60,
        offer_ahead_s=0,
        reassign_gain_s=0,  # who has left for a shop fetches something there
        silent_s=7200,
        late_s=24 * 3600,
        give_up_s=24 * 3600,
        position_age_s_max=7200,
        radius_m_max=500_000,
        learn_times=False,
        orders_per_customer_max=10_000,
        orders_per_shop_max=10_000,
    )


class Doorstep:
    """One day of a node that knows nothing before it, with these `changes` of its options. With `every`, it takes news
    at multiples only, but of a pickup at once: its shift's end would otherwise come first."""

    def __init__(
        self,
        day: Day,
        every: int = 1,
        changes: Mapping[str, Any] = NO_CHANGES,
        driver: Callable[[DispatchOptions], Driver] = Driver,
    ) -> None:
        self.day = day
        self.every = every
        self.driver = driver(structs.replace(options(day), **changes))
        self.dispatch = self.driver.dispatch
        self.places: dict[str, Place] = {}
        """Of couriers on shift who are not under way."""
        self.trips: dict[str, tuple[str, ...]] = {}
        """What each courier is on its way to fetch, in the node's sequence."""
        self.arrives: dict[str, int] = {}
        """When each courier is at the restaurant, by the latest trip."""
        self.bags: dict[str, tuple[str, ...]] = {}
        self.known: dict[str, Known] = {}
        self.advice: dict[str, str] = {}
        """Of couriers whose shift begins in this minute: the restaurant near which the node would have them."""
        self.late: set[str] = set()
        """Orders that are estimated, and not ready yet."""
        self.woken = -1
        self._ids = 0
        self._sent: list[Event] = []

    def decide(self, now: int, news: Sequence[News]) -> Sequence[Decision]:
        """What the node decides of it, as the track's decisions."""
        for item in news:
            self._learn(now, item)
        if now % self.every and not any(isinstance(item, PickedUp) for item in news):
            return self._wake(now)
        for name in self.late:
            if now >= self.known[name].ready:
                delay = KitchenDelay(**self._head(now), order=name, ready_at=_ms(now + 1))
                self._send(self.known[name].restaurant, delay)
        for courier, place in self.places.items():
            at = point(place)
            self.driver.observe(courier, RiderPosition(points=[(_ms(now), at.lat, at.lon)]), _now(now))
        for _ in range(ROUNDS_MAX):
            self._round(now)
            deadline = self.dispatch.next_deadline()
            if not self._sent and (deadline is None or deadline > now * 60):
                break
        decisions = [*self._moves(), *self._changes(now)]
        while self._sent:  # somebody's shift ends before a pickup: the order goes to others
            self._round(now)
            decisions += self._changes(now)
        return [*decisions, *self._wake(now)]

    def promise(self, order: str) -> tuple[int, float] | None:
        """What the node promised."""
        found = self.dispatch.state.orders.open.get(order)
        if found is None or not found.promised_at:
            return None
        minute = -(-(found.promised_at - ZERO_MS) // 60_000)  # the track has whole ones
        return minute, self.dispatch.promise(found).confidence

    # -- news --------------------------------------------------------------------------------------------------------

    def _learn(self, now: int, item: News) -> None:
        match item:
            case Placed(order):
                self._placed(now, order)
            case Ready(name) if name in self.late:
                self.late.discard(name)
                self._send(self.known[name].restaurant, KitchenReady(**self._head(now), order=name))
            case Free(courier, place):
                self._free(now, courier, place)
            case PickedUp(courier, orders, _):
                self.bags[courier] = orders
                del self.trips[courier]
                for name in orders:
                    self.late.discard(name)
                    self._send(courier, RiderProgress(**self._head(now), order=name, step="picked_up"))
            case GaveUp(courier, _):
                self.trips.pop(courier, None)
                self._send(courier, RiderShift(**self._head(now), on=False))
            case Declined(courier, orders, _):
                self.trips.pop(courier, None)
                for name in orders:
                    offer = self.dispatch.state.orders.open[name].offer
                    self._send(courier, RiderReply(**self._head(now), order=name, offer=offer, accept=False))
            case _:
                pass

    def _placed(self, now: int, order: Known) -> None:
        self.known[order.name] = order
        if order.estimated:
            self.late.add(order.name)
        body = OrderPlace(
            **self._head(now),
            order=order.name,
            shop=order.restaurant,
            pickup=point(self.day.site(order.restaurant)),
            dropoff=point(order.place),
            ready_at=_ms(order.ready),
        )
        self._send(f"customer-{order.name}", body)

    def _free(self, now: int, courier: str, place: Place) -> None:
        """Home from the last door; or the shift begins."""
        for name in self.bags.pop(courier, ()):
            self._send(courier, RiderProgress(**self._head(now), order=name, step="delivered"))
        if courier not in self.dispatch.state.riders.known:
            # A pickup in the last minute of the shift is allowed.
            until = _ms(self.day.couriers[courier].off) + 30_000
            capacity = ORDERS_PER_RIDER_MAX
            self._send(courier, RiderShift(**self._head(now), on=True, capacity=capacity, until=until))
        self.places[courier] = place

    def _head(self, now: int) -> dict[str, Any]:
        self._ids += 1
        return {"id": f"e-{self._ids}", "at": _ms(now)}

    def _send(self, client: str, body: Durable) -> None:
        self._sent.append(Event(client, body, shop=client))

    # -- decisions ---------------------------------------------------------------------------------------------------

    def _round(self, minute: int) -> None:
        """One round of the node. Offers are accepted in the next one."""
        events, self._sent = self._sent, []
        for courier, body in self.driver.round(events, _now(minute))[1]:
            if isinstance(body, Advice) and self.day.couriers[courier].on == minute and courier in self.places:
                self.advice[courier] = body.shop
            if isinstance(body, Assignment) and body.state == "offered":
                head = self._head(minute)
                accept = self._can_join(courier, body.order)
                self._send(courier, RiderReply(**head, order=body.order, offer=body.offer, accept=accept))

    def _moves(self) -> list[Decision]:
        """Advice at the start of a shift is followed, where nothing has come in between. On the way a courier cannot be
        diverted, which the node knows (`divert`)."""
        decisions: list[Decision] = []
        for courier, shop in self.advice.items():
            if not self.dispatch.state.riders.known[courier].orders:
                del self.places[courier]
                decisions.append(Reposition(courier, shop))
        self.advice = {}
        return decisions

    def _changes(self, now: int) -> list[Decision]:
        """Who leaves for its next trip, and which trips under way have changed. A courier who is offered an order a
        moment before it is free goes when it is."""
        decisions: list[Decision] = []
        changed: list[tuple[str, tuple[str, ...]]] = []
        for courier, rider in self.dispatch.state.riders.known.items():
            bag = self.bags.get(courier, ())
            held = [self.known[name] for name in rider.orders if name not in bag]
            trip = tuple(order.name for order in held if order.restaurant == held[0].restaurant)
            before = self.trips.get(courier)
            if not trip or trip == before or (before is None and courier not in self.places):
                continue
            if before is None and not self._in_time(now, courier, trip):
                self._send(courier, RiderShift(**self._head(now), on=False))
                continue
            self.trips[courier] = trip
            if before is None:
                site = self.day.site(held[0].restaurant)
                self.arrives[courier] = now + self.day.travel(self.places.pop(courier), site)
                decisions.append(Assign(courier, trip))
            else:
                changed.append((courier, trip))
        return [*([Change(tuple(changed))] if changed else []), *decisions]

    def _can_join(self, courier: str, order: str) -> bool:
        """Whether a courier under way can still pick it up within its shift, by whole minutes; on its shop depends
        nothing else."""
        if courier not in self.trips or order in self.late:
            return True
        pickup = max(self.arrives[courier] + self.day.before_pickup, self.known[order].ready)
        return pickup <= self.day.couriers[courier].off

    def _in_time(self, now: int, courier: str, trip: tuple[str, ...]) -> bool:
        """Whether the pickup is within the shift by the track's whole minutes. The node knows seconds."""
        day = self.day
        arrives = now + day.travel(self.places[courier], day.site(self.known[trip[0]].restaurant))
        ready = [self.known[name].ready for name in trip if name not in self.late]
        return max([arrives + day.before_pickup, *ready]) <= day.couriers[courier].off

    def _wake(self, now: int) -> list[Decision]:
        """At the node's next deadline; while an order waits, in each minute."""
        deadline = self.dispatch.next_deadline()
        waits = bool(self.dispatch.state.orders.waiting) or bool(self.late) or bool(self._sent)
        if deadline is None and not waits:
            return []
        at = now + 1 if waits or deadline is None else max(now + 1, math.ceil(deadline / 60))
        at += -at % self.every
        if now < self.woken <= at:
            return []
        self.woken = at
        return [Wake(at)]


def _ms(minute: int) -> int:
    return ZERO_MS + minute * 60_000


def _now(minute: int) -> Now:
    return Now(minute * 60.0, _ms(minute))
