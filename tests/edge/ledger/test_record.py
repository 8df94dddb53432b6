"""What the journal has of orders: those that were accepted, as they were placed first."""

from pathlib import Path

from edge.journal.reader import JournalReader
from edge.ledger.record import Order, read_record
from tests.edge.district import T0
from tests.edge.sold import order, sell


def test_accepted_orders_are_read(tmp_path: Path) -> None:
    """With time and amount, and whether they were cancelled; a refused one changes nothing."""
    sell(tmp_path, (70, [order("t-1", 70, "shop-2", amount_cents=900)]))
    with JournalReader.open(tmp_path) as reader:
        found = read_record(reader.rows(0))
    assert found.since == T0
    assert found.orders["o-1"] == Order("shop-1", T0 + 10_000, 100)
    assert found.orders["o-2"].amount_cents is None
    assert [name for name, each in found.orders.items() if each.is_cancelled] == ["o-4"]
    assert found.orders["t-1"].shop == "shop-2"
    assert len(found.orders) == 6


def test_an_empty_journal_has_none() -> None:
    """And no first row."""
    assert (read_record([]).orders, read_record([]).since) == ({}, 0)
