"""The decision of a round."""

import pytest

from edge.limits import (
    CANDIDATES_ALONE,
    CANDIDATES_BURST,
    CANDIDATES_MAX,
    MATCHED_ORDERS_MIN,
    OFFER_AHEAD_S,
    OFFER_SLACK_S,
    REDECIDE_S,
    ROUND_AGAIN_MIN,
)
from edge.messages.envelope import Place
from edge.scenarios.dispatch.decide import choice


def test_an_order_is_offered_on_arrival(district):
    """With a rider nearby, the round that places the order offers it, with a reason."""
    d = district()
    d.begin("r1")
    d.begin("r2", lat=52.55)
    d.round(d.place("o1"))
    (decision,) = d.decisions
    assert (decision.order, decision.rider, decision.offer, decision.rule) == ("o1", "r1", True, choice.RULE)
    assert d.offer_of("o1") == ("r1", 1)


def test_the_round_is_served_as_a_whole(district):
    """The nearest rider of two orders goes where the other rider would come too late."""
    d = district()
    d.begin("r1", lat=52.505, lon=13.4)
    d.begin("r2", lat=52.49, lon=13.4)
    d.round(d.place("o1", pickup=Place(52.5, 13.4)), d.place("o2", shop="s2", pickup=Place(52.53, 13.4)))
    assert (d.offer_of("o1")[0], d.offer_of("o2")[0]) == ("r2", "r1")


def test_no_candidate_is_recorded_once(district):
    """An order without candidates gets one record, not one in every round."""
    d = district()
    d.round(d.place("o1"))
    assert [(one.rider, one.why) for one in d.decisions] == [("", "No rider is free, and none will be soon.")]
    d.round(d.place("o2"))
    assert [one.order for one in d.decisions] == ["o2"]


def test_a_plan_is_kept_until_it_is_better_or_dead(district):
    """A plan is recorded once; when its rider goes, it is dropped, and that is recorded."""
    d = district()
    d.begin("r1")
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    d.round(d.place("o2"))
    assert [(one.rider, one.offer) for one in d.decisions] == [("r1", False)]
    d.round(d.step("r1", "o1", "at_shop"))
    assert d.decisions == []
    d.round(d.step("r1", "o1", "picked_up"))
    assert d.decisions == []
    d.round(d.shift("r1", on=False))
    assert [(one.order, one.rider) for one in d.decisions] == [("o2", "")]


def test_a_plan_becomes_an_offer(district):
    """When the planned rider delivers, the order is offered in the same round."""
    d = district()
    d.begin("r1")
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    d.round(d.place("o2"))
    d.round(d.step("r1", "o1", "delivered"))
    assert d.offer_of("o2") == ("r1", 2)


def test_an_order_for_later_waits(district):
    """An order that is ready tonight binds nobody before its time; it is planned then, and offered when its rider must
    leave."""
    d = district(silent_s=40_000, position_age_s_max=40_000)
    d.begin("r1")
    d.round(d.place("o1", prep_s=OFFER_AHEAD_S + 600))
    assert "too early" in d.decisions[0].why
    d.later(600 - REDECIDE_S)
    assert d.state("o1") == "placed"
    d.later(2 * REDECIDE_S)
    assert d.dispatch_state.orders.open["o1"].plan == "r1"
    d.later(OFFER_AHEAD_S - 240 - OFFER_SLACK_S)
    assert d.offer_of("o1") == ("", 0)
    d.later(2 * REDECIDE_S)
    assert d.offer_of("o1") == ("r1", 1)


def test_too_many_orders_take_turns(district, monkeypatch):
    """Beyond the bound of a round the new orders come first, and in time everybody is looked at."""
    monkeypatch.setattr(choice, "ROUND_ORDERS_MAX", 4)
    d = district(silent_s=40_000, position_age_s_max=40_000)
    d.round(*(d.place(f"far{n}", pickup=Place(53.4, 13.4), dropoff=Place(53.41, 13.4)) for n in range(10)))
    assert len(d.decisions) == 4
    d.later(0)
    assert not d.dispatch_state.orders.fresh
    d.begin("r1")
    d.round(d.place("near"))
    assert d.offer_of("near") == ("r1", 1)
    d.round(d.reply("r1", "near", 1), d.cancel("customer", "near"))
    looked = set()
    before = len(d.rows)
    d.later(5 * REDECIDE_S)
    for row in d.rows[before:]:
        looked |= {seen.order for seen in row.seen}
    assert {f"far{n}" for n in range(10)} <= looked


