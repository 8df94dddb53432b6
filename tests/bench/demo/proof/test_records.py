"""What people wrote down."""

from bench.demo.proof.records import EventRecord, OrderRecord, Records
from edge.messages.envelope import Receipt


def receipt(at: int = 5) -> Receipt:
    """A receipt for e1."""
    return Receipt(id="e1", of="order.place", status="accepted", at=at)


def test_the_first_receipt_counts_and_later_ones_are_compared() -> None:
    """A latency is taken once; the same bytes again are fine, other bytes are kept as evidence."""
    records = Records()
    records.events["a", "e1"] = EventRecord()
    assert records.receipt("a", receipt(), b"one", 12.0)
    assert not records.receipt("a", receipt(), b"one", 99.0)
    assert records.events["a", "e1"].differing is None
    assert not records.receipt("a", receipt(), b"two", 99.0)
    assert records.events["a", "e1"].differing == b"two"
    assert records.receipt_ms_real == [12.0]
    assert records.problems == []


def test_a_receipt_for_nothing_is_a_problem() -> None:
    """Whoever gets a receipt for what they never sent has found a mistake."""
    records = Records()
    assert not records.receipt("a", receipt(), b"one", 1.0)
    assert "never sent" in records.problems[0]


def test_offered_at_once_means_in_the_same_breath() -> None:
    """An order was offered at once where the offer bears the receipt's instant, and not where it came later."""
    order = OrderRecord(0)
    assert not order.offered_at_once
    order.receipt = receipt(at=500)
    assert not order.offered_at_once
    order.first_offer_at = 500
    assert order.offered_at_once
    order.first_offer_at = 501
    assert not order.offered_at_once


def test_problems_are_bounded() -> None:
    """A thousand problems are counted, a hundred kept."""
    records = Records()
    for number in range(1_000):
        records.problem(str(number))
    assert (records.counts["problems"], len(records.problems)) == (1_000, 100)


def test_what_was_accepted_is_known_by_its_receipt() -> None:
    """Whatever became of it afterwards; what is refused, or still without an answer, is not."""
    records = Records()
    records.orders = {"o1": OrderRecord(0, "delivered", receipt()), "o2": OrderRecord(0, "sent")}
    records.orders["o3"] = OrderRecord(0, "refused", Receipt(id="e3", of="order.place", status="refused", at=5))
    assert records.accepted() == {"o1"}
