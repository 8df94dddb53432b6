"""Of bench.demo.fleet.till: three differences are planted, and no other."""

from collections import Counter
from datetime import UTC
from typing import Literal

from bench.demo.district.instance import Courier, Instance, Order, Restaurant
from bench.demo.fleet.till import OWN_ORDER, PLANTED, busiest, ledger_of
from bench.demo.proof.records import OrderRecord, Records
from edge.ledger.entries import read_ledger
from edge.messages.envelope import Receipt

AT = 1_767_225_600_000
ORDERS = [Order(f"o{number}", 0, 0, number, "r1" if number < 5 else "r2", number) for number in range(8)]
INSTANCE = Instance("x", ORDERS, [Courier("c1", 0, 0, 0, 60)], [Restaurant("r1", 0, 0), Restaurant("r2", 0, 0)])


def at(number: int) -> int:
    """When the order of this number was accepted."""
    return AT + number * 60_000


def record(number: int, status: Literal["accepted", "refused"] = "accepted", state: str = "delivered") -> OrderRecord:
    """An order that was placed."""
    receipt = Receipt(id="e", of="order.place", status=status, at=at(number))
    return OrderRecord(AT, state, receipt, amount_cents=1_000 + number)


def test_the_shop_with_most_orders_is_compared() -> None:
    """Orders that were refused or cancelled are none of its book."""
    records = Records()
    records.orders = {f"o{number}": record(number) for number in range(8)}
    records.orders["o0"] = record(0, "refused")
    shop, orders = busiest(INSTANCE, records)
    assert (shop, sorted(orders)) == ("shop-r1", ["o1", "o2", "o3", "o4"])
    records.orders["o1"] = record(1, state="cancelled")
    assert sorted(busiest(INSTANCE, records)[1]) == ["o2", "o3", "o4"]
    assert busiest(INSTANCE, Records()) == ("", {})


def test_three_differences_are_planted() -> None:
    """One order is missing in the book, one at the node, and one has another amount; the rest agrees."""
    orders = {f"o{number}": record(number) for number in range(5)}
    read = {line.order: line for line in read_ledger(ledger_of(orders).encode(), UTC, {})}
    both = orders.keys() & read.keys()
    found: Counter[str] = Counter()
    found["missing_here"] = len(read.keys() - orders.keys())
    found["missing_there"] = len(orders.keys() - read.keys())
    found["other_amount"] = sum(read[name].amount_cents != orders[name].amount_cents for name in both)
    assert dict(found) == PLANTED
    assert OWN_ORDER in read
    assert all(read[name].at == at(int(name[1:])) for name in both)
