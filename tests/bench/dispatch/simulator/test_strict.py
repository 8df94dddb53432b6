"""The simulator: what a policy receives and when, and what it may not decide."""

from collections.abc import Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bench.demo.district.instance import Courier, Instance
from bench.dispatch.policies.policy import (
    Assign,
    Change,
    Day,
    Decision,
    Declined,
    Free,
    GaveUp,
    News,
    PickedUp,
    Placed,
    Ready,
    Reposition,
    Wake,
)
from bench.dispatch.simulator.feasibility import violations
from bench.dispatch.simulator.refusals import WILLING, Unwilling
from bench.dispatch.simulator.rules import IllegalDecision, Rule
from bench.dispatch.simulator.solution import Delivery, Move, Trip
from bench.dispatch.simulator.strict import Outcome, simulate
from tests.bench.dispatch.days import TOWN, Restless, Script, instances

SHORT = replace(TOWN, orders=TOWN.orders[:1], couriers=[Courier("c1", 0, 0, 0, 19)])
"""The only courier's shift ends a minute before the only order is ready."""


NOBODY = Unwilling(decline=1.0)
NO_ANSWER = Unwilling(silent=1.0)


def play(
    lines: dict[int, list[Decision]], instance: Instance = TOWN, uncertain: bool = False, unwilling: Unwilling = WILLING
) -> Outcome:
    """A day by script."""
    return simulate(instance, partial(Script, lines=lines), uncertain, unwilling)


def news_log(
    lines: dict[int, list[Decision]],
    uncertain: bool = False,
    instance: Instance = TOWN,
    unwilling: Unwilling = WILLING,
) -> list[tuple[int, News]]:
    """What the script received."""
    scripts: list[Script] = []

    def make(day: Day) -> Script:
        scripts.append(Script(day, lines))
        return scripts[0]

    simulate(instance, make, uncertain, unwilling)
    return scripts[0].news_log


def test_a_bundle_takes_the_time_that_the_rules_give_it() -> None:
    """Way, half of the service, waiting for the last order, half, way, half: each minute is where it belongs."""
    solution = play({13: [Assign("c1", ("o2", "o1"))]}).solution
    assert solution.trips == [Trip(13, 22, "c1", ("o2", "o1"))]
    assert solution.deliveries == [Delivery("o1", 10, 20, 22, 40, "c1"), Delivery("o2", 12, 22, 22, 31, "c1")]
    assert solution.moves == [Move("c1", 13, "0", "r1"), Move("c1", 24, "r1", "o2"), Move("c1", 33, "o2", "o1")]


def test_news_come_when_they_happen() -> None:
    """Couriers as their shift begins, orders at placement, pickups at once, freedom after the last drop-off."""
    received = news_log({10: [Assign("c1", ("o1",))]})
    assert [(at, item) for at, item in received if isinstance(item, Free)] == [
        (0, Free("c1", (0, 640))),
        (5, Free("c2", (0, 0))),
        (36, Free("c1", (3_200, 0))),
    ]
    assert [(at, item.order.name) for at, item in received if isinstance(item, Placed)] == [
        (10, "o1"),
        (12, "o2"),
        (15, "o3"),
    ]
    assert (20, PickedUp("c1", ("o1",), 36)) in received


def test_where_preparation_is_uncertain_only_its_mean_is_reported() -> None:
    """The ready time of an order is its restaurant's mean until it is ready; then the truth is news."""
    orders = [TOWN.orders[0], replace(TOWN.orders[1], ready=41)]  # prepared in 10 and 29 minutes
    received = news_log({}, uncertain=True, instance=replace(TOWN, orders=orders))
    placed = [item.order for _, item in received if isinstance(item, Placed)]
    assert [(order.ready, order.estimated) for order in placed] == [(30, True), (32, True)]
    assert [(at, item) for at, item in received if isinstance(item, Ready)] == [(20, Ready("o1")), (41, Ready("o2"))]


def test_a_bundle_changes_until_its_pickup() -> None:
    """Orders join, leave and change couriers on the way; a pickup in the same minute sees the last set."""
    lines: dict[int, list[Decision]] = {
        12: [Assign("c1", ("o1",)), Assign("c2", ("o2",))],
        20: [Change((("c1", ("o2",)), ("c2", ("o1",))))],
    }
    assert play(lines).solution.trips == [Trip(20, 20, "c2", ("o1",)), Trip(20, 22, "c1", ("o2",))]


