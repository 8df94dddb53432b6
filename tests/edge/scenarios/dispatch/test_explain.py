"""Tests of edge.scenarios.dispatch.explain: the story of an order, from the rows alone."""

from typing import NamedTuple

import msgspec
import pytest

from edge.core.model import Answer, Now, Recordable, Row, ScenarioRecord, decode_row
from edge.core.node import Node
from edge.core.scenario import Moment
from edge.messages.envelope import ENCODE, Place
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.decide.choice import RULE
from edge.scenarios.dispatch.explain import DecisionView, OwnDecision, explain, explain_to, placed
from edge.scenarios.dispatch.messages.down import Assignment
from edge.scenarios.dispatch.records import Candidate, Decision, DispatchRecord, NearestObservation, record_in
from tests.edge.district import T0, configured, event, place, shift
from tests.edge.recorded import hour, play, reply


@pytest.fixture(scope="module")
def rows() -> list[bytes]:
    return play(Node([Dispatch]), hour(12))


def when(ms: int) -> str:
    """Seconds since the district's first instant."""
    return f"+{(ms - T0) / 1000:g}s"


class Story(NamedTuple):
    choices: list[DecisionView]
    moments: list[Moment]


def explained(order: str, rows: list[bytes]) -> Story:
    found = [entry for body in rows for entry in explain(decode_row(body), order, when)]
    choices = [entry for entry in found if isinstance(entry, DecisionView)]
    return Story(choices, [entry for entry in found if isinstance(entry, Moment)])


def test_every_decision_about_the_order_is_there(rows: list[bytes]) -> None:
    """Three offers after a decline and a lapse, each with whom it considered and why; none of another order's."""
    found = explained("o-1", rows)
    offers = [choice for choice in found.choices if choice.offer]
    assert [choice.rider for choice in offers] == ["r-1", "r-2", "r-3"]
    recorded = [d for body in rows for d in record_in(decode_row(body)).decisions if d.order == "o-1"]
    assert [choice.why for choice in found.choices] == [decision.why for decision in recorded]
    assert {choice.rule for choice in found.choices} == {RULE}
    assert [one.rider for one in offers[0].considered] == ["r-1", "r-2", "r-3"]


def test_candidates_come_cheapest_first_with_the_parts_of_their_cost(rows: list[bytes]) -> None:
    """The parts add up to the total, the chosen one is marked, seconds and ages are those that the decision saw."""
    for choice in explained("o-1", rows).choices:
        totals = [one.total for one in choice.considered]
        assert totals == sorted(totals)
        assert all(one.total == sum(one.cost.values()) for one in choice.considered)
        assert [one.rider for one in choice.considered if one.chosen] == ([choice.rider] if choice.rider else [])
    first = explained("o-1", rows).choices[0].considered
    seen = [
        one
        for body in rows
        for one in record_in(decode_row(body)).observations
        if isinstance(one, NearestObservation) and one.order == "o-1"
    ]
    assert {(one.rider, one.travel_s, one.age_s) for one in first} == {
        (one.rider, one.travel_s, one.age_s) for one in seen[0].riders
    }


def test_candidates_of_one_cost_come_by_name() -> None:
    """The cheapest first, whatever the sequence in the row: for the order, and for the rider who asks where it was."""
    costs = {"r-3": 2, "r-2": 1, "r-1": 2}
    candidates = [Candidate(rider, 0, 0, 0, 0, 0, {"travel": cost}) for rider, cost in costs.items()]
    record = DispatchRecord([], [Decision("o-1", "r-2", True, RULE, "", candidates)])
    row = Row(1, Now(0.0, T0), [], [ScenarioRecord("dispatch", msgspec.msgpack.encode(record))], [])
    (decision,) = explain(row, "o-1", when)
    assert isinstance(decision, DecisionView)
    assert [one.rider for one in decision.considered] == ["r-2", "r-1", "r-3"]
    own = [entry for rider in ("r-1", "r-2", "r-3") for entry in explain_to(row, rider, when)]
    assert [entry.place for entry in own if isinstance(entry, OwnDecision)] == [2, 1, 3]


def test_who_waits_near_a_shop_has_no_answer_to_give() -> None:
    """An offer has a time by which the rider answers it; advice to wait has none."""
    answers: list[Recordable] = [
        Answer(1, "r-1", "assignment", ENCODE[True](Assignment(offer=1, order="o-1", state="offered", at=T0)), 0.0),
        Answer(2, "r-1", "advice", ENCODE[True]({"shop": "shop-1", "at": T0}), 0.0),
    ]
    row = Row(
        1, Now(0.0, T0), [], [ScenarioRecord("dispatch", msgspec.msgpack.encode(DispatchRecord([], [])))], answers
    )
    texts = [entry.text for entry in explain_to(row, "r-1", when) if isinstance(entry, Moment)]
    assert not any("answer by" in text for text in texts)
    assert len(texts) == 2


def test_later_events_are_listed_in_sequence(rows: list[bytes]) -> None:
    """Placed, delayed, declined, refused, lapsed, accepted, at the shop, picked up, delivered; no row has a repeat."""
    found = explained("o-1", rows)
    assert [moment.row for moment in found.moments] == sorted(moment.row for moment in found.moments)
    story = [f"{moment.what} {moment.who}: {moment.text}" for moment in found.moments if moment.what != "update"]
    assert story[0].startswith("order.place alice: at shop-1, ready +65s; accepted, drop-off promised +")
    assert "confidence 0." in story[0]
    assert story[1:] == [
        "offered r-1: offer 1, answer by +65s",
        "kitchen.delay shop-1: ready +100s; accepted",
        "rider.reply r-1: declines offer 1; accepted",
        "offered r-2: offer 2, answer by +69s",
        "rider.reply r-9: accepts offer 1; refused as not_offered (no such offer of this order to you)",
        "withdrawn r-2: offer 2: no answer",
        "offered r-3: offer 3, answer by +129s",
        "rider.reply r-3: accepts offer 3; accepted",
        "accepted r-3: offer 3",
        "rider.progress r-3: at shop; accepted",
        "rider.progress r-3: picked up; accepted",
        "rider.progress r-3: delivered; accepted",
    ]
    last = found.moments[-1]
    assert (last.what, last.who, last.text) == ("update", "alice, shop-1", "delivered")


