"""The decision of a round."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.messages.envelope import Place
from edge.scenarios.dispatch import scenario
from edge.scenarios.dispatch.decide import choice
from edge.scenarios.dispatch.decide.choice import OFFER_AHEAD_S, PLENTY
from edge.scenarios.dispatch.state.positions import REDECIDE_S
from tests.edge.scenarios.dispatch.conftest import District


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


@settings(max_examples=60)
@given(
    riders=st.lists(st.tuples(st.integers(-40, 40), st.integers(-40, 40)), min_size=4, max_size=5, unique=True),
    shops=st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=2, max_size=3, unique=True),
)
def test_orders_that_want_one_rider_are_matched_at_the_least_cost(riders, shops):
    """However riders and shops lie: nobody has two orders, and no other way to give them out costs less,
    to a second for each."""
    d = District(dropoff_service_s=3600)  # sharing costs more than any ride here
    for name, (up, across) in enumerate(riders):
        d.begin(f"r{name}", lat=52.5 + up / 10_000, lon=13.4 + across / 10_000)
    d.round(
        *(
            d.place(f"o{name}", shop=f"s{name}", pickup=Place(52.5 + up / 1e6, 13.4 + across / 1e6))
            for name, (up, across) in enumerate(shops)
        )
    )
    decisions = d.decisions or []
    costs = [{one.rider: sum(one.cost.values()) for one in decision.candidates} for decision in decisions]
    least = min(
        sum(cost[rider] for cost, rider in zip(costs, given_to, strict=True))
        for given_to in permutations(costs[0], len(costs))
    )
    assert all(decision.offer for decision in decisions)
    assert len({decision.rider for decision in decisions}) == len(shops)
    assert sum(cost[decision.rider] for cost, decision in zip(costs, decisions, strict=True)) <= least + len(shops)


def test_no_candidate_is_recorded_once(district):
    """An order without candidates gets one record, not one in every round."""
    d = district()
    d.round(d.place("o1"))
    assert [(one.rider, one.offer, one.why) for one in d.decisions] == [
        ("", False, "No rider is free, and none will be soon.")
    ]
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
    assert ("too early" in d.decisions[0].why, d.decisions[0].offer) == (True, False)
    d.later(600 - REDECIDE_S)
    assert d.state("o1") == "placed"
    d.later(2 * REDECIDE_S)
    assert d.dispatch_state.orders.open["o1"].plan == "r1"
    d.later(OFFER_AHEAD_S - 240 - d.dispatch_state.rules.offer_ahead_s)
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
    """However the round is cut into plans, no rider gets two orders, and all riders get one."""
    monkeypatch.setattr(choice, "PLAN_ORDERS_MAX", rows)
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


@pytest.mark.parametrize("orders", [7, 12, 40, 100])
def test_a_burst_is_served_at_once(district, mirror, orders):
    """With riders enough every order of a burst is offered to a rider of its own at the same instant, though all see
    the same riders first; and the rows replay."""
    d = burst(district, 110, orders)
    d.later(0)
    offered = [order.rider for order in d.dispatch_state.orders.open.values() if order.state == "offered"]
    assert len(offered) == len(set(offered)) == orders
    assert_replays(d, mirror)


def test_a_burst_without_riders_enough_is_planned(district):
    """With more orders than riders everybody gets a first order, and others a second one in the plan."""
    d = burst(district, 4, 8)
    assert sorted({one.rider for one in d.decisions if one.rider}) == ["r0", "r1", "r2", "r3"]
    assert sum(one.offer for one in d.decisions) == 4
    assert len([one for one in d.decisions if one.rider and not one.offer]) == 4


def test_more_than_one_plan_can_weigh_up(district):
    """More orders than a plan takes and than there are riders: each rider gets one at once."""
    d = burst(district, 6, 70)
    assert sorted(one.rider for one in d.decisions if one.offer) == [f"r{index}" for index in range(6)]


def test_where_too_many_wait_fewer_are_planned(district, mirror, monkeypatch):
    """Where more wait than a round takes up, a rider who comes free gets an order at once, and the plan is for the new
    orders and the first in line; the looks at everything plan for all. The rows replay."""
    monkeypatch.setattr(scenario, "ROUND_AGAIN_MAX", 8)
    d = burst(district, 6, 200)
    taken = {one.rider: one.order for one in d.decisions if one.offer}
    assert len(taken) == 6
    d.round(*(d.reply(rider, order, d.offer_of(order)[1]) for rider, order in taken.items()))
    planned = []
    plan = choice.RoundPlan
    monkeypatch.setattr(choice, "RoundPlan", lambda orders, *rest: planned.append(len(orders)) or plan(orders, *rest))
    rider, order = next(iter(taken.items()))
    d.seconds += 1
    d.round(d.step(rider, order, "delivered"), d.place("late", shop="s-late"))
    assert [(one.rider, one.offer) for one in d.decisions if one.offer] == [(rider, True)]
    assert d.dispatch_state.orders.open["late"].considered
    assert 0 < sum(planned) <= 8 + 2 + 1
    planned.clear()
    d.later(REDECIDE_S + 1)
    assert sum(planned) > 8 + 3
    assert_replays(d, mirror)


def test_a_burst_leaves_earlier_plans_alone(district):
    """A rider who is planned for an order that still waits is not given to a burst while others are as near."""
    d = district(silent_s=5000)
    d.begin("planned", lat=52.5, lon=13.4)
    d.round(d.place("later", prep_s=1500))
    assert d.dispatch_state.orders.open["later"].plan == "planned"
    for index in range(20):
        d.begin(f"r{index}", lat=52.501 + index / 10_000, lon=13.4)
    d.round(*(d.place(f"o{index}", shop=f"s{index}", pickup=spread(index)) for index in range(9)))
    assert len([one for one in d.decisions if one.offer]) == 9
    assert d.dispatch_state.orders.open["later"].plan


def test_who_sees_nobody_is_not_planned(district):
    """An order with nobody in sight gets no rider who fetches another one first: the way there would be days long."""
    d = district()
    d.begin("r1")
    d.round(
        d.place("far", pickup=Place(54.5, 13.4), dropoff=Place(54.5, 13.4)), d.place("o1"), d.place("o2", shop="s2")
    )
    assert {one.order: one.rider for one in d.decisions} == {"far": "", "o1": "r1", "o2": "r1"}


@pytest.mark.parametrize(
    ("riders", "apart", "planned"), [(4 * PLENTY, 0.001, []), (4 * PLENTY, 0.01, [1]), (4 * PLENTY - 1, 0.001, [4])]
)
def test_only_who_would_lose_much_is_planned_where_riders_are_plenty(district, monkeypatch, riders, apart, planned):
    """With PLENTY idle riders for each order, of two that want the same rider one gets it, and the other the next one,
    without a plan; where that one comes minutes later it is planned. With fewer riders all are planned together."""
    plans = []
    plan = choice.RoundPlan
    monkeypatch.setattr(choice, "RoundPlan", lambda orders, *rest: plans.append(len(orders)) or plan(orders, *rest))
    d = district()
    for index in range(riders):
        d.begin(f"r{index}", lat=52.5 + index * apart, lon=13.4)
    d.round(*(d.place(f"o{n}", shop=f"s{n}", pickup=Place(52.5 + max(n, 1) * apart, 13.4)) for n in range(4)))
    assert plans == planned
    assert len({one.rider for one in d.decisions}) == 4


def test_who_has_most_to_lose_chooses_first(district):
    """Of orders that want the same rider the one whose next rider is farther away gets it, whichever came first."""
    d = district()
    for name, lat in (("both", 52.5), ("near", 52.501), *((f"far{n}", 52.6 + n / 1000) for n in range(3 * PLENTY))):
        d.begin(name, lat=lat, lon=13.4)
    first, second = Place(52.5004, 13.4), Place(52.4996, 13.4)
    d.round(d.place("o1", pickup=first), d.place("o2", shop="s2", pickup=second))
    assert {one.order: one.rider for one in d.decisions} == {"o1": "near", "o2": "both"}


def test_a_conflict_that_costs_a_stop_is_planned(district):
    """Where the second rider is a stop at a door farther away, the plan weighs up whether to wait for the first."""
    d = district(pickup_service_s=0, dropoff_service_s=20)
    d.begin("near", lat=52.5, lon=13.4)
    for name in ("far", "farther", "farthest"):
        d.begin(name, lat=52.53, lon=13.4)
    near = Place(52.501, 13.4)
    d.round(d.place("o1", dropoff=near), d.place("o2", shop="s2", pickup=near, dropoff=near))
    assert {one.order: one.rider for one in d.decisions} == {"o1": "near", "o2": "near"}