def test_a_courier_repositions_as_its_shift_begins() -> None:
    """It is free again where it arrives, and its next way begins there."""
    lines: dict[int, list[Decision]] = {5: [Reposition("c2", "r2")], 16: [Assign("c2", ("o3",))]}
    assert (15, Free("c2", (0, 3_200))) in news_log(lines)
    assert play(lines).solution.moves[:2] == [Move("c2", 5, "0", "r2"), Move("c2", 16, "r2", "r2")]


def test_a_shift_that_ends_before_the_orders_are_ready_gives_them_back() -> None:
    """Where ready times are not known a courier can wait in vain: nothing is picked up after its shift."""
    assert play({10: [Assign("c1", ("o1",))]}, SHORT, uncertain=True).solution.deliveries == []
    with pytest.raises(IllegalDecision):
        play({10: [Assign("c1", ("o1",))]}, SHORT)


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        (Rule.NO_SUCH_COURIER, {10: [Assign("c9", ("o1",))]}),
        (Rule.NO_SUCH_RESTAURANT, {5: [Reposition("c2", "r9")]}),
        (Rule.NOT_PLACED, {9: [Assign("c1", ("o1",))]}),
        (Rule.NOT_PLACED, {10: [Assign("c1", ("o1", "o2"))]}),
        (Rule.NOT_PLACED, {10: [Assign("c1", ("unknown",))]}),
        (Rule.TAKEN, {12: [Assign("c1", ("o1",)), Assign("c2", ("o1", "o2"))]}),
        (Rule.TAKEN, {12: [Assign("c1", ("o1",))], 50: [Assign("c2", ("o1",))]}),
        (Rule.TAKEN, {12: [Assign("c1", ("o1",)), Assign("c2", ("o2",)), Change((("c2", ("o1", "o2")),))]}),
        (Rule.OFF_SHIFT, {4: [Reposition("c2", "r1")]}),
        (Rule.OFF_SHIFT, {61: [Assign("c2", ("o1",))]}),
        (Rule.NOT_FREE, {12: [Assign("c1", ("o1",)), Assign("c1", ("o2",))]}),
        (Rule.NOT_FREE, {12: [Assign("c1", ("o1",))], 30: [Assign("c1", ("o2",))]}),
        (Rule.NOT_FREE, {5: [Reposition("c2", "r2")], 12: [Assign("c2", ("o2",))]}),
        (Rule.NO_BUNDLE, {12: [Change((("c1", ("o1",)),))]}),
        (Rule.NO_BUNDLE, {12: [Assign("c1", ("o1",))], 21: [Change((("c1", ("o1", "o2")),))]}),
        (Rule.EMPTY, {10: [Assign("c1", ())]}),
        (Rule.EMPTY, {10: [Assign("c1", ("o1", "o1"))]}),
        (Rule.EMPTY, {12: [Assign("c1", ("o1",)), Change((("c1", ()),))]}),
        (Rule.MIXED, {15: [Assign("c1", ("o1", "o3"))]}),
        (Rule.MIXED, {15: [Assign("c1", ("o1",)), Change((("c1", ("o3",)),))]}),
        (Rule.PICKUP_AFTER_SHIFT, {59: [Assign("c2", ("o1",))]}),
        (Rule.NOT_AT_SHIFT_START, {6: [Reposition("c2", "r1")]}),
        (Rule.NOT_AT_SHIFT_START, {5: [Reposition("c2", "r1")], 7: [Reposition("c2", "r2")]}),
        (Rule.WAKE_IN_THE_PAST, {10: [Wake(10)]}),
    ],
)
def test_an_illegal_decision_is_refused_by_name(rule: Rule, lines: dict[int, list[Decision]]) -> None:
    """Each rule refuses what it forbids, and the refusal names which rule it was."""
    with pytest.raises(IllegalDecision) as refused:
        play(lines)
    assert refused.value.rule == rule
    assert rule.value in str(refused.value)


def test_every_rule_is_tried() -> None:
    """The list above forgets no rule but the one for couriers who refuse."""
    marks = [mark for mark in test_an_illegal_decision_is_refused_by_name.pytestmark if mark.name == "parametrize"]
    assert {case[0] for case in marks[0].args[1]} == set(Rule) - {Rule.JUST_DECLINED}


