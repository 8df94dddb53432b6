"""Riders as clients of the node: their shift, their places, their dice. Their work is tested with `bench.courier`."""

import asyncio
import itertools
import math

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


async def test_an_order_from_offer_to_door() -> None:
    """A rider accepts, drives, waits for the meal, hands over, and takes as long as the ways and services take."""
    recorded, rider = on_shift()
    shift = await rider.sends(RiderShift, on=True)
    assert (shift.until - shift.at) == 240 * MINUTE_MS
    assert shift.place is not None
    rider.answer(shift)
    rider.on_answer(recorded.offer("o1", 1))
    rider.answer(await rider.sends(RiderReply, offer=1, accept=True))
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


async def test_places_are_reported_in_sequence_and_not_stored() -> None:
    """A rider on shift reports one place in 30 seconds, several in one message where time runs fast."""
    _, rider = on_shift()
    await rider.sends(RiderShift, on=True)
    await asyncio.sleep(0.5)
    assert len(rider.places) >= 40
    instants = [at for at, _, _ in rider.places]
    assert all(later - at == 30_000 for at, later in itertools.pairwise(instants))


async def test_after_the_shift_nothing_is_accepted_and_the_rider_goes_home() -> None:
    """The end of the shift is sent once nothing is left to do; later offers are declined or met with silence."""
    recorded, rider = on_shift()
    await rider.sends(RiderShift, on=True)
    await rider.sends(RiderShift, on=False)
    assert rider.left
    assert recorded.records.riders["rider-c1"] == "off"
    rider.on_answer(recorded.offer("o1", 1))
    assert not (await rider.sends(RiderReply, offer=1)).accept


@pytest.mark.parametrize(("habit", "replies"), [("decline", 1), ("silent", 0)])
async def test_habits(habit: str, replies: int) -> None:
    """A rider that always declines sends it; one that is always silent sends nothing."""
    habits = {"decline": 0.0, "silent": 0.0, habit: 1.0}
    recorded, rider = on_shift(Habits(cancel=0, delay=0, repeat=0, **habits))
    await rider.sends(RiderShift, on=True)
    rider.on_answer(recorded.offer("o1", 1))
    await asyncio.sleep(0.1)
    answers_sent = [event for event in rider.sent if isinstance(event, RiderReply)]
    assert len(answers_sent) == replies
    assert not any(reply.accept for reply in answers_sent)
