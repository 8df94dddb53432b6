"""The decision of a round."""

import pytest

from edge.limits import OFFER_AHEAD_S, OFFER_SLACK_S, REDECIDE_S
from edge.scenarios.dispatch import choice
from edge.wire import Place


def test_an_order_is_offered_on_arrival(district):
    """With a rider in sight the round that places the order offers it, and says why."""
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


def test_nobody_is_said_once(district):
    """An order without candidates gets one record that says so, not one in every round."""
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
    assert d.book.orders.open["o1"].plan == "r1"
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
    assert not d.book.orders.fresh
    d.begin("r1")
    d.round(d.place("near"))
    assert d.offer_of("near") == ("r1", 1)
    d.round(d.reply("r1", "near", 1), d.cancel("customer", "near"))
    looked = set()
    before = len(d.rows)
    d.later(5 * REDECIDE_S)
    for row in d.rows[before:]:
        looked |= {glance.order for glance in row.seen}
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
