"""Riders on shift, what they hold and in which sequence, and when each will be free.

The table of positions is kept in step from here: it must know who can be offered something, and after a restart the
last place that an order's progress gave away stands in until a position comes.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from typing import Final

from msgspec import Struct, field

from ....messages.envelope import Client
from ...rounds import Deadlines
from ..lifecycle import AT_CUSTOMER, AT_SHOP, IN_BAG, PICKED_UP, RETURNING
from ..options import DispatchOptions
from ..travel.ride_times import Service, ride_s, slower
from . import duty
from .duty import Duty
from .fit import Employers, Limits, misfit, pace_of
from .orders import Order, Orders
from .positions import Positions

RIDERS_MAX: Final = 100_000
"""Riders known to a node."""


BEYOND_MAX: Final = 2
"""Orders more, or fewer, than a rider's share that count. What nobody near could make up for in time is not made up
for at the customers' cost."""

_SEQUENCE: Final = {AT_CUSTOMER: 0, PICKED_UP: 1, RETURNING: 2}
_FETCH: Final = 3
"""In which a rider goes on with what it holds."""


class Rider(Struct, array_like=True):
    """A rider on shift, or one who still holds an order. `free_ms` is when it expects to be free where `orders` is not
    empty, `lat`/`lon`/`place_ms` the shop or door where it last reported progress (`place_ms` 0: nowhere yet). While
    `moving` it follows advice, is not diverted, and is free at `lat`/`lon` at `free_ms`. `paused` is who has paused it:
    it gets nothing new. `paid` counts the orders of this shift that it has delivered, brought back or still holds;
    `duty_ms` is when the shift began, later by all breaks, and during a break how long it was at work. `off_ms` is the
    last moment at which it may fetch something (`duty.off_ms`), `silent_ms` since when it is `silent`."""

    id: Client
    capacity: int
    until_ms: int | None
    on: bool = True
    silent: bool = False
    orders: list[str] = []
    free_ms: int = 0
    lat: float = 0.0
    lon: float = 0.0
    place_ms: int = 0
    moving: bool = False
    paused: Client = ""
    paid: int = 0
    duty_ms: int = 0
    limits: Limits | None = None
    duty: Duty = field(default_factory=Duty)
    off_ms: int | None = None
    silent_ms: int = 0


