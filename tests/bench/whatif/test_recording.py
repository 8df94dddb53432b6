"""Tests of bench.whatif.recording: the day that is read from a journal."""

from statistics import fmean

import msgspec
import pytest
from msgspec import structs

from bench.whatif.day import Day, Reply, Request
from bench.whatif.recording import Recording
from edge.core.model import decode_row, encode_row
from edge.core.node import Node
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.overrides import RiderPause
from edge.scenarios.dispatch.messages.up import Load
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.records import NearestObservation, record_in
from edge.scenarios.dispatch.travel.ride_times import ride_s
from tests.bench.whatif.recorded_day import Recorded, recorded, simulate, small_district
from tests.edge.district import HOME, SHOP, T0, configured, event, place, position, shift
from tests.edge.recorded import Rounds, play, reply


def read(rows: list[bytes]) -> Day:
    """The day in these rows."""
    recording = Recording()
    for body in rows:
        recording.feed(decode_row(body))
    return recording.day()


def evening() -> Rounds:
    """An order that r-1 declines, r-2 lets lapse and r-3 delivers; its kitchen sends a delay and then that it is
    ready, and the delivery is sent twice. A second order is still open at the end."""
    rounds: Rounds = [(0, [configured()])]
    for index, rider in enumerate(("r-1", "r-2", "r-3"), 1):
        rounds.append((index, shift(rider, at_s=index, lat=31.2000 + index / 2000)))
    rounds.append((5, [place(1, 5, ready_s=0)]))
    rounds.append((6, [event("shop-1", "kitchen.delay", "delay-1", 6, order="o-1", ready_at=T0 + 120_000)]))
    rounds.append((9, [reply("r-1", 1, 1, 9, accept=False)]))
    rounds.append((9.5, [reply("r-1", 1, 1, 9, accept=False), reply("r-9", 1, 1, 9)]))
    rounds.append((80, [position("r-3", [(T0 + 78_000, 31.2015, 121.4)])]))
    rounds.append((90, [reply("r-3", 1, 3, 90)]))
    rounds.append((130, [event("shop-1", "kitchen.ready", "ready-1", 130, order="o-1")]))
    for seconds, step in ((200, "at_shop"), (410, "picked_up"), (900, "delivered"), (901, "delivered")):
        done = event("r-3", "rider.progress", f"r-3-at-{seconds}", seconds, order="o-1", step=step)
        rounds.append((seconds, [done]))
    rounds.append((950, [place(2, 950)]))
    return rounds


@pytest.fixture(scope="module")
def day() -> Day:
    return read(play(Node([Dispatch]), evening()))


@pytest.fixture(scope="module")
def small() -> Day:
    return read(recorded()[0])


def test_an_order_comes_out_as_it_was(day: Day) -> None:
    """Places, times, the kitchen's messages, and a ready time that is not after the pickup."""
    first = day.orders[0]
    assert (first.name, first.client, first.shop) == ("o-1", "alice", "shop-1")
    assert (first.pickup, first.dropoff) == ((SHOP.lat, SHOP.lon), (HOME.lat, HOME.lon))
    assert (first.placed_ms, first.expected_ms) == (T0 + 5_000, T0 + 5_000)
    assert first.delays == ((T0 + 6_000, T0 + 120_000),)
    assert (first.ready_ms, first.announced) == (T0 + 130_000, True)
    assert day.outcomes["o-1"].state == "delivered"
    assert day.outcomes["o-1"].ended_ms == T0 + 900_000
    assert day.outcomes["o-1"].promised_ms > T0
    assert day.outcomes["o-2"].state == "open"


def test_replies_come_out_as_they_were(day: Day) -> None:
    """A decline and an acceptance, with their delays; a repeat counts once, another client's reply not at all. A rider
    who let an offer lapse during a silence has the silence, and no lapse beside it."""
    assert day.replies["r-1"] == (Reply("decline", 4_000),)
    assert day.replies["r-2"] == ()
    ((begin, _),) = day.silences["r-2"]
    assert begin == T0 + 2_000
    (accepted,) = day.replies["r-3"]
    assert accepted.answer == "accept"
    assert 0 < accepted.after_ms < 90_000
    assert "r-9" not in day.riders()


def test_a_whole_journal_gives_the_day_back(small: Day) -> None:
    """The small district's journal has its orders, shifts, replies and outcomes; only the places of riders are not in
    it."""
    before, (_, outcomes) = small_district(), recorded()
    assert small.orders == before.orders
    assert small.outcomes == outcomes
    assert small.rules == before.rules
    starts = [msgspec.structs.replace(one, start=(0.0, 0.0)) for one in before.shifts]
    assert [(one.rider, one.capacity, one.on_ms, one.until_ms) for one in small.shifts] == [
        (one.rider, one.capacity, one.on_ms, one.until_ms) for one in sorted(starts, key=lambda one: one.on_ms)
    ]
    assert {reply.answer for replies in small.replies.values() for reply in replies} == {"accept", "decline", "lapse"}
    assert small.paced >= 5
    assert small.pace == pytest.approx(1.0, abs=0.01)