@pytest.mark.parametrize("rows", [1, 2, 64])
def test_riders_are_given_away_once(district, monkeypatch, rows):
    """However the round is cut into matchings, no rider gets two orders, and all riders get one."""
    monkeypatch.setattr(choice, "MATCHING_ROWS_MAX", rows)
    d = district()
    for index in range(4):
        d.begin(f"r{index}", lat=52.5 + index / 1000)
    d.round(*(d.place(f"o{index}", prep_s=60) for index in range(6)))
    offered = [one.rider for one in d.decisions if one.offer]
    assert sorted(offered) == ["r0", "r1", "r2", "r3"]
    assert {one.order for one in d.decisions if one.offer} == {"o0", "o1", "o2", "o3"}


def spread(index):
    """The shop of each order: one beside the other, a few metres apart."""
    return Place(52.5 + index / 20_000, 13.4)


def burst(district, riders, orders):
    """A district in which so many orders of different shops come at once, and so many riders wait at one corner."""
    d = district()
    for index in range(riders):
        d.begin(f"r{index}", lat=52.5 + index / 10_000, lon=13.4)
    d.round(*(d.place(f"o{index}", shop=f"s{index}", pickup=spread(index)) for index in range(orders)))
    return d


def assert_replays(d, mirror):
    """Whoever follows the rows, deciding again or not, comes to the same state."""
    for decides in (True, False):
        follower = mirror(d.dispatch_state.rules, decides)
        for row in d.rows:
            follower.follow(row)
        assert follower.dispatch.snapshot() == d.dispatch.snapshot()


@pytest.mark.parametrize("orders", [MATCHED_ORDERS_MIN - 1, MATCHED_ORDERS_MIN, 40, 100])
def test_a_burst_is_served_at_once(district, mirror, orders):
    """With riders enough every order of a burst is offered to a rider of its own in its very round, though all see the
    same riders first; and the rows replay."""
    d = burst(district, 110, orders)
    offered = [one.rider for one in d.decisions if one.offer]
    assert len(offered) == len(set(offered)) == orders
    assert_replays(d, mirror)


def test_a_burst_asks_for_no_plan(district, monkeypatch):
    """Where riders are enough, nothing is left over that would have to be planned."""
    monkeypatch.setattr(choice, "plan_round", None)
    d = burst(district, 64, 64)
    assert len({one.rider for one in d.decisions if one.offer}) == 64


def test_a_burst_looks_past_those_who_are_taken(district):
    """Who finds everybody near given to others looks again, among the rest only."""
    d = burst(district, 30, 20)
    looks = {}
    for seen in d.rows[-1].seen:
        if seen.order:
            looks.setdefault(seen.order, []).append({one.rider for one in seen.riders})
    assert all(len(order[0]) == CANDIDATES_BURST for order in looks.values())
    again = [order for order in looks.values() if len(order) > 1]
    assert again
    assert all(first.isdisjoint(second) for first, second, *_ in again)


def test_a_burst_without_riders_enough_is_planned(district):
    """With more orders than riders everybody gets a first order, and others a second one in the plan."""
    d = burst(district, 4, MATCHED_ORDERS_MIN)
    assert sorted({one.rider for one in d.decisions if one.rider}) == ["r0", "r1", "r2", "r3"]
    assert sum(one.offer for one in d.decisions) == 4
    assert len([one for one in d.decisions if one.rider and not one.offer]) == MATCHED_ORDERS_MIN - 4


def test_more_than_one_plan_can_weigh_up_is_matched(district):
    """More orders than a plan takes and than there are riders: each rider gets one at once."""
    d = burst(district, 6, 70)
    assert sorted(one.rider for one in d.decisions if one.offer) == [f"r{index}" for index in range(6)]


