"""A rider's work: from the offer to the door, and what takes an order away from it. Time jumps from event to event."""

import heapq
import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest

from bench.courier import Action, Courier, Job, Leg, Milestone, Place, Service
from edge.scenarios.dispatch.messages import Assignment, Durable, RiderProgress, RiderReply, Stop

MINUTE = 60_000
HALF = 2 * MINUTE
"""Of a service."""

SHOPS: dict[str, Place] = {"s1": (0, 0), "s2": (0, -500)}
ORDERS: dict[str, tuple[str, Place]] = {"o1": ("s1", (1_000, 0)), "o2": ("s1", (0, 1_000)), "o3": ("s2", (0, -1_000))}


class Played(Courier):
    """A courier who accepts after 5 seconds and rides 100 metres a minute; the test plays node and kitchens."""

    def __init__(self) -> None:
        super().__init__(self, Service(HALF, HALF, HALF, HALF), (300, 400))
        self.clock_ms = 0
        self.sent: list[Any] = []
        self.milestones: list[tuple[Milestone, str]] = []
        self.problems: list[str] = []
        self.home = False
        self._queue: list[tuple[int, int, Action]] = []
        self._count = itertools.count()
        self._receipts: dict[str, Callable[[str], None]] = {}
        self._meals: dict[str, int] = {}
        self._counters: dict[str, Action] = {}
        self.begin_shift((300, 400))

    def now_ms(self) -> int:
        return self.clock_ms

    def at(self, wall_ms: int, action: Action) -> None:
        heapq.heappush(self._queue, (wall_ms, next(self._count), action))

    def next_id(self) -> str:
        return f"e{len(self.sent)}"

    def send(self, event: Durable, due_ms: int, then: Callable[[str], None]) -> None:
        self.sent.append(event)
        self._receipts[event.id] = then

    def ride_ms(self, here: Place, there: Place) -> int:
        return round(math.dist(here, there) / 100 * MINUTE)

    def await_meal(self, job: Job, see: Action) -> None:
        if job.order in self._meals:
            see(self._meals[job.order])
        self._counters[job.order] = see

    def look_at(self, offer: Assignment) -> tuple[Job, bool, int] | None:
        shop, door = ORDERS[offer.order]
        return Job(offer.order, offer.offer, shop, SHOPS[shop], door), True, 5_000

    def go_home(self, due_ms: int) -> None:
        self.home = True

    def happened(self, what: Milestone, job: Job, due_ms: int) -> None:
        self.milestones.append((what, job.order))

    def refused(self, job: Job, step: str, reason: str) -> None:
        self.problems.append(f"{job.order} {step} {reason}")

    # -- what a test does ----------------------------------------------------------------------------------------------

    def run(self, minutes: float = 600) -> None:
        """Let time pass, as a rule until nothing more happens."""
        until_ms = self.clock_ms + round(minutes * MINUTE)
        while self._queue and self._queue[0][0] <= until_ms:
            due_ms, _, action = heapq.heappop(self._queue)
            self.clock_ms = max(self.clock_ms, due_ms)
            action(due_ms)
        self.clock_ms = until_ms

    def sends(self, step: str, order: str) -> RiderProgress:
        """Let time pass until it has sent a step of an order."""
        while not self.steps(step, order):
            assert self._queue, f"{step} of {order} never came"
            self.run((max(self._queue[0][0], self.clock_ms) - self.clock_ms) / MINUTE)
        return self.steps(step, order)[0]

    def steps(self, step: str, order: str = "") -> list[RiderProgress]:
        """What was sent of a step."""
        found = [event for event in self.sent if isinstance(event, RiderProgress) and event.step == step]
        return [event for event in found if order in ("", event.order)]

    def answer(self, event: Any, reason: str = "") -> None:
        """The node's receipt."""
        self._receipts.pop(event.id)(reason)

    def offer(self, order: str, number: int, *doors: str, state: Any = "offered") -> None:
        """An assignment of a trip to these doors in sequence."""
        stops = [Stop(at="dropoff", order=name, lat=0, lon=0, expected_at=index) for index, name in enumerate(doors)]
        self.touch(Assignment(offer=number, order=order, state=state, at=0, stops=stops))

    def accept(self, order: str, number: int, *doors: str) -> None:
        """Offer an order, and receipt the acceptance."""
        self.offer(order, number, *doors)
        self.run(0.1)
        reply = self.sent[-1]
        assert (reply.order, reply.offer, reply.accept) == (order, number, True)
        self.answer(reply)

    def cooked(self, *orders: str) -> None:
        """Meals are ready."""
        for order in orders:
            self._meals[order] = self.clock_ms
            if order in self._counters:
                self._counters[order](self.clock_ms)


