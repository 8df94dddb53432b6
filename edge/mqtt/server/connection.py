"""One client on one connection, without any I/O: bytes and time go in; publishes go to the receiver; bytes come out.

All packets of one read become one call of `Receiver.received`.

A connection that breaks a rule gets the reason (5.0) or is closed (3.1.1), after everything that came before in the
same read has been handed over.
"""

from collections.abc import Callable, Sequence
from typing import Final

from ...errors import Reason
from ...limits import CONNECT_BYTES_MAX, CONNECT_DEADLINE_S, OVER_QUOTA_CLOSE_S, RECEIVE_MAX, WORK_PER_PUBLISH
from ..packets import codec, v311
from ..packets.codec import ConnAckReasonCode, Decoder, DisconnectReasonCode, MalformedPacket, Packet, PubAckReasonCode
from ..packets.fastpath import Parsed, parse
from ..seam import Pending, Publish
from .acks import Acks
from .connect import V5, admit, is_authentic, keep_alive_s, level_of, rejection, welcome
from .sessions import Session, Sessions, client_budget, unauthenticated_budget
from .topics import Topics

_CONNECT: Final = 0x10
_PINGRESP: Final = b"\xd0\x00"
_KEEP_ALIVE_SLACK: Final = 1.5  # MQTT 5.0, 3.1.2.10
_LOOK_S: Final = 30.0  # a closed connection stays in the queue no longer than this


def _do_nothing() -> None:
    """Nobody is left who could write."""


