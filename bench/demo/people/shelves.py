"""The shelf labels of a shop: it binds them in the morning, and changes prices, stocks and labels during the day."""

from typing import Final

from edge.messages.envelope import Receipt, Up
from edge.scenarios.labels.messages import (
    LabelBind,
    LabelUnbind,
    PriceEntry,
    PriceGet,
    PriceReceipt,
    PriceSet,
    StockSet,
)

from .clients import Client
from .gateways import GATEWAY
from .world import MINUTE_MS, World

LABELS: Final = 12
SKUS: Final = tuple(f"dish-{number}" for number in range(1, 9))
"""Articles of each shop. Some stand on two shelves."""

CHANGE_MINUTES: Final = (2, 12)
"""Between two changes of one shop."""

OFFER_MINUTES: Final = (2, 10)
"""How far ahead an offer is set, and at least how long it goes on; at most three times as long."""

CENTS: Final = (200, 3_000)
STOCK_MAX: Final = 40


class Shelves:
    """The labels of one shop, which its till looks after. `answers` has the last price that `ask` got, by article."""

    def __init__(self, world: World, till: Client) -> None:
        self.shop = till.name
        self.answers: dict[str, PriceReceipt] = {}
        self.bound: dict[str, str] = {}
        """The article of each label, as far as the till knows."""
        self._world = world
        self._till = till
        self._draw = world.draw(f"shelves {till.name}")

    def plan(self) -> None:
        """Schedule the day."""
        self._world.at(self._world.day_ms, self._open)

    def ask(self) -> None:
        """For the price of every article."""
        now_ms = self._world.now_ms()
        for sku in sorted(set(self.bound.values())):
            self._send(PriceGet(id=self._till.next_id(), at=now_ms, shop=self.shop, sku=sku), now_ms)

    def agree(self) -> bool:
        """Every label shows the version that the last answer had."""
        shown = self._world.records.labels
        return all(
            (record := shown.get((self.shop, label))) is not None
            and (answer := self.answers.get(sku)) is not None
            and (record.sku, record.version) == (sku, answer.version)
            for label, sku in self.bound.items()
        )

    def _open(self, due_ms: int) -> None:
        prices = [PriceEntry(sku, self._cents()) for sku in SKUS]
        self._send(PriceSet(id=self._till.next_id(), at=due_ms, prices=prices), due_ms)
        for number in range(LABELS):
            self._bind(f"{self.shop}:{number:02}", SKUS[number % len(SKUS)], due_ms)
        self._next(due_ms)

    def _next(self, due_ms: int) -> None:
        wait_ms = round(self._draw.uniform(*CHANGE_MINUTES) * MINUTE_MS)
        self._world.at(due_ms + wait_ms, self._change)

    def _change(self, due_ms: int) -> None:
        what, sku = self._draw.random(), self._draw.choice(SKUS)
        if what < 0.45:
            self._price(sku, due_ms)
        elif what < 0.65:
            self._offer(sku, due_ms)
        elif what < 0.9:
            count = self._draw.randrange(STOCK_MAX)
            self._send(StockSet(id=self._till.next_id(), at=due_ms, sku=sku, count=count), due_ms)
        else:
            self._move(self._draw.choice(sorted(self.bound)), sku, due_ms)
        self._next(due_ms)

    def _price(self, sku: str, due_ms: int) -> None:
        cents = self._cents()
        self._world.records.log(due_ms, f"{self.shop}: {sku} costs {cents / 100:.2f}")
        self._send(PriceSet(id=self._till.next_id(), at=due_ms, sku=sku, price_cents=cents), due_ms)

    def _offer(self, sku: str, due_ms: int) -> None:
        """For a while, and soon. The till sets several prices in one message."""
        low, high = OFFER_MINUTES
        from_ms = due_ms + round(self._draw.uniform(low, high) * MINUTE_MS)
        until_ms = from_ms + round(self._draw.uniform(high, 3 * high) * MINUTE_MS)
        self._world.records.counts["offers_set"] += 1
        prices = [PriceEntry(sku, self._cents(), from_ms, until_ms)]
        self._send(PriceSet(id=self._till.next_id(), at=due_ms, prices=prices), due_ms)

    def _move(self, label: str, sku: str, due_ms: int) -> None:
        """A label goes to another shelf; now and then it is taken down before."""
        if self._draw.random() < 0.3:
            self._send(LabelUnbind(id=self._till.next_id(), at=due_ms, label=label), due_ms)
        self._bind(label, sku, due_ms)

    def _bind(self, label: str, sku: str, due_ms: int) -> None:
        self.bound[label] = sku
        self._send(LabelBind(id=self._till.next_id(), at=due_ms, label=label, sku=sku, gateway=GATEWAY), due_ms)

    def _send(self, event: Up, due_ms: int) -> None:
        self._till.send(event, due_ms, lambda receipt: self._answered(event, receipt))

    def _answered(self, event: Up, receipt: Receipt) -> None:
        records = self._world.records
        prices = event.prices or () if isinstance(event, PriceSet) else ()
        if any(price.until_at is not None and price.until_at <= receipt.at for price in prices):
            return  # the node was away until the offer was over
        if receipt.status == "refused":
            records.problem(f"{self.shop} sent a {receipt.of} that was refused as {receipt.reason}: {event}")
        elif isinstance(event, PriceSet):
            records.counts["prices_set"] += max(len(prices), 1)
        elif isinstance(event, StockSet):
            records.counts["stocks_set"] += 1
        elif isinstance(event, PriceGet) and isinstance(receipt, PriceReceipt):
            self.answers[event.sku] = records.prices[self.shop, event.sku] = receipt

    def _cents(self) -> int:
        return self._draw.randrange(*CENTS)
