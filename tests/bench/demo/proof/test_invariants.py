"""The rules: each holds on a good day, and each finds what it is for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.demo.proof.evidence import Evidence
from bench.demo.proof.invariants import RULES, Case, check_invariants, forms, search
from bench.demo.proof.records import EventRecord, OrderRecord, Records
from tests.bench.demo.proof.journal_rows import good_day
from tests.bench.demo.proof.label_rows import good_shelf, recorded


@pytest.fixture
def good(tmp_path: Path) -> Case:
    """A day on which everything went well."""
    rows = good_day()
    good_shelf(rows)
    evidence = Evidence()
    evidence.read(rows.bodies)
    records = Records()
    recorded(records)
    for (client, event), payload in rows.receipts.items():
        records.events[client, event] = EventRecord("any", 0, payload, 1)
    for order in ("o1", "o2"):
        records.orders[order] = OrderRecord(0, 0, "r1", "delivered", picked_up_by=["rider-1"], delivered_by=["rider-1"])
    records.counts["acknowledged"] = evidence.received
    records.canaries.append((31.123456789, 121.987654321))
    (tmp_path / "journal").write_bytes(b"rows" + b"".join(rows.bodies))
    return Case(
        records=records,
        evidence=evidence,
        open_orders={},
        unanswered=[],
        queues={"commit": (3, 10)},
        events_at_node=evidence.received,
        events_at_centre=evidence.received,
        folders=[tmp_path],
        unpacked={"the snapshot at row 9": b"state"},
        visible=[31.0],
    )


def test_a_good_day_holds(good: Case) -> None:
    """On a good day every rule holds."""
    assert [result.name for result in check_invariants(good) if not result.held] == []
    assert len(check_invariants(good)) == len(RULES)


def _lost_receipt(t: Case) -> None:
    t.unanswered.append(("customer-o1", "e1"))


def _differing(t: Case) -> None:
    next(iter(t.records.events.values())).differing = b"other"


def _forged(t: Case) -> None:
    next(iter(t.records.events.values())).receipt = b"forged"


def _two_riders(t: Case) -> None:
    t.records.orders["o1"].picked_up_by.append("rider-2")


def _leak(t: Case) -> None:
    t.evidence.received += 1
    t.events_at_node += 1
    t.events_at_centre += 1


def _short(t: Case) -> None:
    t.events_at_centre -= 1


def _forgotten(t: Case) -> None:
    t.evidence.accepted -= 1
    t.evidence.received -= 1
    t.evidence.acknowledged -= 1
    t.events_at_node -= 1
    t.events_at_centre -= 1


def _deep(t: Case) -> None:
    t.queues["commit"] = (11, 10)


def _written(t: Case) -> None:
    (t.folders[0] / "log").write_text(f"rider at {t.records.canaries[0][0]!r}")


def _packed(t: Case) -> None:
    t.unpacked["the snapshot at row 9"] = b"x" + forms(t.records.canaries[0][1])[0]


def _blind(t: Case) -> None:
    (t.folders[0] / "journal").write_bytes(b"nothing")


def _hanging(t: Case) -> None:
    t.records.orders["o1"].state = "accepted"


def _hanging_when_cut(t: Case) -> None:
    t.cut = True
    t.records.orders["o1"].state = "accepted"


def _surprised(t: Case) -> None:
    t.records.problem("a strange thing")


def _full_rider(t: Case) -> None:
    t.evidence.found("capacity_respected", "row 7: too many")


def _after_hours(t: Case) -> None:
    t.evidence.found("none_assigned_after_shift_end", "row 7: too late")


def _not_sent(t: Case) -> None:
    t.evidence.labels.sent.popitem()
    t.evidence.labels.bound.clear()


def _not_asked(t: Case) -> None:
    t.records.prices.clear()


@pytest.mark.parametrize(
    ("spoil", "broken"),
    [
        (_lost_receipt, "every_event_has_a_receipt"),
        (_differing, "one_decision_per_id"),
        (_forged, "no_receipt_without_journal"),
        (_two_riders, "no_order_with_two_riders"),
        (_full_rider, "capacity_respected"),
        (_after_hours, "none_assigned_after_shift_end"),
        (_leak, "conservation"),
        (_forgotten, "conservation"),
        (_short, "counted_once_at_centre"),
        (_deep, "queues_bounded"),
        (_written, "no_position_on_disk"),
        (_packed, "no_position_on_disk"),
        (_blind, "no_position_on_disk"),
        (_hanging, "every_order_ended"),
        (_hanging_when_cut, "every_order_ended"),
        (_not_sent, "labels_never_ahead"),
        (_not_asked, "labels_agree"),
        (_surprised, "nobody_was_surprised"),
    ],
)
def test_each_rule_finds_what_it_is_for(good: Case, spoil: Callable[[Case], None], broken: str) -> None:
    """One thing wrong breaks one rule, and the rule names what it found."""
    spoil(good)
    found = {result.name: result.evidence for result in check_invariants(good) if not result.held}
    assert list(found) == [broken]
    assert found[broken]


def test_every_rule_is_put_to_the_test() -> None:
    """No rule is without a case above."""
    cases = test_each_rule_finds_what_it_is_for.pytestmark[0].args[1]
    assert {broken for _, broken in cases} == set(RULES)


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
