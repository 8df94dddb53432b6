"""Riders: from the offer to the door, and what takes an order away from them."""

import asyncio
import itertools
import math
from collections.abc import Coroutine
from typing import Any

import pytest

from bench.demo.riders import Rider
from bench.demo.world import MINUTE_MS, Habits
from edge.wire import RiderProgress, RiderReply, RiderShift
from tests.bench.demo.street import TINY, Person, Street

ORDERS = {order.name: order for order in TINY.orders}


def on_the_street(habits: Habits | None = None) -> tuple[Street, Person]:
    """A rider who has planned the day."""
    street = Street(habits=habits)
    Rider(street.world, TINY.couriers[0], ORDERS).plan()
    return street, street.people["rider-c1"]


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test, with a deadline that only a hanging one meets."""

    async def main() -> None:
        async with asyncio.timeout(30):
            await test

    asyncio.run(main())


async def accepted(street: Street, rider: Person, order: str, number: int) -> None:
    """Offer an order to the rider and receipt the acceptance."""
    rider.on_answer(street.offer(order, number))
    reply = await rider.says(RiderReply, order=order, offer=number)
    assert reply.accept
    rider.answer(reply)


def test_an_order_from_offer_to_door() -> None:
    """A rider accepts, drives, waits for the meal, hands over, and takes as long as the ways and services take."""

    async def test() -> None:
        street, rider = on_the_street()
        shift = await rider.says(RiderShift, on=True)
        assert (shift.until - shift.at) == 240 * MINUTE_MS
        assert shift.place is not None
        rider.answer(shift)
        await accepted(street, rider, "o1", 1)
        at_shop = await rider.says(RiderProgress, step="at_shop")
        rider.answer(at_shop)
        ready = at_shop.at + 5 * MINUTE_MS
        street.world.meal_ready("o1", ready)
        picked_up = await rider.says(RiderProgress, step="picked_up")
        assert picked_up.at == ready
        rider.answer(picked_up)
        delivered = await rider.says(RiderProgress, step="delivered")
        rider.answer(delivered)
        drive = 1_000 / 320 * MINUTE_MS
        assert delivered.at >= picked_up.at + 2 * MINUTE_MS + math.floor(drive) + 2 * MINUTE_MS
        record = street.records.orders["o1"]
        assert (record.picked_up_by, record.delivered_by, record.delivered_at) == (
            ["rider-c1"],
            ["rider-c1"],
            delivered.at,
        )
        assert street.records.problems == []

    run(test())


def test_places_are_reported_in_sequence_and_not_stored() -> None:
    """A rider on shift reports one place in 30 seconds, several in one message where time runs fast."""

    async def test() -> None:
        _, rider = on_the_street()
        await rider.says(RiderShift, on=True)
        await asyncio.sleep(0.5)
        assert len(rider.places) >= 40
        instants = [at for at, _, _ in rider.places]
        assert all(later - at == 30_000 for at, later in itertools.pairwise(instants))

    run(test())


def test_the_same_offer_twice_is_one_offer() -> None:
    """A redelivered offer is not answered again."""

    async def test() -> None:
        street, rider = on_the_street()
        await rider.says(RiderShift, on=True)
        offer = street.offer("o1", 1)
        rider.on_answer(offer)
        rider.on_answer(offer)
        await rider.says(RiderReply, offer=1)
        rider.on_answer(offer)
        await asyncio.sleep(0.05)
        assert sum(isinstance(event, RiderReply) for event in rider.told) == 1
        assert street.records.counts["offers"] == 1

    run(test())


@pytest.mark.parametrize("how", ["withdrawn", "refused"])
def test_an_order_that_is_taken_away_is_let_go(how: str) -> None:
    """Whether the node withdraws the order or refuses a step of it, the rider goes on with the next one."""

    async def test() -> None:
        street, rider = on_the_street()
        await rider.says(RiderShift, on=True)
        await accepted(street, rider, "o1", 1)
        at_shop = await rider.says(RiderProgress, step="at_shop", order="o1")
        if how == "withdrawn":
            rider.answer(at_shop)
            rider.on_answer(street.offer("o1", 1, "withdrawn"))
        else:
            rider.answer(at_shop, "too_late")
        street.world.meal_ready("o1", street.agenda.now_ms())
        await accepted(street, rider, "o2", 2)
        await rider.says(RiderProgress, step="at_shop", order="o2")
        assert not any(isinstance(e, RiderProgress) and e.step == "picked_up" for e in rider.told)
        assert street.records.counts["jobs_withdrawn"] == 1

    run(test())


def test_an_old_withdrawal_does_not_take_a_new_offer() -> None:
    """A withdrawal that comes again concerns the offer it names, not a later one of the same order."""

    async def test() -> None:
        street, rider = on_the_street()
        await rider.says(RiderShift, on=True)
        await accepted(street, rider, "o1", 5)
        rider.on_answer(street.offer("o1", 4, "withdrawn"))
        await rider.says(RiderProgress, step="at_shop", order="o1")
        assert street.records.counts["jobs_withdrawn"] == 0

    run(test())


def test_a_pickup_that_the_node_believes_makes_the_order_ours_again() -> None:
    """Withdrawn while the pickup was on its way and then accepted: the rider carries the order to its door."""

    async def test() -> None:
        street, rider = on_the_street()
        await rider.says(RiderShift, on=True)
        await accepted(street, rider, "o1", 1)
        street.world.meal_ready("o1", street.agenda.now_ms())
        picked_up = await rider.says(RiderProgress, step="picked_up")
        rider.on_answer(street.offer("o1", 1, "withdrawn"))
        rider.answer(picked_up)
        await rider.says(RiderProgress, step="delivered", order="o1")
        assert street.records.problems == []

    run(test())


def test_after_the_shift_nothing_is_accepted_and_the_rider_goes_home() -> None:
    """The end of the shift is told once nothing is left to do; later offers are declined or met with silence."""

    async def test() -> None:
        street, rider = on_the_street()
        await rider.says(RiderShift, on=True)
        await rider.says(RiderShift, on=False)
        assert rider.left
        assert street.records.riders["rider-c1"] == "off"
        rider.on_answer(street.offer("o1", 1))
        assert not (await rider.says(RiderReply, offer=1)).accept

    run(test())


@pytest.mark.parametrize(("habit", "replies"), [("decline", 1), ("silent", 0)])
def test_habits(habit: str, replies: int) -> None:
    """Who always declines says so; who is always silent says nothing."""

    async def test() -> None:
        habits = {"decline": 0.0, "silent": 0.0, habit: 1.0}
        street, rider = on_the_street(Habits(cancel=0, delay=0, repeat=0, **habits))
        await rider.says(RiderShift, on=True)
        rider.on_answer(street.offer("o1", 1))
        await asyncio.sleep(0.1)
        said = [event for event in rider.told if isinstance(event, RiderReply)]
        assert len(said) == replies
        assert not any(reply.accept for reply in said)

    run(test())
