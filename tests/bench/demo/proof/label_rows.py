"""Journal rows about shelf labels for tests, made by hand, and what the gateway and the shop recorded of them."""

from typing import Any

from bench.demo.proof.records import LabelRecord, Records
from edge.scenarios.labels.messages import LabelBind, LabelShow, LabelShown, PriceEntry, PriceReceipt, PriceSet
from tests.bench.demo.proof.journal_rows import MINUTE, START, Rows

SHOP, GATEWAY, LABEL, SKU = "shop-r1", "gateway-1", "A0:01", "bread"


def bind(rows: Rows, at: int) -> None:
    """The label shows the article."""
    event = LabelBind(id=rows.id(), at=START + at * MINUTE, label=LABEL, sku=SKU, gateway=GATEWAY)
    rows.add(at, [(SHOP, event)])


def price(rows: Rows, at: int, cents: int, from_at: int = 0, until_at: int | None = None) -> None:
    """A price, from and until minutes of the day."""
    until_ms = None if until_at is None else START + until_at * MINUTE
    entry = PriceEntry(SKU, cents, START + from_at * MINUTE if from_at else 0, until_ms)
    rows.add(at, [(SHOP, PriceSet(id=rows.id(), at=START + at * MINUTE, prices=[entry]))])


def show(rows: Rows, at: int, version: int, cents: int) -> LabelRecord:
    """The node sends a version."""
    body = LabelShow(shop=SHOP, label=LABEL, sku=SKU, binding=1, version=version, price_cents=cents)
    rows.add(at, [], (GATEWAY, body))
    return LabelRecord(1, version, SKU, cents)


def shown(rows: Rows, at: int, version: int) -> None:
    """The gateway confirms it."""
    when = START + at * MINUTE
    event = LabelShown(id=rows.id(), at=when, shop=SHOP, label=LABEL, binding=1, version=version)
    rows.add(at, [(GATEWAY, event)])


def good_shelf(rows: Rows) -> None:
    """One label: a price, an offer that begins and ends, each shown and confirmed, one of them after a loss."""
    bind(rows, 130)
    price(rows, 131, 100)
    show(rows, 131, 1, 100)
    price(rows, 132, 80, from_at=135, until_at=140)
    show(rows, 135, 2, 80)
    shown(rows, 135, 1)
    show(rows, 136, 2, 80)
    shown(rows, 137, 2)
    show(rows, 140, 3, 100)
    shown(rows, 141, 3)


def recorded(records: Records) -> None:
    """What the gateway got on that day, and what the shop was answered at its end."""
    for version, cents in ((1, 100), (2, 80), (3, 100)):
        records.shows[SHOP, LABEL, 1, version] = LabelRecord(1, version, SKU, cents)
    records.labels[SHOP, LABEL] = records.shows[SHOP, LABEL, 1, 3]
    records.prices[SHOP, SKU] = answer(100, 3)


def answer(cents: int, version: int) -> PriceReceipt:
    """Of a `price.get`."""
    fields: dict[str, Any] = {"shop": SHOP, "sku": SKU, "price_cents": cents, "version": version}
    return PriceReceipt(id="e9", of="price.get", status="accepted", at=START, **fields)
