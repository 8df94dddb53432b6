"""What a client has published and the peer has not acknowledged yet: the window, the backlog behind it, and what is
sent again after a reconnect.

A reconnect puts everything unacknowledged in front of the backlog, in order. Where the peer kept the session it goes
out with its old identifiers and the dup flag, else as new publishes: at least once either way.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from ..packets.codec import PublishPacket, QoS

OnAck = Callable[[int], None]

LINK_IN_FLIGHT_MAX: Final = 1_024
"""QoS 1 publishes sent and not yet acknowledged, where the peer's receive maximum is larger (65,535 is its default)."""

LINK_BACKLOG_MAX: Final = 1_024
"""QoS 1 publishes taken over while that window is full. Beyond it the owner must wait."""

EXPIRED: Final = -1
"""What `on_ack` gets for a publish whose expiry passed before the peer acknowledged it."""
TOO_LARGE: Final = 0x95
"""What `on_ack` gets for a publish over the peer's maximum packet size: it never leaves. (MQTT 5: Packet too large.)"""
PACKET_IDS: Final = 65_534
"""Publishes use the identifiers from 1 to this one; the last one is for SUBSCRIBE, so that the two never meet."""

_OVERHEAD_BYTES_MAX: Final = 64  # fixed header, lengths and our properties of one PUBLISH


class _Entry(Struct):
    """A QoS 1 publish on its way. `packet_id` is 0 until it is sent; `sent`: the peer may have seen it."""

    topic: str
    payload: bytes
    retain: bool
    expires: float | None
    on_ack: OnAck | None
    packet_id: int = 0
    sent: bool = False


class InflightWindow:
    """The publishes of one session over all its connections. `write` takes the bytes to send."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._in_flight: dict[int, _Entry] = {}
        self._backlog: deque[_Entry] = deque()
        self._packet_id = 0
        self._window = 0
        self._packet_bytes_max: int | None = None
        self._aliases: dict[str, int] = {}
        self._aliases_max = 0
        self.progress = 0.0
        """When the peer last acknowledged something, or had nothing to acknowledge."""

    @property
    def unacked(self) -> int:
        """Publishes taken over and not yet acknowledged."""
        return len(self._in_flight) + len(self._backlog)

    @property
    def in_flight(self) -> int:
        """Those of them that have been sent on this connection."""
        return len(self._in_flight)

    @property
    def room(self) -> int:
        """Publishes that would leave at once."""
        return max(self._window - self.unacked, 0)

    def opened(self, window: int, packet_bytes_max: int | None, aliases_max: int, session_present: bool) -> None:
        """CONNACK came, with the peer's receive maximum, its largest packet, and the aliases that it takes."""
        self._window = min(window, LINK_IN_FLIGHT_MAX)
        self._packet_bytes_max = packet_bytes_max
        self._aliases_max = aliases_max
        if not session_present:
            for entry in self._backlog:
                entry.packet_id, entry.sent = 0, False

    def closed(self) -> None:
        """The connection is gone. What it left unacknowledged goes first on the next one."""
        self._window = 0
        self._aliases.clear()
        self._backlog.extendleft(reversed(self._in_flight.values()))
        self._in_flight.clear()

    def publish(
        self,
        topic: str,
        payload: bytes,
        now: float,
        *,
        qos: int = 1,
        retain: bool = False,
        expiry_s: float | None = None,
        on_ack: OnAck | None = None,
    ) -> bool:
        """Takes over one publish; False when window and backlog are full. A QoS 1 publish taken over is sent until the
        peer acknowledges it or it expires."""
        limit = self._packet_bytes_max
        if limit is not None and len(payload) + len(topic.encode()) + _OVERHEAD_BYTES_MAX > limit:
            if on_ack is not None:
                on_ack(TOO_LARGE)
            return True
        if qos == 0:
            self._write_publish(_Entry(topic, payload, retain, None, None), QoS.AT_MOST_ONCE, expiry_s)
            return True
        entry = _Entry(topic, payload, retain, None if expiry_s is None else now + expiry_s, on_ack)
        if not self._backlog and len(self._in_flight) < self._window:
            self._send(entry, now)
            return True
        if len(self._backlog) >= LINK_BACKLOG_MAX:
            return False
        self._backlog.append(entry)
        return True

    def acknowledged(self, packet_id: int, code: int, now: float) -> None:
        """The peer has answered a publish. Answers to unknown identifiers are old news."""
        entry = self._in_flight.pop(packet_id, None)
        if entry is None:
            return
        self.progress = now
        if entry.on_ack is not None:
            entry.on_ack(code)

    def send_backlog(self, now: float) -> None:
        """In order, as far as the window goes. What expired while it waited is dropped and its owner notified."""
        while self._backlog and len(self._in_flight) < self._window:
            entry = self._backlog.popleft()
            if entry.expires is None or entry.expires > now:
                self._send(entry, now)
            elif entry.on_ack is not None:
                entry.on_ack(EXPIRED)

    def _send(self, entry: _Entry, now: float) -> None:
        if not self._in_flight:
            self.progress = now
        packet_id = entry.packet_id = entry.packet_id or self._next_packet_id()
        expiry_s = None if entry.expires is None else entry.expires - now
        self._in_flight[packet_id] = entry
        self._write_publish(entry, QoS.AT_LEAST_ONCE, expiry_s)
        entry.sent = True

    def _next_packet_id(self) -> int:
        """Ends: the window is far smaller than the number of identifiers."""
        while True:
            self._packet_id = self._packet_id % PACKET_IDS + 1
            if self._packet_id not in self._in_flight:
                return self._packet_id

    def _write_publish(self, entry: _Entry, qos: QoS, expiry_s: float | None) -> None:
        topic, alias = entry.topic, None
        if self._aliases_max:
            alias = self._aliases.get(topic)
            if alias is not None:
                topic = ""
            elif len(self._aliases) < self._aliases_max:
                alias = self._aliases[topic] = len(self._aliases) + 1
        packet = PublishPacket(
            topic,
            entry.payload,
            qos=qos,
            retain=entry.retain,
            packet_id=entry.packet_id or None,
            duplicate=entry.sent,
            # Whole seconds, rounded up: an answer must not expire before its time.
            message_expiry_interval=None if expiry_s is None else max(int(-(-expiry_s // 1)), 1),
            topic_alias=alias,
        )
        self._write(packet.write())
