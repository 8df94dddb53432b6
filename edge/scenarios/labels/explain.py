"""What became of a price, and what a label showed when: read from the rows, nothing is worked out again."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ...core.model import Row
from ...core.scenario import Moment
from ..explain import answers_in, events_in, outcome, receipts_in
from .messages import (
    MESSAGES,
    Durable,
    LabelBind,
    LabelShown,
    LabelUnbind,
    PriceEntry,
    PriceGet,
    PriceSet,
    SkuRemove,
    StockSet,
)

_KINDS: Final = {message.kind: None for message in MESSAGES if message.direction == "up"}
_event: Final = msgspec.msgpack.Decoder(Durable).decode


def explain(row: Row, key: str, when: Callable[[int], str]) -> list[Moment]:
    """Everything that a row contains about `key`, the name of an article or of a label: events, then messages. `when`
    writes a time (Unix ms) for people.

    Raises:
        msgspec.DecodeError: a row of another version.
    """
    receipts = receipts_in(row)
    moments: list[Moment] = []

    def add(what: str, who: str, text: str) -> None:
        moments.append(Moment(row.number, row.now.wall_ms, what, who, text))

    for client, body in _events(row):
        if key in _names(body):
            parts = [_content(body, key, when), outcome(receipts.get((client, body.id)), _accepted)]
            add(str(body.__struct_config__.tag), client, "; ".join(part for part in parts if part))
    for gateway, _, show in answers_in(row, "label.show"):
        if key in (show.get("sku"), show.get("label")):
            add("label.show", gateway, f"{show['shop']}: {show['label']} shows {_shown(show)}")
    return moments


def subjects(row: Row) -> list[str]:
    """Articles and labels that the events of a row name."""
    return list(dict.fromkeys(name for _, body in _events(row) for name in _names(body)))


def _events(row: Row) -> list[tuple[str, Durable]]:
    return events_in(row, _KINDS, _event)


def _names(body: Durable) -> list[str]:
    match body:
        case PriceSet():
            return [price.sku for price in body.prices or ()]
        case LabelBind():
            return [body.label, body.sku]
        case LabelUnbind() | LabelShown():
            return [body.label]
        case StockSet() | SkuRemove() | PriceGet():
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
        case LabelUnbind() | SkuRemove():
            return ""


def _price(price: PriceEntry, when: Callable[[int], str]) -> str:
    begins = f" from {when(price.from_at)}" if price.from_at else ""
    ends = f" until {when(price.until_at)}" if price.until_at is not None else ""
    return f"{price.price_cents} cents{begins}{ends}"


def _accepted(receipt: Mapping[str, Any]) -> str:
    return f"answered {_shown(receipt)}" if "price_cents" in receipt else "accepted"


def _shown(fields: Mapping[str, Any]) -> str:
    stock = f", {fields['stock']} in stock" if "stock" in fields else ""
    return f"{fields['price_cents']} cents{stock} (version {fields['version']})"
