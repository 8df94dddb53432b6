"""What one session sends to its client: its subscriptions, and which answers are in flight.

Answers themselves live in the core, until somebody acknowledges them. So a session is small, and forgetting one loses
nothing: the next one pulls what is still unacknowledged.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final, Protocol

from ...limits import TOPIC_BYTES_MAX
from ...messages.envelope import is_json, loose, recoded
from ...messages.tolerance import ERRORS, identifier
from ..limits import IN_FLIGHT_TO_CLIENT_MAX
from ..packets.codec import (
    NO_LIMIT,
    DisconnectReasonCode,
    Packet,
    ProtocolError,
    QoS,
    SubAckPacket,
    SubAckReasonCode,
    SubscribePacket,
    TopicFilter,
    UnsubAckPacket,
    UnsubAckReasonCode,
    UnsubscribePacket,
)
from ..packets.fastpath import header
from ..packets.validate import CONTENT, EXPIRY_BYTES
from ..seam import Pending, Receiver
from .topics import granted, parse_filter

PULL_BYTES_MAX: Final = 256 * 1024
"""Answers written to one connection at once; the rest follow when these have left. Also what one session at QoS 0,
where nothing is in flight, may have waiting."""

SUBSCRIPTIONS_PER_SESSION_MAX: Final = 32
"""Each client has one subtree with a handful of kinds in it."""

CONTENT_FROM_BYTES: Final = 1_024
"""A client that takes no packets of this size gets its answers without content type: 22 bytes each."""

RESPONSES_MAX: Final = 32
"""Events of one session whose receipts go to a response topic. Of more the oldest go to the usual one."""

CORRELATION_BYTES_MAX: Final = 64
"""Correlation data, as a UUID has it or a digest."""

_PUBLISH_0: Final = 0x30
_PUBLISH_1: Final = 0x32
_AGAIN: Final = 0x3A  # QoS 1, sent before
_PACKET_ID_MAX: Final = 65_535
_EXPIRY_S_MAX: Final = 0xFFFF_FFFF
"""What the fields can hold."""
_EXPIRY_ID, _CORRELATION_ID = 0x02, 0x09
_ID: Final = Struct(">H").pack
_EXPIRY: Final = Struct(">HI").pack
_ID_AND_EXPIRY: Final = Struct(">HHI").pack
_ONE: Final = Struct(">BB").pack  # a fixed header with its length in one byte, and in two
_TWO: Final = Struct(">BBB").pack
_NONE: Final[frozenset[int]] = frozenset()


Tail = tuple[int, bytes]
"""What stands before the expiry of an answer (the length of its properties, and the identifier of the expiry), and the
properties behind it."""


def _tails(contents: Sequence[bytes], more: bytes = b"") -> list[Tail]:
    """Of MessagePack and of JSON."""
    return [((EXPIRY_BYTES + len(content) + len(more)) << 8 | _EXPIRY_ID, content + more) for content in contents]


class Writable(Protocol):
    """A connection as far as answers are concerned: `out` takes them, but not while `write_paused` or `closing`."""

    out: bytearray
    write_paused: bool
    closing: bool


class OutboundQueue:
    """The outgoing half of one session of `client`. `shop` is the one that it acts for, where that has another name: it
    may have that one's answers too. `root` is the topic of answers without name and kind.

    `skipped` counts answers over the packet size that the client can take. `more`: there may be answers that have not
    been pulled."""

    __slots__ = (
        "_after",
        "_again",
        "_client",
        "_contents",
        "_forms",
        "_in_flight",
        "_json",
        "_packet_bytes_max",
        "_packet_id",
        "_properties",
        "_receiver",
        "_responses",
        "_rewound",
        "_root",
        "_tails",
        "_window",
        "filters",
        "more",
        "shop",
        "skipped",
    )

    def __init__(self, client: str, shop: str, root: str, receiver: Receiver) -> None:
        self.filters: dict[tuple[str, str], QoS] = {}
        """By name and what they match below it."""
        self.shop = shop
        self.skipped = 0
        self.more = False
        self._client, self._root, self._receiver = client, root, receiver
        self._forms: dict[str, tuple[bytes, bool] | None] = {}  # by kind; those of the shop, by name and kind
        self._in_flight: dict[int, int] = {}  # packet identifier: sequence
        self._rewound = _NONE  # sequences that were in flight when `_after` went back
        self._again: dict[int, int] = {}  # sequence: packet identifier, sent on an earlier connection
        self._after = 0
        self._packet_id = 0
        self._window = IN_FLIGHT_TO_CLIENT_MAX
        self._packet_bytes_max = NO_LIMIT
        self._properties = True
        self._json: bool | None = None
        self._contents: Sequence[bytes] = CONTENT
        self._tails = _tails(CONTENT)
        self._responses: dict[str, tuple[str, bytes]] = {}  # by event: topic, and correlation data as a property

    @property
    def in_flight(self) -> int:
        """Answers sent and not acknowledged."""
        return len(self._in_flight)

    @property
    def ready(self) -> bool:
        """Whether a pull would find something: more is waiting, and there is room in the window."""
        return self.more and len(self._in_flight) < self._window

    def connect(self, receive_max: int, packet_bytes_max: int, *, properties: bool, json: bool | None = None) -> None:
        """A new connection, whose version has `properties` (5.0) or has not: everything unacknowledged is sent again,
        what was in flight with its packet identifier. All of it is JSON, or MessagePack, or as it was made (None)."""
        self._properties, self._json = properties, json
        self._contents = CONTENT if packet_bytes_max >= CONTENT_FROM_BYTES else (b"", b"")
        self._tails = _tails(self._contents)
        self._responses.clear()
        self._window = min(receive_max, IN_FLIGHT_TO_CLIENT_MAX)
        self._packet_bytes_max = packet_bytes_max
        self._again |= {sequence: packet_id for packet_id, sequence in self._in_flight.items()}
        self._in_flight.clear()
        self._rewind()

    def change(self, packet: SubscribePacket | UnsubscribePacket) -> tuple[Packet, str]:
        """Do what a packet asks for: its acknowledgement, and why a filter of it is refused (empty: none is). Raises
        MalformedPacket where the connection has to end."""
        if isinstance(packet, UnsubscribePacket):
            return UnsubAckPacket(packet.packet_id, [self.unsubscribe(pattern) for pattern in packet.patterns]), ""
        if packet.subscription_id is not None:
            code = int(DisconnectReasonCode.SUBSCRIPTION_IDS_NOT_SUPPORTED)
            raise ProtocolError("a subscription identifier; there are none here", code)
        if any(wanted.no_local and wanted.pattern.startswith("$share/") for wanted in packet.topic_filters):
            raise ProtocolError("a shared subscription without local messages")
        codes = [self.subscribe(wanted) for wanted in packet.topic_filters]
        return SubAckPacket(packet.packet_id, codes), next((why for code in codes if (why := self._why(code))), "")

    def awaits(self, packet_id: int) -> bool:
        """Whether an answer of this identifier is in flight."""
        return packet_id in self._in_flight

    def subscribe(self, wanted: TopicFilter) -> SubAckReasonCode:
        """Grant a filter, or return why not. Answers that did not match before are pulled next."""
        below = self._below(wanted.pattern)
        if not isinstance(below, tuple):
            return below
        if below not in self.filters and len(self.filters) >= SUBSCRIPTIONS_PER_SESSION_MAX:
            return SubAckReasonCode.QUOTA_EXCEEDED
        qos = QoS.AT_MOST_ONCE if wanted.max_qos == QoS.AT_MOST_ONCE else QoS.AT_LEAST_ONCE
        self.filters[below] = qos
        self._forms.clear()
        self._rewind()
        return SubAckReasonCode(int(qos))

    def unsubscribe(self, pattern: str) -> UnsubAckReasonCode:
        """Drop a filter. What is in flight stays in flight."""
        below = self._below(pattern)
        if isinstance(below, tuple) and self.filters.pop(below, None) is not None:
            self._forms.clear()
            return UnsubAckReasonCode.SUCCESS
        return UnsubAckReasonCode.NO_SUBSCRIPTION_EXISTED

    def acknowledged(self, packet_id: int) -> int | None:
        """The sequence that the client has acknowledged; None where nothing of that identifier is in flight."""
        return self._in_flight.pop(packet_id, None)

    def respond(self, payload: bytes, topic: str, correlation: bytes) -> None:
        """The receipt of an event goes to a topic that its client has named, where that is below its own prefix."""
        prefix = f"{self._root}{self._client}/"
        if not topic.startswith(prefix) or topic == prefix or len(correlation) > CORRELATION_BYTES_MAX:
            return
        try:
            id_ = identifier(payload, is_json(payload))
        except ERRORS:
            return
        if not id_:
            return
        self._responses.pop(id_, None)
        data = bytes((_CORRELATION_ID,)) + _ID(len(correlation)) + correlation if correlation else b""
        self._responses[id_] = topic, data
        if len(self._responses) > RESPONSES_MAX:
            del self._responses[next(iter(self._responses))]

    def pull(self, connection: Writable, fresh: Sequence[Pending] = ()) -> None:
        """Write pending answers to the connection while it takes them and the window has room. `fresh` ones have just
        become durable: where nothing else waits, nobody is asked for more."""
        if connection.closing:
            return
        in_flight, out = self._in_flight, connection.out
        if fresh and not fresh[0][0].sequence:
            self._send_once(fresh, out)
            return
        while self.filters:
            room = self._window - len(in_flight)
            if room <= 0 or connection.write_paused or len(out) >= PULL_BYTES_MAX:
                self.more = True
                return
            complete = 0 < len(fresh) <= room and not self.more
            pending = fresh if complete else self._pending(room)
            settled: list[int] = []  # those of which nothing remains to be acknowledged
            forms, properties, rewound, tails = self._forms, self._properties, self._rewound, self._tails
            adapts = self._json is not None or bool(self._responses)
            for answer, left_s in pending:
                self._after = sequence = answer.sequence
                kind, payload = answer.kind, answer.payload
                if self.shop and answer.client == self.shop:
                    kind = f"{self.shop}/{kind}"
                form = forms[kind] if kind in forms else self._form(kind)
                if form is None or sequence in rewound:
                    continue
                topic, keeps = form
                expires, content = tails[payload[:1] == b"{"]
                if adapts:
                    topic, keeps, payload, expires, content = self._adapted(kind, form, payload)
                left = int(left_s)
                if not 0 < left <= _EXPIRY_S_MAX:
                    left = max(1, min(left, _EXPIRY_S_MAX))
                if keeps:
                    first, packet_id = _PUBLISH_1, self._packet_id % _PACKET_ID_MAX + 1
                    if self._again or packet_id in in_flight:
                        first, packet_id = self._identify(sequence, packet_id)
                    else:
                        self._packet_id = packet_id
                    tail = _ID_AND_EXPIRY(packet_id, expires, left) + content if properties else _ID(packet_id)
                else:
                    first, packet_id = _PUBLISH_0, 0
                    tail = _EXPIRY(expires, left) + content if properties else b""
                size = len(topic) + len(tail) + len(payload)
                if size < 0x80:  # as nearly all answers, without a call
                    head = _ONE(first, size)
                elif size < 0x4000:
                    head = _TWO(first, size & 0x7F | 0x80, size >> 7)
                else:
                    head = header(first, size)
                if len(head) + size > self._packet_bytes_max:
                    # MQTT 5.0, 3.1.2.11.4: dropped as if it had been sent.
                    self.skipped += 1
                    settled.append(sequence)
                    continue
                out += head + topic + tail + payload
                if keeps:
                    in_flight[packet_id] = sequence
                else:
                    settled.append(sequence)
            if settled:
                self._receiver.delivered(self._client, settled)
            if complete or len(pending) < room:
                # Whatever was in flight earlier and is not pending any more is settled or expired.
                self._again.clear()
                self._rewound = _NONE
                break
        self.more = False

    def _send_once(self, answers: Sequence[Pending], out: bytearray) -> None:
        """Those of repeats, and answers from memory: at QoS 0, whatever the window."""
        for answer, left_s in answers:
            form = self._form(answer.kind)
            if form is not None:
                topic, _, payload, expires, content = self._adapted(answer.kind, form, answer.payload)
                left = max(1, min(int(left_s), _EXPIRY_S_MAX))
                packet = topic + (_EXPIRY(expires, left) + content if self._properties else b"") + payload
                packet = header(_PUBLISH_0, len(packet)) + packet
                if len(packet) <= self._packet_bytes_max:
                    out += packet

    def _adapted(self, kind: str, form: tuple[bytes, bool], payload: bytes) -> tuple[bytes, bool, bytes, int, bytes]:
        """Topic, whether it is acknowledged, payload and tail of an answer, as the connection or its event wants it."""
        tails = self._tails
        if kind == "receipt" and self._responses and (wanted := self._responses.get(loose(payload).get("id", ""))):
            name, correlation = wanted
            own = {pattern: qos for (whose, pattern), qos in self.filters.items() if whose == self._client}
            qos = granted(own, name.removeprefix(f"{self._root}{self._client}/"))
            if qos is not None:
                topic = name.encode()
                form = _ID(len(topic)) + topic, qos != QoS.AT_MOST_ONCE
                tails = _tails(self._contents, correlation)
        if self._json is not None:
            payload = recoded(payload, self._json)
        return *form, payload, *tails[is_json(payload)]

    def _why(self, code: SubAckReasonCode) -> str:
        """A refusal of a filter as text; empty where it is granted."""
        whys = {
            int(SubAckReasonCode.NOT_AUTHORIZED): f"subscribe below {self._root}{self._client}/ only",
            int(SubAckReasonCode.TOPIC_FILTER_INVALID): f"more than {TOPIC_BYTES_MAX} bytes, or invisible characters",
            int(SubAckReasonCode.QUOTA_EXCEEDED): f"a session has at most {SUBSCRIPTIONS_PER_SESSION_MAX} filters",
            int(SubAckReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED): "there are no shared subscriptions here",
        }
        return whys.get(int(code), "")

    def _below(self, pattern: str) -> tuple[str, str] | SubAckReasonCode:
        """The name and what a filter matches below it, or why it is refused."""
        below = parse_filter(pattern, f"{self._root}{self._client}/")
        if isinstance(below, str):
            return self._client, below
        if self.shop and isinstance(at_shop := parse_filter(pattern, f"{self._root}{self.shop}/"), str):
            return self.shop, at_shop
        return below

    def _pending(self, room: int) -> list[Pending]:
        """What waits for the client, and for its shop, in sequence."""
        pending = self._receiver.pending(self._client, self._after, room)
        if not self.shop:
            return pending
        pending += self._receiver.pending(self.shop, self._after, room)
        return sorted(pending, key=lambda each: each[0].sequence)[:room]

    def _form(self, kind: str) -> tuple[bytes, bool] | None:
        """The topic of a kind as on the wire, and whether its answers are acknowledged; None where nobody wants it."""
        name, _, below = kind.rpartition("/")
        name = name or self._client
        qos = granted({pattern: qos for (whose, pattern), qos in self.filters.items() if whose == name}, below)
        topic = f"{self._root}{name}/{below}".encode()
        form = None if qos is None else (_ID(len(topic)) + topic, qos != QoS.AT_MOST_ONCE)
        self._forms[kind] = form
        return form

    def _rewind(self) -> None:
        """From the first answer again, but for those that this connection is waiting for."""
        self._after, self.more = 0, True
        self._rewound = frozenset(self._in_flight.values())

    def _identify(self, sequence: int, packet_id: int) -> tuple[int, int]:
        """The first byte and the identifier of an answer: its own where it was sent before, else the first one from
        `packet_id` on that is not in use."""
        if sequence in self._again:
            return _AGAIN, self._again.pop(sequence)
        reserved = self._again.values()
        while packet_id in self._in_flight or packet_id in reserved:
            packet_id = packet_id % _PACKET_ID_MAX + 1
        self._packet_id = packet_id
        return _PUBLISH_1, packet_id
