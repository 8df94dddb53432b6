"""A message becomes an input of the core: an event, an observation, or a rejection that names the field; what became
of it becomes a receipt. Pure.

Bounded work for any bytes: the size is checked first, and the decoder refuses depth, length and type before it builds.
"""

import re
from collections.abc import Container, Iterable
from typing import Any, Final, NamedTuple, Union

import msgspec
from msgspec import Struct

from ..errors import MENDABLE, DoorstepError, JournalError, Reason
from ..limits import NAME_PATTERN, PAYLOAD_BYTES_MAX
from ..messages import tolerance
from ..messages.envelope import ENCODE, FORBIDDEN, JSON_STARTS, UNKNOWN, Receipt, Up, free_texts
from ..messages.grants import EVERY_SHOP, EVERYBODY, Grant
from ..messages.roles import ROLES
from ..messages.sentences import LOOKS_LIKE_SECONDS, fault
from .model import Answer, Event, Now, Observed, RecordedEvent, Rejected
from .scenario import Message, Outcome, Refusal, Scenario

NODE: Final = "node"
"""The label of what no scenario counts: unknown kinds, messages dropped before decoding, expired answers."""

TIMES_MENDED_MAX: Final = 4
"""Names of times in one message that a clock that was never set may have spoilt."""

_pack: Final = msgspec.msgpack.Encoder().encode
_IDENTIFIER: Final = re.compile(NAME_PATTERN)


class _Kind(NamedTuple):
    message: Message
    senders: frozenset[str]
    pack: Any
    json: Any
    defaults: dict[str, Any]
    texts: dict[str, Any]
    unkept: dict[str, Any]