def test_an_id_inside_another_is_not_taken_for_it(rows: list[bytes]) -> None:
    """o-1 is part of o-10, o-11 and o-12; none of their entries appears for it."""
    ids = {moment.row for moment in explained("o-1", rows).moments}
    others = {moment.row for number in (10, 11, 12) for moment in explained(f"o-{number}", rows).moments}
    assert not ids & others


def test_every_order_of_the_hour_is_explained(rows: list[bytes]) -> None:
    """Each has its placing and at least one decision with a reason."""
    for number in range(1, 13):
        found = explained(f"o-{number}", rows)
        assert found.moments[0].what == "order.place"
        assert found.choices
        assert all(choice.why for choice in found.choices)


def test_the_orders_of_a_row_are_named(rows: list[bytes]) -> None:
    """Each order is named in the row that placed it, and an unknown one is explained by nothing."""
    assert [order for body in rows for order in placed(decode_row(body))] == [f"o-{number}" for number in range(1, 13)]
    assert explained("o-99", rows) == ([], [])
    assert explained("shop-1", rows) == ([], [])


def test_the_story_of_a_delivery_that_failed() -> None:
    """Why, what everybody got, who sent it out again, and that it came back; an order that its shop took back, too."""

    def step(at_s: float, step: str, **fields: str):
        return at_s, [event("r-1", "rider.progress", f"step-{at_s}", at_s, order="o-1", step=step, **fields)]

    rows = play(
        Node([Dispatch]),
        [
            (0, [configured()]),
            (1, shift("r-1", at_s=1)),
            (5, [place(1, 5)]),
            (9, [reply("r-1", 1, 1, 9)]),
            step(100, "picked_up"),
            step(300, "failed", cause="wrong_address", reason="no such number"),
            (360, [event("shop-1", "order.redeliver", "again-1", 360, order="o-1", dropoff=Place(31.21, 121.41))]),
            step(400, "failed", cause="refused"),
            step(500, "returned"),
            (600, [place(2, 600)]),
            (601, [event("shop-1", "order.cancel", "cancel-2", 601, order="o-2", reason="no noodles")]),
        ],
    )
    story = [f"{moment.what} {moment.who}: {moment.text}" for moment in explained("o-1", rows).moments]
    for line in (
        "rider.progress r-1: failed: wrong address (no such number); accepted",
        "order.redeliver shop-1: goes out again, to another door; accepted",
        "rider.progress r-1: returned; accepted",
        "update alice, shop-1: returned (refused)",
    ):
        assert line in story
    assert any(line.startswith("update alice, shop-1: returning (wrong address; no such number)") for line in story)
    assert any(line.startswith("update alice, shop-1: picked_up (redelivery), drop-off expected") for line in story)
    last = explained("o-2", rows).moments[-1]
    assert (last.what, last.text) == ("update", "cancelled by the shop (no noodles)")


def test_what_a_person_decided_is_in_the_story() -> None:
    """Who, when, why, and what it cost, by the order's name; and by the rider's."""

    def by_hand(at_s: float, kind: str, **fields: object):
        return at_s, [event("shop-1", kind, f"hand-{at_s}", at_s, **fields)]

    rows = play(
        Node([Dispatch]),
        [
            (0, [configured()]),
            (1, shift("r-1", at_s=1, capacity=2)),
            (2, shift("r-2", at_s=2, lat=31.21)),
            (5, [place(1, 5)]),
            (6, [place(2, 6, ready_s=600)]),
            by_hand(7, "order.assign", order="o-1", rider="r-1"),
            by_hand(8, "order.assign", order="o-2", rider="r-1", position=0, reason="regulars"),
            by_hand(9, "order.reschedule", order="o-2", dropoff_by=T0 + 1_800_000, priority=9),
            by_hand(10, "order.hold", order="o-2", reason="wrong address?"),
            by_hand(11, "order.release", order="o-2"),
            by_hand(12, "order.pin", order="o-2", rider="r-2"),
            (13, [event("r-2", "rider.pause", "pause-1", 13, rider="r-2", reason="flat tyre")]),
        ],
    )
    story = [f"{moment.what} {moment.who}: {moment.text}" for moment in explained("o-2", rows).moments]
    (assigned,) = [line for line in story if line.startswith("order.assign")]
    assert assigned.startswith("order.assign shop-1: o-2 to r-1 (regulars); accepted: o-1 ")
    assert assigned.endswith(" later")
    for line in (
        "order.reschedule shop-1: dropoff_by +1800s, priority 9; accepted",
        "order.hold shop-1: wrong address?; accepted",
        "order.release shop-1: accepted",
        "order.pin shop-1: o-2 to r-2; accepted",
    ):
        assert line in story
    assert any("shop-1 has pinned it to r-2" in choice.why for choice in explained("o-2", rows).choices)
    moments = [f"{moment.what} {moment.who}: {moment.text}" for moment in explained("r-2", rows).moments]
    assert moments == ["order.pin shop-1: o-2 to r-2; accepted", "rider.pause r-2: r-2 (flat tyre); accepted"]