class Connection:
    """`out` holds the bytes to write. `closing`: write them, then close. The shell sets `write_paused` while the peer
    does not read, and `held` while we do not, and adds what a read cost by itself to `work`. `notify` is called when
    `out`, `closing` or `wants_more` may have changed."""

    __slots__ = (
        "_acks",
        "_client",
        "_close_at",
        "_decoder",
        "_due",
        "_keep_alive_s",
        "_next",
        "_notify",
        "_present",
        "_receiver",
        "_sessions",
        "_topics",
        "_write",
        "budget",
        "closing",
        "out",
        "password",
        "read_paused",
        "received_at",
        "session",
        "username",
        "version",
        "work",
        "write_paused",
    )

    def __init__(self, sessions: Sessions, now: float, notify: Callable[[], None]) -> None:
        self.out = bytearray()
        self.closing = self.write_paused = self.read_paused = False
        self.received_at = now
        self.version = self.work = 0
        self.budget = unauthenticated_budget(now)
        self.session: Session | None = None
        self.username: str | None = None
        self.password = b""
        self._sessions, self._notify = sessions, notify
        self._receiver = sessions.receiver
        self._due = self._next = now + CONNECT_DEADLINE_S
        self._decoder = Decoder(min(CONNECT_BYTES_MAX, sessions.rules.packet_bytes_max), self._first)
        self._write: Callable[[Packet], bytes] = codec.write
        self._client, self._topics = "", Topics("")
        self._keep_alive_s, self._present = 0.0, False
        self._close_at: float | None = None
        self._acks = Acks(plain=False, texts=False)
        sessions.deadlines.add(self._next, self)

    # -- what the shell calls ------------------------------------------------------------------------------------------

    @property
    def wants_more(self) -> bool:
        """Whether to go on reading. A 3.1.1 client knows no receive maximum, so it is held back here instead."""
        return self.budget.left > 0 and (self.version == V5 or self._acks.waiting < RECEIVE_MAX)

    def receive(self, data: bytes, now: float, read_at: float) -> None:
        """The bytes of one read, at least one. `read_at` is passed on to the receiver."""
        if self.closing:
            return
        self.received_at = now
        broken: MalformedPacket | None = None
        publishes: list[Publish] = []
        delivered: list[int] = []
        try:
            if self._decoder.tail:
                data = self._decoder.join(data)
            elif not self.version and data[0] != _CONNECT:
                raise MalformedPacket("the first packet is no CONNECT")
            self._read(data, now, publishes, delivered)
        except MalformedPacket as error:
            broken = error
        if publishes:
            self._hand_over(publishes, now, read_at)
        if delivered:
            self._receiver.delivered(self._client, delivered)
        if self._acks.known:
            self._acks.settle(self.out)
            self._schedule_close()
        if broken is not None and not self.closing:
            self._protocol_error(broken)
        self.work -= WORK_PER_PUBLISH * (len(publishes) + len(delivered))
        if self.work > 0 or self.budget.left < self.budget.burst:
            self.charge(now)
        self.work = 0
        if self.closing:
            self._detach(now)
        elif delivered and self.session is not None and self.session.outbound.more:
            self.drained()
        if self.out or self.closing:
            self._notify()

    def charge(self, now: float) -> None:
        """Take `work` from the budget. Without one an unauthenticated client is closed, any other paused."""
        enough, self.work = self.budget.spend(self.work, now), 0
        if enough or self.closing:
            return
        if self.session is None:
            self._sessions.connects_refused += 1
            self.closing = True
            self._notify()
        else:
            self._sessions.held_back += 1
            self._look_at(now + self.budget.wait_s)

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        """`model.Source`: everything about these publishes is on disk and sent."""
        if not self.closing:
            self._acks.acknowledge(tokens, reasons, self.out)
            if self._acks.withheld:
                self._schedule_close()
        self._notify()

    def wake(self, fresh: Sequence[Pending] = ()) -> None:
        """New answers are there, or room for them."""
        if (session := self.session) is None or self.closing:
            return
        if self.write_paused:
            session.outbound.postpone()
            return
        session.outbound.push(fresh, self._receiver, self.out)
        if self.out:
            self._notify()

    def drained(self) -> None:
        """The peer has acknowledged or read something: go on where `pull` had stopped."""
        if self.session is not None and self.session.outbound.ready:
            self.wake()

    def lost(self, now: float) -> None:
        """The transport is gone."""
        self.closing = True
        self._detach(now)
        # The deadline queue keeps this for up to _LOOK_S. Without the ways back there is no cycle, so then it is gone;
        # cycles wait for the collector, which looks at what is that old after some million objects: on a calm node
        # never.
        self._notify, self._decoder.read = _do_nothing, codec.read

    def end(self, reason: DisconnectReasonCode, now: float) -> None:
        """The server closes the connection, with a reason where the version has one."""
        if not self.closing:
            self._disconnect_with(reason)
            self._detach(now)
            self._notify()

    def expire(self, now: float) -> float | None:
        """`sessions.Expirable`: the deadline of CONNECT, the keepalive, and a delayed close."""
        if self.closing or now < self._next:  # (an earlier look was put in its place)
            return None
        if self.read_paused:
            self.received_at = now
        if self.session is not None:
            self._due = self.received_at + self._keep_alive_s
        if now >= self._due:
            self.end(DisconnectReasonCode.KEEP_ALIVE_TIMEOUT, now)
        elif self._close_at is not None and now >= self._close_at:
            self.end(DisconnectReasonCode.QUOTA_EXCEEDED, now)
        wait_s = _LOOK_S
        if self.budget.left <= 0:
            wait_s = _LOOK_S if self.budget.spend(0, now) else self.budget.wait_s
            self._notify()
        self._next = min(self._due, self._close_at or self._due, now + wait_s)
        return self._next

    def _look_at(self, at: float) -> None:
        if at < self._next:
            self._next = at
            self._sessions.deadlines.add(at, self)

    # -- the handshake -------------------------------------------------------------------------------------------------

    def _first(self, packet: memoryview) -> Packet:
        """Decode the first packet, which has the version of all others."""
        self.version = level_of(packet)
        if self.version != V5:
            self._decoder.read, self._write = v311.read, v311.write
        else:
            self._decoder.read = codec.read
        connect = self._decoder.read(packet)
        self._decoder.packet_bytes_max = self._sessions.rules.packet_bytes_max
        return connect

    def _connect(self, packet: codec.ConnectPacket, now: float) -> None:
        if self.session is not None:
            self._disconnect_with(DisconnectReasonCode.PROTOCOL_ERROR)
            return
        entered = admit(packet, self.version, self._sessions)
        if not isinstance(entered, ConnAckReasonCode):
            name, client_id = entered
            self.username, self.password = packet.username, packet.password or b""
            expiry_s = packet.session_expiry_interval
            entered = self._sessions.enter(self, name, client_id, clean=packet.clean_start, expiry_s=expiry_s, now=now)
        if isinstance(entered, ConnAckReasonCode):
            self._sessions.connects_refused += 1
            self._send(codec.ConnAckPacket(reason_code=entered))
            self.closing = True
            return
        session, present = entered
        self.budget, self.work = client_budget(now), 0
        rules = self._sessions.rules
        self.session, self._present = session, True
        self._client = session.identity.name
        self._topics = Topics(f"ds/{rules.name}/up/{self._client}/")
        self._acks = Acks(plain=self.version != V5, texts=packet.request_problem_info)
        self._keep_alive_s = keep_alive_s(packet) * _KEEP_ALIVE_SLACK
        self._look_at(now + self._keep_alive_s)
        self._send(welcome(packet, session, present=present, packet_bytes_max=rules.packet_bytes_max))
        session.outbound.connect(packet.receive_max, packet.max_packet_size, properties=self.version == V5)
        self.wake()

    def is_authentic(self) -> bool:
        """Whether the credentials of the CONNECT are (still) good."""
        return self.username is None or is_authentic(self.username, self.password, self._sessions)

    # -- towards the node ----------------------------------------------------------------------------------------------

    def _read(self, data: bytes, now: float, publishes: list[Publish], delivered: list[int]) -> None:
        """Go through the packets of a read, until one closes the connection. Raises MalformedPacket."""
        decoder, session, at, plain = self._decoder, self.session, 0, True
        while at < len(data) and not self.closing:
            if plain and session is not None:
                cuts: list[Parsed] = []
                at = parse(data, at, self._topics.known, cuts, self.version == V5, decoder.packet_bytes_max)
                for kind, payload, packet_id in cuts:
                    if not kind:
                        if (sequence := session.outbound.acknowledged(packet_id)) is not None:
                            delivered.append(sequence)
                        else:
                            self.work += 1
                    elif not packet_id:
                        publishes.append(Publish(self._client, kind, payload, 0, 0))
                    elif self._acks.waiting < RECEIVE_MAX or self._has_room():
                        publishes.append(Publish(self._client, kind, payload, 1, self._acks.expect(packet_id)))
                    else:
                        return
                plain = False
                continue
            end = decoder.end_of(data, at)
            if not end:
                break
            self._packet(decoder.read(memoryview(data)[at:end]), now, publishes, delivered)
            at, session, plain = end, self.session, True

    def _packet(self, packet: Packet, now: float, publishes: list[Publish], delivered: list[int]) -> None:
        if type(packet) is codec.PublishPacket:
            self._publish(packet, publishes)
        elif type(packet) is codec.PubAckPacket:
            assert self.session is not None
            if (sequence := self.session.outbound.acknowledged(packet.packet_id)) is not None:
                delivered.append(sequence)
            else:
                self.work += 1
        else:
            self._control(packet, now)
            self.work += 1
        if self.work > 2 * self.budget.burst:
            self._disconnect_with(DisconnectReasonCode.QUOTA_EXCEEDED)

    def _publish(self, packet: codec.PublishPacket, publishes: list[Publish]) -> None:
        packet_id, kind = packet.packet_id, self._topics.kind_of(packet)
        if isinstance(kind, DisconnectReasonCode):
            self._disconnect_with(kind)
            return
        if isinstance(kind, PubAckReasonCode):
            self._receiver.shed(self._client, Reason.FORBIDDEN_TOPIC, 1)
            self.work += 1
            if self.version != V5 and packet_id is not None:
                self._disconnect_with(DisconnectReasonCode.NOT_AUTHORIZED)
        if packet_id is None:
            if isinstance(kind, str):
                publishes.append(Publish(self._client, kind, packet.payload, 0, 0))
        elif packet.qos == codec.QoS.EXACTLY_ONCE:
            self._disconnect_with(DisconnectReasonCode.QOS_NOT_SUPPORTED)
        elif not self.closing and self._has_room():
            token = self._acks.expect(packet_id)
            if isinstance(kind, str):
                publishes.append(Publish(self._client, kind, packet.payload, 1, token))
            else:
                self._acks.refuse(token, kind)

    def _has_room(self) -> bool:
        """Whether one more publish may be in flight. Closes the connection of a 5.0 client that knows it may not."""
        if self._acks.waiting < RECEIVE_MAX or self.version != V5:
            return True
        self._disconnect_with(DisconnectReasonCode.RECEIVE_MAX_EXCEEDED)
        return False

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

    def _schedule_close(self) -> None:
        """A 3.1.1 client waits for ever for what could not be acknowledged: make it come back."""
        if self._acks.withheld and self._close_at is None:
            self._close_at = self.received_at + OVER_QUOTA_CLOSE_S
            self._look_at(self._close_at)

    # -- everything else -----------------------------------------------------------------------------------------------

    def _control(self, packet: Packet, now: float) -> None:
        match packet:
            case codec.PingReqPacket():
                self.out += _PINGRESP
            case codec.SubscribePacket() | codec.UnsubscribePacket():
                self._subscription(packet)
            case codec.ConnectPacket():
                self._connect(packet, now)
            case codec.DisconnectPacket():
                self._disconnect(packet)
            case _:
                self._disconnect_with(DisconnectReasonCode.PROTOCOL_ERROR)

    def _subscription(self, packet: codec.SubscribePacket | codec.UnsubscribePacket) -> None:
        assert self.session is not None
        answer = self.session.outbound.change(packet)
        if isinstance(answer, DisconnectReasonCode):
            self._disconnect_with(answer)
            return
        self._send(answer)
        self.wake()

    def _disconnect(self, packet: codec.DisconnectPacket) -> None:
        assert self.session is not None
        if not self.session.depart(packet.session_expiry_interval):
            self._disconnect_with(DisconnectReasonCode.PROTOCOL_ERROR)
        self.closing = True

    def _protocol_error(self, error: MalformedPacket) -> None:
        if self.session is not None:
            large = isinstance(error, codec.PacketTooLarge)
            self._receiver.shed(self._client, Reason.OVERSIZED if large else Reason.MALFORMED, 1)
            self._disconnect_with(
                DisconnectReasonCode.PACKET_TOO_LARGE if large else DisconnectReasonCode.MALFORMED_PACKET, str(error)
            )
            return
        self._sessions.connects_refused += 1
        self.out += rejection(error, self.version)
        self.closing = True

    def _disconnect_with(self, reason: DisconnectReasonCode, text: str | None = None) -> None:
        """Close after this packet, with a DISCONNECT where a connected client understands it."""
        if self.closing:
            return
        if self.session is not None and self.version == V5:
            self._send(codec.DisconnectPacket(reason_code=reason, reason_str=text))
        self.closing = True

    def _detach(self, now: float) -> None:
        if self._present and self.session is not None:
            self._present = False
            self._sessions.leave(self, self.session, now)

    def _send(self, packet: Packet) -> None:
        self.out += self._write(packet)
