"""A rider's work: from the offer to the door, and what takes an order away from it. Played by a rider of the demo."""

import math
from typing import Any

import pytest

from bench.demo.people.riders import Rider
from bench.demo.people.world import MINUTE_MS
from bench.job import Leg
from edge.scenarios.dispatch.messages.up import RiderProgress, RiderReply, RiderShift
from tests.bench.demo.people.recorded_world import TINY, Person, RecordedWorld

HALF = 2 * MINUTE_MS
"""Of a service."""


class Played(RecordedWorld):
    """A rider on shift, who has planned nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.rider = Rider(self.world, TINY.couriers[0], {order.name: order for order in TINY.orders})
        self.rider.plan()
        self.client: Person = self.people["rider-c1"]
        self.client.sends(RiderShift, on=True)

    def offered(self, order: str, number: int, *doors: str, state: Any = "offered") -> None:
        """An assignment of a trip to these doors in sequence."""
        self.client.on_answer(self.offer(order, number, state, doors))

    def accept(self, order: str, number: int, *doors: str) -> None:
        """Offer an order, and receipt the acceptance."""
        self.offered(order, number, *doors)
        self.client.answer(self.client.sends(RiderReply, order=order, offer=number, accept=True))

    def sends(self, step: str, order: str) -> RiderProgress:
        """Let time pass until a step of an order is sent."""
        return self.client.sends(RiderProgress, step=step, order=order)

    def steps(self, step: str) -> list[str]:
        """The orders of which a step was sent, in sequence."""
        return [event.order for event in self.client.all_sent(RiderProgress, step=step)]

    def cooked(self, *orders: str) -> None:
        """Meals are ready."""
        for order in orders:
            self.world.meal_ready(order, self.scheduler.now_ms())


@pytest.fixture
def played() -> Played:
    return Played()


def test_a_leg_is_straight_and_even() -> None:
    """Half of its time is half of its length; before and after it one stands; one of no length is one point."""
    leg = Leg((0, 0), (30, -40), 100, 300)
    assert [leg.at(ms) for ms in (0, 100, 200, 300, 900)] == [(0, 0), (0, 0), (15, -20), (30, -40), (30, -40)]
    assert Leg((5, 6), (5, 6), 100, 100).at(0) == (5, 6)


def test_an_order_from_offer_to_door(played: Played) -> None:
    """It accepts, rides, waits for the meal, hands over, and takes as long as the ways and services take."""
    played.accept("o1", 1)
    accepted_ms = played.scheduler.now_ms()
    at_shop = played.sends("at_shop", "o1")
    assert at_shop.at == accepted_ms + round(math.hypot(300, 400) / 320 * MINUTE_MS)
    played.scheduler.run(5)
    played.cooked("o1")
    picked_up = played.sends("picked_up", "o1")
    assert picked_up.at == at_shop.at + 5 * MINUTE_MS
    played.client.answer(picked_up)
    delivered = played.sends("delivered", "o1")
    assert delivered.at == picked_up.at + HALF + round(1_000 / 320 * MINUTE_MS) + HALF
    played.scheduler.run(3)
    assert (played.rider.jobs, played.rider.leg.at(played.scheduler.now_ms())) == ([], (1_000, 0))
    record = played.records.orders["o1"]
    riders = [played.client.name]
    assert (record.accepted_by, record.picked_up_by, record.delivered_by) == (riders, riders, riders)
    assert record.delivered_at == delivered.at


def test_the_same_offer_twice_is_one_offer(played: Played) -> None:
    """A redelivered offer is not answered again."""
    for _ in range(2):
        played.offered("o1", 1)
    played.scheduler.run(1)
    played.offered("o1", 1)
    played.scheduler.run(1)
    assert len(played.client.all_sent(RiderReply)) == played.records.counts["offers"] == 1


def test_an_old_withdrawal_takes_nothing(played: Played) -> None:
    """One that comes again concerns the offer it names, not a later one of the same order."""
    played.accept("o1", 5)
    played.offered("o1", 4, state="withdrawn")
    played.sends("at_shop", "o1")


@pytest.mark.parametrize("how", ["withdrawn", "refused"])
def test_an_order_that_is_taken_away_is_let_go(played: Played, how: str) -> None:
    """Whether the node withdraws the order or refuses a step of it, the rider goes on with the next one."""
    played.accept("o1", 1)
    at_shop = played.sends("at_shop", "o1")
    played.client.answer(at_shop, "too_late" if how == "refused" else "")
    if how == "withdrawn":
        played.offered("o1", 1, state="withdrawn")
    played.cooked("o1")
    played.accept("o2", 2)
    played.sends("at_shop", "o2")
    played.scheduler.run(30)
    assert played.steps("picked_up") == []
    assert played.records.counts["jobs_withdrawn"] == 1


def test_what_a_dispatcher_gives_is_fetched_without_an_offer(played: Played) -> None:
    """An accepted order that was never offered is the rider's at once, and only once; it goes where another offer of it
    takes it away, or the shift has not begun."""
    for _ in range(2):
        played.offered("o1", 3, "o1", state="accepted")
    assert [job.order for job in played.rider.jobs] == ["o1"]
    assert played.records.orders["o1"].accepted_by == [played.client.name]
    at_shop = played.sends("at_shop", "o1")
    played.client.answer(at_shop)
    played.offered("o2", 4, "o2", state="accepted")
    played.cooked("o1", "o2")
    for order in ("o1", "o2"):
        played.client.answer(played.sends("picked_up", order))
    played.sends("delivered", "o2")
    assert played.client.all_sent(RiderReply) == []


def test_what_a_dispatcher_takes_back_is_let_go(played: Played) -> None:
    """Held, released or given to another one: the rider stops."""
    played.offered("o1", 3, "o1", state="accepted")
    played.offered("o1", 3, state="withdrawn")
    assert played.rider.jobs == []
    played.rider.on = False
    played.offered("o2", 4, "o2", state="accepted")
    assert played.rider.jobs == []


def test_everything_of_a_shop_is_fetched_at_once(played: Played) -> None:
    """It waits for all meals, takes them together, and visits the doors as the latest assignment has them."""
    played.accept("o1", 1, "o1")
    played.accept("o3", 2, "o3")
    played.accept("o2", 3, "o2", "o1")
    played.sends("at_shop", "o2")
    assert played.steps("at_shop") == ["o1", "o2"]
    played.cooked("o1")
    played.scheduler.run(9)
    assert played.steps("picked_up") == []
    played.cooked("o2")
    one, two = played.sends("picked_up", "o1"), played.sends("picked_up", "o2")
    assert one.at == two.at == played.scheduler.now_ms()
    played.client.answer(one)
    played.scheduler.run(9)
    assert played.rider.leg.at(played.scheduler.now_ms()) == (0, 0)
    played.client.answer(two)
    first, second = played.sends("delivered", "o2"), played.sends("delivered", "o1")
    hop_ms = round(math.hypot(1_000, 1_000) / 320 * MINUTE_MS)
    assert second.at == first.at + HALF + hop_ms + HALF
    played.sends("at_shop", "o3")


def test_a_rider_at_the_shop_answers_before_it_leaves(played: Played) -> None:
    """An offer of the shop where it waits is answered, and its meal waited for, before anything is taken."""
    played.accept("o1", 1)
    played.sends("at_shop", "o1")
    played.offered("o2", 2)
    played.cooked("o1")
    reply = played.client.sends(RiderReply, order="o2")
    played.scheduler.run(9)
    assert played.steps("picked_up") == []
    played.client.answer(reply)
    played.sends("at_shop", "o2")
    played.cooked("o2")
    played.sends("picked_up", "o2")
    assert played.steps("picked_up") == ["o1", "o2"]


@pytest.mark.parametrize("how", ["withdrawn", "declined by the node", "refused at pickup"])
def test_what_is_taken_out_of_a_trip_stops_nothing_else(played: Played, how: str) -> None:
    """It goes on with the rest of the trip: it waits no longer for that meal, and delivers what it has."""
    played.accept("o1", 1)
    played.sends("at_shop", "o1")
    played.cooked("o1")
    played.offered("o2", 2)
    reply = played.client.sends(RiderReply, order="o2")
    played.client.answer(reply, "too_late" if how == "declined by the node" else "")
    if how == "withdrawn":
        played.offered("o2", 2, state="withdrawn")
    elif how == "refused at pickup":
        played.cooked("o2")
        played.client.answer(played.sends("picked_up", "o2"), "too_late")
    played.client.answer(played.sends("picked_up", "o1"))
    played.sends("delivered", "o1")
    assert played.records.counts["jobs_withdrawn"] == (how != "declined by the node")
    assert played.records.problems == []


@pytest.mark.parametrize("late_min", [0, 3])
def test_an_order_regained_is_brought_with_the_rest_of_its_trip(played: Played, late_min: int) -> None:
    """Withdrawn while its pickup was on the way to the node, and then accepted, when the rider is about to leave with
    the rest or has left: it brings both, and where it has not left yet, in the sequence of the assignment."""
    played.accept("o1", 1, "o1")
    played.accept("o2", 2, "o1", "o2")
    played.cooked("o1", "o2")
    one, two = played.sends("picked_up", "o1"), played.sends("picked_up", "o2")
    played.offered("o1", 1, state="withdrawn")
    played.client.answer(two)
    played.scheduler.run(late_min)
    played.client.answer(one)
    played.sends("delivered", "o1")
    played.sends("delivered", "o2")
    assert late_min or played.steps("delivered") == ["o1", "o2"]
    assert played.records.problems == []


def test_a_step_refused_to_who_carries_the_order_is_a_problem(played: Played) -> None:
    """The rider brings it all the same."""
    played.accept("o1", 1)
    played.cooked("o1")
    played.client.answer(played.sends("picked_up", "o1"))
    played.client.answer(played.sends("delivered", "o1"), "too_late")
    played.scheduler.run(3)
    assert (played.records.problems, played.rider.jobs) == (["rider-c1 carries o1, but delivered was too_late"], [])


def test_after_the_shift_nothing_is_accepted_and_the_rider_goes_home(played: Played) -> None:
    """What it has is done first; offers that it looks at then are declined."""
    played.accept("o1", 1)
    played.rider.end_shift(played.scheduler.now_ms())
    played.cooked("o1")
    played.client.answer(played.sends("picked_up", "o1"))
    played.sends("delivered", "o1")
    played.offered("o2", 2)
    played.client.sends(RiderReply, offer=2, accept=False)
    played.scheduler.run(3)
    assert not played.client.left
    played.client.answer(played.client.all_sent(RiderReply, offer=2)[0])
    played.client.sends(RiderShift, on=False)
    assert (played.client.left, played.records.riders["rider-c1"]) == (True, "off")


def failing(played: Played, causes: list[Any]) -> None:
    """The first doors give these causes; None where somebody takes it."""
    played.rider.trouble = lambda job: causes.pop(0) if causes else None


def picked_up(played: Played, *orders: str) -> None:
    """Orders of one shop are in the bag."""
    for number, order in enumerate(orders, 1):
        played.accept(order, number, *orders[:number])
    played.sends("at_shop", orders[-1])
    played.cooked(*orders)
    for order in orders:
        played.client.answer(played.sends("picked_up", order))


def test_what_nobody_takes_comes_back_after_the_other_doors(played: Played) -> None:
    """At the door it waits, reports why, brings the rest of the bag, then rides to the shop; a receipt ends it."""
    failing(played, ["refused"])
    picked_up(played, "o1", "o2")
    at_door = played.sends("at_customer", "o1")
    failed = played.sends("failed", "o1")
    assert (failed.cause, failed.at) == ("refused", at_door.at + HALF)
    delivered = played.sends("delivered", "o2")
    returned = played.sends("returned", "o1")
    assert returned.at > delivered.at + HALF
    assert [job.order for job in played.rider.jobs] == ["o1"]
    played.client.answer(returned)
    assert played.rider.jobs == []
    assert played.steps("delivered") == ["o2"]


@pytest.mark.parametrize("when", ["on the way", "at the shop"])
def test_what_goes_out_again_gets_to_its_door(played: Played, when: str) -> None:
    """Whether the node's word finds the rider on its way, or refuses the return."""
    failing(played, ["customer_absent"])
    picked_up(played, "o1")
    played.sends("failed", "o1")
    if when == "on the way":
        played.scheduler.run(3)
        played.offered("o1", 1, "o1", state="accepted")
    else:
        played.client.answer(played.sends("returned", "o1"), "out_of_sequence")
    played.sends("delivered", "o1")
    assert len(played.steps("returned")) == (when == "at the shop")
    assert played.records.problems == []
