"""A day as it happens: the simulator that owns clock, positions and feasibility on the strict track.

It gives a policy each fact when it becomes known, carries out its decisions, and refuses each that a rule
forbids. A courier starts to move only after the decision, is not diverted, and finishes a bundle before the next; a
bundle's orders are of one restaurant and may change until the pickup, which is not after the end of the shift; a
courier repositions at most once, when its shift begins. Beside the strict track couriers may refuse (see refusals).
"""

import heapq
import time
from collections.abc import Callable, Sequence
from enum import IntEnum

from msgspec import Struct

from ...demo.district.instance import Instance, Order
from ..policies.policy import (
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
    Policy,
    Promising,
    Ready,
    Reposition,
)
from .refusals import REPLY_MIN, WILLING, Answer, Refused, Unwilling
from .rules import IllegalDecision, Rule
from .solution import START, Delivery, Move, Solution, Trip


class _Kind(IntEnum):
    """What can happen, in the sequence in which it does within one minute."""

    REFUSED = 0
    FREE = 1
    ORDER_READY = 2
    ORDER_PLACED = 3
    SHIFT_OVER = 4
    WAKE = 5
    PICKUP = 6  # after the decisions of its minute


class _Rider(Struct):
    """A courier: where it stands or is going to, whether it may be sent, and from assignment to pickup its orders."""

    place: Place
    at: str = START
    free: bool = False
    orders: tuple[str, ...] = ()
    restaurant: str = ""
    arrives: int = 0
    assigned: int = 0
    due: int = -1  # when it will pick up
    answer: Answer = Answer.YES
    declined: tuple[int, tuple[str, ...]] = (-1, ())  # when it last declined, and what it declined then


class Call(Struct, frozen=True):
    """One call of the policy: how long it took by the clock and of the processor, with how many orders open (placed and
    not picked up). One that only reports pickups has as a rule nothing to decide."""

    ms: float
    cpu_ms: float
    open_orders: int
    only_pickups: bool


class Outcome(Struct, frozen=True):
    """A day's solution, and how it came about. `promises`: expected minute of the drop-off and confidence, by order."""

    solution: Solution
    calls: list[Call]
    promises: dict[str, tuple[int, float]]
    refused: Refused

    @property
    def decide_ms(self) -> list[float]:
        """How long each call of the policy took."""
        return [call.ms for call in self.calls]


