"""What one session sends to its client: its subscriptions, and which answers are in flight.

Answers themselves live in the core, until somebody acknowledges them. So a session is small, and forgetting one loses
nothing: the next one pulls what is still unacknowledged.
"""

from collections.abc import Callable
from typing import Final

from ..limits import IN_FLIGHT_TO_CLIENT_MAX, PULL_BYTES_MAX, SUBSCRIPTIONS_PER_SESSION_MAX
from ..model import Answer, Receiver
from .codec import Packet, PublishPacket, QoS, SubAckReasonCode, TopicFilter, UnsubAckReasonCode
from .topics import granted, parse_filter

_PACKET_ID_MAX: Final = 65_535
_EXPIRY_S_MAX: Final = 0xFFFF_FFFF


class Delivery:
    """The outgoing half of one session of `client`. `prefix` is the topic of its answers without the kind.

    `skipped` counts answers over the packet size that the client can take."""

    def __init__(self, client: str, prefix: str) -> None:
        self.filters: dict[str, QoS] = {}
        self.skipped = 0
        self._client, self._prefix = client, prefix
        self._grants: dict[str, QoS | None] = {}
        self._in_flight: dict[int, int] = {}  # packet identifier: sequence
        self._flying: dict[int, int] = {}  # and the other way round
        self._again: dict[int, int] = {}  # sequence: packet identifier, sent on an earlier connection
        self._after = 0
        self._more = False
        self._packet_id = 0
        self._window = IN_FLIGHT_TO_CLIENT_MAX
        self._packet_bytes_max: int | None = None
        self._write: Callable[[Packet], bytes] = PublishPacket.write  # type: ignore[assignment]
        self._expires = True

    @property
    def in_flight(self) -> int:
        """Answers sent and not acknowledged."""
        return len(self._in_flight)

    @property
    def ready(self) -> bool:
        """Whether a pull would find something: more is waiting, and there is room in the window."""
        return self._more and len(self._in_flight) < self._window

    def connect(
        self, write: Callable[[Packet], bytes], receive_max: int, packet_bytes_max: int | None, *, expires: bool
    ) -> None:
        """A new connection: everything unacknowledged is sent again, what was in flight with its packet identifier."""
        self._write, self._expires = write, expires
        self._window = min(receive_max, IN_FLIGHT_TO_CLIENT_MAX)
        self._packet_bytes_max = packet_bytes_max
        self._again |= self._flying
        self._in_flight.clear()
        self._flying.clear()
        self._after, self._more = 0, True

    def subscribe(self, wanted: TopicFilter) -> SubAckReasonCode:
        """Grant a filter, or say why not. Answers that did not match before are pulled next."""
        below = parse_filter(wanted.pattern, self._prefix)
        if not isinstance(below, str):
            return below
        if below not in self.filters and len(self.filters) >= SUBSCRIPTIONS_PER_SESSION_MAX:
            return SubAckReasonCode.QUOTA_EXCEEDED
        qos = QoS.AT_MOST_ONCE if wanted.max_qos == QoS.AT_MOST_ONCE else QoS.AT_LEAST_ONCE
        self.filters[below] = qos
        self._grants.clear()
        self._after, self._more = 0, True
        return SubAckReasonCode(int(qos))

    def unsubscribe(self, pattern: str) -> UnsubAckReasonCode:
        """Drop a filter. What is in flight stays in flight."""
        below = parse_filter(pattern, self._prefix)
        if isinstance(below, str) and self.filters.pop(below, None) is not None:
            self._grants.clear()
            return UnsubAckReasonCode.SUCCESS
        return UnsubAckReasonCode.NO_SUBSCRIPTION_EXISTED

    def postpone(self) -> None:
        """Something may be pending that cannot be pulled now."""
        self._more = True

    def acknowledged(self, packet_id: int) -> int | None:
        """The sequence that the client has acknowledged; None where nothing of that identifier is in flight."""
        sequence = self._in_flight.pop(packet_id, None)
        if sequence is not None:
            del self._flying[sequence]
        return sequence

    def pull(self, receiver: Receiver, out: bytearray) -> None:
        """Write pending answers to `out` while the window has room."""
        while self.filters:
            room = self._window - len(self._in_flight)
            if room <= 0 or len(out) >= PULL_BYTES_MAX:
                self._more = True
                return
            pending = receiver.pending(self._client, self._after, room)
            settled: list[int] = []
            for answer, left_s in pending:
                self._after = answer.sequence
                if self._send(answer, left_s, out):
                    settled.append(answer.sequence)
            if settled:
                receiver.delivered(self._client, settled)
            if len(pending) < room:
                # Whatever was in flight earlier and is not pending any more is settled or expired.
                self._again.clear()
                break
        self._more = False

    def _send(self, answer: Answer, left_s: float, out: bytearray) -> bool:
        """Write one answer. True where nothing of it remains to be acknowledged."""
        sequence, kind = answer.sequence, answer.kind
        if sequence in self._flying:
            return False
        try:
            qos = self._grants[kind]
        except KeyError:
            qos = self._grants[kind] = granted(self.filters, kind)
        if qos is None:
            return False
        earlier = packet_id = None
        if qos != QoS.AT_MOST_ONCE:
            earlier = self._again.pop(sequence, None)
            packet_id = earlier or self._next_packet_id()
        packet = self._write(
            PublishPacket(
                self._prefix + kind,
                answer.payload,
                qos=qos,
                packet_id=packet_id,
                duplicate=earlier is not None,
                message_expiry_interval=min(max(1, int(left_s)), _EXPIRY_S_MAX) if self._expires else None,
            )
        )
        if self._packet_bytes_max is not None and len(packet) > self._packet_bytes_max:
            # MQTT 5.0, 3.1.2.11.4: dropped as if it had been sent.
            self.skipped += 1
            return True
        out += packet
        if packet_id is None:
            return True
        self._in_flight[packet_id] = sequence
        self._flying[sequence] = packet_id
        return False

    def _next_packet_id(self) -> int:
        reserved = self._again.values()
        while True:
            self._packet_id = self._packet_id % _PACKET_ID_MAX + 1
            if self._packet_id not in self._in_flight and self._packet_id not in reserved:
                return self._packet_id
