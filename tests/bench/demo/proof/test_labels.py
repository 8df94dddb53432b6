"""What the journal shows of shelf labels."""

from collections.abc import Callable

import pytest

from bench.demo.proof.labels import NEVER_AHEAD, agree, never_ahead, section
from bench.demo.proof.records import LabelRecord, Records
from edge.scenarios.labels.messages import PriceReceipt
from tests.bench.demo.proof.journal_rows import Rows
from tests.bench.demo.proof.label_rows import LABEL, SHOP, SKU, answer, bind, good_shelf, price, recorded, show, shown


def test_a_good_shelf_holds() -> None:
    """A price, an offer, a lost confirmation: nothing is found, and the figures are right."""
    rows, records = Rows(), Records()
    good_shelf(rows)
    recorded(records)
    evidence = rows.evidence()
    assert evidence.findings == {}
    assert [*never_ahead(evidence.labels, records), *agree(evidence.labels, records)] == []
    assert evidence.labels.confirmed == {(SHOP, LABEL): (1, 3)}
    assert section(evidence.labels, records, {"unconfirmed": 2}) | {
        "bound": 1,
        "resent": 1,
        "unconfirmed": 2,
    } == section(evidence.labels, records, {"unconfirmed": 2})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda rows: (price(rows, 2, 80, from_at=10), show(rows, 9, 2, 80)), "100 is in force"),
        (lambda rows: (price(rows, 2, 80, until_at=10), show(rows, 10, 2, 80)), "100 is in force"),
        (lambda rows: shown(rows, 2, 2), "never sent"),
        (lambda rows: (price(rows, 2, 80), show(rows, 2, 1, 80)), "and then as"),
    ],
)
def test_a_label_that_is_ahead_is_found(spoil: Callable[[Rows], object], words: str) -> None:
    """A price before or after its time, a version that was not sent, two prices under one version."""
    rows = Rows()
    bind(rows, 0)
    price(rows, 1, 100)
    show(rows, 1, 1, 100)
    spoil(rows)
    (finding,) = rows.evidence().findings[NEVER_AHEAD]
    assert words in finding


@pytest.mark.parametrize(
    ("displayed", "answered", "words"),
    [
        (LabelRecord(1, 3, SKU, 100), None, "not answered"),
        (LabelRecord(1, 3, SKU, 100), answer(101, 3), "(3, 101, None)"),
        (LabelRecord(1, 2, SKU, 80), answer(100, 3), "price_cents=80"),
        (LabelRecord(1, 4, SKU, 100), answer(100, 4), "has confirmed (1, 3)"),
    ],
)
def test_a_label_that_does_not_agree_is_found(
    displayed: LabelRecord, answered: PriceReceipt | None, words: str
) -> None:
    """No answer to compare with, another price, a label that shows an earlier version, or one it has not confirmed."""
    rows, records = Rows(), Records()
    good_shelf(rows)
    recorded(records)
    records.labels[SHOP, LABEL] = displayed
    records.prices = {} if answered is None else {(SHOP, SKU): answered}
    assert words in " ".join(agree(rows.evidence().labels, records))


def test_what_changes_after_it_was_quiet_is_no_difference() -> None:
    """An offer that begins after the prices were asked for reaches the labels, and no question any more."""
    rows, records = Rows(), Records()
    good_shelf(rows)
    recorded(records)
    records.settled = dict(records.labels)
    records.labels[SHOP, LABEL] = LabelRecord(1, 2, SKU, 80)
    assert not list(agree(rows.evidence().labels, records))
