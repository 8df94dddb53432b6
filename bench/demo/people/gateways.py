"""The gateway: one client that serves all shelf labels of the district, by a radio that loses things."""

import math
from typing import Final

from edge.messages.envelope import Receipt
from edge.scenarios.labels.messages import LabelShow, LabelShown

from ...lab.settings import Option
from ..proof.records import LabelRecord
from .clients import Answer
from .world import MINUTE_MS, World

GATEWAY: Final = "gateway-1"
LOST: Final = 0.05
"""Share of the versions whose confirmation a label never sends; the node has to send them again."""

CONFIRM_S: Final = (0.5, 20)
"""How long a label takes to draw and to confirm."""

AWAY_AT_MINUTES: Final = (8, 40)
AWAY_MINUTES: Final = (3, 8)
"""Once a day the gateway has no power: when, and how long."""

TIMEOUTS: Final = {
    "resend_after_s": (0.5, 5, 600),
    "resend_max_s": (2.0, 30, 3600),
    "behind_after_s": (5.0, 60, 24 * 3600),
}
"""Options of labels: real seconds that the gateway gets at least, and the bounds of the simulated ones."""


def label_options(speed: float) -> dict[str, Option]:
    """The section of labels for a node at this speed."""
    return {name: min(max(low, math.ceil(real_s * speed)), high) for name, (real_s, low, high) in TIMEOUTS.items()}


class Gateway:
    """Hands each label what is newest, by (binding, version), and confirms it a while later."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = world.draw("gateway")
        self._confirming: set[tuple[str, str, int, int]] = set()
        self.client = world.fleet.client(GATEWAY, json=False, on_answer=self._on_answer)

    def open(self) -> None:
        """Switch it on for the day."""
        self.client.join()

    def plan(self) -> None:
        """Schedule its absence."""
        away_ms = self._world.ms(self._draw.uniform(*AWAY_AT_MINUTES))
        self._world.at(away_ms, self._go)

    def _go(self, due_ms: int) -> None:
        self.client.hang_up()
        minutes = self._draw.uniform(*AWAY_MINUTES)
        self._world.records.counts["gateway_away_s"] += round(minutes * 60)
        self._world.records.log(due_ms, f"{GATEWAY} has no power")
        self._world.at(due_ms + round(minutes * MINUTE_MS), self._return)

    def _return(self, due_ms: int) -> None:
        self._world.records.log(due_ms, f"{GATEWAY} is back")
        self.client.join()

    def _on_answer(self, answer: Answer) -> None:
        if not isinstance(answer, LabelShow):
            return
        records = self._world.records
        records.counts["label_shows"] += 1
        name = (answer.shop, answer.label)
        made = LabelRecord(answer.binding, answer.version, answer.sku, answer.price_cents, answer.stock)
        records.shows[*name, answer.binding, answer.version] = made
        known = records.labels.get(name)
        if known is None or (made.binding, made.version) > (known.binding, known.version):
            records.labels[name] = made
        if self._draw.random() < LOST:
            records.counts["confirmations_lost"] += 1
            return
        key = (*name, answer.binding, answer.version)
        if key not in self._confirming:
            self._confirming.add(key)
            self._world.scheduler.after(self._draw.uniform(*CONFIRM_S), lambda due_ms: self._confirm(answer, due_ms))

    def _confirm(self, show: LabelShow, due_ms: int) -> None:
        key = (show.shop, show.label, show.binding, show.version)
        event = LabelShown(
            id=self.client.next_id(),
            at=due_ms,
            shop=show.shop,
            label=show.label,
            binding=show.binding,
            version=show.version,
        )
        self.client.send(event, due_ms, lambda receipt: self._confirmed(key, receipt))

    def _confirmed(self, key: tuple[str, str, int, int], receipt: Receipt) -> None:
        """A label that was moved or taken down meanwhile may be unknown by now."""
        self._confirming.discard(key)
        self._world.records.counts["confirmations" if receipt.status == "accepted" else "confirmations_refused"] += 1
