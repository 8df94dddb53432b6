"""The rules that must hold whatever happened during the day, each with the evidence where it does not.

Three sources are compared: the people of the district (`records`), the node's journal (`evidence`), and the centre.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from . import labels
from .evidence import Evidence
from .hands import COMES_BACK, OBEYED
from .records import ENDED, Records

SCAN_BYTES: Final = 4 * 1024 * 1024
"""Files are searched in pieces of this size."""


class InvariantResult(Struct, frozen=True):
    """One rule: whether it held, and in a sentence or two what was found."""

    name: str
    held: bool
    evidence: str = ""


class Case(Struct, kw_only=True):
    """Everything that the invariants are checked on. `cut` is whether the run ended before the day did; `broker`
    whether the clients' publishes were acknowledged by somebody else than the node. `unpacked` is what lies compressed
    in the folders; `visible` are coordinates that a file must hold (drop-offs), to show that the search can see."""

    records: Records
    evidence: Evidence
    open_orders: dict[str, int]
    unanswered: list[tuple[str, str]]
    queues: dict[str, tuple[int, int]]
    events_at_node: int
    events_at_centre: int
    folders: list[Path]
    unpacked: dict[str, bytes]
    visible: list[float]
    cut: bool = False
    broker: bool = False


def check_invariants(case: Case) -> list[InvariantResult]:
    """Every rule, in the order of `RULES`."""
    results: list[InvariantResult] = []
    for name, rule in RULES.items():
        broken = [*case.evidence.findings.get(name, []), *rule(case)]
        results.append(InvariantResult(name, not broken, " ".join(f"{text}." for text in broken[:6])))
    return results


def _every_event_has_a_receipt(t: Case) -> Iterable[str]:
    """What was sent was answered; a run that was cut short may leave the last few open."""
    if t.unanswered:
        some = ", ".join(f"{event} of {client}" for client, event in t.unanswered[:5])
        yield f"{len(t.unanswered)} events have no receipt, for example {some}"


def _one_decision_per_id(t: Case) -> Iterable[str]:
    """Every receipt for an id is the same, byte for byte."""
    for (client, event), record in t.records.events.items():
        if record.differing is not None:
            yield f"{event} of {client} was answered {record.receipt!r} and then {record.differing!r}"


def _no_receipt_without_journal(t: Case) -> Iterable[str]:
    """Every answer that a client got is on the disk."""
    for key, record in t.records.events.items():
        if record.receipt is not None and t.evidence.receipts.get(key) != record.receipt:
            yield f"{key[0]} has a receipt for {key[1]} that is not in the journal"


def _no_order_with_two_riders(t: Case) -> Iterable[str]:
    """Nobody carries what another one carries. (The journal's side of it is in `evidence`.)"""
    for name, order in t.records.orders.items():
        if len(order.picked_up_by) > 1 or len(order.delivered_by) > 1:
            yield f"{name} was picked up by {order.picked_up_by} and delivered by {order.delivered_by}"


def _conservation(t: Case) -> Iterable[str]:
    """Nothing disappears between the wire and the decision."""
    evidence = t.evidence
    decided = evidence.accepted + evidence.duplicate + evidence.refused.total()
    if evidence.received != decided:
        yield (
            f"{evidence.received} events are in the journal, but {evidence.accepted} accepted + {evidence.duplicate} "
            f"duplicate + {evidence.refused.total()} refused = {decided}"
        )
    if evidence.acknowledged != evidence.received:
        yield f"{evidence.received} events are in the journal and {evidence.acknowledged} acknowledgements"
    if not t.broker:
        acknowledged = t.records.counts["acknowledged"]
        if acknowledged > evidence.received + evidence.shed.total():
            yield f"clients hold {acknowledged} acknowledgements, the journal only {evidence.received} events"


def _counted_once_at_centre(t: Case) -> Iterable[str]:
    """The centre counted what the node received: no more, no less."""
    if t.events_at_node != t.events_at_centre:
        yield f"the node received {t.events_at_node} events, the centre counts {t.events_at_centre}"
    if t.events_at_node != t.evidence.received:
        yield f"the node counts {t.events_at_node} events, its journal holds {t.evidence.received}"


def _queues_bounded(t: Case) -> Iterable[str]:
    """No queue was ever seen above its limit."""
    for name, (deepest, limit) in t.queues.items():
        if deepest > limit:
            yield f"the queue {name} held {deepest}, its limit is {limit}"


def _no_position_on_disk(t: Case) -> Iterable[str]:
    """Places that riders reported on the way are in no file of the node or the centre, packed or not."""
    secret = [form for place in t.records.canaries for value in place for form in forms(value)]
    visible = [form for value in t.visible for form in forms(value)]
    seen = False
    for path in [path for folder in t.folders for path in sorted(folder.rglob("*")) if path.is_file()]:
        if (pattern := search(path, secret)) is not None:
            yield f"{path} holds a rider's place as {pattern!r}"
        seen = seen or search(path, visible) is not None
    for name, body in t.unpacked.items():
        if any(pattern in body for pattern in secret):
            yield f"{name} holds a rider's place"
    if t.visible and not seen:
        yield "the search for places finds not even the doors that the journal holds: it proves nothing"


def _every_order_ended(t: Case) -> Iterable[str]:
    """Each order was delivered, returned, cancelled, refused or given up; after a cut the node still has it."""
    for name, order in t.records.orders.items():
        if order.state == "unsent" or order.ended:
            continue
        if not t.cut:
            yield f"{name} is still {order.state}"
    known = sum(t.open_orders.values())
    waiting = sum(order.state not in ("unsent", "sent") and not order.ended for order in t.records.orders.values())
    if t.cut and waiting > known:
        yield f"{waiting} orders are under way for their customers, the node knows {known}"


def _what_failed_comes_back(t: Case) -> Iterable[str]:
    """What could not be handed over is brought back to its shop, or sent out again; unless the run was cut short."""
    if not t.cut:
        for order, rider in t.evidence.hands.failed.items():
            yield f"{order} could not be handed over, and {rider} still has it"


RULES: Final[Mapping[str, Callable[[Case], Iterable[str]]]] = {
    "every_event_has_a_receipt": _every_event_has_a_receipt,
    "one_decision_per_id": _one_decision_per_id,
    "no_receipt_without_journal": _no_receipt_without_journal,
    "no_order_with_two_riders": _no_order_with_two_riders,
    "capacity_respected": lambda _: (),  # row by row in `evidence`
    "none_assigned_after_shift_end": lambda _: (),
    "breaks_respected": lambda _: (),
    OBEYED: lambda _: (),
    COMES_BACK: _what_failed_comes_back,
    "conservation": _conservation,
    "counted_once_at_centre": _counted_once_at_centre,
    "queues_bounded": _queues_bounded,
    "no_position_on_disk": _no_position_on_disk,
    "every_order_ended": _every_order_ended,
    labels.NEVER_AHEAD: lambda t: labels.never_ahead(t.evidence.labels, t.records),
    "labels_agree": lambda t: labels.agree(t.evidence.labels, t.records),
    "nobody_was_surprised": lambda t: t.records.problems[:5],
}
"""Name in the report -> the rule."""


def forms(value: float) -> list[bytes]:
    """The ways in which a coordinate could stand in a file: MessagePack's and a machine's floats, and text."""
    return [struct.pack(">d", value), struct.pack("<d", value), repr(value).encode()]


def search(path: Path, patterns: list[bytes]) -> bytes | None:
    """The first of the patterns that a file holds."""
    if not patterns:
        return None
    overlap = max(map(len, patterns)) - 1
    with path.open("rb") as file:
        piece = b""
        while more := file.read(SCAN_BYTES):
            piece = piece[-overlap:] + more
            for pattern in patterns:
                if pattern in piece:
                    return pattern
    return None


def states(report: Mapping[str, Any]) -> dict[str, int]:
    """Orders by state in a node's status, open ones only."""
    return {state: int(count or 0) for state, count in report.get("orders", {}).items() if state not in ENDED}
