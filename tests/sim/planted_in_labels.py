"""Bugs planted on purpose in labels; `test_planted` hunts them."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from edge.scenarios.labels import prices
from edge.scenarios.labels.delivery import Delivery, Label
from edge.scenarios.labels.labels import LabelTable
from edge.scenarios.labels.messages import LabelShown

Patch = pytest.MonkeyPatch


def confirm_the_newest_by_any_version(patch: Patch) -> None:
    """A confirmation of an old version counts as one of the newest."""
    honest = LabelTable.confirm

    def hasty(self: LabelTable, client: str, body: LabelShown, skus: Any, *arguments: Any) -> Any:
        label = self.labels.get(f"{body.shop}/{body.label}")
        if label is not None and body.binding == label.binding and body.version < label.sent:
            body = msgspec.structs.replace(body, version=label.sent)
        return honest(self, client, body, skus, *arguments)

    patch.setattr(LabelTable, "confirm", hasty)


def stop_resending_after_a_loss(patch: Patch) -> None:
    """A version that was sent twice is not sent again."""
    honest = Delivery.queue

    def tired(self: Delivery, key: str, label: Label) -> None:
        honest(self, key, label)
        if label.attempts > 1:
            self.rest(key, label)

    patch.setattr(Delivery, "queue", tired)


def change_prices_too_early(patch: Patch) -> None:
    """A price comes into force before its time."""
    honest = prices.in_force
    patch.setattr(prices, "in_force", lambda known, wall_ms: honest(known, wall_ms + 20_000))


def forget_prices_ahead_after_a_restart(patch: Patch) -> None:
    """A snapshot without the prices that come into force later."""
    honest = prices.PriceTable.restore

    def losing(self: prices.PriceTable, state: prices.PricesState) -> None:
        honest(self, state)
        for sku in self.skus.values():
            sku.prices = sku.prices[:1]

    patch.setattr(prices.PriceTable, "restore", losing)


PLANTED_IN_LABELS: list[Callable[[Patch], None]] = [
    confirm_the_newest_by_any_version,
    stop_resending_after_a_loss,
    change_prices_too_early,
    forget_prices_ahead_after_a_restart,
]
