"""What a row explains to people, whichever scenario wrote it: its events, and the receipt of each."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..core.model import Answer, RecordedEvent, Row
from ..messages.envelope import Up, loose

Body = TypeVar("Body", bound=Up)


def events_in(row: Row, kinds: Mapping[str, Any], decode: Callable[[bytes], Body]) -> list[tuple[str, Body]]:
    """The events of these kinds in a row, each with its client. Raises msgspec.DecodeError where they are none of this
    version."""
    return [
        (item.client, decode(item.body))
        for item in row.inputs
        if isinstance(item, RecordedEvent) and item.kind in kinds
    ]


def answers_in(row: Row, *kinds: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(client, kind, fields) of the messages of these kinds to clients, whichever encoding each client speaks."""
    return [
        (effect.client, effect.kind, loose(effect.payload))
        for effect in row.effects
        if isinstance(effect, Answer) and effect.kind in kinds
    ]


def receipts_in(row: Row) -> dict[tuple[str, str], dict[str, Any]]:
    """The receipts in a row, by client and id of the event."""
    return {(client, fields.get("id", "")): fields for client, _, fields in answers_in(row, "receipt")}


def outcome(receipt: Mapping[str, Any] | None, accepted: Callable[[Mapping[str, Any]], str]) -> str:
    """What became of an event, for people; `accepted` describes the receipt of one that was accepted."""
    if receipt is None:
        return "a repeat: its first receipt was sent again"
    if receipt["status"] == "accepted":
        return accepted(receipt)
    detail = receipt.get("detail")
    return f"refused as {receipt.get('reason')}{f' ({detail})' if detail else ''}"
