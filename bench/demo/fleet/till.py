"""A shop's own book with three planted differences, and its comparison at the node."""

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

from edge.errors import DoorstepError

from ...lab.site import Site
from ..district.instance import Instance
from ..people.kitchens import name_of
from ..proof.records import OrderRecord, Records

PLANTED: Final = {"missing_here": 1, "missing_there": 1, "other_amount": 1}
"""The differences, as the centre is to count them."""

OWN_ORDER: Final = "o-paper"
"""An order that only the book has."""


def busiest(instance: Instance, records: Records) -> tuple[str, dict[str, OrderRecord]]:
    """The shop with most orders that the node accepted and nobody cancelled, and these orders."""
    kept = {
        order.name: (order.restaurant, record)
        for order in instance.orders
        if (record := records.orders.get(order.name)) is not None
        and record.receipt is not None
        and record.receipt.status == "accepted"
        and record.state != "cancelled"
    }
    shops = Counter(shop for shop, _ in kept.values())
    if not shops:
        return "", {}
    (shop, _), *_ = sorted(shops.items(), key=lambda item: (-item[1], item[0]))
    return name_of(shop), {name: record for name, (of, record) in kept.items() if of == shop}


def ledger_of(orders: dict[str, OrderRecord]) -> str:
    """Its CSV: one order is left out, one has another amount, and one is no order of the node's. Needs three orders."""
    rows = [(name, record.receipt.at, record.amount_cents) for name, record in orders.items() if record.receipt]
    rows.sort(key=lambda row: row[1])
    name, at, cents = rows[0]
    rows = [(name, at, cents + 100), *rows[2:], (OWN_ORDER, rows[-1][1], 4_200)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("order", "time", "amount_cents"))
    writer.writerows(
        (order, datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(), cents) for order, at_ms, cents in rows
    )
    return text.getvalue()


def compare(site: Site, shop: str, text: str) -> dict[str, int]:
    """How many differences of each kind the node finds in the book of a shop. Raises DoorstepError."""
    path = site.folder / "till.csv"
    path.write_text(text, encoding="utf-8")
    words = ("ledger", path.name, "--config", "edge.toml", "--shop", shop, "--timezone", "UTC", "--json")
    done = site.command(*words)
    if done.returncode not in (0, 1):
        raise DoorstepError(f"doorstep ledger failed: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return dict(Counter(each["kind"] for each in found["differences"]))