class Catalog:
    """The messages of all scenarios that a node runs.

    Raises:
        DoorstepError: two scenarios claim one kind, or one has the name that the node itself has.
    """

    def __init__(self, scenarios: Iterable[type[Scenario]]) -> None:
        self.scenario_of: dict[str, str] = {}
        """Kind up -> scenario."""
        self.routes: dict[type, tuple[str, str]] = {}
        """Message up -> its kind and scenario."""
        self.down_kinds: dict[type, str] = {Receipt: "receipt"}
        self.spare: dict[str, None] = {}
        """Kinds down that go first where too many answers wait."""
        self.about: dict[str, tuple[str, str]] = {}
        """Kind down -> its scenario, and the field with what a message is about."""
        self.keeps_text = False
        """Whether a row keeps what people write in their own words."""
        self._up: dict[str, _Kind] = {}
        for scenario in scenarios:
            if scenario.name == NODE:
                raise DoorstepError(f"A scenario cannot have the name {NODE!r}. Give it another name.")
            for message in scenario.messages:
                self._add(scenario.name, message)
        durable = [each.message.body for each in self._up.values() if each.message.durable]
        self._recorded: Any = msgspec.msgpack.Decoder(Union[tuple(durable)]).decode if durable else None  # noqa: UP007

    def _add(self, scenario: str, message: Message) -> None:
        if message.direction == "down":
            self.down_kinds[message.body] = message.kind
            if message.spare:
                self.spare[message.kind] = None
            if message.about:
                self.about[message.kind] = scenario, message.about
            return
        if message.kind in self._up:
            raise DoorstepError(
                f"The scenarios {self.scenario_of[message.kind]} and {scenario} both have the kind {message.kind!r}. "
                "Switch one of them off in the option scenarios."
            )
        body = message.body
        fields = {
            field.name: field.default for field in msgspec.structs.fields(body) if field.name in message.in_memory
        }
        pack, json = msgspec.msgpack.Decoder(body).decode, msgspec.json.Decoder(body).decode
        try:
            texts = free_texts(body) if message.durable else {}
        except TypeError as error:
            raise DoorstepError(f"The scenario {scenario} cannot be used: {error}.") from None
        self._up[message.kind] = _Kind(
            message, frozenset(message.roles or ROLES), pack, json, fields, texts, fields | texts
        )
        self.scenario_of[message.kind] = scenario
        self.routes[body] = (message.kind, scenario)

    @property
    def kinds(self) -> dict[str, Message]:
        """Every kind that a client may send."""
        return {kind: each.message for kind, each in self._up.items()}

    def decode(
        self,
        client: str,
        kind: str,
        payload: bytes,
        crs: str,
        grant: Grant = EVERYBODY,
        shops: Container[str] | None = None,
        wall_ms: int = 0,
    ) -> Event | Observed | Rejected:
        """The input that one publish makes. `grant` is what the client may be, `shops` are those that exist (None:
        all), `wall_ms` is about now, for the sentence about a time in seconds. Never raises for anything that a client
        can send."""
        json = payload[:1] in JSON_STARTS
        if len(payload) > PAYLOAD_BYTES_MAX:
            detail = f"{len(payload)} bytes; at most {PAYLOAD_BYTES_MAX}"
            return Rejected(client, kind[:64], Reason.OVERSIZED, "", detail, "", json)
        known = self._up.get(kind)
        if known is None and kind == FORBIDDEN:
            detail = f"publish to ds/<node>/up/{client}/<kind>"
            return Rejected(client, UNKNOWN, Reason.FORBIDDEN_TOPIC, "", detail, _id_of(payload, json), json)
        if known is None:
            group = f"{kind.partition('.')[0]}."
            alike = [each for each in self._up if each.startswith(group)]
            groups = dict.fromkeys(f"{each.partition('.')[0]}.*" for each in self._up)
            detail = f"known kinds: {', '.join(alike or groups)}"
            return Rejected(client, kind[:64], Reason.UNKNOWN_KIND, "", detail, _id_of(payload, json), json)
        message, senders, pack, json_decode, defaults, _, unkept = known
        if senders.isdisjoint(grant.roles):
            return Rejected(client, kind, Reason.NOT_ALLOWED, "", _roles(message, grant), _id_of(payload, json), json)
        decoder = json_decode if json else pack
        try:
            body: Any = decoder(payload)
        except tolerance.ERRORS as error:
            mended = _tolerated(message.body, payload, json, error, wall_ms)
            if isinstance(mended, tuple):
                field, detail = mended
                return Rejected(client, kind, Reason.MALFORMED, field, detail, _id_of(payload, json), json)
            body = mended
        if message.prepare is not None and (not message.prepares or getattr(body, message.prepares) is not None):
            prepared: Any = message.prepare(body)
            if isinstance(prepared, Refusal):
                id_ = getattr(body, "id", "")
                return Rejected(client, kind, prepared.reason, prepared.field, prepared.detail, id_, json)
            body = prepared
        if message.convert is not None and body.crs is not None and body.crs != crs:
            body = message.convert(body, body.crs, crs)
        shop = grant.shop or (EVERY_SHOP if "dispatcher" in grant.roles else "")
        if grant is EVERYBODY and message.roles[0] != "dispatcher":
            shop = client
        if not message.durable:
            named = getattr(body, message.acts_for) if message.acts_for else None
            if named is None and message.acts_for and message.roles == ("dispatcher",) and shop != EVERY_SHOP:
                body = msgspec.structs.replace(body, **{message.acts_for: shop})
            elif named not in (None, shop) and shop != EVERY_SHOP:
                detail = f"this client acts for {f'the shop {shop}' if shop else 'no shop'}"
                return Rejected(client, kind, Reason.NOT_ALLOWED, message.acts_for, detail, "", json)
            return Observed(client, body)
        if message.names_shop and (grant is not EVERYBODY or shops is not None):
            refusal = _wrong_shop(message, getattr(body, message.names_shop), grant, shops)
            if refusal is not None:
                return Rejected(client, kind, refusal.reason, refusal.field, refusal.detail, body.id, json)
        left_out = defaults if self.keeps_text else unkept
        for name, default in left_out.items():
            if getattr(body, name) != default:
                return Event(client, msgspec.structs.replace(body, **left_out), json, body, shop)
        return Event(client, body, json, None, shop)

    def recorded(self, event: Event, kind: str) -> RecordedEvent | Rejected:
        """The event as its row keeps it; or its refusal, where a row could not hold it. The decoder's bounds exclude
        that; this is the second fence, since a row that cannot be encoded would end the process, and the next one when
        the event comes again."""
        try:
            return RecordedEvent(event.client, msgspec.Raw(_pack(event.body)), event.json, event.shop)
        except (OverflowError, ValueError, TypeError) as error:
            detail = f"cannot be recorded: {error}"
            return Rejected(event.client, kind, Reason.MALFORMED, "", detail, event.body.id, event.json)

    def without_text(self, body: Up) -> Up:
        """The event without what a person wrote in it, whether or not rows keep that."""
        texts = self._up[self.routes[type(body)][0]].texts
        return msgspec.structs.replace(body, **texts) if texts else body

    def reply(self, client: str, body: Struct, json: bool) -> Answer:
        """What answers a message that is in memory only."""
        return Answer(0, client, self.down_kinds[type(body)], ENCODE[json](body), 0.0)

    def opened(self, recorded: RecordedEvent) -> Event:
        """An event as its row keeps it, decoded.

        Raises:
            JournalError: no scenario here has its kind.
            msgspec.DecodeError: its body is of another version.
        """
        try:
            if self._recorded is not None:
                return Event(recorded.client, self._recorded(recorded.body), recorded.json, None, recorded.shop)
        except msgspec.ValidationError:
            if recorded.kind in ("", *self._up):
                raise
        raise JournalError(
            f"The row has the kind {recorded.kind!r}, which no scenario here has. Add its scenario to "
            "the option scenarios; doorstep replay finds one that is not installed with --scenario-path."
        )


