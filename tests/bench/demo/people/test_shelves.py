"""A shop's labels: bound in the morning, changed during the day, asked for at the end."""

from bench.demo.people.shelves import LABELS, SKUS, Shelves
from bench.demo.proof.records import LabelRecord
from edge.scenarios.labels.messages import LabelBind, LabelUnbind, PriceGet, PriceReceipt, PriceSet, StockSet
from tests.bench.demo.people.recorded_world import RecordedWorld


def test_a_day_of_a_shop() -> None:
    """It sets all prices and binds its labels, then prices, offers, stocks and labels change."""
    recorded = RecordedWorld()
    till = recorded.world.fleet.client("shop-r1", json=False, on_answer=lambda _: None)
    shelves = Shelves(recorded.world, till)
    shelves.plan()
    person = recorded.people["shop-r1"]
    person.sends(StockSet)
    person.sends(LabelUnbind)
    assert isinstance(person.sent[0], PriceSet)
    assert [price.sku for price in person.sent[0].prices or ()] == list(SKUS)
    assert sum(isinstance(event, LabelBind) for event in person.sent) > LABELS
    offers = [event.prices[0] for event in person.sent[1:] if isinstance(event, PriceSet) and event.prices]
    assert offers
    assert all(recorded.world.day_ms < offer.from_at < (offer.until_at or 0) for offer in offers)
    assert recorded.records.problems == []
    recorded.world.closed = True
    count = len(person.sent)
    recorded.scheduler.run(20)
    assert len(person.sent) == count
    person.answer(person.sent[0], reason="over_capacity")
    assert "refused as over_capacity" in recorded.records.problems[0]
    offered = next(event for event in person.sent[1:] if isinstance(event, PriceSet) and event.prices)
    person.answer(offered, reason="too_late", at=offers[0].until_at or 0)
    assert len(recorded.records.problems) == 1


def test_it_compares_labels_with_answers() -> None:
    """Labels agree once each shows the version of the last answer."""
    recorded = RecordedWorld()
    till = recorded.world.fleet.client("shop-r1", json=False, on_answer=lambda _: None)
    shelves = Shelves(recorded.world, till)
    shelves.bound = {"A0": "dish-1"}
    shelves.ask()
    asked = recorded.people["shop-r1"].sends(PriceGet, sku="dish-1")
    assert not shelves.agree()
    receipt = PriceReceipt(id=asked.id, of="price.get", status="accepted", at=1, price_cents=100, version=3)
    recorded.people["shop-r1"].receipt(asked, receipt)
    assert not shelves.agree()
    for version, right in ((2, False), (3, True)):
        recorded.records.labels["shop-r1", "A0"] = LabelRecord(1, version, "dish-1", 100)
        assert shelves.agree() is right
