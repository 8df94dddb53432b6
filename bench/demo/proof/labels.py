"""What the node's journal has recorded about shelf labels, and the two rules that hold for them.

The price in force at each row is worked out here from the accepted `price.set` events, with no code of the scenario.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from edge.core.model import Answer, RecordedEvent, Rejected, Row
from edge.scenarios.labels.messages import (
    MESSAGES,
    Durable,
    LabelBind,
    LabelShow,
    LabelShown,
    LabelUnbind,
    PriceEntry,
    PriceReceipt,
    PriceSet,
)

from ...rows import Decided, label_show
from .records import LabelRecord, Records

NEVER_AHEAD: Final = "labels_never_ahead"
FOREVER_MS: Final = 2**62


_KINDS: Final = frozenset(message.kind for message in MESSAGES if message.direction == "up")
_event: Final = msgspec.msgpack.Decoder(Durable).decode


class LabelEvidence:
    """Facts about labels, collected row by row. A label is (shop, label), an article (shop, sku)."""

    def __init__(self, found: Callable[[str, str], None]) -> None:
        self.bound: dict[tuple[str, str], str] = {}
        """The article of each label that is bound."""
        self.sent: dict[tuple[str, str, int, int], LabelRecord] = {}
        """What a label was sent, by binding and version too."""
        self.confirmed: dict[tuple[str, str], tuple[int, int]] = {}
        """The greatest (binding, version) that each label has confirmed."""
        self.resent = 0
        self._found = found
        self._prices: dict[tuple[str, str], list[PriceEntry]] = {}

    def read(self, row: Row, events: Iterable[Decided]) -> None:
        """One more row, with its events as `rows.decided` finds them."""
        items = [item for item in row.inputs if isinstance(item, RecordedEvent | Rejected)]
        for item, event in zip(items, events, strict=True):
            if event.accepted and isinstance(item, RecordedEvent) and item.kind in _KINDS:
                self._accepted(event.client, _event(item.body), row)
        for effect in row.effects:
            if isinstance(effect, Answer) and effect.kind == "label.show":
                self._show(label_show(effect.payload), row)

    def _accepted(self, client: str, body: Durable, row: Row) -> None:
        if isinstance(body, PriceSet):
            for price in body.prices or ():
                self._prices.setdefault((client, price.sku), []).append(price)
        elif isinstance(body, LabelBind):
            self.bound[client, body.label] = body.sku
        elif isinstance(body, LabelUnbind):
            self.bound.pop((client, body.label), None)
        elif isinstance(body, LabelShown):
            label, version = (body.shop, body.label), (body.binding, body.version)
            if (*label, *version) not in self.sent:
                text = f"row {row.number}: {body.label} of {body.shop} confirmed {version}, which was never sent"
                self._found(NEVER_AHEAD, text)
            self.confirmed[label] = max(version, self.confirmed.get(label, (0, 0)))

    def _show(self, show: LabelShow, row: Row) -> None:
        key = (show.shop, show.label, show.binding, show.version)
        made = LabelRecord(show.binding, show.version, show.sku, show.price_cents, show.stock)
        self.resent += key in self.sent
        if self.sent.setdefault(key, made) != made:
            self._found(NEVER_AHEAD, f"row {row.number}: {key} was sent as {self.sent[key]}, and then as {made}")
        right = self._in_force((show.shop, show.sku), row.now.wall_ms)
        if right != show.price_cents:
            text = f"row {row.number}: {show.label} of {show.shop} is sent {show.price_cents} cents for {show.sku}"
            self._found(NEVER_AHEAD, f"{text}, at {row.now.wall_ms} {right} is in force")

    def _in_force(self, sku: tuple[str, str], wall_ms: int) -> int | None:
        """The price that was set last among those whose time it is."""
        for price in reversed(self._prices.get(sku, [])):
            if price.from_at <= wall_ms < (FOREVER_MS if price.until_at is None else price.until_at):
                return price.price_cents
        return None


def never_ahead(evidence: LabelEvidence, records: Records) -> Iterable[str]:
    """What the gateway got is on the disk. (That it was in force, and what was confirmed, is checked row by row.)"""
    for key, made in records.shows.items():
        if evidence.sent.get(key) != made:
            yield f"the gateway got {made} for {key}, the journal has {evidence.sent.get(key)}"


def agree(evidence: LabelEvidence, records: Records) -> Iterable[str]:
    """Once it was quiet each label that is bound had confirmed, and showed, what `price.get` answered."""
    shown = records.labels if records.settled is None else records.settled
    for (shop, label), sku in evidence.bound.items():
        answer = records.prices.get((shop, sku))
        if answer is None:
            yield f"price.get of {sku} of {shop} was not answered, {label} shows it"
            continue
        made = shown.get((shop, label))
        if made is None or _fields(made) != (sku, *_answer(answer)):
            yield f"{label} of {shop} shows {made}, price.get answered {sku} {_answer(answer)}"
        elif evidence.confirmed.get((shop, label), (0, 0)) < (made.binding, made.version):
            yield f"{label} of {shop} shows {made}, and has confirmed {evidence.confirmed.get((shop, label))}"


def section(evidence: LabelEvidence, records: Records, status: Mapping[str, int]) -> dict[str, int]:
    """The figures of the report."""
    counts = records.counts
    return {
        "bound": len(evidence.bound),
        "unconfirmed": int(status.get("unconfirmed") or 0),
        "prices_set": counts["prices_set"],
        "offers": counts["offers_set"],
        "stocks_set": counts["stocks_set"],
        "shown": counts["label_shows"],
        "resent": evidence.resent,
        "confirmed": counts["confirmations"],
        "confirmations_lost": counts["confirmations_lost"],
        "gateway_away_s": counts["gateway_away_s"],
    }


def _fields(made: LabelRecord) -> tuple[str, int, int, int | None]:
    return made.sku, made.version, made.price_cents, made.stock


def _answer(answer: PriceReceipt) -> tuple[int, int | None, int | None]:
    return answer.version, answer.price_cents, answer.stock