@given(instances(), st.integers(0, 1_000), st.booleans(), st.sampled_from([WILLING, Unwilling(0.3, 0.3)]))
def test_whatever_the_simulator_allows_is_feasible(
    instance: Instance, seed: int, uncertain: bool, unwilling: Unwilling
) -> None:
    """A policy that does at random all that it may ends with a solution in which the scorer finds nothing wrong, though
    couriers refuse."""
    outcome = simulate(instance, partial(Restless, seed=seed), uncertain, unwilling)
    assert violations(instance, outcome.solution) == []


def test_giving_up_is_news() -> None:
    """The policy receives whose orders are open again, in the minute after the shift."""
    received = news_log({10: [Assign("c1", ("o1",))]}, uncertain=True, instance=SHORT)
    assert (20, GaveUp("c1", ("o1",))) in received


@pytest.mark.parametrize(("unwilling", "at"), [(NOBODY, 12), (NO_ANSWER, 13)])
def test_a_refusal_leaves_everything_as_it_was(unwilling: Unwilling, at: int) -> None:
    """A no comes at once and silence after a minute: the courier stands where it stood, the order can be assigned."""
    received = news_log({12: [Assign("c1", ("o1", "o2"))]}, unwilling=unwilling)
    answer = received.index((at, Declined("c1", ("o1", "o2"), unwilling is NO_ANSWER)))
    assert received[answer + 1] == (at, Free("c1", (0, 640)))
    outcome = play({12: [Assign("c1", ("o1",))], at + 1: [Assign("c1", ("o1",))]}, unwilling=unwilling)
    assert (outcome.solution.moves, outcome.solution.trips) == ([], [])
    assert (outcome.refused.offers, outcome.refused.declined + outcome.refused.silent) == (2, 2)


def test_who_does_not_answer_is_bound_until_the_reply_is_due() -> None:
    """The policy cannot distinguish silence from consent before: both are taken, and the bundle may change."""
    with pytest.raises(IllegalDecision) as refused:
        play({12: [Assign("c1", ("o1",)), Assign("c1", ("o2",))]}, unwilling=NO_ANSWER)
    assert refused.value.rule == Rule.NOT_FREE
    lines: dict[int, list[Decision]] = {12: [Assign("c1", ("o1",)), Change((("c1", ("o1", "o2")),))]}
    assert (13, Declined("c1", ("o1", "o2"), True)) in news_log(lines, unwilling=NO_ANSWER)


class Twice(Script):
    """Asks c1 for one order at minute 12, and for a second one as soon as it has declined."""

    def __init__(self, day: Day, second: str) -> None:
        super().__init__(day, {12: [Assign("c1", ("o1",))]})
        self.second: list[Decision] = [Assign("c1", (second,))]

    def decide(self, now: int, news: Sequence[News]) -> Sequence[Decision]:
        """The first, or once the second."""
        decisions = [*super().decide(now, news)]
        if any(isinstance(item, Declined) for item in news):
            decisions += self.second
            self.second = []
        return decisions


def test_a_courier_is_not_asked_twice_in_one_minute() -> None:
    """A courier that has just declined an order is not asked for it again in that minute; for another order, yes."""
    with pytest.raises(IllegalDecision) as refused:
        simulate(TOWN, partial(Twice, second="o1"), unwilling=NOBODY)
    assert refused.value.rule == Rule.JUST_DECLINED
    assert simulate(TOWN, partial(Twice, second="o2"), unwilling=NOBODY).refused.declined == 2


def test_a_promise_is_asked_for_once_after_the_first_decision() -> None:
    """In the minute of the placement, and kept as it was given; None is no promise."""

    class Promises(Script):
        def promise(self, order: str) -> tuple[int, float] | None:
            """That of the last minute of news, but for o2."""
            return None if order == "o2" else (self.news_log[-1][0] + 20, 0.5)

    outcome = simulate(TOWN, partial(Promises, lines={13: [Assign("c1", ("o2", "o1"))]}))
    assert outcome.promises == {"o1": (30, 0.5), "o3": (35, 0.5)}
    assert play({}).promises == {}


def test_calls_are_counted_with_what_was_open() -> None:
    """An order is open until its pickup, and calls that only report pickups are distinguished."""
    calls = play({13: [Assign("c1", ("o2", "o1"))]}).calls
    assert max(call.open_orders for call in calls) == 3
    assert [call.open_orders for call in calls if call.only_pickups] == [1]
