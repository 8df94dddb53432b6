"""What became of a price, and what a label showed when: read from the rows, nothing is worked out again."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from ...core.model import Answer, RecordedEvent, Row
from ...core.scenario import Moment
from ...messages.envelope import is_json
from .messages import (
    MESSAGES,
    Durable,
    LabelBind,
    LabelShown,
    LabelUnbind,
    PriceEntry,
    PriceGet,
    PriceSet,
    StockSet,
)

_KINDS: Final = frozenset(message.kind for message in MESSAGES if message.direction == "up")
_event: Final = msgspec.msgpack.Decoder(Durable).decode


def explain(row: Row, key: str, when: Callable[[int], str]) -> list[Moment]:
    """Everything that a row contains about `key`, the name of an article or of a label: events, then messages. `when`
    writes a time (Unix ms) for people.

    Raises:
        msgspec.DecodeError: a row of another version.
    """
    receipts: dict[tuple[str, str], dict[str, Any]] = {}
    shows: list[tuple[str, dict[str, Any]]] = []
    for effect in row.effects:
        if isinstance(effect, Answer) and effect.kind == "receipt":
            receipt = _fields(effect.payload)
            receipts[effect.client, receipt.get("id", "")] = receipt
        elif isinstance(effect, Answer) and effect.kind == "label.show":
            shows.append((effect.client, _fields(effect.payload)))
    moments: list[Moment] = []

    def add(what: str, who: str, text: str) -> None:
        moments.append(Moment(row.number, row.now.wall_ms, what, who, text))

    for client, body in _events(row):
        if key in _names(body):
            parts = [_content(body, key, when), _outcome(receipts.get((client, body.id)))]
            add(str(body.__struct_config__.tag), client, "; ".join(part for part in parts if part))
    for gateway, show in shows:
        if key in (show.get("sku"), show.get("label")):
            add("label.show", gateway, f"{show['shop']}: {show['label']} shows {_shown(show)}")
    return moments


def subjects(row: Row) -> list[str]:
    """Articles and labels that the events of a row name."""
    return list(dict.fromkeys(name for _, body in _events(row) for name in _names(body)))


def _events(row: Row) -> list[tuple[str, Durable]]:
    return [
        (item.client, _event(item.body))
        for item in row.inputs
        if isinstance(item, RecordedEvent) and item.kind in _KINDS
    ]


def _names(body: Durable) -> list[str]:
    match body:
        case PriceSet():
            return [price.sku for price in body.prices or ()]
        case LabelBind():
            return [body.label, body.sku]
        case LabelUnbind() | LabelShown():
            return [body.label]
        case StockSet() | PriceGet():
            return [body.sku]


def _content(body: Durable, key: str, when: Callable[[int], str]) -> str:
    match body:
        case PriceSet():
            return ", ".join(_price(price, when) for price in body.prices or () if price.sku == key)
        case StockSet():
            return f"{body.count} in stock"
        case LabelBind():
            return f"{body.label} shows {body.sku}, served by {body.gateway}"
        case LabelShown():
            return f"version {body.version} of binding {body.binding} of {body.shop}"
        case PriceGet():
            return f"at {body.shop}"
        case LabelUnbind():
            return ""


def _price(price: PriceEntry, when: Callable[[int], str]) -> str:
    begins = f" from {when(price.from_at)}" if price.from_at else ""
    ends = f" until {when(price.until_at)}" if price.until_at is not None else ""
    return f"{price.price_cents} cents{begins}{ends}"


def _outcome(receipt: dict[str, Any] | None) -> str:
    if receipt is None:
        return "a repeat: its first receipt was sent again"
    if receipt["status"] != "accepted":
        detail = receipt.get("detail")
        return f"refused as {receipt.get('reason')}{f' ({detail})' if detail else ''}"
    return f"answered {_shown(receipt)}" if "price_cents" in receipt else "accepted"


def _shown(fields: dict[str, Any]) -> str:
    stock = f", {fields['stock']} in stock" if "stock" in fields else ""
    return f"{fields['price_cents']} cents{stock} (version {fields['version']})"


def _fields(payload: bytes) -> dict[str, Any]:
    """A message of the node, whichever encoding its client speaks."""
    return (msgspec.json if is_json(payload) else msgspec.msgpack).decode(payload)
