"""Why an order went to its rider, and what followed: read from the rows, nothing is computed again."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct, structs

from ...core.model import Row
from ...core.scenario import Moment
from ...messages.envelope import Up
from ..explain import answers_in, outcome, receipts_in
from .decide.candidates import duration
from .messages.overrides import OrderAssign, OrderPin, OrderReschedule, RiderPause, RiderResume
from .messages.up import KitchenDelay, Load, OrderPlace, OrderRedeliver, RiderProgress, RiderReply, RiderShift
from .records import Candidate, events_in, record_in

_WINDOW: Final = ("pickup_by", "dropoff_from", "dropoff_by")
_BREAK: Final = ("starts_at", "until")


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


class OwnDecision(Struct, frozen=True):
    """Where one rider was in a decision: the `place` of its cost among those `of` so many riders, its own figures, and
    what it meant. `order` is empty where it was not offered the order."""

    row: int
    at: int
    order: str
    text: str
    rule: str
    place: int
    of: int
    own: Considered
    what: str = "decision"


def explain(row: Row, order: str, when: Callable[[int], str]) -> list[Moment | DecisionView]:
    """Everything that a row contains about `order`: events, then decisions, then messages. `when` writes a time (Unix
    ms) for people.

    Raises:
        msgspec.DecodeError: a row of another version.
    """
    found: list[Moment | DecisionView] = [*_events(order, row, when)]
    for decision in record_in(row).decisions:
        if decision.order == order:
            considered = [_considered(one, decision.rider) for one in decision.candidates]
            considered.sort(key=lambda one: (one.total, one.rider))
            at, rider, offer = row.now.wall_ms, decision.rider, decision.offer
            found.append(DecisionView(row.number, at, rider, offer, decision.rule, decision.why, considered))
    found += _messages(order, row, when)
    return found


def explain_to(row: Row, rider: str, when: Callable[[int], str]) -> list[Moment | OwnDecision]:
    """Where a rider was in each decision of a row, and what it sent and was sent. Nothing of anybody else: an order has
    a name only where the rider was offered it, and of the other riders there is their number.

    Raises:
        msgspec.DecodeError: a row of another version.
    """
    found: list[Moment | OwnDecision] = []
    receipts = receipts_in(row)
    at = row.now.wall_ms
    for client, body in events_in(row):
        if client == rider:
            became = outcome(receipts.get((client, body.id)), lambda _: "accepted")
            parts = (getattr(body, "order", ""), _content(body, when), became)
            text = ", ".join(part for part in parts if part)
            found.append(Moment(row.number, at, str(body.__struct_config__.tag), "you", text))
    for decision in record_in(row).decisions:
        ranked = sorted(decision.candidates, key=lambda one: (sum(one.cost.values()), one.rider))
        for place, one in enumerate(ranked, 1):
            if one.rider == rider:
                chosen = decision.rider == rider
                order = decision.order if chosen and decision.offer else ""
                text = _placed_by_cost(place, len(ranked), chosen, decision.offer, bool(decision.rider))
                own = _considered(one, decision.rider)
                found.append(OwnDecision(row.number, at, order, text, decision.rule, place, len(ranked), own))
    for client, kind, fields in answers_in(row, "assignment", "advice"):
        if client == rider:
            until = fields.get("answer_by")
            parts = (
                fields.get("order") or fields.get("shop", ""),
                f"offer {fields['offer']}" if "offer" in fields else "wait near it",
                f"answer by {when(until)}" if until else "",
                fields.get("reason", ""),
            )
            text = ", ".join(part for part in parts if part)
            found.append(Moment(row.number, at, str(fields.get("state", kind)), "you", text))
    return found


def _placed_by_cost(place: int, of: int, chosen: bool, offer: bool, anybody: bool) -> str:
    if of == 1:
        start = "the only rider who could take it"
    else:
        start = f"{'the lowest cost' if place == 1 else f'number {place} by cost'} of {of} riders"
    if chosen:
        why = "" if place == 1 else ", since all orders together are served better so"
        return f"{start}: {'offered to you' if offer else 'planned for you, and not offered yet'}{why}"
    if not anybody:
        return f"{start}: nobody was chosen, since other orders need the riders more"
    return f"{start}: another rider was chosen{', since all orders together are served better so' * (place == 1)}"


def placed(row: Row) -> list[str]:
    """The orders placed in a row."""
    return [body.order for _, body in events_in(row) if isinstance(body, OrderPlace)]


def _considered(one: Candidate, chosen: str) -> Considered:
    return Considered(chosen=one.rider == chosen, total=sum(one.cost.values()), **structs.asdict(one))


def _events(order: str, row: Row, when: Callable[[int], str]) -> list[Moment]:
    """The events of clients about the order, each with its receipt; of a rider's name, what dispatchers decided."""
    receipts = receipts_in(row)
    moments: list[Moment] = []
    for client, body in events_in(row):
        if order in (getattr(body, "order", None), getattr(body, "rider", None)):
            became = outcome(receipts.get((client, body.id)), lambda receipt: _accepted(receipt, when))
            text = "; ".join(part for part in (_content(body, when), became) if part)
            moments.append(Moment(row.number, row.now.wall_ms, str(body.__struct_config__.tag), client, text))
    return moments


