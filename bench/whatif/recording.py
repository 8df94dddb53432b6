"""Reads a day from the rows of a journal. Positions are in no row, so the start of a shift is estimated:

The first decision with the rider as a candidate in its shift recorded the seconds of travel to a shop. The start is at
that distance from the shop, towards the middle of the district (the mean of all pickups): the first ride has the right
length in an arbitrary direction. A rider without such a decision starts at the first shop or door that it reported, or
in the middle. No attempt is made to reconstruct where a rider really was.
"""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from edge.core.model import Configure, Row, Rules
from edge.scenarios.dispatch.messages.catalog import NAME
from edge.scenarios.dispatch.messages.down import Assignment
from edge.scenarios.dispatch.messages.overrides import OrderReschedule, RiderPause, RiderResume
from edge.scenarios.dispatch.messages.up import (
    KitchenDelay,
    KitchenReady,
    OrderCancel,
    OrderPlace,
    RiderProgress,
    RiderReply,
    RiderShift,
)
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.records import NearestObservation, Observation, SilentRiders, record_in
from edge.scenarios.dispatch.travel.ride_times import METRES_PER_DEG, Service, ride_s

from ..rows import Decided, assignments, decided, updates
from .day import Day, Order, Outcome, Place, Reply, Request, Shift

PACED_MIN: Final = 5
"""The least number of rides to measure the pace on; with fewer it is 1."""

_TERMS: Final = ("pickup_by", "dropoff_from", "dropoff_by", "max_bag_s", "load", "priority")
_LIMITS: Final = ("load_limit", "vehicle", "shops", "zone")
"""Fields that a simulated order, or shift, has as they were. (A code at the door is known to its owner alone.)"""

_AT_DOOR: Final = ("at_customer", "delivered", "failed")
"""Steps that show where a rider is: at a door. The others, at a shop."""

FOREVER_MS: Final = 1 << 53
"""The end of an interval that does not end in the journal."""


class _Rider(Struct):
    """`shift` is the index of the current one, -1 before the first; `held` are the accepted orders; `bag` the carried
    ones, and whether each was alone all the way; `offers` those not answered yet (when sent, answer by)."""

    shift: int = -1
    held: dict[str, None] = {}
    bag: dict[str, bool] = {}
    offers: dict[int, tuple[int, int]] = {}
    replies: list[tuple[int, Reply]] = []
    silences: list[tuple[int, int]] = []
    silent_ms: int = 0


class _Shift(Struct):
    rider: str
    capacity: int
    on_ms: int
    until_ms: int | None
    off_ms: int | None = None
    limits: dict[str, Any] = {}
    assumed: bool = False
    seen: tuple[Place, int] | None = None
    reported: Place | None = None