def crowd(district, riders, orders):
    """More orders than a round takes up, looked at once, from when on no plan may be made; each rider has one."""
    d = burst(district, riders, orders)
    taken = {one.rider: one.order for one in d.decisions if one.offer}
    assert len(taken) == riders
    d.round(*(d.reply(rider, order, d.offer_of(order)[1]) for rider, order in taken.items()))
    return d, taken


def test_too_many_to_plan_for_are_served_in_line(district, mirror, monkeypatch):
    """Where more wait than a round takes up, a rider who comes free gets an order at once, though nothing is planned;
    nobody else's plan is touched, and the rows replay."""
    d, taken = crowd(district, 6, 200)
    plans = {name: order.plan for name, order in d.dispatch_state.orders.waiting.items()}
    monkeypatch.setattr(choice, "plan_round", None)
    rider, order = next(iter(taken.items()))
    d.seconds += 1
    d.round(d.step(rider, order, "delivered"), d.place("late", shop="s-late"))
    assert [(one.rider, one.offer) for one in d.decisions if one.offer] == [(rider, True)]
    (served,) = (one.order for one in d.decisions if one.offer)
    assert plans[served] in ("", rider)
    kept = {name: waiting.plan for name, waiting in d.dispatch_state.orders.waiting.items() if name in plans}
    assert kept == {name: plan for name, plan in plans.items() if name != served}
    assert d.dispatch_state.orders.open["late"].considered
    assert_replays(d, mirror)


def test_a_crowd_is_planned_for_at_the_next_look(district, monkeypatch):
    """The looks at everything plan as ever, so that nobody is left without a plan for longer than between two."""
    d, _ = crowd(district, 6, 200)
    planned = []
    plan = choice.plan_round
    monkeypatch.setattr(choice, "plan_round", lambda orders, *rest: planned.append(len(orders)) or plan(orders, *rest))
    d.round(d.place("late", shop="s-late"))
    assert planned == []
    d.later(REDECIDE_S + 1)
    assert sum(planned) > 0


def test_a_plan_is_dropped_for_a_free_rider_who_is_no_candidate(district, monkeypatch):
    """With more orders than a round takes, a free rider who is no candidate of its planned order serves the next in
    line."""
    d, taken = crowd(district, 20, 200)
    monkeypatch.setattr(choice, "plan_round", None)
    for order in d.dispatch_state.orders.waiting.values():
        order.plan = ""
    line = sorted(list(d.dispatch_state.orders.waiting.values())[:ROUND_AGAIN_MIN], key=lambda order: order.id)
    free, *others = taken
    line[0].plan = free
    d.report_position(free, lat=52.6, lon=13.4)
    for other in others[:CANDIDATES_BURST]:
        d.report_position(other, lat=52.5, lon=13.4)
    d.seconds += 1
    done = [d.step(rider, taken[rider], "delivered") for rider in (free, *others[:CANDIDATES_BURST])]
    d.round(*done, *(d.place(f"near{n}", shop=f"n{n}", pickup=Place(52.6, 13.4)) for n in range(2)))
    offered = {one.rider: one.order for one in d.decisions if one.offer}
    assert free in offered
    assert offered[free] != line[0].id


@pytest.mark.parametrize("left", [True, False])
def test_in_a_crowd_a_plan_ends_with_its_rider(district, monkeypatch, left):
    """The first in line is passed over while the rider for whom it is planned is busy, and served where that one has
    gone home."""
    d, taken = crowd(district, 6, 200)
    free, busy, *_ = taken
    monkeypatch.setattr(choice, "plan_round", None)
    for order in d.dispatch_state.orders.waiting.values():
        order.plan = ""
    line = sorted(list(d.dispatch_state.orders.waiting.values())[:ROUND_AGAIN_MIN], key=lambda order: order.id)
    line[0].plan = "gone" if left else busy
    d.seconds += 1
    d.round(d.step(free, taken[free], "delivered"), d.place("late", shop="s-late"))
    assert [one.order for one in d.decisions if one.offer] == [line[0 if left else 1].id]