class Riders:
    """Every rider that the node knows."""

    def __init__(self, positions: Positions) -> None:
        self.known: dict[str, Rider] = {}
        """Riders on shift, and those who still hold an order."""
        self.idle = 0
        """Riders on shift with nothing in hand."""
        self.timers = Deadlines()
        self.watched = 0
        """Riders on shift."""
        self.moving: dict[str, Rider] = {}
        """Riders who follow advice and are not diverted."""
        self._at_work = 0
        """Riders on shift who do not have a break; of these, the sums of `paid` and `duty_ms`."""
        self._paid = self._duty_ms = 0
        self._rules = DispatchOptions()
        self._employers = Employers({})
        self._limited: set[str] = set()
        """Riders with limits."""
        self._positions = positions
        self._by_free: list[tuple[int, str]] = []

    @property
    def selective(self) -> bool:
        """Whether not every rider can take every order."""
        return bool(self._limited or self._rules.own_riders)

    def fits(self, order: Order) -> Callable[[str], bool] | None:
        """Whether a rider can take the order, by its name; None where every one can."""
        if not self.selective:
            return None
        return lambda name: not self.misfit(order, self.known[name])

    def misfit(self, order: Order, rider: Rider) -> str:
        """Why the rider can take the order at no time, one of `fit.MISFITS`; empty where it can."""
        return misfit(order, rider, self._employers)

    def configure(self, rules: DispatchOptions) -> None:
        """Which riders are a shop's own, and how long all may work."""
        self._rules, self._employers = rules, Employers(rules.own_riders)
        for rider in self.known.values():
            if rider.on:
                self.set_duty(rider)

    def begin(self, rider: str, capacity: int, until_ms: int | None, now_ms: int, limits: Limits | None = None) -> None:
        """A shift begins, or its terms change."""
        known = self.known.get(rider)
        if known is None:
            known = self.known[rider] = Rider(rider, capacity, until_ms, on=False)
        if not known.on:
            known.paid, known.duty_ms = len(known.orders), now_ms
        known.capacity = capacity
        known.until_ms = until_ms
        known.duty.leaves = False
        if not known.on:
            known.duty = Duty(now_ms, now_ms)
        self._limit(known, limits)
        self.set_duty(known)
        self._positions.enter(rider, now_ms)
        self._turn(known, True)

    def move(self, rider: Rider, lat: float, lon: float, free_ms: int) -> None:
        """An idle rider rides to a place, and is not diverted on the way."""
        rider.lat, rider.lon, rider.free_ms, rider.moving = lat, lon, free_ms, True
        self.moving[rider.id] = rider
        self.idle -= 1
        self._positions.flag(rider.id, False, True)
        self._list(rider)

    def arrive(self, rider: Rider) -> None:
        """It is there, or gets an order before."""
        if rider.moving:
            self._unlist(rider)
            del self.moving[rider.id]
            rider.moving = False
            self.idle += rider.on
            self._positions.flag(rider.id, rider.on, rider.on)

    def set_duty(self, rider: Rider) -> None:
        """Its shift, its breaks, or the rules about them have changed."""
        rider.off_ms, turn_ms = duty.off_ms(rider, self._rules), duty.turn_ms(rider, self._rules)
        if turn_ms is None:
            self.timers.drop(rider.id)
        else:
            self.timers.set(rider.id, turn_ms)

    def pause(self, rider: Rider, by: str, now_ms: int) -> None:
        """Nothing new for the rider; where `by` is empty, offers again."""
        self.arrive(rider)
        if bool(by) is not bool(rider.paused):
            if by:
                self._count(rider, -1)
            rider.duty_ms = now_ms - rider.duty_ms
            if not by:
                self._count(rider, 1)
        self.idle -= rider.on and not rider.orders and not rider.paused
        rider.paused = by
        idle = rider.on and not rider.orders and not by
        self.idle += idle
        self._positions.flag(rider.id, idle, rider.on)

    def next_arrival_ms(self) -> int | None:
        """When the first of those who follow advice is there."""
        return min([rider.free_ms for rider in self.moving.values()]) if self.moving else None

    def end(self, rider: Rider, now_ms: int) -> None:
        """The shift is over, and with it a pause. What it has picked up it still holds."""
        self.pause(rider, "", now_ms)
        self.timers.drop(rider.id)
        self._turn(rider, False)
        self._forget(rider)

    def take(self, rider: Rider, order: str, before: str = "") -> None:
        """One more order, before another one where the rider still has that, else at the end of the sequence."""
        self.arrive(rider)
        held = rider.orders
        place = held.index(before) if before in held else len(held)
        self._load(rider, [*held[:place], order, *held[place:]] if held else [order])
        self._pay(rider, 1)

    def drop(self, rider: Rider, order: str, paid: bool = False) -> None:
        """One order less in hand; `paid`: the rider has done its work."""
        self._load(rider, [held for held in rider.orders if held != order])
        if not paid:
            self._pay(rider, -1)
        self._forget(rider)

    def sort(self, rider: Rider, orders: Orders) -> None:
        """What is in the bag comes before what is not, and what goes back to a shop after what goes to a door."""
        if len(rider.orders) > 1:
            rider.orders.sort(key=lambda held: _SEQUENCE.get(orders.open[held].state, _FETCH))

    def at(self, rider: Rider, lat: float, lon: float, now_ms: int) -> None:
        """Progress at a shop or a door shows where the rider is."""
        rider.lat, rider.lon, rider.place_ms = lat, lon, now_ms
        self._positions.put(rider.id, now_ms, lat, lon)

    def touch(self, rider: Rider, now_ms: int) -> None:
        """An event came from the rider."""
        rider.silent = False
        self._positions.touch(rider.id, now_ms)

    def mark_silent(self, rider: Rider, now_ms: int) -> None:
        """The rider was without contact for too long."""
        rider.silent, rider.silent_ms = True, now_ms
        self._positions.mark_silent(rider.id, now_ms)

    def fairness(self, fair_s: int, now_ms: int) -> Callable[[Rider], int]:
        """What one more order weighs against each rider, in seconds: `fair_s` for each paid order that it had in its
        time on shift beyond what all had in the same time in the mean; below 0, for it."""
        paid, worked_ms = self._paid, self._at_work * now_ms - self._duty_ms
        if not fair_s or worked_ms <= 0:
            return lambda _: 0

        def weigh(rider: Rider) -> int:
            if rider.paused:
                return 0
            above = rider.paid - paid * (now_ms - rider.duty_ms) / worked_ms
            return round(fair_s * (above if -BEYOND_MAX < above < BEYOND_MAX else math.copysign(BEYOND_MAX, above)))

        return weigh

    def soon_free(self, now_ms: int, within_s: int) -> list[Rider]:
        """Busy riders who expect to be free within that time, the earliest first."""
        end = bisect_left(self._by_free, (now_ms + within_s * 1000 + 1, ""))
        return [self.known[rider] for _, rider in self._by_free[:end]]

    def free_last(self, count: int) -> list[Rider]:
        """Busy riders, those who expect to be free last first: the same ones after a restart."""
        return [self.known[rider] for _, rider in self._by_free[: -count - 1 : -1]]

    def reschedule(self, rider: Rider, orders: Orders, rules: DispatchOptions, now_ms: int) -> None:
        """Works out anew when the rider reaches each stop of its sequence, and when it is free."""
        if not rider.orders:
            rider.free_ms = now_ms
            return
        free_ms, pace = now_ms, pace_of(rider, rules)
        if pace != 1.0:
            rules = slower(rules, pace)
        held = [orders.open[name] for name in rider.orders]
        service = Service(rules)
        before: Order | None = None
        for index, order in enumerate(held):
            if order.state is AT_CUSTOMER:
                order.dropoff_ms = max(order.entered_ms + service.before_dropoff, now_ms)
            elif order.state in IN_BAG:
                leave_ms = max(order.pickup_ms, free_ms - service.after_pickup)
                order.dropoff_ms = max(service.dropoff_ms(leave_ms, math.ceil(order.ride_s * pace)), now_ms)
                if before is not None:
                    order.dropoff_ms = max(_next_door_ms(before, order, free_ms, rules), now_ms)
            elif before is not None and same_pickup(before, order):
                # Fetched with the one before: the first of the trip has worked out when, for all of it.
                order.arrive_ms, order.pickup_ms = before.arrive_ms, before.pickup_ms
                order.dropoff_ms = _next_door_ms(before, order, free_ms, rules)
            else:
                if before is not None:
                    hop = ride_s(before.dropoff_lat, before.dropoff_lon, order.pickup_lat, order.pickup_lon, rules)
                    order.arrive_ms = free_ms + hop * 1000
                elif order.state is not AT_SHOP:
                    order.arrive_ms = max(order.arrive_ms, now_ms)
                ready_ms = order.ready_ms
                if len(held) > index + 1:
                    for mate in takewhile(partial(same_pickup, order), held[index + 1 :]):
                        ready_ms = max(ready_ms, mate.ready_ms)
                        if mate.state is AT_SHOP:
                            order.arrive_ms = mate.arrive_ms
                order.pickup_ms = max(order.arrive_ms + service.before_pickup, ready_ms, now_ms)
                order.dropoff_ms = service.dropoff_ms(order.pickup_ms, math.ceil(order.ride_s * pace))
            free_ms = order.dropoff_ms + service.after_dropoff
            before = order
        if free_ms != rider.free_ms:
            self._unlist(rider)
            rider.free_ms = free_ms
            self._list(rider)

    def restore(self, riders: list[Rider]) -> None:
        """From a snapshot. The table keeps what it knows of riders who are still there."""
        staying = {rider.id for rider in riders}
        for name in self.known:
            if name not in staying:
                self._positions.leave(name)
        self.known = {}
        self.moving = {}
        self._limited = {rider.id for rider in riders if rider.limits is not None}
        self.idle = self.watched = self._at_work = self._paid = self._duty_ms = 0
        self.timers = Deadlines()
        self._by_free = []
        for rider in riders:
            self.known[rider.id] = rider
            on, rider.on = rider.on, False
            self._positions.enter(rider.id, rider.place_ms)
            self._turn(rider, on)
            self._list(rider)
            if rider.moving:
                rider.moving = False
                self.move(rider, rider.lat, rider.lon, rider.free_ms)
            if rider.place_ms:
                self._positions.put(rider.id, rider.place_ms, rider.lat, rider.lon)
            if rider.silent:
                self._positions.mark_silent(rider.id, rider.silent_ms)
            if on:
                self.set_duty(rider)

    def _turn(self, rider: Rider, on: bool) -> None:
        """On shift, or no longer."""
        self.idle -= rider.on and not rider.orders and not rider.paused
        self.watched += on - rider.on
        if on is not rider.on and not rider.paused:
            self._count(rider, on - rider.on)
        rider.on = on
        idle = on and not rider.orders and not rider.paused
        self.idle += idle
        self._positions.flag(rider.id, idle, on)

    def _count(self, rider: Rider, sign: int) -> None:
        self._at_work += sign
        self._paid += sign * rider.paid
        self._duty_ms += sign * rider.duty_ms

    def _pay(self, rider: Rider, orders: int) -> None:
        rider.paid += orders
        if rider.on and not rider.paused:
            self._paid += orders

    def _load(self, rider: Rider, orders: list[str]) -> None:
        """Other orders in hand."""
        had, has = bool(rider.orders), bool(orders)
        if had and not has:
            self._unlist(rider)
        rider.orders = orders
        if has and not had:
            self._list(rider)
        if has is not had:
            free = rider.on and not rider.paused
            self.idle += free * (had - has)
            self._positions.flag(rider.id, free and had, rider.on)

    def _limit(self, rider: Rider, limits: Limits | None) -> None:
        rider.limits = limits
        if limits is None:
            self._limited.discard(rider.id)
        else:
            self._limited.add(rider.id)

    def _list(self, rider: Rider) -> None:
        if rider.orders or rider.moving:
            insort(self._by_free, (rider.free_ms, rider.id))

    def _unlist(self, rider: Rider) -> None:
        entry = rider.free_ms, rider.id
        index = bisect_left(self._by_free, entry)
        if index < len(self._by_free) and self._by_free[index] == entry:
            del self._by_free[index]

    def _forget(self, rider: Rider) -> None:
        if not rider.on and not rider.orders:
            self._positions.leave(rider.id)
            del self.known[rider.id]
            self._limited.discard(rider.id)


def same_pickup(one: Order, other: Order) -> bool:
    """Whether a rider fetches both at once: at the same shop, and neither is in its bag yet."""
    waits = one.state not in IN_BAG and other.state not in IN_BAG
    return waits and (one.pickup_lat, one.pickup_lon) == (other.pickup_lat, other.pickup_lon)


def _next_door_ms(before: Order, order: Order, free_ms: int, rules: DispatchOptions) -> int:
    """When the order is at its door, straight from the door before."""
    hop = ride_s(before.dropoff_lat, before.dropoff_lon, order.dropoff_lat, order.dropoff_lon, rules)
    return free_ms + hop * 1000 + Service(rules).before_dropoff
