"""The candidates for an order: which riders could take it, when, and at what cost.

Candidates are idle riders, of whom the sensor returns seconds of travel but no place, and busy riders who will soon be
free at a door that the node knows from their orders. The parts of the cost, in whole seconds:

    food_waits    from the earliest possible pickup to the pickup
    travel        a quarter of the rider's ride to the shop
    rider_waits   an eighth of the rider's wait at the shop
    uncertain     a tenth of the age of the position, or of the time until the rider is free
    change        a constant where the order is planned for another rider, so that plans are stable
    fairness      `fair_s` for each paid order that the rider had beyond its share; below 0 where it had fewer
    vehicle       by how much the ride to the door takes longer than usual with what the rider rides; or shorter

For an order that is fetched together with others, these count:

    food_waits    the delay of the order against its earliest drop-off, the doors before its own included
    others_wait   the sum of the delays of the others
    fairness      as above
"""

import math
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final

import numpy as np
from msgspec import Struct

from ..lifecycle import OFFERED
from ..options import DispatchOptions
from ..records import Candidate, RiderDistance
from ..state.fit import has_room, in_words, pace_of
from ..state.orders import Order, Orders, Override
from ..state.riders import Rider, Riders
from ..state.sensor import Sensor
from ..travel.ride_times import Place, Service, ride_s, rides_s

CANDIDATES_MAX: Final = 12
"""Riders weighed up for one order: nearer ones leave little to gain from those farther away."""

CANDIDATES_RECORDED: Final = 5
"""Candidates kept in a row for each decision: the chosen one, and what it was compared with."""

FEW: Final = 64
"""Pairs of order and busy rider, up to which a table costs more than it saves."""

CHANGE_S: Final = 60
"""What it costs to take an order from the rider for whom it is planned."""


class CandidateCost(Struct):
    """One rider for one order. `offer`: it goes out now; otherwise it is a plan. `bundle`: orders that the rider has
    accepted already and fetches at the same time; `others_wait` is the sum of their delays."""

    rider: str
    travel_s: int
    age_s: int
    free_in_s: int
    pickup_ms: int
    dropoff_ms: int
    food_waits: int
    rider_waits: int
    change: int
    total: int
    offer: bool
    bundle: tuple[str, ...] = ()
    others_wait: int = 0
    fairness: int = 0
    before: str = ""
    """The order of the bundle whose door comes next; empty: it comes last."""
    slower_s: int = 0

    def candidate(self, behind_ms: int) -> Candidate:
        """For the record. `behind_ms` is how far the monotonic clock is behind the wall clock."""
        cost: dict[str, int] = {}
        if self.food_waits:
            cost["food_waits"] = self.food_waits
        if self.travel_s >= 4 and not self.bundle:
            cost["travel"] = self.travel_s // 4
        if self.rider_waits >= 8:
            cost["rider_waits"] = self.rider_waits // 8
        if self.others_wait:
            cost["others_wait"] = self.others_wait
        if self.age_s + self.free_in_s >= 10:
            cost["uncertain"] = (self.age_s + self.free_in_s) // 10
        if self.fairness:
            cost["fairness"] = self.fairness
        if self.change:
            cost["change"] = self.change
        if self.slower_s and not self.bundle:
            cost["vehicle"] = self.slower_s
        return Candidate(
            self.rider,
            self.travel_s,
            self.age_s,
            self.free_in_s,
            self.pickup_ms + behind_ms,
            self.dropoff_ms + behind_ms,
            cost,
        )


RANK: Final = attrgetter("total", "rider")
"""The sort key of options: the cheapest first, ties by name."""


def candidates_for(
    due: Sequence[Order], orders: Orders, riders: Riders, rules: DispatchOptions, sensor: Sensor, now_ms: int
) -> tuple[list[list[CandidateCost]], int]:
    """For each order the riders who can take it, the cheapest first: at most CANDIDATES_MAX of the idle ones near it
    and of the busy ones together. And how many busy riders will soon be free."""
    free, busy = _busy(due, orders, riders, rules, now_ms)
    found: list[list[CandidateCost]] = []
    for order, soon in zip(due, busy, strict=True):
        seen: list[RiderDistance] = []
        if order.override is not None:
            seen, soon = _pinned(order, order.override.rider, orders, riders, rules, sensor, now_ms)
        elif riders.idle:
            seen = sensor.nearest(
                order.id, order.pickup_lat, order.pickup_lon, CANDIDATES_MAX, now_ms, riders.fits(order)
            )
        found.append(costs(order, seen, soon, orders, riders, rules, now_ms))
    return found, free


