"""Riders: from the offer to the door, and what takes an order away from them."""

import asyncio
import itertools
import math
from collections.abc import Coroutine
from typing import Any

import pytest

from bench.demo.people.riders import Rider
from bench.demo.people.world import MINUTE_MS, Habits
from edge.scenarios.dispatch.messages import RiderProgress, RiderReply, RiderShift
from tests.bench.demo.people.recorded_world import TINY, Person, RecordedWorld

ORDERS = {order.name: order for order in TINY.orders}


def on_shift(habits: Habits | None = None) -> tuple[RecordedWorld, Person]:
    """A rider who has planned the day."""
    recorded = RecordedWorld(habits=habits)
    Rider(recorded.world, TINY.couriers[0], ORDERS).plan()
    return recorded, recorded.people["rider-c1"]


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test, with a deadline that only a hanging one meets."""

    async def main() -> None:
        async with asyncio.timeout(30):
            await test

    asyncio.run(main())


async def accepted(recorded: RecordedWorld, rider: Person, order: str, number: int, *dropoffs: str) -> None:
    """Offer an order to the rider and receipt the acceptance."""
    rider.on_answer(recorded.offer(order, number, dropoffs=dropoffs))
    reply = await rider.sends(RiderReply, order=order, offer=number)
    assert reply.accept
    rider.answer(reply)


def test_an_order_from_offer_to_door() -> None:
    """A rider accepts, drives, waits for the meal, hands over, and takes as long as the ways and services take."""

    async def test() -> None:
        recorded, rider = on_shift()
        shift = await rider.sends(RiderShift, on=True)
        assert (shift.until - shift.at) == 240 * MINUTE_MS
        assert shift.place is not None
        rider.answer(shift)
        await accepted(recorded, rider, "o1", 1)
        at_shop = await rider.sends(RiderProgress, step="at_shop")
        rider.answer(at_shop)
        ready = at_shop.at + 5 * MINUTE_MS
        recorded.world.meal_ready("o1", ready)
        picked_up = await rider.sends(RiderProgress, step="picked_up")
        assert picked_up.at == ready
        rider.answer(picked_up)
        delivered = await rider.sends(RiderProgress, step="delivered")
        rider.answer(delivered)
        drive = 1_000 / 320 * MINUTE_MS
        assert delivered.at >= picked_up.at + 2 * MINUTE_MS + math.floor(drive) + 2 * MINUTE_MS
        record = recorded.records.orders["o1"]
        assert (record.picked_up_by, record.delivered_by, record.delivered_at) == (
            ["rider-c1"],
            ["rider-c1"],
            delivered.at,
        )
        assert recorded.records.problems == []

    run(test())


def test_places_are_reported_in_sequence_and_not_stored() -> None:
    """A rider on shift reports one place in 30 seconds, several in one message where time runs fast."""

    async def test() -> None:
        _, rider = on_shift()
        await rider.sends(RiderShift, on=True)
        await asyncio.sleep(0.5)
        assert len(rider.places) >= 40
        instants = [at for at, _, _ in rider.places]
        assert all(later - at == 30_000 for at, later in itertools.pairwise(instants))

    run(test())


def test_the_same_offer_twice_is_one_offer() -> None:
    """A redelivered offer is not answered again."""

    async def test() -> None:
        recorded, rider = on_shift()
        await rider.sends(RiderShift, on=True)
        offer = recorded.offer("o1", 1)
        rider.on_answer(offer)
        rider.on_answer(offer)
        await rider.sends(RiderReply, offer=1)
        rider.on_answer(offer)
        await asyncio.sleep(0.05)
        assert sum(isinstance(event, RiderReply) for event in rider.sent) == 1
        assert recorded.records.counts["offers"] == 1

    run(test())


@pytest.mark.parametrize("how", ["withdrawn", "refused"])
def test_an_order_that_is_taken_away_is_let_go(how: str) -> None:
    """Whether the node withdraws the order or refuses a step of it, the rider goes on with the next one."""

    async def test() -> None:
        recorded, rider = on_shift()
        await rider.sends(RiderShift, on=True)
        await accepted(recorded, rider, "o1", 1)
        at_shop = await rider.sends(RiderProgress, step="at_shop", order="o1")
        if how == "withdrawn":
            rider.answer(at_shop)
            rider.on_answer(recorded.offer("o1", 1, "withdrawn"))
        else:
            rider.answer(at_shop, "too_late")
        recorded.world.meal_ready("o1", recorded.scheduler.now_ms())
        await accepted(recorded, rider, "o2", 2)
        await rider.sends(RiderProgress, step="at_shop", order="o2")
        assert not any(isinstance(e, RiderProgress) and e.step == "picked_up" for e in rider.sent)
        assert recorded.records.counts["jobs_withdrawn"] == 1

    run(test())


def steps(rider: Person, step: str) -> list[str]:
    """The orders of which the rider has sent a step, in sequence."""
    return [event.order for event in rider.sent if isinstance(event, RiderProgress) and event.step == step]


def test_everything_of_a_shop_is_fetched_at_once() -> None:
    """The rider waits for all meals, takes them together, and visits the doors as the latest assignment has them."""

    async def test() -> None:
        recorded, rider = on_shift()
        await rider.sends(RiderShift, on=True)
        await accepted(recorded, rider, "o1", 1, "o1")
        await accepted(recorded, rider, "o3", 2, "o3")
        await accepted(recorded, rider, "o2", 3, "o2", "o1")
        at_shop = await rider.sends(RiderProgress, step="at_shop", order="o2")
        assert steps(rider, "at_shop") == ["o1", "o2"]
        first = at_shop.at + 5 * MINUTE_MS
        recorded.world.meal_ready("o1", first)
        await asyncio.sleep(0.1)
        assert steps(rider, "picked_up") == []
        last = recorded.scheduler.now_ms() + MINUTE_MS
        recorded.world.meal_ready("o2", last)
        one = await rider.sends(RiderProgress, step="picked_up", order="o1")
        two = await rider.sends(RiderProgress, step="picked_up", order="o2")
        assert one.at == two.at == last
        rider.answer(one)
        await asyncio.sleep(0.1)
        assert recorded.records.riders["rider-c1"] == "at_shop"
        rider.answer(two)
        to_o2 = await rider.sends(RiderProgress, step="delivered", order="o2")
        to_o1 = await rider.sends(RiderProgress, step="delivered", order="o1")
        assert steps(rider, "delivered") == ["o2", "o1"]
        hop = math.floor(math.hypot(1_000, 1_000) / 320 * MINUTE_MS)
        assert to_o1.at >= to_o2.at + 2 * MINUTE_MS + hop + 2 * MINUTE_MS
        await rider.sends(RiderProgress, step="at_shop", order="o3")
        assert recorded.records.problems == []

    run(test())


def test_a_rider_at_the_shop_answers_before_it_leaves() -> None:
    """An offer of the shop where the rider waits is answered, and its meal waited for, before anything is taken."""

    async def test() -> None:
        recorded, rider = on_shift()
        await rider.sends(RiderShift, on=True)
        await accepted(recorded, rider, "o1", 1)
        await rider.sends(RiderProgress, step="at_shop", order="o1")
        rider.on_answer(recorded.offer("o2", 2))
        recorded.world.meal_ready("o1", recorded.scheduler.now_ms())
        reply = await rider.sends(RiderReply, order="o2")
        await asyncio.sleep(0.1)
        assert steps(rider, "picked_up") == []
        rider.answer(reply)
        await rider.sends(RiderProgress, step="at_shop", order="o2")
        recorded.world.meal_ready("o2", recorded.scheduler.now_ms())
        await rider.sends(RiderProgress, step="picked_up", order="o2")
        assert steps(rider, "picked_up") == ["o1", "o2"]

    run(test())


@pytest.mark.parametrize("how", ["withdrawn", "declined by the node", "refused at pickup"])
def test_what_is_taken_out_of_a_trip_stops_nothing_else(how: str) -> None:
    """The rider goes on with the rest of the trip: it waits no longer for that meal, and delivers what it has."""

    async def test() -> None:
        recorded, rider = on_shift()
        await rider.sends(RiderShift, on=True)
        await accepted(recorded, rider, "o1", 1)
        await rider.sends(RiderProgress, step="at_shop", order="o1")
        recorded.world.meal_ready("o1", recorded.scheduler.now_ms())
        rider.on_answer(recorded.offer("o2", 2))
        reply = await rider.sends(RiderReply, order="o2")
        if how == "declined by the node":
            rider.answer(reply, "too_late")
        else:
            rider.answer(reply)
            at_shop = await rider.sends(RiderProgress, step="at_shop", order="o2")
            rider.answer(at_shop)
        if how == "withdrawn":
            rider.on_answer(recorded.offer("o2", 2, "withdrawn"))
        elif how == "refused at pickup":
            recorded.world.meal_ready("o2", recorded.scheduler.now_ms())
            rider.answer(await rider.sends(RiderProgress, step="picked_up", order="o2"), "too_late")
        rider.answer(await rider.sends(RiderProgress, step="picked_up", order="o1"))
        await rider.sends(RiderProgress, step="delivered", order="o1")
        assert steps(rider, "delivered") == ["o1"]
        assert recorded.records.counts["jobs_withdrawn"] == (how != "declined by the node")
        assert recorded.records.problems == []

    run(test())


def test_an_old_withdrawal_does_not_take_a_new_offer() -> None:
    """A withdrawal that comes again concerns the offer it names, not a later one of the same order."""

    async def test() -> None:
        recorded, rider = on_shift()
        await rider.sends(RiderShift, on=True)
        await accepted(recorded, rider, "o1", 5)
        rider.on_answer(recorded.offer("o1", 4, "withdrawn"))
        await rider.sends(RiderProgress, step="at_shop", order="o1")
        assert recorded.records.counts["jobs_withdrawn"] == 0

    run(test())


def test_a_pickup_that_the_node_believes_makes_the_order_ours_again() -> None:
    """Withdrawn while the pickup was on its way and then accepted: the rider carries the order to its door."""

    async def test() -> None:
        recorded, rider = on_shift()
        await rider.sends(RiderShift, on=True)
        await accepted(recorded, rider, "o1", 1)
        recorded.world.meal_ready("o1", recorded.scheduler.now_ms())
        picked_up = await rider.sends(RiderProgress, step="picked_up")
        rider.on_answer(recorded.offer("o1", 1, "withdrawn"))
        rider.answer(picked_up)
        await rider.sends(RiderProgress, step="delivered", order="o1")
        assert recorded.records.problems == []

    run(test())


@pytest.mark.parametrize("late_s", [0.0, 0.03])
def test_an_order_regained_is_brought_with_the_rest_of_its_trip(late_s: float) -> None:
    """The receipt of a pickup comes when the rider is about to leave with the rest, or has left: it brings both, and
    where it has not left yet, in the sequence of the assignment."""

    async def test() -> None:
        recorded, rider = on_shift()
        await rider.sends(RiderShift, on=True)
        await accepted(recorded, rider, "o1", 1, "o1")
        await accepted(recorded, rider, "o2", 2, "o1", "o2")
        for name in ("o1", "o2"):
            recorded.world.meal_ready(name, recorded.scheduler.now_ms())
        one = await rider.sends(RiderProgress, step="picked_up", order="o1")
        two = await rider.sends(RiderProgress, step="picked_up", order="o2")
        rider.on_answer(recorded.offer("o1", 1, "withdrawn"))
        rider.answer(two)
        if late_s:
            await asyncio.sleep(late_s)
        rider.answer(one)
        for name in ("o1", "o2"):
            await rider.sends(RiderProgress, step="delivered", order=name)
        delivered = steps(rider, "delivered")
        assert sorted(delivered) == ["o1", "o2"]
        assert late_s or delivered == ["o1", "o2"]
        assert recorded.records.problems == []

    run(test())


def test_after_the_shift_nothing_is_accepted_and_the_rider_goes_home() -> None:
    """The end of the shift is sent once nothing is left to do; later offers are declined or met with silence."""

    async def test() -> None:
        recorded, rider = on_shift()
        await rider.sends(RiderShift, on=True)
        await rider.sends(RiderShift, on=False)
        assert rider.left
        assert recorded.records.riders["rider-c1"] == "off"
        rider.on_answer(recorded.offer("o1", 1))
        assert not (await rider.sends(RiderReply, offer=1)).accept

    run(test())


@pytest.mark.parametrize(("habit", "replies"), [("decline", 1), ("silent", 0)])
def test_habits(habit: str, replies: int) -> None:
    """A rider that always declines sends it; one that is always silent sends nothing."""

    async def test() -> None:
        habits = {"decline": 0.0, "silent": 0.0, habit: 1.0}
        recorded, rider = on_shift(Habits(cancel=0, delay=0, repeat=0, **habits))
        await rider.sends(RiderShift, on=True)
        rider.on_answer(recorded.offer("o1", 1))
        await asyncio.sleep(0.1)
        answers_sent = [event for event in rider.sent if isinstance(event, RiderReply)]
        assert len(answers_sent) == replies
        assert not any(reply.accept for reply in answers_sent)

    run(test())