def day_of(instance: Instance, uncertain: bool) -> Day:
    """What a policy may know before the day begins. Means are rounded to whole minutes, halves up."""
    means: dict[str, int] = {}
    if uncertain:
        times: dict[str, list[int]] = {}
        for order in instance.orders:
            times.setdefault(order.restaurant, []).append(order.ready - order.placed)
        means = {name: (2 * sum(each) + len(each)) // (2 * len(each)) for name, each in times.items()}
    couriers = {courier.name: courier for courier in instance.couriers}
    restaurants = {restaurant.name: restaurant for restaurant in instance.restaurants}
    return Day(couriers, restaurants, instance.parameters, means)


def simulate(
    instance: Instance, make: Callable[[Day], Policy], uncertain: bool = False, unwilling: Unwilling = WILLING
) -> Outcome:
    """Live through the day of `instance` with the policy that `make` gives. Raises IllegalDecision."""
    return _World(instance, make, uncertain, unwilling).run()


class _World:
    def __init__(
        self, instance: Instance, make: Callable[[Day], Policy], uncertain: bool, unwilling: Unwilling
    ) -> None:
        self.day = day_of(instance, uncertain)
        self.policy = make(self.day)
        self.uncertain = uncertain
        self.unwilling = unwilling
        self.answers: dict[Answer, int] = dict.fromkeys(Answer, 0)
        self.instance = instance
        self.orders = {order.name: order for order in instance.orders}
        self.placed: set[str] = set()
        self.taken: dict[str, str] = {}  # order -> courier, from assignment on
        self.riders = {courier.name: _Rider((courier.x, courier.y)) for courier in instance.couriers}
        self.last = max(courier.off for courier in instance.couriers)
        self.trips: list[Trip] = []
        self.deliveries: dict[str, Delivery] = {}
        self.moves: dict[str, list[Move]] = {courier.name: [] for courier in instance.couriers}
        self.calls: list[Call] = []
        self.promises: dict[str, tuple[int, float]] = {}
        self.queue: list[tuple[int, int, int, str]] = []
        self.pushed = 0
        for courier in instance.couriers:
            self._at(courier.on, _Kind.FREE, courier.name)
            self._at(courier.off + 1, _Kind.SHIFT_OVER, courier.name)
        for order in instance.orders:
            self._at(order.placed, _Kind.ORDER_PLACED, order.name)

    def _at(self, minute: int, kind: _Kind, name: str) -> None:
        heapq.heappush(self.queue, (minute, kind, self.pushed, name))
        self.pushed += 1

    def run(self) -> Outcome:
        """The whole day."""
        while self.queue:
            now = self.queue[0][0]
            # Pickups are news of their own minute; decisions on them may bring nothing but further news.
            while self.queue and self.queue[0][0] == now:
                self._minute(now)
        moves = [move for courier in self.instance.couriers for move in self.moves[courier.name]]
        done = [self.deliveries[order.name] for order in self.instance.orders if order.name in self.deliveries]
        solution = Solution(self.trips, done, moves)
        refused = Refused(sum(self.answers.values()), self.answers[Answer.NO], self.answers[Answer.NOTHING])
        return Outcome(solution, self.calls, self.promises, refused)

    def _minute(self, now: int) -> None:
        """News, then decisions, then the pickups that are due; the news of those come with the next call."""
        news: list[News] = []
        asked = False
        while self.queue and self.queue[0][:2] < (now, _Kind.PICKUP):
            _, kind, _, name = heapq.heappop(self.queue)
            asked = asked or kind == _Kind.WAKE
            news += self._happens(now, _Kind(kind), name)
        if news or asked:
            self._ask(now, news)
        pickups: list[News] = []
        while self.queue and self.queue[0][:2] == (now, _Kind.PICKUP):
            name = heapq.heappop(self.queue)[3]
            rider = self.riders[name]
            if rider.orders and rider.due == now and rider.answer is Answer.YES:
                pickups.append(self._pick_up(now, name))
        if pickups:
            self._ask(now, pickups)

    def _ask(self, now: int, news: Sequence[News]) -> None:
        began, began_cpu = time.perf_counter_ns(), time.thread_time_ns()
        decisions = self.policy.decide(now, news)
        cpu_ms, ms = (time.thread_time_ns() - began_cpu) / 1e6, (time.perf_counter_ns() - began) / 1e6
        is_pickup_call = bool(news) and all(isinstance(item, PickedUp) for item in news)
        self.calls.append(Call(ms, cpu_ms, len(self.placed) - len(self.deliveries), is_pickup_call))
        if isinstance(self.policy, Promising):
            for item in news:
                if isinstance(item, Placed) and (promise := self.policy.promise(item.order.name)) is not None:
                    self.promises[item.order.name] = promise
        for decision in decisions:
            self._carry_out(now, decision)

    # -- the world's part --------------------------------------------------------------------------------------------

    def _happens(self, now: int, kind: _Kind, name: str) -> list[News]:
        if kind == _Kind.FREE:
            rider = self.riders[name]
            rider.free = now <= self.day.couriers[name].off
            return [Free(name, rider.place)] if rider.free else []
        if kind == _Kind.REFUSED:
            return self._refused(now, name)
        if kind == _Kind.ORDER_READY:
            return [Ready(name)]
        if kind == _Kind.ORDER_PLACED:
            self.placed.add(name)
            order = self.orders[name]
            self._at(order.ready, _Kind.ORDER_READY, name)
            return [Placed(self._known(order))]
        if kind == _Kind.SHIFT_OVER:
            self.riders[name].free = False
            gone = self._return_orders(name)
            return [GaveUp(name, gone)] if gone else []
        return []

    def _return_orders(self, name: str) -> tuple[str, ...]:
        """A courier's orders are open again."""
        rider = self.riders[name]
        gone, rider.orders = rider.orders, ()
        for order_name in gone:
            del self.taken[order_name]
        return gone

    def _refused(self, now: int, name: str) -> list[News]:
        """The answer was no, or there was none until the reply was due: nothing has moved."""
        rider = self.riders[name]
        silent, rider.answer = rider.answer is Answer.NOTHING, Answer.YES
        gone = self._return_orders(name)
        if not silent:
            before = rider.declined[1] if rider.declined[0] == now else ()
            rider.declined = now, (*before, *gone)
        return [Declined(name, gone, silent), *self._happens(now, _Kind.FREE, name)]

    def _known(self, order: Order) -> Known:
        ready = order.placed + self.day.mean_preparation[order.restaurant] if self.uncertain else order.ready
        return Known(order.name, (order.x, order.y), order.placed, order.restaurant, ready, self.uncertain)

    def _pick_up(self, now: int, name: str) -> PickedUp:
        """From pickup to the last drop-off nothing more is decided: it is written down at once."""
        rider, day = self.riders[name], self.day
        self.trips.append(Trip(rider.assigned, now, name, rider.orders))
        leave = now + day.after_pickup
        for order_name in rider.orders:
            order = self.orders[order_name]
            arrives = self._move(name, leave, (order.x, order.y), order_name)
            dropoff = arrives + day.before_dropoff
            self.deliveries[order_name] = Delivery(order_name, order.placed, order.ready, now, dropoff, name)
            leave = dropoff + day.after_dropoff
        pickups = PickedUp(name, rider.orders, leave)
        rider.orders = ()
        self._at(leave, _Kind.FREE, name)
        return pickups

    def _move(self, name: str, departure: int, place: Place, called: str) -> int:
        rider = self.riders[name]
        self.moves[name].append(Move(name, departure, rider.at, called))
        arrives = departure + self.day.travel(rider.place, place)
        rider.place, rider.at = place, called
        return arrives

    # -- the policy's part -------------------------------------------------------------------------------------------

    def _carry_out(self, now: int, decision: Decision) -> None:
        if isinstance(decision, Assign):
            self._assign(now, decision)
        elif isinstance(decision, Change):
            self._change(now, decision)
        elif isinstance(decision, Reposition):
            self._reposition(now, decision)
        elif decision.at <= now:
            raise IllegalDecision(Rule.WAKE_IN_THE_PAST, now, decision)
        elif decision.at <= self.last:  # after the last shift there is nothing to decide
            self._at(decision.at, _Kind.WAKE, "")

    def _assign(self, now: int, decision: Assign) -> None:
        rider = self._sendable(now, decision, decision.courier)
        restaurant = self._restaurant_of(now, decision, decision.orders)
        if any(name in self.taken for name in decision.orders):
            raise IllegalDecision(Rule.TAKEN, now, decision)
        site = self.day.site(restaurant)
        arrives = now + self.day.travel(rider.place, site)
        self._check_shift(now, decision, decision.courier, decision.orders, arrives)
        if rider.declined[0] == now and not set(rider.declined[1]).isdisjoint(decision.orders):
            raise IllegalDecision(Rule.JUST_DECLINED, now, decision)
        rider.answer = self.unwilling.answer(self.instance.name, decision.courier, decision.orders, now)
        self.answers[rider.answer] += 1
        if rider.answer is Answer.YES:
            self._move(decision.courier, now, site, restaurant)
        else:
            at = now + REPLY_MIN if rider.answer is Answer.NOTHING else now
            self._at(at, _Kind.REFUSED, decision.courier)
        rider.free, rider.restaurant, rider.arrives = False, restaurant, arrives
        self._give(now, decision.courier, decision.orders)

    def _change(self, now: int, decision: Change) -> None:
        """All sets are taken back first, so that couriers can exchange orders."""
        couriers = [courier for courier, _ in decision.bundles]
        for courier, orders in decision.bundles:
            if courier not in self.riders or not self.riders[courier].orders or couriers.count(courier) > 1:
                raise IllegalDecision(Rule.NO_BUNDLE, now, decision)
            rider = self.riders[courier]
            if self._restaurant_of(now, decision, orders) != rider.restaurant:
                raise IllegalDecision(Rule.MIXED, now, decision)
            self._check_shift(now, decision, courier, orders, rider.arrives)
        for courier in couriers:
            for name in self.riders[courier].orders:
                del self.taken[name]
        for courier, orders in decision.bundles:
            if any(name in self.taken for name in orders):
                raise IllegalDecision(Rule.TAKEN, now, decision)
            self._give(now, courier, orders)

    def _reposition(self, now: int, decision: Reposition) -> None:
        rider = self._sendable(now, decision, decision.courier)
        if decision.restaurant not in self.day.restaurants:
            raise IllegalDecision(Rule.NO_SUCH_RESTAURANT, now, decision)
        if now != self.day.couriers[decision.courier].on or rider.at != START:
            raise IllegalDecision(Rule.NOT_AT_SHIFT_START, now, decision)
        rider.free = False
        arrives = self._move(decision.courier, now, self.day.site(decision.restaurant), decision.restaurant)
        self._at(arrives, _Kind.FREE, decision.courier)

    def _sendable(self, now: int, decision: Decision, courier: str) -> _Rider:
        if courier not in self.riders:
            raise IllegalDecision(Rule.NO_SUCH_COURIER, now, decision)
        shift = self.day.couriers[courier]
        if not shift.on <= now <= shift.off:
            raise IllegalDecision(Rule.OFF_SHIFT, now, decision)
        if not self.riders[courier].free:
            raise IllegalDecision(Rule.NOT_FREE, now, decision)
        return self.riders[courier]

    def _restaurant_of(self, now: int, decision: Decision, orders: tuple[str, ...]) -> str:
        if not orders or len(set(orders)) < len(orders):
            raise IllegalDecision(Rule.EMPTY, now, decision)
        if any(name not in self.placed for name in orders):
            raise IllegalDecision(Rule.NOT_PLACED, now, decision)
        restaurants = {self.orders[name].restaurant for name in orders}
        if len(restaurants) > 1:
            raise IllegalDecision(Rule.MIXED, now, decision)
        return restaurants.pop()

    def _check_shift(self, now: int, decision: Decision, courier: str, orders: tuple[str, ...], arrives: int) -> None:
        """Only what the policy can know counts: an order that will be ready later than it thinks is no refusal."""
        known = [self.orders[name].ready for name in orders if not self.uncertain or self.orders[name].ready <= now]
        if max([arrives + self.day.before_pickup, *known]) > self.day.couriers[courier].off:
            raise IllegalDecision(Rule.PICKUP_AFTER_SHIFT, now, decision)

    def _give(self, now: int, courier: str, orders: tuple[str, ...]) -> None:
        rider = self.riders[courier]
        rider.orders, rider.assigned = orders, now
        for name in orders:
            self.taken[name] = courier
        ready = max(self.orders[name].ready for name in orders)
        rider.due = max(now, ready, rider.arrives + self.day.before_pickup)
        if rider.due <= self.day.couriers[courier].off:
            self._at(rider.due, _Kind.PICKUP, courier)