def _tolerated(
    form: type[Struct], payload: bytes, json: bool, error: Exception, wall_ms: int
) -> Struct | tuple[str, str]:
    """The message of a sender with a harmless habit, or the field and what is wrong: in `error`, where that is no
    habit."""
    try:
        values = tolerance.loaded(payload, json)
    except tolerance.ERRORS:
        return fault(error)
    for _ in range(TIMES_MENDED_MAX):
        try:
            return msgspec.convert(values, form)
        except tolerance.ERRORS as remaining:
            error = remaining
        field, _ = fault(error)
        mended = tolerance.early(values, field.rpartition(".")[2], wall_ms)
        if mended is False:
            return field, LOOKS_LIKE_SECONDS
        if mended is None:
            break
    return fault(error)


def _roles(message: Message, grant: Grant) -> str:
    wanted = " or ".join(message.roles)
    return f"it needs the role {wanted}; this client has {', '.join(grant.roles) or 'none'}"


def _wrong_shop(message: Message, shop: str, grant: Grant, shops: Container[str] | None) -> Refusal | None:
    """A shop sends in its own name only; anybody else names one that exists."""
    field = message.names_shop
    if set(message.roles) & set(grant.roles) == {"shop"} and grant.shop not in ("", shop):
        return Refusal(Reason.NOT_ALLOWED, field, f"this client acts for the shop {grant.shop} only")
    if shops is not None and shop not in shops:
        return Refusal(Reason.UNKNOWN_SHOP, field, "no such shop here")
    return None


def _id_of(payload: bytes, json: bool) -> str:
    """The event id of a message that is otherwise wrong, or nothing."""
    try:
        id_ = tolerance.identifier(payload, json)
    except tolerance.ERRORS:
        return ""
    return id_ if _IDENTIFIER.match(id_) else ""


def receipt_of(form: type[Receipt], id_: str, kind: str, outcome: Outcome, now: Now) -> Receipt:
    """The receipt of an event; made by the node."""
    refusal = outcome.refusal
    if refusal is None:
        return form(id=id_, of=kind, status="accepted", at=now.wall_ms, **outcome.receipt)
    why = {"reason": refusal.reason, "field": refusal.field, "detail": refusal.detail}
    again = refusal.reason in MENDABLE
    return form(id=id_, of=kind, status="refused", at=now.wall_ms, **why, again=again, **outcome.receipt)
