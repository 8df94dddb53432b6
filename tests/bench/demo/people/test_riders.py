"""Riders as clients of the node: their shift, their places, their dice. Their work is tested with `bench.courier`."""

import itertools

import pytest

from bench.demo.people.riders import BREAK_MINUTES, LIMIT_G, Rider
from bench.demo.people.world import MINUTE_MS, Habits
from edge.scenarios.dispatch.messages.overrides import RiderPause
from edge.scenarios.dispatch.messages.up import Load, RiderReply, RiderShift
from edge.scenarios.dispatch.options import VEHICLE_PACE
from tests.bench.demo.people.recorded_world import TINY, Person, RecordedWorld

ORDERS = {order.name: order for order in TINY.orders}


def on_shift(habits: Habits | None = None) -> tuple[RecordedWorld, Person]:
    """A rider who has planned the day."""
    recorded = RecordedWorld(habits=habits)
    Rider(recorded.world, TINY.couriers[0], ORDERS).plan()
    return recorded, recorded.people["rider-c1"]


def test_a_shift_begins_with_its_end_and_the_place() -> None:
    """The node knows when a rider goes home, and where it is now."""
    _, rider = on_shift()
    shift = rider.sends(RiderShift, on=True)
    assert (shift.until - shift.at) == 240 * MINUTE_MS
    assert shift.place is not None


def test_places_are_reported_in_sequence_and_not_stored() -> None:
    """A rider on shift reports one place in 30 seconds, several in one message where time runs fast."""
    recorded, rider = on_shift()
    rider.sends(RiderShift, on=True)
    recorded.scheduler.run(50)
    assert len(rider.places) >= 40
    instants = [at for at, _, _ in rider.places]
    assert all(later - at == 30_000 for at, later in itertools.pairwise(instants))


def test_after_the_shift_nothing_is_accepted_and_the_rider_goes_home() -> None:
    """The end of the shift is sent once nothing is left to do; later offers are declined or met with silence."""
    recorded, rider = on_shift()
    rider.sends(RiderShift, on=True)
    rider.sends(RiderShift, on=False)
    assert rider.left
    assert recorded.records.riders["rider-c1"] == "off"
    rider.on_answer(recorded.offer("o1", 1))
    assert not (rider.sends(RiderReply, offer=1)).accept


def test_rides_in_the_rain_take_longer() -> None:
    """While the second third of the orders are placed, a ride takes as much longer as the habit has it, and is
    counted."""
    recorded = RecordedWorld(habits=Habits(slow=0.5))
    rider = Rider(recorded.world, TINY.couriers[0], ORDERS)
    dry_ms = rider.ride_ms((0, 0), (3_200, 0))
    recorded.scheduler.run((recorded.world.ms(2) - recorded.scheduler.now_ms()) / MINUTE_MS)
    assert (dry_ms, rider.ride_ms((0, 0), (3_200, 0))) == (10 * MINUTE_MS, 15 * MINUTE_MS)
    assert recorded.records.counts["slow_rides"] == 1
    recorded.scheduler.run(1)
    assert rider.ride_ms((0, 0), (3_200, 0)) == dry_ms


@pytest.mark.parametrize(("habit", "replies"), [("decline", 1), ("silent", 0)])
def test_habits(habit: str, replies: int) -> None:
    """A rider that always declines sends it; one that is always silent sends nothing."""
    habits = {"decline": 0.0, "silent": 0.0, habit: 1.0}
    recorded, rider = on_shift(Habits(cancel=0, delay=0, repeat=0, **habits))
    rider.sends(RiderShift, on=True)
    rider.on_answer(recorded.offer("o1", 1))
    recorded.scheduler.run(10)
    answers_sent = [event for event in rider.sent if isinstance(event, RiderReply)]
    assert len(answers_sent) == replies
    assert not any(reply.accept for reply in answers_sent)


def test_some_riders_have_a_bicycle_a_small_box_and_a_break() -> None:
    """What is announced is what is done: rides take as long as the node expects of a bicycle, and the break is in the
    middle of the shift."""
    recorded, rider = on_shift(Habits(varied=1))
    shift = rider.sends(RiderShift, on=True)
    assert (shift.vehicle, shift.load_limit) == ("bike", Load(weight_g=LIMIT_G))
    pause = rider.sends(RiderPause)
    assert pause.rider == "rider-c1"
    assert (pause.starts_at, pause.until) == (recorded.world.ms(120), recorded.world.ms(120 + BREAK_MINUTES))
    slow = Rider(recorded.world, TINY.couriers[0], ORDERS)
    assert slow.ride_ms((0, 0), (3_200, 0)) == 10 * MINUTE_MS * VEHICLE_PACE["bike"]
