"""Tests of bench.whatif.simulation: days small enough to work out by hand, and one that is not."""

from typing import Any

import msgspec
import pytest
from msgspec import structs

from bench.whatif.change import Change, changed
from bench.whatif.day import Reply, Request
from edge.scenarios.dispatch.messages.overrides import RiderPause
from edge.scenarios.dispatch.messages.up import Load
from tests.bench.whatif.recorded_day import DOOR, RIDE_S, SHOP, T0, day, door_s, order, shift, simulate, small_district


def test_an_order_takes_what_it_takes() -> None:
    """With the rider at the shop: until it is ready, and the ride."""
    made = day([order(1)], [shift("r-1")])
    assert door_s(made, simulate(made), 1) == 600 + RIDE_S


def test_a_promise_is_the_nodes_own() -> None:
    """The promise in the receipt; where the node learns nothing, this day keeps it to the second."""
    made = day([order(1)], [shift("r-1")])
    found = simulate(made)["o-1"]
    assert found.promise is not None
    assert found.promise.earliest_at <= found.ended_ms <= found.promise.latest_at
    assert found.ended_ms < found.promised_ms
    made = structs.replace(made, rules=structs.replace(made.rules, learn_times=False))
    found = simulate(made)["o-1"]
    assert abs(found.promised_ms - found.ended_ms) <= 60_000


def test_the_pace_is_that_of_the_day() -> None:
    """Rides that took half as long again do so again."""
    made = day([order(1)], [shift("r-1")], pace=1.5)
    assert door_s(made, simulate(made), 1) == 600 + 1.5 * RIDE_S


def test_a_second_rider_helps_where_one_is_busy() -> None:
    """Two orders at once, one order a rider: with a double of the only rider the second need not wait."""
    made = day([order(1), order(2)], [shift("r-1")])
    alone = simulate(made)
    both = simulate(changed(made, [Change("riders", 1)]))
    assert sorted(door_s(made, alone, number) for number in (1, 2)) == [600 + RIDE_S, 600 + 3 * RIDE_S]
    assert [door_s(made, both, number) for number in (1, 2)] == [600 + RIDE_S] * 2


def test_a_slower_kitchen_delays_by_as_much() -> None:
    """A fifth more of ten minutes is two more."""
    made = day([order(1)], [shift("r-1")])
    slower = changed(made, [Change("kitchen", 20)])
    assert door_s(made, simulate(slower), 1) == 720 + RIDE_S


def test_nobody_means_undeliverable() -> None:
    """An order that no rider comes for ends when the node gives up, four hours after it was ready."""
    made = day([order(1)], [])
    found = simulate(made)["o-1"]
    assert (found.state, found.ended_ms) == ("undeliverable", T0 + (600 + 4 * 3600) * 1000)


def test_a_cancelled_order_stays_cancelled_unless_it_is_faster() -> None:
    """The customer takes it back when it did, which is too late where the food is on its way by then."""
    made = day([order(1, cancelled_ms=T0 + 660_000, cancelled_by="customer-1")], [shift("r-1", 0, start=DOOR)])
    assert simulate(made)["o-1"].state == "delivered"
    late = day(list(made.orders), [shift("r-1", from_s=650, start=DOOR)])
    assert simulate(late)["o-1"].state == "cancelled"


def test_nearest_gives_the_order_to_the_nearest() -> None:
    """The other policy decides on the same street: at once, not when somebody has to leave."""
    made = day([order(1)], [shift("r-1", start=DOOR), shift("r-2", start=SHOP)])
    assert door_s(made, simulate(made, "nearest"), 1) == 600 + RIDE_S


def test_an_empty_day_is_over_at_once() -> None:
    """No orders, nothing to wait for."""
    assert simulate(day([], [shift("r-1")])) == {}


@pytest.mark.parametrize("policy", ["planned", "nearest"])
def test_the_same_day_twice_is_the_same_to_the_byte(policy: str) -> None:
    """Nothing is drawn at random: order, state and millisecond of every outcome."""
    first, second = (msgspec.json.encode(simulate(small_district(), policy)) for _ in range(2))
    assert first == second


def test_every_order_ends_whatever_riders_do() -> None:
    """All decline, all are silent, or all let offers lapse: the day ends all the same."""
    made = small_district()
    made = msgspec.structs.replace(made, orders=made.orders[:5])
    for replies in ((Reply("decline", 1_000),), (Reply("lapse", 0),)):
        stubborn = msgspec.structs.replace(made, replies=dict.fromkeys(made.riders(), replies))
        states = {one.state for one in simulate(stubborn).values()}
        assert states == {"undeliverable"}
    quiet = msgspec.structs.replace(made, silences=dict.fromkeys(made.riders(), ((T0, T0 * 2),)))
    assert {one.state for one in simulate(quiet).values()} == {"undeliverable"}


def test_a_rider_has_its_shifts_in_their_sequence() -> None:
    """In whatever sequence the day has them: an order in the first of two is delivered in it."""
    made = day([order(1)], [shift("r-1", 10_000, 20_000), shift("r-1", 0, 9_000)])
    assert door_s(made, simulate(made), 1) == 600 + RIDE_S


def test_a_slow_vehicle_is_slow_and_a_small_bag_stays_small() -> None:
    """Who goes on foot takes four times as long, or as the options have it; what it cannot carry goes to the
    other rider, whoever decides; and for whom it is too much for everybody, it stays at the shop."""
    alone = day([order(1)], [shift("r-1", vehicle="foot")])
    assert door_s(alone, simulate(alone), 1) == 600 + 4 * RIDE_S
    paced = structs.replace(alone, rules=structs.replace(alone.rules, vehicle_pace={"foot": 2.0}))
    assert door_s(paced, simulate(paced), 1) == 600 + 2 * RIDE_S
    small: dict[str, Any] = {"vehicle": "foot", "load_limit": Load(weight_g=1000)}
    for policy in ("planned", "nearest"):
        made = day([order(1, terms={"load": Load(weight_g=2000)})], [shift("r-1", **small), shift("r-2", start=DOOR)])
        assert door_s(made, simulate(made, policy), 1) == 600 + RIDE_S
        nobody = structs.replace(made, shifts=made.shifts[:1])
        assert simulate(nobody, policy)["o-1"].state == "undeliverable"


@pytest.mark.parametrize("policy", ["planned", "nearest"])
def test_a_break_is_taken_as_on_the_day(policy: str) -> None:
    """Who has a break when the order is placed fetches it after its end."""
    pause = Request(T0 + 1, "r-1", RiderPause(id="e", at=T0, rider="r-1", until=T0 + 900_000))
    made = day([order(1, at_s=10, ready_s=60)], [shift("r-1")], requests=(pause,))
    assert door_s(made, simulate(made, policy), 1) == pytest.approx(900 - 10 + RIDE_S, abs=61)