class Recording:
    """Feed it every row of a journal in order, then ask for the day. `rules` are those of the snapshot before the first
    row, if there is one."""

    def __init__(self, rules: Rules | None = None) -> None:
        self._rules = _options(rules)
        self._now_ms = 0
        self._begun_ms = 0
        self._orders: dict[str, Order] = {}
        """`ready_ms` is 0 until the kitchen has announced it."""
        self._picked_ms: dict[str, int] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._riders: dict[str, _Rider] = {}
        self._shifts: list[_Shift] = []
        self._rides: list[float] = []
        self._requests: list[Request] = []

    def feed(self, row: Row) -> None:
        """One row."""
        self._now_ms = max(self._now_ms, row.now.wall_ms)
        self._begun_ms = self._begun_ms or self._now_ms
        for item in row.inputs:
            if isinstance(item, Configure):
                self._rules = _options(item.rules)
        for event in decided(row):
            if event.receipt is not None:
                self._event(event)
        for observation in record_in(row).observations:
            self._look(observation)
        for rider, assignment in assignments(row):
            self._assignment(rider, assignment)
        for _, update in updates(row):
            if update.state == "undeliverable":
                self._end(update.order, "undeliverable")

    # -- events --------------------------------------------------------------------------------------------------------

    def _event(self, event: Decided) -> None:
        body, client = event.body, event.client
        self._trace(client)
        match body:
            case RiderReply():
                self._reply(client, body)
            case _ if not event.accepted:
                pass
            case OrderPlace():
                self._place(client, body)
                if event.receipt is not None and event.receipt.promise is not None:
                    self._outcomes[body.order] = Outcome(promised_ms=event.receipt.promise.dropoff_at)
            case RiderShift():
                self._shift(client, body)
            case RiderProgress():
                self._progress(client, body)
            case OrderCancel():
                self._cancel(client, body.order)
            case KitchenReady() | KitchenDelay():
                self._kitchen(body)
            case RiderPause() | RiderResume() | OrderReschedule():
                self._requests.append(Request(self._now_ms, client, body))

    def _place(self, client: str, body: OrderPlace) -> None:
        stated_ms = None if body.prep_s is None else self._now_ms + body.prep_s * 1000
        expected_ms = stated_ms if body.ready_at is None else body.ready_at
        self._orders[body.order] = Order(
            body.order,
            client,
            body.shop,
            (body.pickup.lat, body.pickup.lon),
            (body.dropoff.lat, body.dropoff.lon),
            self._now_ms,
            0 if expected_ms is None else max(self._now_ms, expected_ms),
            0,
            body.promise,
            terms=_given(body, _TERMS),
        )

    def _kitchen(self, body: KitchenReady | KitchenDelay) -> None:
        order = self._orders.get(body.order)
        if order is None or order.announced or body.order in self._picked_ms:
            return
        if isinstance(body, KitchenDelay):
            order.delays = (*order.delays, (self._now_ms, body.ready_at))
        else:
            order.ready_ms, order.announced = self._now_ms, True

    def _cancel(self, client: str, name: str) -> None:
        order = self._orders.get(name)
        if order is not None and not order.cancelled_ms:
            order.cancelled_ms, order.cancelled_by = self._now_ms, client
            self._end(name, "cancelled")

    def _shift(self, client: str, body: RiderShift) -> None:
        rider = self._rider(client, begun=False)
        current = self._shifts[rider.shift] if rider.shift >= 0 else None
        running = current is not None and current.off_ms is None
        if not body.on:
            if running and current is not None:
                current.off_ms = self._now_ms
        elif running and current is not None and (current.until_ms is None or current.until_ms > self._now_ms):
            current.capacity, current.until_ms, current.limits = body.capacity, body.until, _given(body, _LIMITS)
        else:
            rider.shift = len(self._shifts)
            self._shifts.append(_Shift(client, body.capacity, self._now_ms, body.until, limits=_given(body, _LIMITS)))

    def _reply(self, client: str, body: RiderReply) -> None:
        rider = self._riders.get(client)
        offer = None if rider is None else rider.offers.pop(body.offer, None)
        if rider is None or offer is None:
            return
        came_ms, until_ms = offer
        if self._now_ms > until_ms:
            rider.replies.append((came_ms, Reply("lapse", 0)))
        else:
            answer = "accept" if body.accept else "decline"
            rider.replies.append((came_ms, Reply(answer, self._now_ms - came_ms)))
        if body.accept:
            rider.held[body.order] = None
            shift = self._shifts[rider.shift]
            if shift.assumed:
                shift.capacity = max(shift.capacity, len(rider.held))

    def _progress(self, client: str, body: RiderProgress) -> None:
        rider, order = self._rider(client), self._orders.get(body.order)
        if order is None:
            return
        shift = self._shifts[rider.shift]
        if shift.reported is None:
            shift.reported = order.dropoff if body.step in _AT_DOOR else order.pickup
        if body.step == "picked_up" and body.order not in self._picked_ms:
            self._picked_ms[body.order] = self._now_ms
            if rider.bag:
                rider.bag = dict.fromkeys(rider.bag, False)
            rider.bag[body.order] = not rider.bag
        elif body.step == "delivered":
            rider.held.pop(body.order, None)
            if rider.bag.pop(body.order, False):
                self._ride(order, shift)
            self._end(body.order, "delivered")
        elif body.step == "failed" and body.order in rider.bag:
            rider.bag = dict.fromkeys(rider.bag, False)  # whatever comes next is no ride from the shop to a door
        elif body.step == "returned":
            rider.held.pop(body.order, None)
            rider.bag.pop(body.order, None)
            self._end(body.order, "returned")

    def _ride(self, order: Order, shift: _Shift) -> None:
        """Measure a ride with one order from the shop to its door: actual over expected duration."""
        service = Service(self._rules)
        ride_ms = ride_s(*order.pickup, *order.dropoff, self._rules) * 1000
        ride_ms *= self._rules.pace_with(shift.limits.get("vehicle"))
        expected_ms = service.after_pickup + ride_ms + service.before_dropoff
        if expected_ms > 0:
            self._rides.append((self._now_ms - self._picked_ms[order.name]) / expected_ms)

    # -- what decisions saw --------------------------------------------------------------------------------------------

    def _look(self, one: Observation) -> None:
        if isinstance(one, SilentRiders):
            for name in one.riders:
                rider = self._rider(name)
                rider.silent_ms = rider.silent_ms or max(1, self._now_ms - self._rules.silent_s * 1000)
            return
        if not isinstance(one, NearestObservation):
            return
        order = self._orders.get(one.order)
        for seen in one.riders:
            rider = self._rider(seen.rider)
            self._trace(seen.rider)
            shift = self._shifts[rider.shift]
            if order is not None and shift.seen is None:
                shift.seen = order.pickup, seen.travel_s

    def _trace(self, client: str) -> None:
        """A message of a rider, or its place, has come: it is no longer silent."""
        rider = self._riders.get(client)
        if rider is not None and rider.silent_ms:
            rider.silences.append((rider.silent_ms, self._now_ms))
            rider.silent_ms = 0

    # -- messages ------------------------------------------------------------------------------------------------------

    def _assignment(self, client: str, body: Assignment) -> None:
        rider = self._rider(client)
        if body.state == "offered":
            rider.offers[body.offer] = (self._now_ms, body.answer_by)
        if body.state != "withdrawn":
            return
        rider.held.pop(body.order, None)
        came_ms, until_ms = rider.offers.pop(body.offer, (0, FOREVER_MS))
        if self._now_ms >= until_ms:
            rider.replies.append((came_ms, Reply("lapse", 0)))

    def _end(self, order: str, state: str) -> None:
        before = self._outcomes.get(order, Outcome())
        if before.state == "open":
            self._outcomes[order] = Outcome(state, self._now_ms, before.promised_ms)

    def _rider(self, name: str, *, begun: bool = True) -> _Rider:
        """A rider. One that appears without the begin of a shift was on shift before the journal began."""
        rider = self._riders.setdefault(name, _Rider())
        if begun and rider.shift < 0:
            rider.shift = len(self._shifts)
            self._shifts.append(_Shift(name, 1, self._begun_ms, None, assumed=True))
        return rider

    # -- the day -------------------------------------------------------------------------------------------------------

    def day(self) -> Day:
        """The day in the rows so far."""
        orders = tuple(self._ended(order) for order in self._orders.values())
        count = max(1, len(orders))
        middle = sum(order.pickup[0] for order in orders) / count, sum(order.pickup[1] for order in orders) / count
        shifts = tuple(
            Shift(
                shift.rider,
                shift.capacity,
                shift.on_ms,
                shift.until_ms,
                shift.off_ms,
                self._start(shift, middle),
                shift.limits,
            )
            for shift in self._shifts
        )
        replies: dict[str, tuple[Reply, ...]] = {}
        silences: dict[str, tuple[tuple[int, int], ...]] = {}
        for name, rider in self._riders.items():
            quiet = [*rider.silences, *([(rider.silent_ms, FOREVER_MS)] if rider.silent_ms else [])]
            # A lapse during a silence follows from the silence, and is not counted again.
            replies[name] = tuple(
                reply
                for came_ms, reply in rider.replies
                if reply.answer != "lapse" or not any(begin <= came_ms < end for begin, end in quiet)
            )
            silences[name] = tuple(quiet)
        outcomes = {name: self._outcomes.get(name, Outcome()) for name in self._orders}
        enough = len(self._rides) >= PACED_MIN
        return Day(
            self._rules,
            orders,
            shifts,
            replies,
            silences,
            outcomes,
            median(self._rides) if enough else 1.0,
            len(self._rides) if enough else 0,
            sum(shift.assumed for shift in self._shifts),
            requests=tuple(self._requests),
        )

    def _ended(self, order: Order) -> Order:
        """With the best estimate of when it was ready. It was at its pickup, whatever the kitchen sent."""
        stated_ms = order.delays[-1][1] if order.delays else order.expected_ms
        ready_ms = order.ready_ms or stated_ms or order.placed_ms + self._rules.prep_s * 1000
        ready_ms = min(ready_ms, self._picked_ms.get(order.name, ready_ms))
        return structs.replace(order, ready_ms=max(order.placed_ms, ready_ms))

    def _start(self, shift: _Shift, middle: Place) -> Place:
        if shift.seen is None:
            return shift.reported or middle
        (lat, lon), travel_s = shift.seen
        metres = travel_s * self._rules.speed_mps / self._rules.detour_factor
        narrow = math.cos(math.radians(lat))
        up, across = middle[0] - lat, (middle[1] - lon) * narrow
        apart = math.hypot(up, across)
        if not apart:
            up, across, apart = 1.0, 0.0, 1.0
        share = metres / METRES_PER_DEG / apart
        return lat + up * share, lon + across * share / max(narrow, 1e-6)


def _given(body: OrderPlace | RiderShift, names: Sequence[str]) -> dict[str, Any]:
    """The fields that are not as where nobody gives them."""
    defaults = {field.name: field.default for field in structs.fields(body)}
    return {name: value for name in names if (value := getattr(body, name)) != defaults[name]}


def _options(rules: Rules | None) -> DispatchOptions:
    """Those of dispatch; the defaults where there are none."""
    options = None if rules is None else rules.scenarios.get(NAME)
    return DispatchOptions() if options is None else msgspec.msgpack.decode(options, type=DispatchOptions)