def _content(body: Up, when: Callable[[int], str]) -> str:
    match body:
        case OrderPlace(shop=shop, ready_at=ready_at, prep_s=prep_s):
            ready = f", ready {when(ready_at)}" if ready_at else f", ready in {prep_s} s" if prep_s else ""
            terms = "".join(f", {name} {when(at)}" for name in _WINDOW if (at := getattr(body, name)) is not None)
            terms += f", priority {body.priority}" if body.priority else ""
            terms += ", with a code at the door" if body.handover_code else ""
            terms += f", at most {body.max_bag_s} s in the bag" if body.max_bag_s else ""
            terms += _load(body.load)
            return f"at {shop}{ready}{terms}"
        case RiderReply(offer=offer, accept=accept, reason=reason):
            return f"{'accepts' if accept else 'declines'} offer {offer}{f' ({reason})' if reason else ''}"
        case RiderProgress(step=step, cause=cause, reason=reason):
            return f"{_words(step)}{f': {_words(cause)}' if cause else ''}{f' ({reason})' if reason else ''}"
        case OrderRedeliver(dropoff=dropoff):
            return "goes out again" if dropoff is None else "goes out again, to another door"
        case KitchenDelay(ready_at=ready_at):
            return f"ready {when(ready_at)}"
        case OrderReschedule(reason=reason):
            times = [f"{name} {when(at)}" for name in ("ready_at", *_WINDOW) if (at := getattr(body, name)) is not None]
            times += [f"priority {body.priority}"] if body.priority is not None else []
            return f"{', '.join(times)}{f' ({reason})' if reason else ''}"
        case OrderAssign(order=order, rider=rider, reason=reason) | OrderPin(order=order, rider=rider, reason=reason):
            return f"{order} to {rider or 'its rider'}{f' ({reason})' if reason else ''}"
        case RiderShift(on=True, vehicle=vehicle, capacity=capacity, load_limit=limit):
            serves = f", for {', '.join(body.shops)}" if body.shops else ""
            serves += f", in {len(body.zone)} cells" if body.zone else ""
            return f"begins, room for {capacity}{f', by {vehicle}' if vehicle else ''}{_load(limit)}{serves}"
        case RiderPause(rider=rider, reason=reason) | RiderResume(rider=rider, reason=reason):
            times = [f" {name} {when(at)}" for name in _BREAK if (at := getattr(body, name, None)) is not None]
            return f"{rider}{','.join(times)}{f' ({reason})' if reason else ''}"
        case _:
            return str(getattr(body, "reason", ""))


def _load(load: Load) -> str:
    weight = f", {load.weight_g} g" if load.weight_g else ""
    return f"{weight}, {load.volume_ml} ml" if load.volume_ml else weight


def _words(name: str) -> str:
    return name.replace("_", " ")


def _later(seconds: int) -> str:
    return f"{duration(abs(seconds))} {'later' if seconds > 0 else 'earlier'}"


def _accepted(receipt: Mapping[str, Any], when: Callable[[int], str]) -> str:
    promise = receipt.get("promise")
    if delays := receipt.get("delays"):
        return "accepted: " + ", ".join(f"{one['order']} {_later(one['later_s'])}" for one in delays)
    if not promise:
        return "accepted, but nobody on shift can reach it" if receipt.get("unreachable") else "accepted"
    latest_at = promise.get("latest_at")
    within = f"8 in 10 from {when(promise['earliest_at'])} to {when(latest_at)}, " if latest_at else ""
    return f"accepted, drop-off promised {when(promise['dropoff_at'])} ({within}confidence {promise['confidence']:.2f})"


def _messages(order: str, row: Row, when: Callable[[int], str]) -> list[Moment]:
    """Offers, and the updates of the order; an update to customer and shop is one entry."""
    moments: list[Moment] = []
    updates: dict[str, list[str]] = {}
    for client, kind, fields in answers_in(row, "assignment", "update"):
        if fields.get("order") != order:
            continue
        reason = fields.get("reason")
        if kind == "assignment":
            until = f", answer by {when(fields['answer_by'])}" if fields.get("answer_by") else ""
            text = f"offer {fields.get('offer')}{until}{f': {reason}' if reason else ''}"
            moments.append(Moment(row.number, row.now.wall_ms, str(fields.get("state")), client, text))
        else:
            expected = f", drop-off expected {when(fields['expected_at'])}" if fields.get("expected_at") else ""
            why = "; ".join(_words(part) for part in (fields.get("cause"), reason) if part)
            by = f" by the {fields['cancelled_by']}" if fields.get("cancelled_by") else ""
            anew = f", drop-off promised anew {when(fields['promised_at'])}" if fields.get("promised_at") else ""
            text = f"{fields.get('state')}{by}{f' ({why})' if why else ''}{expected}{anew}"
            updates.setdefault(text, []).append(client)
    moments += [Moment(row.number, row.now.wall_ms, "update", ", ".join(who), text) for text, who in updates.items()]
    return moments