@pytest.fixture
def rider() -> Played:
    return Played()


def test_a_leg_is_straight_and_even() -> None:
    """Half of its time is half of its length; before and after it one stands; one of no length is one point."""
    leg = Leg((0, 0), (30, -40), 100, 300)
    assert [leg.at(ms) for ms in (0, 100, 200, 300, 900)] == [(0, 0), (0, 0), (15, -20), (30, -40), (30, -40)]
    assert Leg((5, 6), (5, 6), 100, 100).at(0) == (5, 6)


def test_an_order_from_offer_to_door(rider: Played) -> None:
    """It accepts, rides, waits for the meal, hands over, and takes as long as the ways and services take."""
    rider.accept("o1", 1)
    at_shop = rider.sends("at_shop", "o1")
    assert at_shop.at == rider.sent[0].at + 5 * MINUTE + 1_000  # the receipt came a second after the reply
    rider.run(5)
    rider.cooked("o1")
    picked_up = rider.sends("picked_up", "o1")
    assert picked_up.at == at_shop.at + 5 * MINUTE
    rider.answer(picked_up)
    assert rider.sends("delivered", "o1").at == picked_up.at + HALF + 10 * MINUTE + HALF
    rider.run()
    assert [what for what, _ in rider.milestones] == ["accepted", "picked_up", "delivered"]
    assert (rider.jobs, rider.leg.at(rider.clock_ms)) == ([], ORDERS["o1"][1])


def test_the_same_offer_twice_is_one_offer(rider: Played) -> None:
    """A redelivered offer is not answered again."""
    for _ in range(2):
        rider.offer("o1", 1)
    rider.run(1)
    rider.offer("o1", 1)
    rider.run(1)
    assert [type(event) for event in rider.sent] == [RiderReply]


def test_an_old_withdrawal_takes_nothing(rider: Played) -> None:
    """One that comes again concerns the offer it names, not a later one of the same order."""
    rider.accept("o1", 5)
    rider.offer("o1", 4, state="withdrawn")
    rider.sends("at_shop", "o1")


@pytest.mark.parametrize("how", ["withdrawn", "refused"])
def test_an_order_that_is_taken_away_is_let_go(rider: Played, how: str) -> None:
    """Whether the node withdraws the order or refuses a step of it, the rider goes on with the next one."""
    rider.accept("o1", 1)
    at_shop = rider.sends("at_shop", "o1")
    rider.answer(at_shop, "too_late" if how == "refused" else "")
    if how == "withdrawn":
        rider.offer("o1", 1, state="withdrawn")
    rider.cooked("o1")
    rider.accept("o2", 2)
    rider.sends("at_shop", "o2")
    rider.run()
    assert rider.steps("picked_up") == []
    assert rider.milestones == [("accepted", "o1"), ("lost", "o1"), ("accepted", "o2")]


def test_everything_of_a_shop_is_fetched_at_once(rider: Played) -> None:
    """It waits for all meals, takes them together, and visits the doors as the latest assignment has them."""
    rider.accept("o1", 1, "o1")
    rider.accept("o3", 2, "o3")
    rider.accept("o2", 3, "o2", "o1")
    rider.sends("at_shop", "o2")
    assert [event.order for event in rider.steps("at_shop")] == ["o1", "o2"]
    rider.cooked("o1")
    rider.run(9)
    assert rider.steps("picked_up") == []
    rider.cooked("o2")
    one, two = rider.sends("picked_up", "o1"), rider.sends("picked_up", "o2")
    assert one.at == two.at == rider.clock_ms
    rider.answer(one)
    rider.run(9)
    assert rider.leg.at(rider.clock_ms) == SHOPS["s1"]
    rider.answer(two)
    first, second = rider.sends("delivered", "o2"), rider.sends("delivered", "o1")
    hop_ms = round(math.hypot(1_000, 1_000) / 100 * MINUTE)
    assert second.at == first.at + HALF + hop_ms + HALF
    rider.sends("at_shop", "o3")


