"""A ledger against the node's record, by shop and day.

Orders are matched by name. An order of the record is expected in the ledger if it was placed on one of the days that
the ledger covers, from its first to its last, and was not cancelled.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Final

from msgspec import Struct

from ..messages.sync.ledger import ShopDay
from .entries import Line
from .record import Order, Record

TOLERANCE_S: Final = 600.0
"""Between the times of one order: a till's clock, and the minutes in which a sale is rung up."""


class Difference(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order that differs. `line` is that of the ledger, 0 where it has none; the others are what each side has."""

    kind: str
    order: str
    shop: str
    date: str
    line: int = 0
    here: int | str | None = None
    there: int | str | None = None


class Comparison(Struct, frozen=True):
    """Each difference, and their numbers by shop and day. `before` lines are of a time that the journal does not have
    any more: nothing is known of them. `unpriced` orders have an amount on one side only."""

    days: list[ShopDay]
    differences: list[Difference]
    before: int = 0
    unpriced: int = 0


def compare(
    ledger: Sequence[Line], record: Record, shop: str, zone: tzinfo, at: int, tolerance_s: float = TOLERANCE_S
) -> Comparison:
    """Compare them. `shop` is whose ledger it is, where the lines do not have it; days are those of `zone`; `at` is now
    (Unix ms)."""
    return _Comparing(record, shop, zone, at, tolerance_s).compare(ledger)


class _Comparing:
    def __init__(self, record: Record, shop: str, zone: tzinfo, at: int, tolerance_s: float) -> None:
        self._record, self._shop, self._at = record, shop, at
        self._tolerance_ms = int(tolerance_s * 1000)
        self._date: Callable[[int], str] = lambda ms: datetime.fromtimestamp(ms / 1000, zone).strftime("%Y-%m-%d")
        self._counts: dict[tuple[str, str], dict[str, int]] = {}
        self._found: list[Difference] = []
        self._before = self._unpriced = 0

    def compare(self, ledger: Sequence[Line]) -> Comparison:
        seen: dict[str, Line] = {}
        shops: dict[str, list[str]] = {}
        for line in ledger:
            shop = line.shop or self._shop
            order = self._record.orders.get(line.order)
            moment = line.at if line.at is not None else order.at if order is not None else None
            if order is None and moment is not None and moment < self._record.since:
                self._before += 1
                continue
            date = self._date(moment if moment is not None else self._at)
            shops.setdefault(shop, []).append(date)
            self._count(shop, date, "there")
            if line.order in seen:
                self._differs("repeated", line, shop, date, there=seen[line.order].number)
                continue
            seen[line.order] = line
            if order is None or order.shop != shop:
                other = None if order is None else order.shop
                self._differs("missing_here", line, shop, date, here=other, there=line.amount_cents)
                continue
            self._line(line, order, shop, date)
        for shop, dates in sorted(shops.items()):
            self._expected(shop, min(dates), max(dates), seen)
        days = [
            ShopDay(shop=shop, date=date, at=self._at, **counts)
            for (shop, date), counts in sorted(self._counts.items())
        ]
        return Comparison(days, self._found, self._before, self._unpriced)

    def _line(self, line: Line, order: Order, shop: str, date: str) -> None:
        """Both sides have it."""
        if order.is_cancelled:
            self._differs("cancelled_here", line, shop, date, there=line.amount_cents)
        if (order.amount_cents is None) != (line.amount_cents is None):
            self._unpriced += 1
        elif order.amount_cents != line.amount_cents:
            self._differs("other_amount", line, shop, date, here=order.amount_cents, there=line.amount_cents)
        if line.at is not None and abs(line.at - order.at) > self._tolerance_ms:
            self._differs("other_time", line, shop, date, here=order.at, there=line.at)

    def _expected(self, shop: str, first: str, last: str, seen: dict[str, Line]) -> None:
        """What the ledger should have."""
        for name, order in sorted(self._record.orders.items()):
            if order.shop != shop or not first <= (date := self._date(order.at)) <= last:
                continue
            self._count(shop, date, "here")
            if name not in seen and not order.is_cancelled:
                self._count(shop, date, "missing_there")
                self._found.append(
                    Difference(kind="missing_there", order=name, shop=shop, date=date, here=order.amount_cents)
                )

    def _differs(
        self,
        kind: str,
        line: Line,
        shop: str,
        date: str,
        here: int | str | None = None,
        there: int | str | None = None,
    ) -> None:
        self._count(shop, date, kind)
        found = Difference(kind=kind, order=line.order, shop=shop, date=date, line=line.number, here=here, there=there)
        self._found.append(found)

    def _count(self, shop: str, date: str, name: str) -> None:
        counts = self._counts.setdefault((shop, date), {})
        counts[name] = counts.get(name, 0) + 1
