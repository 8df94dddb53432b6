"""What one session sends to its client: its subscriptions, and which answers are in flight.

Answers themselves live in the core, until somebody acknowledges them. So a session is small, and forgetting one loses
nothing: the next one pulls what is still unacknowledged.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final

from ...limits import IN_FLIGHT_TO_CLIENT_MAX, PULL_BYTES_MAX, SUBSCRIPTIONS_PER_SESSION_MAX
from ..packets.codec import (
    DisconnectReasonCode,
    Packet,
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
from ..seam import Pending, Receiver
from .topics import granted, parse_filter

_PUBLISH_0: Final = 0x30
_PUBLISH_1: Final = 0x32
_AGAIN: Final = 0x3A  # QoS 1, sent before
_PACKET_ID_MAX: Final = 65_535
_EXPIRY_S_MAX: Final = 0xFFFF_FFFF
_EXPIRES: Final = 0x0502  # five bytes of properties, of which the first is the message expiry interval's identifier
_ID: Final = Struct(">H").pack
_EXPIRY: Final = Struct(">HI").pack
_ID_EXPIRY: Final = Struct(">HHI").pack
_NONE: Final[frozenset[int]] = frozenset()


class OutboundQueue:
    """The outgoing half of one session of `client`. `prefix` is the topic of its answers without the kind.

    `skipped` counts answers over the packet size that the client can take. `more`: there may be answers that have not
    been pulled."""

    __slots__ = (
        "_after",
        "_again",
        "_client",
        "_forms",
        "_in_flight",
        "_packet_bytes_max",
        "_packet_id",
        "_prefix",
        "_properties",
        "_rewound",
        "_window",
        "filters",
        "more",
        "skipped",
    )

    def __init__(self, client: str, prefix: str) -> None:
        self.filters: dict[str, QoS] = {}
        self.skipped = 0
        self.more = False
        self._client, self._prefix = client, prefix
        self._forms: dict[str, tuple[bytes, bool] | None] = {}
        self._in_flight: dict[int, int] = {}  # packet identifier: sequence
        self._rewound = _NONE  # sequences that were in flight when `_after` went back
        self._again: dict[int, int] = {}  # sequence: packet identifier, sent on an earlier connection
        self._after = 0
        self._packet_id = 0
        self._window = IN_FLIGHT_TO_CLIENT_MAX
        self._packet_bytes_max: int | None = None
        self._properties = True

    @property
    def in_flight(self) -> int:
        """Answers sent and not acknowledged."""
        return len(self._in_flight)

    @property
    def ready(self) -> bool:
        """Whether a pull would find something: more is waiting, and there is room in the window."""
        return self.more and len(self._in_flight) < self._window

    def connect(self, receive_max: int, packet_bytes_max: int | None, *, properties: bool) -> None:
        """A new connection, whose version has `properties` (5.0) or has not: everything unacknowledged is sent again,
        what was in flight with its packet identifier."""
        self._properties = properties
        self._window = min(receive_max, IN_FLIGHT_TO_CLIENT_MAX)
        self._packet_bytes_max = packet_bytes_max
        self._again |= {sequence: packet_id for packet_id, sequence in self._in_flight.items()}
        self._in_flight.clear()
        self._rewind()

    def change(self, packet: SubscribePacket | UnsubscribePacket) -> Packet | DisconnectReasonCode:
        """Do what a packet asks for: its acknowledgement, or why the connection ends."""
        if packet.packet_id and isinstance(packet, UnsubscribePacket) and packet.patterns:
            return UnsubAckPacket(packet.packet_id, [self.unsubscribe(pattern) for pattern in packet.patterns])
        if isinstance(packet, SubscribePacket) and packet.subscription_id is not None:
            return DisconnectReasonCode.SUBSCRIPTION_IDS_NOT_SUPPORTED
        if packet.packet_id and isinstance(packet, SubscribePacket) and packet.topic_filters:
            return SubAckPacket(packet.packet_id, [self.subscribe(wanted) for wanted in packet.topic_filters])
        return DisconnectReasonCode.MALFORMED_PACKET

    def subscribe(self, wanted: TopicFilter) -> SubAckReasonCode:
        """Grant a filter, or return why not. Answers that did not match before are pulled next."""
        below = parse_filter(wanted.pattern, self._prefix)
        if not isinstance(below, str):
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
        below = parse_filter(pattern, self._prefix)
        if isinstance(below, str) and self.filters.pop(below, None) is not None:
            self._forms.clear()
            return UnsubAckReasonCode.SUCCESS
        return UnsubAckReasonCode.NO_SUBSCRIPTION_EXISTED

    def postpone(self) -> None:
        """Something may be pending that cannot be pulled now."""
        self.more = True

    def acknowledged(self, packet_id: int) -> int | None:
        """The sequence that the client has acknowledged; None where nothing of that identifier is in flight."""
        return self._in_flight.pop(packet_id, None)

    def push(self, fresh: Sequence[Pending], receiver: Receiver, out: bytearray) -> None:
        """Write answers that have just become durable to `out`; where they are not all that waits, or there is no room
        for all of them, `pull`."""
        if not fresh or self.more or len(fresh) > self._window - len(self._in_flight) or len(out) >= PULL_BYTES_MAX:
            self.pull(receiver, out)
        elif self.filters and (settled := self._send(fresh, out)):
            receiver.delivered(self._client, settled)

    def pull(self, receiver: Receiver, out: bytearray) -> None:
        """Write pending answers to `out` while the window has room."""
        while self.filters:
            room = self._window - len(self._in_flight)
            if room <= 0 or len(out) >= PULL_BYTES_MAX:
                self.more = True
                return
            pending = receiver.pending(self._client, self._after, room)
            if pending:
                settled = self._send(pending, out)
                if settled:
                    receiver.delivered(self._client, settled)
            if len(pending) < room:
                # Whatever was in flight earlier and is not pending any more is settled or expired.
                self._again.clear()
                self._rewound = _NONE
                break
        self.more = False

    def _send(self, pending: Sequence[Pending], out: bytearray) -> list[int]:
        """Write these answers. The sequences of those of which nothing remains to be acknowledged."""
        settled: list[int] = []
        again, rewound, forms, in_flight = self._again, self._rewound, self._forms, self._in_flight
        packet_bytes_max = self._packet_bytes_max
        for answer, left_s in pending:
            sequence, payload = answer.sequence, answer.payload
            if sequence in rewound:
                continue
            try:
                form = forms[answer.kind]
            except KeyError:
                form = self._form(answer.kind)
            if form is None:
                continue
            topic, keeps = form
            first, packet_id, tail = _PUBLISH_0, 0, b""
            if keeps:
                first, packet_id = _PUBLISH_1, self._packet_id % _PACKET_ID_MAX + 1
                if again and sequence in again:
                    first, packet_id = _AGAIN, again.pop(sequence)
                elif again or packet_id in in_flight:
                    packet_id = self._packet_id = self._free_id(packet_id)
                else:
                    self._packet_id = packet_id
            if self._properties:
                expiry_s = int(left_s)
                if not 0 < expiry_s <= _EXPIRY_S_MAX:
                    expiry_s = max(1, min(expiry_s, _EXPIRY_S_MAX))
                tail = _ID_EXPIRY(packet_id, _EXPIRES, expiry_s) if keeps else _EXPIRY(_EXPIRES, expiry_s)
            elif keeps:
                tail = _ID(packet_id)
            size = len(topic) + len(tail) + len(payload)
            head = header(first, size)
            if packet_bytes_max is not None and len(head) + size > packet_bytes_max:
                # MQTT 5.0, 3.1.2.11.4: dropped as if it had been sent.
                self.skipped += 1
                settled.append(sequence)
                continue
            out += head
            out += topic
            out += tail
            out += payload
            if keeps:
                in_flight[packet_id] = sequence
            else:
                settled.append(sequence)
        self._after = pending[-1][0].sequence
        return settled

    def _form(self, kind: str) -> tuple[bytes, bool] | None:
        """The topic of a kind as on the wire, and whether its answers are acknowledged; None where nobody wants it."""
        qos = granted(self.filters, kind)
        topic = (self._prefix + kind).encode()
        form = None if qos is None else (_ID(len(topic)) + topic, qos != QoS.AT_MOST_ONCE)
        self._forms[kind] = form
        return form

    def _rewind(self) -> None:
        """From the first answer again, but for those that this connection is waiting for."""
        self._after, self.more = 0, True
        self._rewound = frozenset(self._in_flight.values())

    def _free_id(self, packet_id: int) -> int:
        """The first one from `packet_id` on that is not in use."""
        reserved = self._again.values()
        while packet_id in self._in_flight or packet_id in reserved:
            packet_id = packet_id % _PACKET_ID_MAX + 1
        return packet_id