def test_a_rider_at_the_shop_answers_before_it_leaves(rider: Played) -> None:
    """An offer of the shop where it waits is answered, and its meal waited for, before anything is taken."""
    rider.accept("o1", 1)
    rider.sends("at_shop", "o1")
    rider.offer("o2", 2)
    rider.cooked("o1")
    rider.run(9)
    assert rider.steps("picked_up") == []
    rider.answer(rider.sent[-1])
    rider.sends("at_shop", "o2")
    rider.cooked("o2")
    rider.sends("picked_up", "o2")
    assert [event.order for event in rider.steps("picked_up")] == ["o1", "o2"]


@pytest.mark.parametrize("how", ["withdrawn", "declined by the node", "refused at pickup"])
def test_what_is_taken_out_of_a_trip_stops_nothing_else(rider: Played, how: str) -> None:
    """It goes on with the rest of the trip: it waits no longer for that meal, and delivers what it has."""
    rider.accept("o1", 1)
    rider.sends("at_shop", "o1")
    rider.cooked("o1")
    rider.offer("o2", 2)
    rider.run(1)
    rider.answer(rider.sent[-1], "too_late" if how == "declined by the node" else "")
    if how == "withdrawn":
        rider.offer("o2", 2, state="withdrawn")
    elif how == "refused at pickup":
        rider.cooked("o2")
        rider.answer(rider.sends("picked_up", "o2"), "too_late")
    rider.answer(rider.sends("picked_up", "o1"))
    rider.sends("delivered", "o1")
    assert ("lost", "o2") in rider.milestones or how == "declined by the node"
    assert rider.problems == []


@pytest.mark.parametrize("late_min", [0, 3])
def test_an_order_regained_is_brought_with_the_rest_of_its_trip(rider: Played, late_min: int) -> None:
    """Withdrawn while its pickup was on the way to the node, and then accepted, when the rider is about to leave with
    the rest or has left: it brings both, and where it has not left yet, in the sequence of the assignment."""
    rider.accept("o1", 1, "o1")
    rider.accept("o2", 2, "o1", "o2")
    rider.cooked("o1", "o2")
    one, two = rider.sends("picked_up", "o1"), rider.sends("picked_up", "o2")
    rider.offer("o1", 1, state="withdrawn")
    rider.answer(two)
    rider.run(late_min)
    rider.answer(one)
    rider.sends("delivered", "o1")
    rider.sends("delivered", "o2")
    assert late_min or [event.order for event in rider.steps("delivered")] == ["o1", "o2"]
    assert rider.problems == []


def test_a_step_refused_to_who_carries_the_order_is_a_problem(rider: Played) -> None:
    """The rider brings it all the same."""
    rider.accept("o1", 1)
    rider.cooked("o1")
    rider.answer(rider.sends("picked_up", "o1"))
    rider.answer(rider.sends("delivered", "o1"), "too_late")
    rider.run()
    assert (rider.problems, rider.jobs) == (["o1 delivered too_late"], [])


def test_after_the_shift_nothing_is_accepted_and_the_rider_goes_home(rider: Played) -> None:
    """What it has is done first; offers that it looks at then are declined."""
    rider.accept("o1", 1)
    rider.end_shift(rider.clock_ms)
    rider.cooked("o1")
    rider.answer(rider.sends("picked_up", "o1"))
    rider.sends("delivered", "o1")
    assert not rider.home
    rider.offer("o2", 2)
    rider.run()
    assert not rider.sent[-1].accept
    rider.answer(rider.sent[-1])
    assert (rider.home, rider.on) == (True, False)
