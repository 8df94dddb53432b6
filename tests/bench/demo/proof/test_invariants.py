"""The rules: each holds on a good day, and each finds what it is for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.demo.proof.invariants import RULES, Case, check_invariants, forms, search
from bench.demo.proof.records import EventRecord, OrderRecord, Records
from tests.bench.demo.proof.journal_rows import case_of, good_day
from tests.bench.demo.proof.label_rows import good_shelf, recorded


@pytest.fixture
def good(tmp_path: Path) -> Case:
    """A day on which everything went well."""
    rows = good_day()
    good_shelf(rows)
    evidence = rows.evidence()
    records = Records()
    recorded(records)
    for (client, event), payload in rows.receipts.items():
        records.events[client, event] = EventRecord(payload)
    for order in ("o1", "o2"):
        records.orders[order] = OrderRecord(0, "delivered", picked_up_by=["rider-1"], delivered_by=["rider-1"])
    records.counts["acknowledged"] = evidence.received
    records.canaries.append((31.123456789, 121.987654321))
    (tmp_path / "journal").write_bytes(b"rows" + b"".join(rows.bodies))
    more = {"queues": {"commit": (3, 10)}, "folders": [tmp_path], "unpacked": {"state": b"state"}, "visible": [31.0]}
    return case_of(records, evidence, **more)


def test_a_good_day_holds(good: Case) -> None:
    """On a good day every rule holds."""
    assert [result.name for result in check_invariants(good) if not result.held] == []
    assert len(check_invariants(good)) == len(RULES)


def _one_event_more(t: Case, everywhere: int, decided: int) -> None:
    """Received and counted, or missing, at node and centre, and in the decisions."""
    t.evidence.received += everywhere
    t.events_at_node += everywhere
    t.events_at_centre += everywhere
    t.evidence.accepted += decided
    t.evidence.acknowledged += decided


def _first_event(t: Case) -> EventRecord:
    return next(iter(t.records.events.values()))


def _hanging(t: Case, cut: bool) -> None:
    t.cut = cut
    t.records.orders["o1"].state = "accepted"


SPOILT: list[tuple[str, Callable[[Case], object]]] = [
    ("every_event_has_a_receipt", lambda t: t.unanswered.append(("customer-o1", "e1"))),
    ("one_decision_per_id", lambda t: setattr(_first_event(t), "differing", b"other")),
    ("no_receipt_without_journal", lambda t: setattr(_first_event(t), "receipt", b"forged")),
    ("no_order_with_two_riders", lambda t: t.records.orders["o1"].picked_up_by.append("rider-2")),
    ("capacity_respected", lambda t: t.evidence.found("capacity_respected", "row 7: too many")),
    ("none_assigned_after_shift_end", lambda t: t.evidence.found("none_assigned_after_shift_end", "row 7: too late")),
    ("breaks_respected", lambda t: t.evidence.found("breaks_respected", "row 7: at lunch")),
    ("dispatcher_is_obeyed", lambda t: t.evidence.found("dispatcher_is_obeyed", "row 7: on hold")),
    ("what_failed_comes_back", lambda t: t.evidence.hands.failed.update(o1="rider-1")),
    ("conservation", lambda t: _one_event_more(t, 1, 0)),
    ("conservation", lambda t: _one_event_more(t, -1, -1)),
    ("counted_once_at_centre", lambda t: setattr(t, "events_at_centre", t.events_at_centre - 1)),
    ("queues_bounded", lambda t: t.queues.update(commit=(11, 10))),
    ("no_position_on_disk", lambda t: (t.folders[0] / "log").write_text(f"rider at {t.records.canaries[0][0]!r}")),
    ("no_position_on_disk", lambda t: t.unpacked.update(state=b"x" + forms(t.records.canaries[0][1])[0])),
    ("no_position_on_disk", lambda t: (t.folders[0] / "journal").write_bytes(b"nothing")),
    ("every_order_ended", lambda t: _hanging(t, cut=False)),
    ("every_order_ended", lambda t: _hanging(t, cut=True)),
    ("labels_never_ahead", lambda t: (t.evidence.labels.sent.popitem(), t.evidence.labels.bound.clear())),
    ("labels_agree", lambda t: t.records.prices.clear()),
    ("nobody_was_surprised", lambda t: t.records.problem("a strange thing")),
]


@pytest.mark.parametrize(("broken", "spoil"), SPOILT)
def test_each_rule_finds_what_it_is_for(good: Case, broken: str, spoil: Callable[[Case], object]) -> None:
    """One thing wrong breaks one rule, and the rule names what it found."""
    spoil(good)
    found = {result.name: result.evidence for result in check_invariants(good) if not result.held}
    assert list(found) == [broken]
    assert found[broken]


def test_every_rule_is_put_to_the_test() -> None:
    """No rule is without a case above."""
    assert {broken for broken, _ in SPOILT} == set(RULES)


def test_orders_under_way_are_fine_where_the_run_was_cut(good: Case) -> None:
    """A run that was cut short may have open orders, if the node knows them."""
    good.cut = True
    good.records.orders["o1"].state = "picked_up"
    good.open_orders = {"picked_up": 1}
    assert all(result.held for result in check_invariants(good))


def test_the_search_sees_across_its_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern that lies on the border between two pieces is found."""
    monkeypatch.setattr("bench.demo.proof.invariants.SCAN_BYTES", 16)
    pattern = forms(31.5)[0]
    for before in range(40):
        (tmp_path / "file").write_bytes(b"." * before + pattern + b"." * 9)
        assert search(tmp_path / "file", [b"not there either", pattern]) == pattern
    (tmp_path / "file").write_bytes(b"." * 100)
    assert search(tmp_path / "file", [pattern]) is None