def test_orders_in_vain_do_not_stand_in_the_line(district, monkeypatch):
    """A rider who comes free takes what is near it, however many wait before that for whom nobody is near enough."""
    d = district(silent_s=5000)
    d.begin("r1", lat=52.5, lon=13.4)
    d.round(*(d.place(f"far{n}", pickup=Place(53.4, 13.4), dropoff=Place(53.41, 13.4)) for n in range(150)))
    monkeypatch.setattr(choice, "plan_round", None)
    d.round(d.place("o1"), d.place("o2", shop="s2", pickup=spread(1)))
    assert [(one.order, one.rider) for one in d.decisions if one.offer] == [("o1", "r1")]


def test_a_burst_leaves_earlier_plans_alone(district):
    """A rider who is planned for an order that still waits is not given to a burst while others are as near."""
    d = district(silent_s=5000)
    d.begin("planned", lat=52.5, lon=13.4)
    d.round(d.place("later", prep_s=1500))
    assert d.dispatch_state.orders.open["later"].plan == "planned"
    for index in range(20):
        d.begin(f"r{index}", lat=52.501 + index / 10_000, lon=13.4)
    d.round(*(d.place(f"o{index}", shop=f"s{index}", pickup=spread(index)) for index in range(10)))
    assert len([one for one in d.decisions if one.offer]) == 10
    assert "planned" not in {one.rider for one in d.decisions if one.offer}
    assert d.dispatch_state.orders.open["later"].plan == "planned"


def test_who_sees_nobody_is_not_planned(district):
    """An order with nobody in sight gets no rider who fetches another one first: the way there would be days long."""
    d = district()
    d.begin("r1")
    d.round(
        d.place("far", pickup=Place(54.5, 13.4), dropoff=Place(54.5, 13.4)), d.place("o1"), d.place("o2", shop="s2")
    )
    assert {one.order: one.rider for one in d.decisions} == {"far": "", "o1": "r1", "o2": "r1"}


@pytest.mark.parametrize(("riders", "shops", "planned"), [(6, 3, False), (5, 3, True), (6, 2, True)])
def test_a_conflict_of_a_few_is_matched(district, monkeypatch, riders, shops, planned):
    """Three new orders that want the same rider get one each without a plan, where riders are enough and no two orders
    could be fetched at one shop."""
    plans = []
    monkeypatch.setattr(choice, "plan_round", lambda orders, *rest: plans.append(len(orders)) or [None] * len(orders))
    d = district()
    for index in range(riders):
        d.begin(f"r{index}", lat=52.5 + index / 10_000, lon=13.4)
    d.round(*(d.place(f"o{index}", pickup=spread(index % shops)) for index in range(3)))
    assert plans == ([3] if planned else [])
    assert len({one.rider for one in d.decisions if one.offer}) == (0 if planned else 3)


def test_a_conflict_that_costs_a_stop_is_planned(district):
    """Where the second rider is a stop at a door farther away, the plan weighs up whether to wait for the first."""
    d = district(pickup_service_s=0, dropoff_service_s=20)
    d.begin("near", lat=52.5, lon=13.4)
    for name in ("far", "farther", "farthest"):
        d.begin(name, lat=52.53, lon=13.4)
    near = Place(52.501, 13.4)
    d.round(d.place("o1", dropoff=near), d.place("o2", shop="s2", pickup=near, dropoff=near))
    assert {one.order: one.rider for one in d.decisions} == {"o1": "near", "o2": "near"}


def test_who_is_alone_looks_at_fewer(district):
    """A new order without competition looks at a few riders; one that was declined, or that is not alone, at more."""
    d = district()
    for index in range(20):
        d.begin(f"r{index}", lat=52.5 + index / 1000)
    d.round(d.place("o1"))
    assert [len(seen.riders) for seen in d.rows[-1].seen if seen.order] == [CANDIDATES_ALONE]
    rider, offer = d.offer_of("o1")
    d.round(d.reply(rider, "o1", offer, accept=False))
    assert [len(seen.riders) for seen in d.rows[-1].seen if seen.order] == [CANDIDATES_MAX]
    d.round(d.place("o2"), d.place("o3", shop="s3"))
    assert [len(seen.riders) for seen in d.rows[-1].seen if seen.order] == [CANDIDATES_MAX] * 2
