"""The figures of a run."""

import json
from pathlib import Path

import pytest

from bench.demo.district.instance import read
from bench.demo.proof.evidence import Evidence
from bench.demo.proof.invariants import InvariantResult
from bench.demo.proof.records import OrderRecord, Records
from bench.demo.report import Ended, Process, build, lines, quantiles
from edge.messages.envelope import Receipt
from tests.bench.demo.proof.journal_rows import MINUTE, START, case_of, good_day

SMALL = Path(__file__).parents[2] / "data" / "small-district"
STAGES = ("queue", "decode", "decide", "commit", "publish", "total")


@pytest.fixture
def ended() -> Ended:
    """A small run: one order offered at once and delivered, one that waited and was cancelled, one given up."""
    evidence = good_day().evidence()
    evidence.refused["too_late"] = 2
    records = Records()
    receipt = Receipt(id="e1", of="order.place", status="accepted", at=START)
    records.orders = {
        "o1": OrderRecord(
            START - MINUTE,
            "delivered",
            receipt,
            first_offer_at=START,
            offer_ms_real=4.0,
            accepted_by=["rider-1"],
            delivered_at=START + 29 * MINUTE,
        ),
        "o2": OrderRecord(START, "cancelled", receipt, first_offer_at=START + 6 * MINUTE),
        "o3": OrderRecord(START, "undeliverable", receipt),
    }
    records.counts["placed"] = 3
    records.counts["slow_rides"] = 7
    evidence.hands.counts["held"] = 3
    records.receipt_ms_real = [1.0, 2.0, 3.0]
    measured = {stage: {"p50": 0.5, "p99": 1.5, "max": 2.0, "count": 7} for stage in STAGES}
    return Ended(
        instance=read(SMALL),
        speed=60.0,
        seed=1,
        real_s=12.34,
        case=case_of(records, evidence),
        results=[InvariantResult("conservation", True)],
        status={"latency_ms": {"total": measured}, "sync": {}},
        sync={"batches_sent": 3, "batches_acked": 3, "bytes": 99},
        dropped={"over_quota": 1, "disk_full": 0},
        process=Process(rss_mb=61.26, cpu_s=1.234),
        journal="/x/journal",
        folder="/x",
    )


def test_the_report_has_the_promised_names(ended: Ended) -> None:
    """Every name that others rely on is there, with the figures of the run."""
    report = json.loads(json.dumps(build(ended)))
    assert report["orders"] == {
        "placed": 3,
        "accepted": 3,
        "refused": 0,
        "assigned": 1,
        "delivered": 1,
        "cancelled": 1,
        "returned": 0,
        "undelivered": 1,
    }
    assert report["latency_ms"]["receipt"] == {"p50": 2.0, "p99": 2.98, "max": 3.0, "count": 3}
    assert report["latency_ms"]["assignment"] == {"p50": 4.0, "p99": 4.0, "max": 4.0, "count": 1}
    assert report["latency_ms"]["stages"] == {stage: {"p50": 0.5, "p99": 1.5} for stage in STAGES}
    assert report["waited"] == {"count": 1, "min_p50": 6.0, "min_p90": 6.0}
    assert report["click_to_door_min"] == {"mean": 30.0, "p90": 30.0}
    assert report["sync"] == {
        "batches_sent": 3,
        "batches_acked": 3,
        "bytes": 99,
        "events_at_node": 12,
        "events_at_centre": 12,
    }
    assert report["refused"] == {"too_late": 2}
    trouble = ("failed", "sent_again", "returned", "assigned", "held", "released", "breaks")
    trouble += ("mute_kitchens", "slow_rides")
    assert report["trouble"] == {**dict.fromkeys(trouble, 0), "held": 3, "slow_rides": 7}
    assert report["dropped"] == {"over_quota": 1}
    assert report["node"] == {"rss_mb": 61.3, "cpu_s": 1.23}
    assert report["invariants"] == {"conservation": True}
    assert report["promise"]["given"] == 2
    assert report["promise"]["kept"] == 2
    assert (report["promise"]["mean_error_min"], report["promise"]["mean_abs_error_min"]) == (-14.0, 14.0)
    assert (report["promise"]["late_share"], report["promise"]["late_5_share"]) == (0.0, 0.0)


@pytest.mark.parametrize(("late_min", "share", "share_5"), [(1, 0.5, 0.0), (5, 0.5, 0.0), (6, 0.5, 0.5)])
def test_a_promise_that_was_not_kept_is_late(ended: Ended, late_min: int, share: float, share_5: float) -> None:
    """One of two orders comes late: half of the promises, and half beyond five minutes only where it is more."""
    ended.case.evidence.delivered_at["o1"] = ended.case.evidence.promised["o1"] + late_min * MINUTE
    promise = build(ended)["promise"]
    assert (promise["missed"], promise["late_share"], promise["late_5_share"]) == (1, share, share_5)


def test_a_person_is_notified_of_what_broke(ended: Ended) -> None:
    """The last lines state that all is well, or which rule broke and on what evidence."""
    assert lines(build(ended))[-1] == "All 1 invariants held."
    ended.results = [InvariantResult("conservation", False, "one is missing.")]
    assert not ended.held
    assert lines(build(ended))[-1] == "  conservation: one is missing."


def test_a_run_without_anything_has_figures_too(ended: Ended) -> None:
    """A run in which nothing happened, and whose node never answered, gives zeros instead of errors."""
    ended.case.records, ended.case.evidence, ended.status, ended.dropped, ended.sync = Records(), Evidence(), {}, {}, {}
    report = build(ended)
    assert report["latency_ms"]["receipt"]["p99"] == 0.0
    assert report["click_to_door_min"] == {"mean": 0.0, "p90": 0.0}
    assert lines(report)


def test_quantiles_interpolate() -> None:
    """Quantiles are interpolated linearly between the values."""
    assert quantiles([4.0, 1.0, 2.0, 3.0], 0.5, 1.0) == [2.5, 4.0]
    assert quantiles([], 0.5) == [0.0]
