"""One client on one connection, without any I/O: bytes and time go in; publishes go to the receiver; bytes come out.

All packets of one read become one call of `Receiver.received`.

A connection that breaks a rule is told which one (5.0) or closed (3.1.1), after everything that came before in the same
read has been handed over.
"""

from collections.abc import Callable
from typing import Final

from ..errors import Reason
from ..limits import (
    CONNECT_BYTES_MAX,
    CONNECT_DEADLINE_S,
    OVER_QUOTA_CLOSE_S,
    RECEIVE_MAX,
    SESSION_EXPIRY_S_MAX,
    TOPIC_ALIAS_MAX,
    TOPICS_CACHED_MAX,
)
from ..model import Publish
from . import codec, v311
from .acks import Acks
from .codec import (
    ConnAckPacket,
    ConnAckReasonCode,
    ConnectPacket,
    Decoder,
    DisconnectPacket,
    DisconnectReasonCode,
    MalformedPacket,
    Packet,
    PacketTooLarge,
    PingReqPacket,
    PubAckPacket,
    PubAckReasonCode,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubscribePacket,
    UnsubAckPacket,
    UnsubscribePacket,
)
from .connect import V5, UnsupportedVersion, admit, is_authentic, keep_alive_s, level_of, welcome
from .sessions import Session, Sessions
from .topics import parse_up

_CONNECT: Final = 0x10
_PINGRESP: Final = b"\xd0\x00"
_CONNACK_V31: Final = b"\x20\x02\x00\x01"  # "unacceptable protocol version"
_KEEP_ALIVE_SLACK: Final = 1.5  # MQTT 5.0, 3.1.2.10
_LOOK_S: Final = 30.0  # a closed connection stays on the wheel no longer than this


