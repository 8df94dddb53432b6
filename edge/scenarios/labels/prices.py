"""Which price of an article is in force, and when the next one comes into force.

An article may have several prices, each with a window. In force is the one that was set last among those whose window
holds the present wall clock: an offer for a week wins over the price before it, and after it that price applies again.

The wall clock is looked at whenever a window begins or ends, and at least once a minute while one is ahead. Where it
was set back, articles with something ahead are looked at again; where no window holds it then, the last price stays.
What a look found to be over is over for good.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ...core.model import Now
from ...core.scenario import Refusal
from ...errors import Reason
from ...messages.envelope import Client
from ..rounds import Deadlines, milliseconds
from .messages import PriceEntry
from .options import LabelsOptions

PRICES_PER_SKU_MAX: Final = 16
"""Prices of one article that may still come into force: a quarter of weekly offers."""

LOOK_MS_MAX: Final = 60_000
"""The wall clock may jump, so that a change which it announced for later is due now."""

CHANGES_PER_ROUND_MAX: Final = 512
"""Articles whose price is looked at in one round, some 5 us each; more at midnight take more rounds."""

FOREVER_MS: Final = 2**53
"""The end of a price without `until_at`."""


class Price(Struct, frozen=True, array_like=True):
    """A price and its window (wall ms), of which `until_ms` is no part."""

    price_cents: int
    from_ms: int
    until_ms: int


class Sku(Struct, array_like=True):
    """An article of a shop. `price_cents` is the price in force. `version` grows by one with each change of it, or of
    the stock; 0 is before the first price."""

    shop: Client
    sku: str
    prices: list[Price] = []
    price_cents: int | None = None
    stock: int | None = None
    version: int = 0
    change_ms: int | None = None
    """When the next window begins or ends (wall ms)."""


class PricesState(Struct, array_like=True):
    """For the snapshot."""

    skus: list[Sku]
    wall_ms: int
    look_ms: int | None


class PriceTable:
    """All articles, by `shop/sku`."""

    def __init__(self) -> None:
        self.skus: dict[str, Sku] = {}
        self.look_ms: int | None = None
        """When the wall clock is looked at next, in monotonic milliseconds; None where nothing is ahead."""
        self.scheduled = 0
        """Articles whose price will change by itself."""
        self.of_shop: dict[str, int] = {}
        """How many articles each shop has."""
        self.options = LabelsOptions()
        self._changes = Deadlines()
        self._wall_ms = 0

    def find_or_add(self, shop: str, sku: str) -> Sku | Refusal:
        """The article, which may be new."""
        found = self.skus.get(f"{shop}/{sku}")
        if found is not None:
            return found
        return self._no_room(shop, 1) or self._add(shop, sku)

    def remove(self, shop: str, sku: str) -> Refusal | None:
        """The article is forgotten; no label shows it."""
        key = f"{shop}/{sku}"
        known = self.skus.get(key)
        if known is None:
            return Refusal(Reason.UNKNOWN_SKU, "sku", "the shop has no such article")
        self._schedule(key, known, None)
        del self.skus[key]
        self.of_shop[shop] -= 1
        if not self.of_shop[shop]:
            del self.of_shop[shop]
        return None

    def set(self, shop: str, entries: Sequence[PriceEntry], wall_ms: int) -> list[str] | Refusal:
        """All of these prices, or none. The keys of their articles, which want a `refresh`."""
        drafts: dict[str, list[Price]] = {}
        new = 0
        for index, entry in enumerate(entries):
            key = f"{shop}/{entry.sku}"
            known = self.skus.get(key)
            new += known is None and key not in drafts
            kept = drafts.get(key, known.prices if known is not None else [])
            path = f"prices[{index}]." if len(entries) > 1 else ""
            made = _with(kept, entry, path, wall_ms)
            if isinstance(made, Refusal):
                return made
            drafts[key] = made
        refusal = self._no_room(shop, new)
        if refusal is not None:
            return refusal
        for entry in entries:
            if f"{shop}/{entry.sku}" not in self.skus:
                self._add(shop, entry.sku)
        for key, prices in drafts.items():
            self.skus[key].prices = prices
        return list(drafts)

    def refresh(self, key: str, wall_ms: int) -> bool:
        """Whether another price came into force."""
        sku = self.skus[key]
        sku.prices = _useful(sku.prices, wall_ms)
        found = in_force(sku.prices, wall_ms)
        ahead = [ms for price in sku.prices for ms in (price.from_ms, price.until_ms) if wall_ms < ms < FOREVER_MS]
        self._schedule(key, sku, min(ahead, default=None))
        if found is None or found.price_cents == sku.price_cents:
            return False
        sku.price_cents = found.price_cents
        sku.version += 1
        return True

    def due(self, now: Now) -> list[str]:
        """Articles at which `refresh` should look, as far as one round can."""
        wall_ms = now.wall_ms
        if wall_ms < self._wall_ms:
            for key, sku in self.skus.items():
                if sku.change_ms is not None:
                    self._schedule(key, sku, wall_ms)
        self._wall_ms = wall_ms
        keys: list[str] = []
        while len(keys) < CHANGES_PER_ROUND_MAX and (key := self._changes.pop(wall_ms)) is not None:
            keys.append(key)
        return keys

    def plan_look(self, now: Now) -> None:
        """At the end of a round: when to look next."""
        change_ms = self._changes.next()
        if change_ms is None:
            self.look_ms = None
        else:
            # Both clocks are rounded: without the millisecond the look might come just too soon.
            self.look_ms = milliseconds(now) + min(max(change_ms - now.wall_ms, 0), LOOK_MS_MAX) + 1

    def state(self) -> PricesState:
        """For the snapshot."""
        return PricesState(list(self.skus.values()), self._wall_ms, self.look_ms)

    def restore(self, state: PricesState) -> None:
        """From a snapshot."""
        self.skus = {f"{sku.shop}/{sku.sku}": sku for sku in state.skus}
        self._wall_ms, self.look_ms = state.wall_ms, state.look_ms
        self._changes, self.scheduled = Deadlines(), 0
        self.of_shop = {}
        for key, sku in self.skus.items():
            self.of_shop[sku.shop] = self.of_shop.get(sku.shop, 0) + 1
            if sku.change_ms is not None:
                self._changes.set(key, sku.change_ms)
                self.scheduled += 1

    def _add(self, shop: str, sku: str) -> Sku:
        self.of_shop[shop] = self.of_shop.get(shop, 0) + 1
        added = self.skus[f"{shop}/{sku}"] = Sku(shop, sku)
        return added

    def _no_room(self, shop: str, new: int) -> Refusal | None:
        """Why the shop cannot have so many articles more."""
        options = self.options
        detail = ""
        if new and self.of_shop.get(shop, 0) + new > options.skus_per_shop_max:
            detail = (
                f"a shop has at most {options.skus_per_shop_max} articles: remove some (sku.remove); the option "
                f"skus_per_shop_max of labels raises it"
            )
        elif new and len(self.skus) + new > options.skus_max:
            detail = f"{options.skus_max} articles are known; the option skus_max of labels raises it"
        return Refusal(Reason.OVER_CAPACITY, "sku", detail) if detail else None

    def _schedule(self, key: str, sku: Sku, change_ms: int | None) -> None:
        self.scheduled += (change_ms is not None) - (sku.change_ms is not None)
        sku.change_ms = change_ms
        if change_ms is None:
            self._changes.drop(key)
        else:
            self._changes.set(key, change_ms)


def in_force(prices: Sequence[Price], wall_ms: int) -> Price | None:
    """The last one whose window holds this instant."""
    return next((price for price in reversed(prices) if price.from_ms <= wall_ms < price.until_ms), None)


def _with(prices: list[Price], entry: PriceEntry, path: str, wall_ms: int) -> list[Price] | Refusal:
    """The prices of an article with one more."""
    until_ms = FOREVER_MS if entry.until_at is None else entry.until_at
    if until_ms <= wall_ms:
        return Refusal(Reason.TOO_LATE, f"{path}until_at", "until_at is past")
    if until_ms < FOREVER_MS and not any(p.until_ms == FOREVER_MS and p.from_ms <= until_ms for p in prices):
        detail = "no price would be in force from then on: set one without until_at first"
        return Refusal(Reason.OUT_OF_SEQUENCE, f"{path}until_at", detail)
    made = _useful([*prices, Price(entry.price_cents, entry.from_at, until_ms)], wall_ms)
    if len(made) > PRICES_PER_SKU_MAX:
        return Refusal(Reason.OVER_CAPACITY, f"{path}sku", f"{PRICES_PER_SKU_MAX} prices of it are set for later")
    return made


def _useful(prices: list[Price], wall_ms: int) -> list[Price]:
    """Without those that are over, or behind which a later one stands whenever they could be in force from now on."""
    left = [price for price in prices if price.until_ms > wall_ms]
    return [
        price
        for index, price in enumerate(left)
        if not any(
            later.from_ms <= max(price.from_ms, wall_ms) and later.until_ms >= price.until_ms
            for later in left[index + 1 :]
        )
    ]
