"""Who could take an order, and at what cost."""

from types import SimpleNamespace

import pytest

from edge.messages.envelope import Place
from edge.scenarios.dispatch.decide.candidates import CANDIDATES_MAX, CHANGE_S, _first
from edge.scenarios.dispatch.decide.choice import CANDIDATES_RECORDED
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.state.positions import REDECIDE_S


def test_the_parts_add_up_to_the_total(district):
    """The recorded parts of every candidate's cost are its rank; the candidates come cheapest first."""
    d = district()
    for index in range(20):
        d.begin(f"r{index}", lat=52.51 + index / 500, lon=13.4 + index / 700)
    d.later(30)
    d.round(d.place("o1", prep_s=200))
    (decision,) = d.decisions
    assert decision.candidates[0].travel_s > 4
    totals = [sum(candidate.cost.values()) for candidate in decision.candidates]
    assert totals == sorted(totals)
    assert len(totals) == CANDIDATES_RECORDED
    assert decision.rider == decision.candidates[0].rider
    assert f"at a cost of {totals[0]} s" in decision.why


def test_each_part_of_the_cost(district):
    """Food waits for a rider who comes late, a rider for food that is late; way and age weigh as documented."""
    d = district(pickup_service_s=240)
    d.begin("r1", lat=52.52)
    d.seconds += 100
    d.round(d.place("now", prep_s=0))
    candidate = d.decisions[0].candidates[0]
    assert candidate.age_s == 100
    assert candidate.cost == {
        "food_waits": candidate.travel_s + 120,
        "travel": candidate.travel_s // 4,
        "uncertain": 10,
    }
    d.round(d.cancel("customer", "now"))
    d.round(d.place("later", prep_s=3000))
    candidate = d.decisions[0].candidates[0]
    assert candidate.cost == {
        "travel": candidate.travel_s // 4,
        "rider_waits": (3000 - 120 - candidate.travel_s) // 8,
        "uncertain": 10,
    }
    assert candidate.pickup_at == d.now.wall_ms + 3_000_000


def test_nobody_picks_up_after_the_shift(district):
    """A rider whose shift ends before the pickup is no candidate, one whose ends at it is."""
    d = district()
    d.begin("r1", until=d.now.wall_ms + 1_000_000)
    d.round(d.place("o1", prep_s=1001))
    assert d.decisions[0].candidates == []
    d.round(d.place("o2", prep_s=1000))
    assert [one.rider for one in next(x for x in d.decisions if x.order == "o2").candidates] == ["r1"]


@pytest.mark.parametrize("capacity", [1, 2])
def test_a_busy_rider_is_planned_until_it_must_leave(district, capacity):
    """Soon free: a plan, which reckons from the door where the rider will be. With room, it becomes an offer shortly
    before the rider is free; without, when it is."""
    d = district(silent_s=5000)
    d.begin("r1", capacity=capacity)
    d.round(d.place("o1"))
    d.round(d.place("o2", pickup=Place(52.51, 13.41)))
    d.round(d.reply("r1", "o1", 1))
    (decision,) = d.decisions
    (candidate,) = decision.candidates
    assert (decision.rider, decision.offer) == ("r1", False)
    assert candidate.travel_s == 0
    free_ms = d.dispatch_state.orders.open["o1"].dropoff_ms + 120_000
    assert candidate.free_in_s == -(-(free_ms - round(d.seconds * 1000)) // 1000)
    assert candidate.cost["uncertain"] == candidate.free_in_s // 10
    d.later((free_ms - round(d.seconds * 1000)) // 1000 - DispatchOptions().offer_ahead_s + 2 * REDECIDE_S)
    assert d.offer_of("o2")[0] == ("r1" if capacity == 2 else "")


def test_a_plan_is_not_overturned_for_a_trifle(district):
    """Another rider has to be better by CHANGE_S; then the plan becomes an offer to it."""
    d = district()
    d.begin("r1")
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    d.round(d.place("o2", pickup=Place(52.51, 13.41)))
    assert d.dispatch_state.orders.open["o2"].plan == "r1"
    d.begin("r2", lat=52.515, lon=13.415)
    d.round()
    costs = {one.rider: one.cost for one in d.decisions[0].candidates}
    assert d.offer_of("o2")[0] == "r2"
    assert costs["r2"]["change"] == CHANGE_S
    assert "change" not in costs["r1"]


def test_silent_riders_get_no_plans(district):
    """A silent rider keeps the food that it carries, but gets no more orders."""
    d = district()
    d.bring_to("picked_up")
    d.later(301)
    assert d.dispatch_state.riders.known["r1"].silent
    d.round(d.place("o2"))
    assert d.decisions[0].candidates == []
    d.round(d.step("r1", "o1", "at_shop"))
    assert d.dispatch_state.orders.open["o2"].plan == "r1"


def test_of_many_busy_riders_the_first_at_the_shop_are_looked_at():
    """By when each is free and its ride from there, not by the sequence in which the node knows them."""
    names, count = list(range(CANDIDATES_MAX + 3)), CANDIDATES_MAX + 3
    order = SimpleNamespace(pickup_lat=52.5, pickup_lon=13.4)
    doors = [(52.5, 13.4)] * count
    found = _first(order, names, [100 * (count - name) for name in names], doors, DispatchOptions())  # type: ignore[arg-type]
    assert [name for name, _, _ in found] == names[:2:-1]


@pytest.mark.parametrize(("fair_s", "rider"), [(0, "r1"), (60, "r2")])
def test_who_had_fewer_orders_is_asked(district, fair_s, rider):
    """Of two riders near the shop the one without an order so far is asked, though it is a little farther; the
    reason names that. Without fairness the nearer one is asked again."""
    d = district(fair_s=fair_s)
    d.begin("r1", lat=52.501)
    d.begin("r2", lat=52.502)
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    d.later(60)
    d.round(d.step("r1", "o1", "picked_up"))
    d.round(d.step("r1", "o1", "delivered"))
    d.report_position("r1", lat=52.501, lon=13.401)
    d.round(d.place("o2"))
    (decision,) = d.decisions
    assert decision.rider == rider
    costs = {one.rider: one.cost.get("fairness", 0) for one in decision.candidates}
    assert costs == {"r1": fair_s // 2, "r2": -fair_s // 2}
    assert ("but it had more orders for its time on shift than r2" in decision.why) is (fair_s > 0)