class Connection:
    """`out` holds the bytes to write. `closing` says: write them, then close. The shell sets `choked`
    while the peer does not read, and `held` while we do not. `notify` is called when `out`, `closing` or `wants_more`
    may have changed."""

    def __init__(self, sessions: Sessions, now: float, notify: Callable[[], None]) -> None:
        self.out = bytearray()
        self.closing = False
        self.choked = False
        self.held = False
        self.heard_at = now
        self.version = 0
        self.session: Session | None = None
        self.username: str | None = None
        self.password = b""
        self._sessions, self._notify = sessions, notify
        self._receiver = sessions.receiver
        self._due = self._next = now + CONNECT_DEADLINE_S
        self._decoder = Decoder(min(CONNECT_BYTES_MAX, sessions.rules.packet_bytes_max), self._first)
        self._write: Callable[[Packet], bytes] = _write_v5
        self._client = self._prefix = ""
        self._kinds: dict[str, str] = {}
        self._aliases: dict[int, str] = {}
        self._keep_alive_s = 0.0
        self._close_at: float | None = None
        self._present = False
        self._acks = Acks(plain=False, texts=False)
        sessions.wheel.add(self._next, self)

    # -- what the shell calls ------------------------------------------------------------------------------------------

    @property
    def wants_more(self) -> bool:
        """Whether to go on reading. A 3.1.1 client knows no receive maximum, so it is held back here instead."""
        return self.version == V5 or len(self._acks) < RECEIVE_MAX

    def receive(self, data: bytes, now: float, read_at: float) -> None:
        """The bytes of one read, at least one. `read_at` is passed on to the receiver."""
        if self.closing:
            return
        self.heard_at = now
        broken: MalformedPacket | None = None
        try:
            if not self.version and not self._decoder.buffered and data[0] != _CONNECT:
                raise MalformedPacket("the first packet is no CONNECT")
            packets = self._decoder.feed(data)
        except MalformedPacket as error:
            packets, broken = error.packets, error
        publishes: list[Publish] = []
        delivered: list[int] = []
        for packet in packets:
            if type(packet) is PublishPacket:
                self._publish(packet, publishes)
            elif type(packet) is PubAckPacket:
                self._acknowledged(packet, delivered)
            else:
                self._control(packet, now)
            if self.closing:
                break
        if publishes:
            self._hand_over(publishes, now, read_at)
        if delivered:
            self._receiver.delivered(self._client, delivered)
        self._acks.settle(self.out)
        self._put_off()
        if broken is not None and not self.closing:
            self._broken(broken)
        if self.closing:
            self._leave(now)
        elif delivered:
            self.drained()
        if self.out or self.closing:
            self._notify()

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        """`model.Source`: everything about these publishes is on disk and sent."""
        if not self.closing:
            self._acks.acknowledge(tokens, reasons, self.out)
            self._put_off()
        self._notify()

    def wake(self) -> None:
        """New answers are there, or room for them."""
        if self.session is None or self.closing:
            return
        if self.choked:
            self.session.delivery.postpone()
            return
        self.session.delivery.pull(self._receiver, self.out)
        if self.out:
            self._notify()

    def drained(self) -> None:
        """The peer has acknowledged or read something: go on where `pull` had stopped."""
        if self.session is not None and self.session.delivery.ready:
            self.wake()

    def lost(self, now: float) -> None:
        """The transport is gone."""
        self.closing = True
        self._leave(now)

    def end(self, reason: DisconnectReasonCode, now: float) -> None:
        """The server closes the connection, and says why where the version can."""
        if not self.closing:
            self._farewell(reason)
            self._leave(now)
            self._notify()

    def expire(self, now: float) -> float | None:
        """`sessions.Mortal`: the deadline of CONNECT, the keepalive, and a close that was put off."""
        if self.closing or now < self._next:  # (an earlier look was put in its place)
            return None
        if self.held:
            self.heard_at = now
        if self.session is not None:
            self._due = self.heard_at + self._keep_alive_s
        if now >= self._due:
            self.end(DisconnectReasonCode.KEEP_ALIVE_TIMEOUT, now)
        elif self._close_at is not None and now >= self._close_at:
            self.end(DisconnectReasonCode.QUOTA_EXCEEDED, now)
        self._next = min(self._due, self._close_at or self._due, now + _LOOK_S)
        return self._next

    def _look_at(self, at: float) -> None:
        if at < self._next:
            self._next = at
            self._sessions.wheel.add(at, self)

    # -- the handshake -------------------------------------------------------------------------------------------------

    def _first(self, packet: memoryview) -> Packet:
        """Decode the first packet, which tells the version of all others."""
        self.version = level_of(packet)
        if self.version != V5:
            self._decoder.read, self._write = v311.read, v311.write
        else:
            self._decoder.read = codec.read
        connect = self._decoder.read(packet)
        self._decoder.packet_bytes_max = self._sessions.rules.packet_bytes_max
        return connect

    def _connect(self, packet: ConnectPacket, now: float) -> None:
        if self.session is not None:
            self._farewell(DisconnectReasonCode.PROTOCOL_ERROR)
            return
        entered = admit(packet, self.version, self._sessions)
        if not isinstance(entered, ConnAckReasonCode):
            name, client_id = entered
            self.username, self.password = packet.username, packet.password or b""
            expiry_s = min(packet.session_expiry_interval, SESSION_EXPIRY_S_MAX)
            entered = self._sessions.enter(self, name, client_id, clean=packet.clean_start, expiry_s=expiry_s, now=now)
        if isinstance(entered, ConnAckReasonCode):
            self._sessions.connects_refused += 1
            self._send(ConnAckPacket(reason_code=entered))
            self.closing = True
            return
        session, present = entered
        rules = self._sessions.rules
        self.session, self._present = session, True
        self._client = session.identity.name
        self._prefix = f"ds/{rules.name}/up/{self._client}/"
        self._acks = Acks(plain=self.version != V5, texts=packet.request_problem_info)
        self._keep_alive_s = keep_alive_s(packet) * _KEEP_ALIVE_SLACK
        self._look_at(now + self._keep_alive_s)
        self._send(welcome(packet, session, present=present, packet_bytes_max=rules.packet_bytes_max))
        session.delivery.connect(self._write, packet.receive_max, packet.max_packet_size, expires=self.version == V5)
        self.wake()

    def is_authentic(self) -> bool:
        """Whether the credentials of the CONNECT are (still) good."""
        return self.username is None or is_authentic(self.username, self.password, self._sessions)

    # -- towards the node ----------------------------------------------------------------------------------------------

    def _publish(self, packet: PublishPacket, publishes: list[Publish]) -> None:
        packet_id = packet.packet_id
        kind = self._kinds.get(packet.topic)
        if kind is None or packet.retain or packet_id == 0 or packet.topic_alias is not None:
            kind = self._look_closer(packet)
        if packet_id is None:
            if type(kind) is str:
                publishes.append(Publish(self._client, kind, packet.payload, 0, 0))
            return
        if packet.qos == QoS.EXACTLY_ONCE:
            self._farewell(DisconnectReasonCode.QOS_NOT_SUPPORTED)
            return
        if kind is None or self.closing:
            return
        if len(self._acks) >= RECEIVE_MAX and self.version == V5:
            self._farewell(DisconnectReasonCode.RECEIVE_MAX_EXCEEDED)
            return
        token = self._acks.expect(packet_id)
        if type(kind) is str:
            publishes.append(Publish(self._client, kind, packet.payload, 1, token))
        else:
            self._acks.refuse(token, kind)

    def _look_closer(self, packet: PublishPacket) -> str | PubAckReasonCode | None:
        """The kind of a publish that is not plain, or the code that refuses it; None where the connection closes."""
        topic, alias = packet.topic, packet.topic_alias
        if packet.retain:
            return self._farewell(DisconnectReasonCode.RETAIN_NOT_SUPPORTED)
        if packet.packet_id == 0:
            return self._farewell(DisconnectReasonCode.MALFORMED_PACKET)
        if alias is not None:
            if alias > TOPIC_ALIAS_MAX:
                return self._farewell(DisconnectReasonCode.TOPIC_ALIAS_INVALID)
            if topic:
                self._aliases[alias] = topic
            elif alias not in self._aliases:
                return self._farewell(DisconnectReasonCode.PROTOCOL_ERROR)
            topic = self._aliases[alias]
        kind = self._kinds.get(topic)
        if kind is not None:
            return kind
        parsed = parse_up(topic, self._prefix)
        if type(parsed) is str:
            if len(self._kinds) < TOPICS_CACHED_MAX:
                self._kinds[topic] = parsed
            return parsed
        self._receiver.shed(self._client, Reason.FORBIDDEN_TOPIC, 1)
        if self.version != V5 and packet.packet_id is not None:
            return self._farewell(DisconnectReasonCode.NOT_AUTHORIZED)
        return parsed

    def _hand_over(self, publishes: list[Publish], now: float, read_at: float) -> None:
        """Give the receiver what is within the quota."""
        assert self.session is not None
        allowed = self.session.identity.take(len(publishes), now)
        if allowed < len(publishes):
            for publish in publishes[allowed:]:
                if publish.token:
                    self._acks.refuse(publish.token, Reason.OVER_QUOTA)
            self._receiver.shed(self._client, Reason.OVER_QUOTA, len(publishes) - allowed)
            del publishes[allowed:]
        if publishes:
            self._receiver.received(self, publishes, read_at)

    def _put_off(self) -> None:
        """A 3.1.1 client waits for ever for what could not be acknowledged: make it come back."""
        if self._acks.withheld and self._close_at is None:
            self._close_at = self.heard_at + OVER_QUOTA_CLOSE_S
            self._look_at(self._close_at)

    # -- everything else -----------------------------------------------------------------------------------------------

    def _acknowledged(self, packet: PubAckPacket, delivered: list[int]) -> None:
        assert self.session is not None
        sequence = self.session.delivery.acknowledged(packet.packet_id)
        if sequence is not None:
            delivered.append(sequence)

    def _control(self, packet: Packet, now: float) -> None:
        match packet:
            case PingReqPacket():
                self.out += _PINGRESP
            case SubscribePacket():
                self._subscribe(packet)
            case UnsubscribePacket():
                self._unsubscribe(packet)
            case ConnectPacket():
                self._connect(packet, now)
            case DisconnectPacket():
                self._disconnect(packet)
            case _:
                self._farewell(DisconnectReasonCode.PROTOCOL_ERROR)

    def _subscribe(self, packet: SubscribePacket) -> None:
        assert self.session is not None
        if packet.subscription_id is not None:
            self._farewell(DisconnectReasonCode.SUBSCRIPTION_IDS_NOT_SUPPORTED)
            return
        if not packet.packet_id or not packet.topic_filters:
            self._farewell(DisconnectReasonCode.MALFORMED_PACKET)
            return
        codes = [self.session.delivery.subscribe(wanted) for wanted in packet.topic_filters]
        self._send(SubAckPacket(packet.packet_id, codes))
        self.wake()

    def _unsubscribe(self, packet: UnsubscribePacket) -> None:
        assert self.session is not None
        if not packet.packet_id or not packet.patterns:
            self._farewell(DisconnectReasonCode.MALFORMED_PACKET)
            return
        codes = [self.session.delivery.unsubscribe(pattern) for pattern in packet.patterns]
        self._send(UnsubAckPacket(packet.packet_id, codes))

    def _disconnect(self, packet: DisconnectPacket) -> None:
        assert self.session is not None
        expiry_s = packet.session_expiry_interval
        if expiry_s is not None:
            if expiry_s and not self.session.expiry_s:
                self._farewell(DisconnectReasonCode.PROTOCOL_ERROR)
                return
            self.session.expiry_s = min(expiry_s, SESSION_EXPIRY_S_MAX)
        self.closing = True

    def _broken(self, error: MalformedPacket) -> None:
        if self.session is not None:
            large = isinstance(error, PacketTooLarge)
            self._receiver.shed(self._client, Reason.OVERSIZED if large else Reason.MALFORMED, 1)
            self._farewell(
                DisconnectReasonCode.PACKET_TOO_LARGE if large else DisconnectReasonCode.MALFORMED_PACKET, str(error)
            )
            return
        self._sessions.connects_refused += 1
        if isinstance(error, UnsupportedVersion):
            if error.level > V5:
                self._send(ConnAckPacket(reason_code=ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION))
            else:
                self.out += _CONNACK_V31
        elif self.version == V5:
            self._send(ConnAckPacket(reason_code=ConnAckReasonCode.MALFORMED_PACKET))
        self.closing = True

    def _farewell(self, reason: DisconnectReasonCode, text: str | None = None) -> None:
        """Close after this packet, with a DISCONNECT where a connected client understands it."""
        if self.closing:
            return
        if self.session is not None and self.version == V5:
            self._send(DisconnectPacket(reason_code=reason, reason_str=text))
        self.closing = True

    def _leave(self, now: float) -> None:
        if self._present and self.session is not None:
            self._present = False
            self._sessions.leave(self, self.session, now)

    def _send(self, packet: Packet) -> None:
        self.out += self._write(packet)


def _write_v5(packet: Packet) -> bytes:
    return packet.write()