def _busy(
    due: Sequence[Order], orders: Orders, riders: Riders, rules: DispatchOptions, now_ms: int
) -> tuple[int, list[list[tuple[Rider, int, int]]]]:
    """How many busy riders will soon be free, and for each order those who can be first at its shop, with seconds of
    travel from their last door and until free."""
    busy: list[Rider] = []
    free_s: list[int] = []
    doors: list[Place] = []
    opened = orders.open
    for rider in riders.soon_free(now_ms, rules.soon_free_s):
        # Offers come last in a sequence, so the last order alone excludes most riders who have not answered.
        if rider.moving:
            busy.append(rider)
            doors.append((rider.lat, rider.lon))
            free_s.append(max(0, -(-(rider.free_ms - now_ms) // 1000)))
            continue
        last = opened[rider.orders[-1]]
        if last.state is OFFERED or not rider.on or rider.silent or rider.paused:
            continue
        if any(opened[name].state is OFFERED for name in rider.orders):
            continue
        busy.append(rider)
        doors.append((last.dropoff_lat, last.dropoff_lon))
        free_s.append(max(0, -(-(rider.free_ms - now_ms) // 1000)))
    if not busy:
        return 0, [[]] * len(due)
    if len(due) * len(busy) <= FEW:
        return len(busy), [_first(order, busy, free_s, doors, rules) for order in due]
    rides = rides_s([(order.pickup_lat, order.pickup_lon) for order in due], doors, rules)
    first = np.argsort(rides + free_s, axis=1, kind="stable")[:, :CANDIDATES_MAX]
    near: list[list[float]] = np.take_along_axis(rides, first, axis=1).tolist()
    return len(busy), [
        [(busy[index], int(ride), free_s[index]) for index, ride in zip(picks, row, strict=True)]
        for picks, row in zip(first.tolist(), near, strict=True)
    ]


def _first(
    order: Order, busy: Sequence[Rider], free_s: Sequence[int], doors: Sequence[Place], rules: DispatchOptions
) -> list[tuple[Rider, int, int]]:
    """The same for one order, without tables: dearer for each rider, cheaper for a few."""
    lat, lon = order.pickup_lat, order.pickup_lon
    rides = [ride_s(lat, lon, *door, rules) for door in doors]
    first = sorted(range(len(busy)), key=lambda index: rides[index] + free_s[index])[:CANDIDATES_MAX]
    return [(busy[index], rides[index], free_s[index]) for index in first]


def _pinned(
    order: Order, name: str, orders: Orders, riders: Riders, rules: DispatchOptions, sensor: Sensor, now_ms: int
) -> tuple[list[RiderDistance], list[tuple[Rider, int, int]]]:
    """The only rider who may have the order, as an idle or a busy one; in neither list where it can take none now."""
    rider, shop = riders.known.get(name), (order.pickup_lat, order.pickup_lon)
    if rider is None or not rider.on or rider.silent or rider.paused:
        return [], []
    if not rider.orders:
        return sensor.ride(order.id, name, *shop, now_ms), []
    last = orders.open[rider.orders[-1]]
    if any(orders.open[held].state is OFFERED for held in rider.orders):
        return [], []
    free_in_s = max(0, -(-(rider.free_ms - now_ms) // 1000))
    return [], [(rider, ride_s(last.dropoff_lat, last.dropoff_lon, *shop, rules), free_in_s)]


def costs(
    order: Order,
    seen: Sequence[RiderDistance],
    busy: Sequence[tuple[Rider, int, int]],
    orders: Orders,
    riders: Riders,
    rules: DispatchOptions,
    now_ms: int,
) -> list[CandidateCost]:
    """The riders as options, the cheapest first. Those who declined the order, cannot take it, or whose shift or work
    ends before the pickup, are left out."""
    known, service, fits = riders.known, Service(rules), riders.fits(order)
    ways = [(one.rider, one.travel_s, one.age_s, 0) for one in seen]
    if busy:
        ways += [(rider.id, travel_s, 0, free_in_s) for rider, travel_s, free_in_s in busy]
    if fits is not None:
        ways = [
            (name, math.ceil(travel_s * pace_of(known[name], rules)), age_s, free_in_s)
            for name, travel_s, age_s, free_in_s in ways
            if fits(name)
        ]
    excluded, plan, ready_ms = order.excluded, order.plan, order.ready_ms
    soonest_ms = max(now_ms, ready_ms)
    before_ms = service.before_pickup
    first_ms = now_ms + before_ms
    onwards_ms = service.dropoff_ms(0, order.ride_s)
    due_ms = now_ms + rules.offer_ahead_s * 1000 + before_ms
    fairness_s = riders.fairness(rules.fair_s, now_ms)
    found: list[CandidateCost] = []
    for name, travel_s, age_s, free_in_s in ways:
        rider = known[name]
        pickup_ms = first_ms + (free_in_s + travel_s) * 1000
        rider_waits = 0
        if pickup_ms < ready_ms:
            rider_waits = (ready_ms - pickup_ms) // 1000
            pickup_ms = ready_ms
        if rider.off_ms is not None and pickup_ms > rider.off_ms:
            continue
        if excluded and excluded.get(name, 0) > now_ms:
            continue
        food_waits = (pickup_ms - soonest_ms) // 1000
        change = CHANGE_S if plan and plan != name else 0
        fairness = fairness_s(rider)
        found.append(
            CandidateCost(
                name,
                travel_s,
                age_s,
                free_in_s,
                pickup_ms,
                pickup_ms + onwards_ms,
                food_waits,
                rider_waits,
                change,
                food_waits + travel_s // 4 + rider_waits // 8 + (age_s + free_in_s) // 10 + change + fairness,
                pickup_ms - travel_s * 1000 <= due_ms and len(rider.orders) < rider.capacity,
                fairness=fairness,
            )
        )
    if fits is not None:
        for option in found:
            rider = known[option.rider]
            option.slower_s = math.ceil(order.ride_s * pace_of(rider, rules)) - order.ride_s
            option.dropoff_ms += option.slower_s * 1000
            option.total += option.slower_s
            option.offer = option.offer and has_room(rider, order, orders.open)
    found.sort(key=RANK)
    return found[:CANDIDATES_MAX]


def must_leave(leave_ms: int, now_ms: int, rules: DispatchOptions) -> bool:
    """Whether the offer must go out now, `offer_ahead_s` before the departure, so that the rider can read and answer
    it. Until then the plan may improve, and the rider stays free for other orders."""
    return leave_ms <= now_ms + rules.offer_ahead_s * 1000


# -- in words ----------------------------------------------------------------------------------------------------------


def why_rider(chosen: CandidateCost, options: Sequence[CandidateCost], serves: Mapping[str, str], now_ms: int) -> str:
    """Why this rider takes the order. `serves` is the order that each rider got in the round."""
    pickup = duration((chosen.pickup_ms - now_ms) // 1000)
    dropoff = duration((chosen.dropoff_ms - now_ms) // 1000)
    free = f", free in {duration(chosen.free_in_s)}," if chosen.free_in_s else ""
    together = f" fetches it together with {_and(chosen.bundle)}: it" if chosen.bundle else ""
    times = f"can pick up in {pickup} and drop off in {dropoff}"
    start = f"{chosen.rider}{free}{together} {times} at a cost of {chosen.total} s"
    other = next((option for option in options if option.rider != chosen.rider), None)
    if other is None:
        return f"{start}; nobody else could take it."
    sooner = min(options, key=lambda option: option.total - option.fairness)
    if sooner.total >= chosen.total and sooner.total - sooner.fairness < chosen.total - chosen.fairness:
        return (
            f"{start}; without fairness {sooner.rider} would cost {sooner.total - sooner.fairness} s, "
            f"but it had more orders for its time on shift than {chosen.rider}."
        )
    if other.total >= chosen.total:
        return f"{start}; the next best, {other.rider}, costs {other.total} s."
    if other.rider in serves:
        return f"{start}; {other.rider} would cost {other.total} s, but serves {serves[other.rider]} better."
    return f"{start}; {other.rider} would cost {other.total} s, but the round as a whole is served better this way."


def why_moved(chosen: CandidateCost, before: str, gain_s: int, now_ms: int) -> str:
    """Why an accepted order goes to another rider."""
    pickup = duration((chosen.pickup_ms - now_ms) // 1000)
    return (
        f"{chosen.rider} can pick up in {pickup}; {before}, who has accepted it and is held up, "
        f"would be at the door {duration(gain_s)} later."
    )


def why_nobody(options: Sequence[CandidateCost], serves: Mapping[str, str], idle: int, busy: int) -> str:
    """Why nobody takes the order now."""
    if options:
        best = options[0]
        instead = f" {best.rider}, the best of them, serves {serves[best.rider]}." if best.rider in serves else ""
        return f"{_riders(len(options))} could take it, but other orders need them more.{instead}"
    if idle + busy == 0:
        return "No rider is free, and none will be soon."
    return (
        f"Of {_riders(idle)} free and {busy} soon free, none is near enough, recently seen, "
        f"on shift until the pickup and not excluded by an earlier answer."
    )


def why_misfit(order: Order, riders: Riders) -> str:
    """Which riders on shift cannot take the order in any case; empty where all can."""
    if riders.fits(order) is None:
        return ""
    misfits = in_words(riders.misfit(order, rider) for rider in riders.known.values() if rider.on)
    return f" It is {misfits} of the riders on shift." if misfits else ""


def why_pinned(override: Override) -> str:
    """Why a pinned order waits."""
    return f"{override.by} has pinned it to {override.rider}, who cannot take it now."


def why_later(ahead_s: int) -> str:
    """Why an order for later is not offered yet."""
    return f"It is ready in {duration(ahead_s)}: too early to bind a rider."


def duration(seconds: int) -> str:
    """Hours, minutes and seconds, without the parts that are nothing."""
    if seconds < 60:
        return f"{max(0, seconds)} s"
    minutes, left = divmod(seconds, 60)
    end = f" {left} s" if left else ""
    if minutes < 60:
        return f"{minutes} min{end}"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min{end}" if rest else f"{hours} h{end}"


def _riders(count: int) -> str:
    return "1 rider" if count == 1 else f"{count} riders"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