def test_the_simulated_day_is_close_to_the_recorded_one(small: Day) -> None:
    """From the journal alone: a third of the orders come in the minute in which they came, and the mean of all is less
    than four minutes off, though riders are so scarce that one rider elsewhere changes all that follows."""
    simulated = simulate(small)
    apart = [
        (simulated[name].ended_ms - outcome.ended_ms) / 60_000
        for name, outcome in small.outcomes.items()
        if outcome.state == simulated[name].state == "delivered"
    ]
    assert len(apart) >= 30
    assert sum(abs(minutes) < 1 for minutes in apart) >= len(apart) / 4
    assert abs(fmean(apart)) < 4


def test_a_shift_begins_as_far_away_as_it_did(small: Day) -> None:
    """The estimated start keeps the seconds to the shop of the rider's first decision."""
    seen: dict[str, tuple[str, int]] = {}
    for row in map(decode_row, recorded()[0]):
        for observation in record_in(row).observations:
            if isinstance(observation, NearestObservation):
                for one in observation.riders:
                    seen.setdefault(one.rider, (observation.order, one.travel_s))
    orders = {one.name: one for one in small.orders}
    assert len(seen) == len(small.shifts)
    for one in small.shifts:
        order, travel_s = seen[one.rider]
        assert abs(ride_s(*one.start, *orders[order].pickup, small.rules) - travel_s) <= 1 + travel_s // 100


def test_a_journal_without_its_beginning_guesses_the_shifts() -> None:
    """Riders who were on shift before are counted, with the capacity that the rows show."""
    rows = recorded()[0]
    late = read(rows[len(rows) // 2 :])
    assert late.begun_before > 0
    assert {shift.capacity for shift in late.shifts} == {1, 2, 3}
    assert 0 < len(late.orders) < 40
    assert set(simulate(late)) == {order.name for order in late.orders}


def test_rules_of_the_snapshot_stand_until_others_come() -> None:
    """Without any row the day has the rules that it was given, and nothing else."""
    assert Recording().day() == Day(DispatchOptions(), (), (), {}, {}, {}, 1.0, 0, 0)


def test_an_undeliverable_order_has_its_outcome() -> None:
    """An order that no rider came for ends as the node ended it."""
    rows = play(Node([Dispatch]), [*evening(), (20_000, [])])
    found = read(rows).outcomes["o-2"]
    assert found.state == "undeliverable"
    assert found.ended_ms > T0 + 950_000


def test_the_wall_clock_never_runs_backwards() -> None:
    """A jump of the clock back makes no order end before it began."""
    rows = play(Node([Dispatch]), evening())
    jumped = [decode_row(body) for body in rows]
    jumped = [
        msgspec.structs.replace(row, now=msgspec.structs.replace(row.now, wall_ms=row.now.wall_ms - 3_600_000))
        if row.number > len(rows) // 2
        else row
        for row in jumped
    ]
    day = read([encode_row(row) for row in jumped])
    assert all(one.ended_ms >= T0 for one in day.outcomes.values() if one.state != "open")
    assert all(one.ready_ms >= one.placed_ms for one in day.orders)


def test_what_orders_and_riders_ask_for_comes_out_as_it_was() -> None:
    """Loads, wishes, vehicles, limits and breaks; what was given by nobody stays away, and the day that is read is
    simulated as the one that was recorded."""
    first, second, *rest = (made := small_district()).orders
    heavy = structs.replace(first, terms={"load": Load(weight_g=5_000), "priority": 50})
    wished = structs.replace(second, terms={"max_bag_s": 1_200, "dropoff_by": second.placed_ms + 3_600_000})
    slow = structs.replace(made.shifts[0], limits={"vehicle": "bike", "load_limit": Load(weight_g=4_000)})
    rider = made.shifts[1].rider
    pause = Request(made.shifts[1].on_ms + 1, rider, RiderPause(id="e", at=made.shifts[1].on_ms, rider=rider))
    asked = structs.replace(made, orders=(heavy, wished, *rest), shifts=(slow, *made.shifts[1:]), requests=(pause,))
    recording = Recorded(asked)
    while not recording.over:
        recording.step()
    found = read(recording.rows)
    assert {one.name: one.terms for one in found.orders if one.terms} == {
        heavy.name: heavy.terms,
        wished.name: wished.terms,
    }
    assert {one.rider: one.limits for one in found.shifts if one.limits} == {slow.rider: slow.limits}
    assert [(one.client, one.body.rider) for one in found.requests if isinstance(one.body, RiderPause)] == [
        (rider, rider)
    ]
