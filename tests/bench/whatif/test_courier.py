"""Tests of bench.whatif.courier: simulated riders do what riders do."""

import msgspec

from bench.whatif.day import Reply
from tests.bench.whatif.recorded_day import DOOR, RIDE_S, RULES, T0, day, door_s, order, shift, simulate

ACCEPT, DECLINE, LAPSE = Reply("accept", 10_000), Reply("decline", 10_000), Reply("lapse", 0)


def test_a_decline_costs_its_time_where_somebody_else_is_far() -> None:
    """The order goes to the other rider, who is a ride away."""
    riders = [shift("r-1"), shift("r-2", start=DOOR)]
    made = day([order(1, ready_s=0)], riders, replies={"r-1": (DECLINE,), "r-2": (ACCEPT,)})
    assert door_s(made, simulate(made), 1) == 10 + 10 + 2 * RIDE_S


def test_a_lapse_costs_the_whole_time_to_answer() -> None:
    """An offer that nobody answers stands until it runs out."""
    riders = [shift("r-1"), shift("r-2", start=DOOR)]
    made = day([order(1, ready_s=0)], riders, replies={"r-1": (LAPSE,), "r-2": (ACCEPT,)})
    assert door_s(made, simulate(made), 1) == made.rules.reply_s + 10 + 2 * RIDE_S


def test_replies_come_in_turn_and_begin_again() -> None:
    """Accept, lapse, accept, lapse: every second of well separated orders has to be offered twice."""
    orders = [order(number, at_s=number * 2_000, ready_s=0) for number in range(1, 5)]
    made = day(orders, [shift("r-1"), shift("r-2", start=DOOR)], replies={"r-1": (ACCEPT, LAPSE), "r-2": (ACCEPT,)})
    outcomes = simulate(made)
    slow = [door_s(made, outcomes, number) > made.rules.reply_s + RIDE_S for number in range(1, 5)]
    assert any(slow)
    assert not all(slow)


def test_who_had_no_offer_answers_as_the_others_did() -> None:
    """A rider without replies of its own takes those of all, in turn."""
    made = day([order(1, ready_s=0)], [shift("r-1")], replies={"r-9": (ACCEPT,)})
    assert door_s(made, simulate(made), 1) == 10 + RIDE_S


def test_a_silent_rider_is_asked_in_vain() -> None:
    """The only rider is silent until 1,000 s: the order is delivered after that, not before."""
    made = day([order(1, ready_s=0)], [shift("r-1")], silences={"r-1": ((T0, T0 + 1_000_000),)})
    assert door_s(made, simulate(made), 1) > 1_000


def test_who_gets_an_order_from_another_rider_brings_it() -> None:
    """The first rider is more than half an hour away when the second begins beside the shop: nobody asks that one."""
    rules = msgspec.structs.replace(RULES, radius_m_max=50_000)
    riders = [shift("r-1", start=(31.40, 121.40)), shift("r-2", from_s=100)]
    moved = day([order(1, ready_s=0)], riders, rules=rules)
    assert door_s(moved, simulate(moved), 1) < 100 + 60 + RIDE_S
    kept = day([order(1, ready_s=0)], riders, rules=msgspec.structs.replace(rules, reassign_gain_s=0))
    assert door_s(kept, simulate(kept), 1) > 2_000


def test_nobody_is_sent_out_after_the_shift() -> None:
    """The shift ends before the order is ready: it stays where it is."""
    made = day([order(1)], [shift("r-1", until_s=500)])
    assert simulate(made)["o-1"].state == "undeliverable"


def test_a_shift_without_a_planned_end_lasts_until_it_ended() -> None:
    """The second order comes when the rider has gone home, be it before its planned end."""
    made = day([order(1), order(2, at_s=3_000)], [shift("r-1", until_s=None)])
    assert simulate(made)["o-2"].state == "delivered"
    (stays,) = made.shifts
    early = msgspec.structs.replace(stays, until_ms=T0 + 20_000_000, off_ms=T0 + 2_000_000)
    assert simulate(day(list(made.orders), [early]))["o-2"].state == "undeliverable"
    goes = type(stays)(stays.rider, stays.capacity, stays.on_ms, None, T0 + 2_000_000, stays.start)
    outcomes = simulate(day(list(made.orders), [goes]))
    assert (outcomes["o-1"].state, outcomes["o-2"].state) == ("delivered", "undeliverable")


def test_a_second_shift_begins_where_it_begins() -> None:
    """The rider is at the shop again for its second shift, though its first one ended at a door."""
    orders = [order(1), order(2, at_s=10_000, ready_s=0)]
    shifts = [shift("r-1", until_s=3_000), shift("r-1", from_s=9_000)]
    made = day(orders, shifts)
    assert door_s(made, simulate(made), 2) == RIDE_S
