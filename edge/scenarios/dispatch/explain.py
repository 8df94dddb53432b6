"""Why an order went to its rider, and what came of it: read from the rows, nothing is worked out again."""

import difflib
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from ...core.model import Answer, Candidate, Event, Row, decode_row
from ...messages.envelope import KitchenDelay, OrderPlace, RiderProgress, RiderReply, Up

NEAREST_SHOWN: Final = 5
"""Ids suggested where an order is not in the journal."""


class Considered(Struct, frozen=True):
    """A rider who was considered. Seconds, but for the two times (Unix ms). `cost` has the parts of `total`."""

    rider: str
    chosen: bool
    travel_s: int
    age_s: int
    free_in_s: int
    pickup_at: int
    dropoff_at: int
    cost: dict[str, int]
    total: int


class DecisionView(Struct, frozen=True):
    """One decision about the order. `offer`: it went out at once; otherwise it was a plan, or nobody was chosen."""

    row: int
    at: int
    rider: str
    offer: bool
    rule: str
    why: str
    considered: list[Considered]


class Moment(Struct, frozen=True):
    """Something that happened to the order: an event with what became of it, an offer, an update."""

    row: int
    at: int
    what: str
    who: str
    text: str


class Explanation(Struct, frozen=True):
    """Everything that the journal says of one order, in the order in which it happened."""

    order: str
    choices: list[DecisionView]
    moments: list[Moment]


def explain(order: str, rows: Iterable[bytes], when: Callable[[int], str]) -> Explanation | None:
    """Everything about `order` in `rows`; None where it does not occur. `when` writes a time (Unix ms) for people.

    Raises:
        msgspec.DecodeError: a row of another version.
    """
    needle = order.encode()
    choices: list[DecisionView] = []
    moments: list[Moment] = []
    for body in rows:
        # An id is plain text in the row: most rows need not be decoded.
        if needle not in body:
            continue
        row = decode_row(body)
        moments += _events(order, row, when)
        for decision in row.decisions:
            if decision.order == order:
                considered = [_considered(one, decision.rider) for one in decision.candidates]
                considered.sort(key=lambda one: (one.total, one.rider))
                choices.append(
                    DecisionView(
                        row.number,
                        row.now.wall_ms,
                        decision.rider,
                        decision.offer,
                        decision.rule,
                        decision.why,
                        considered,
                    )
                )
        moments += _messages(order, row, when)
    return Explanation(order, choices, moments) if choices or moments else None


def nearest(order: str, rows: Iterable[bytes]) -> list[str]:
    """The ids of placed orders that look most like `order`, the most alike first; at most NEAREST_SHOWN."""
    placed: dict[str, None] = {}
    for body in rows:
        if b"order.place" in body:
            for item in decode_row(body).inputs:
                if isinstance(item, Event) and isinstance(item.body, OrderPlace):
                    placed[item.body.order] = None
    return difflib.get_close_matches(order, placed, NEAREST_SHOWN, 0.7)


def _considered(one: Candidate, chosen: str) -> Considered:
    return Considered(
        one.rider,
        one.rider == chosen,
        one.travel_s,
        one.age_s,
        one.free_in_s,
        one.pickup_at,
        one.dropoff_at,
        one.cost,
        sum(one.cost.values()),
    )


def _events(order: str, row: Row, when: Callable[[int], str]) -> list[Moment]:
    """What clients said about the order, and what they were told."""
    receipts: dict[tuple[str, str], dict[str, Any]] = {}
    for effect in row.effects:
        if isinstance(effect, Answer) and effect.kind == "receipt":
            receipt = _fields(effect.payload)
            receipts[effect.client, receipt.get("id", "")] = receipt
    moments: list[Moment] = []
    for item in row.inputs:
        if isinstance(item, Event) and getattr(item.body, "order", None) == order:
            kind = str(item.body.__struct_config__.tag)
            outcome = _outcome(receipts.get((item.client, item.body.id)), when)
            text = "; ".join(part for part in (_said(item.body, when), outcome) if part)
            moments.append(Moment(row.number, row.now.wall_ms, kind, item.client, text))
    return moments


def _said(body: Up, when: Callable[[int], str]) -> str:
    match body:
        case OrderPlace(shop=shop, ready_at=ready_at, prep_s=prep_s):
            ready = f", ready {when(ready_at)}" if ready_at else f", ready in {prep_s} s" if prep_s else ""
            return f"at {shop}{ready}"
        case RiderReply(offer=offer, accept=accept, reason=reason):
            return f"{'accepts' if accept else 'declines'} offer {offer}{f' ({reason})' if reason else ''}"
        case RiderProgress(step=step):
            return step.replace("_", " ")
        case KitchenDelay(ready_at=ready_at):
            return f"ready {when(ready_at)}"
        case _:
            return str(getattr(body, "reason", ""))


def _outcome(receipt: dict[str, Any] | None, when: Callable[[int], str]) -> str:
    if receipt is None:
        return "a repeat: its first receipt was sent again"
    if receipt["status"] != "accepted":
        detail = receipt.get("detail")
        return f"refused as {receipt.get('reason')}{f' ({detail})' if detail else ''}"
    promise = receipt.get("promise")
    if not promise:
        return "accepted"
    return f"accepted, drop-off promised {when(promise['dropoff_at'])} (confidence {promise['confidence']:.2f})"


def _messages(order: str, row: Row, when: Callable[[int], str]) -> list[Moment]:
    """Offers, and the order's state as its customer and shop heard it (once, though both did)."""
    moments: list[Moment] = []
    told: dict[str, list[str]] = {}
    for effect in row.effects:
        if not isinstance(effect, Answer) or effect.kind not in ("assignment", "update"):
            continue
        fields = _fields(effect.payload)
        if fields.get("order") != order:
            continue
        reason = fields.get("reason")
        if effect.kind == "assignment":
            state = fields.get("state")
            until = f", answer by {when(fields['answer_by'])}" if fields.get("answer_by") else ""
            text = f"offer {fields.get('offer')}{until}{f': {reason}' if reason else ''}"
            moments.append(Moment(row.number, row.now.wall_ms, str(state), effect.client, text))
        else:
            expected = f", drop-off expected {when(fields['expected_at'])}" if fields.get("expected_at") else ""
            text = f"{fields.get('state')}{f' ({reason})' if reason else ''}{expected}"
            told.setdefault(text, []).append(effect.client)
    moments += [Moment(row.number, row.now.wall_ms, "update", ", ".join(who), text) for text, who in told.items()]
    return moments


def _fields(payload: bytes) -> dict[str, Any]:
    """A message of the node, whichever encoding its client speaks."""
    return (msgspec.json if payload[:1] == b"{" else msgspec.msgpack).decode(payload)
