"""One client on one connection, without any I/O: bytes and time go in; publishes go to the receiver; bytes come out.

All packets of one read become one call of `Receiver.received`. Acknowledgements leave in the order of the publishes
(MQTT 5.0, 4.6): a publish may be refused at once while an earlier one is still on its way to the disk.

A connection that breaks a rule gets the reason (5.0) or is closed (3.1.1), after everything that came before in the
same read has been handed over.
"""

from collections.abc import Callable
from typing import Final

from ...errors import Reason
from ...limits import CONNECT_DEADLINE_S, RECEIVE_MAX
from ...messages.grants import EVERYBODY
from ..packets import codec, v311
from ..packets.codec import ConnAckReasonCode, Decoder, DisconnectReasonCode, MalformedPacket, Packet, PacketTooLarge
from ..packets.fastpath import Parsed, parse
from ..seam import Publish
from .acks import PUBACK, Acks
from .budgets import client_budget, unauthenticated_budget
from .connect import CREDENTIALS, V5, admit, keep_alive_s, level_of, rejection, welcome
from .sessions import OVERSIZED_SKIPPED_S, Session, Sessions, Transport
from .topics import Topics

CONNECT_BYTES_MAX: Final = 8 * 1024
"""The first packet of a connection: names, a token and a will. Larger ones are not even buffered."""

WORK_PER_PUBLISH: Final = 8
"""What each publish or acknowledgement pays for: some libraries send each field of a PUBLISH as a frame of its own."""

OVER_QUOTA_CLOSE_S: Final = 5.0
"""A 3.1.1 publish over quota (or while the disk is full) cannot be refused, only left unacknowledged. The connection
is closed this long after the first one, so that the client comes back and sends it again."""

_CONNECT: Final = 0x10
_PINGRESP: Final = b"\xd0\x00"
_KEEP_ALIVE_SLACK: Final = 1.5  # MQTT 5.0, 3.1.2.10
_LOOK_S: Final = 30.0  # a closed connection stays in the queue no longer than this


class Connection:
    """`out` holds the bytes to write. `closing`: write them, then close. Its `transport` sets `write_paused` while the
    peer does not read, and `read_paused` while we do not, adds what a read cost by itself to `work`, and is flushed
    when `out`, `closing` or `wants_more` may have changed."""

    __slots__ = (
        "_acks",
        "_client",
        "_close_at",
        "_decoder",
        "_entered",
        "_keep_alive_s",
        "_next",
        "_receiver",
        "_sessions",
        "_topics",
        "_write",
        "address",
        "budget",
        "closing",
        "grant",
        "out",
        "proof",
        "read_paused",
        "received_at",
        "session",
        "transport",
        "version",
        "work",
        "write_paused",
    )

    def __init__(self, sessions: Sessions, now: float, transport: Transport) -> None:
        self.transport: Transport | None = transport
        self.out = bytearray()
        self.closing = self.write_paused = self.read_paused = self._entered = False
        self.received_at = now
        self.version = self.work = 0
        self.budget = unauthenticated_budget(now)
        self.session: Session | None = None
        self.proof: tuple[str, bytes] | None = None  # user name and password
        self.address = ""  # of the peer, without the port; set by the transport
        self._sessions, self._receiver = sessions, sessions.receiver
        self._decoder = Decoder(min(CONNECT_BYTES_MAX, sessions.options.packet_bytes_max))
        self._write: Callable[[Packet], bytes] = codec.write
        self._client, self._topics = "", Topics("")
        self._acks = Acks()
        self._keep_alive_s = CONNECT_DEADLINE_S
        self._close_at = float("inf")
        self.grant = EVERYBODY
        self._next = now + CONNECT_DEADLINE_S
        sessions.deadlines.add(self._next, self)

    # -- what the transport calls --------------------------------------------------------------------------------------

    @property
    def wants_more(self) -> bool:
        """Whether to go on reading. A 3.1.1 client knows no receive maximum, so it is held back here instead."""
        return self.budget.left > 0 and (self.version == V5 or len(self._acks.order) < RECEIVE_MAX)

    def receive(self, data: bytes, now: float, read_at: float) -> None:
        """The bytes of one read, at least one. `read_at` is passed on to the receiver."""
        if self.closing:
            return
        broken: MalformedPacket | None = None
        publishes: list[Publish] = []
        delivered: list[int] = []
        if self.session is not None:
            self.received_at = now
        try:
            self._read(data, now, publishes, delivered)
        except MalformedPacket as error:
            broken = error
        if publishes and self.session is not None:
            allowed = self.session.identity.take(len(publishes), now)
            if allowed < len(publishes):
                self._refuse(publishes, allowed)
            if publishes:
                self._receiver.received(self, publishes, read_at)
        if delivered:
            self._receiver.delivered(self._client, delivered)
        if self._acks.known:
            self._write_acks(self._acks.settle())
        if broken is not None and not self.closing:
            self._protocol_error(broken, now)
        self.work -= WORK_PER_PUBLISH * (len(publishes) + len(delivered))
        if self.work > 0 or self.budget.left < self.budget.burst:
            self.charge(now)
        self.work = 0
        if self.closing:
            self._detach(now)
        elif delivered:
            self.drained()
        if self.out or self.closing:
            self._sessions.flush_soon(self)

    def charge(self, now: float) -> None:
        """Take `work` from the budget. Without one an unauthenticated client is closed, any other paused."""
        enough, self.work = self.budget.spend(self.work, now), 0
        if enough or self.closing:
            return
        if self.session is None:
            self._sessions.refuse(self, "budget", now)
            self._sessions.flush_soon(self)
        else:
            self._sessions.held_back += 1
            self._look_at(now + self.budget.wait_s)

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        """`seam.Source`: everything about these publishes is on disk and sent. Token 0 and unknown ones are passed
        over."""
        if self.closing:
            return
        self._write_acks(self._acks.decided(tokens, reasons))
        self._sessions.flush_soon(self)

    def drained(self) -> None:
        """The peer has acknowledged or read something: go on where answers had to wait."""
        if self.session is not None and self.session.outbound.ready:
            self._pull()

    def lost(self, now: float) -> None:
        """The transport is gone."""
        self.closing = True
        self._detach(now)
        # The deadline queue keeps this for up to _LOOK_S. Without the way back there is no cycle, so then it is gone;
        # cycles wait for the collector, which looks at what is that old after some million objects: on a calm node
        # never.
        self.transport = None

    def end(self, reason: DisconnectReasonCode, now: float) -> None:
        """The server closes the connection, with a reason where the version has one."""
        if not self.closing:
            self._disconnect_with(reason)
            self._detach(now)
            self._sessions.flush_soon(self)

    def expire(self, now: float) -> float | None:
        """`sessions.Expirable`: the deadline of CONNECT, the keepalive, and a delayed close."""
        if self.closing or now < self._next:  # (an earlier look was put in its place)
            return None
        if self.read_paused:
            self.received_at = now
        due, wait_s = self.received_at + self._keep_alive_s, _LOOK_S
        if now >= due and self.session is None:
            self._sessions.refuse(self, "silent", now)
            self._sessions.flush_soon(self)
        elif now >= due:
            self.end(DisconnectReasonCode.KEEP_ALIVE_TIMEOUT, now)
        elif now >= self._close_at:
            self.end(DisconnectReasonCode.NOT_AUTHORIZED, now)  # (3.1.1 has no reasons)
        if self.closing:
            return None
        if self.budget.left <= 0:
            wait_s = _LOOK_S if self.budget.spend(0, now) else self.budget.wait_s
            self._sessions.flush_soon(self)
        self._next = min(due, self._close_at, now + wait_s)
        return self._next

    # -- towards the node ----------------------------------------------------------------------------------------------

    def _read(self, data: bytes, now: float, publishes: list[Publish], delivered: list[int]) -> None:
        """Go through the packets of a read, until one closes the connection. Raises MalformedPacket."""
        decoder, at, plain, acks = self._decoder, 0, True, self._acks
        order = acks.order
        if decoder.skipping:
            at = min(decoder.skipping, len(data))
            decoder.skipping -= at
            self.work += 1
        elif decoder.tail:
            data = decoder.join(data)
        elif not self.version and data[0] != _CONNECT:
            raise MalformedPacket("the first packet is no CONNECT")
        while at < len(data) and not self.closing:
            if plain and (session := self.session) is not None:
                cuts: list[Parsed] = []
                at = parse(data, at, self._topics.known, cuts, self.version == V5, decoder.packet_bytes_max)
                for kind, payload, packet_id in cuts:
                    if not kind:
                        if (sequence := session.outbound.acknowledged(packet_id)) is not None:
                            delivered.append(sequence)
                        else:
                            self.work += 1
                    elif not packet_id:
                        publishes.append(Publish(self._client, kind, payload, 0, 0, self.grant))
                    elif len(order) < RECEIVE_MAX or self._has_room():
                        order.append(PUBACK | packet_id)
                        token = acks.base + len(order) - 1
                        publishes.append(Publish(self._client, kind, payload, 1, token, self.grant))
                    else:
                        return
                plain = False
                continue
            try:
                end = decoder.end_of(data, at)
            except PacketTooLarge as error:
                if not (end := self._skip(data, at, error)):
                    break
                at, plain = end, True
                continue
            if not end:
                break
            packet = memoryview(data)[at:end]
            if not self.version:
                self._negotiate(packet)
            self._packet(decoder.read(packet), now, publishes, delivered)
            at, plain = end, True

    def _packet(self, packet: Packet, now: float, publishes: list[Publish], delivered: list[int]) -> None:
        self.work += 1
        match packet:
            case codec.PublishPacket():
                self._publish(packet, publishes)
            case codec.PubAckPacket() if self.session is not None:
                if (sequence := self.session.outbound.acknowledged(packet.packet_id)) is not None:
                    delivered.append(sequence)
                    self.work -= 1
            case codec.PubRelPacket() if self.session is not None:
                self.out += self._acks.release(packet.packet_id)
            case codec.PingReqPacket():
                self.out += _PINGRESP
            case codec.SubscribePacket() | codec.UnsubscribePacket() if self.session is not None:
                answer = self.session.outbound.change(packet)
                if isinstance(answer, DisconnectReasonCode):
                    self._disconnect_with(answer)
                else:
                    self.out += self._write(answer)
                    self._pull()
            case codec.ConnectPacket() if self.session is None:
                self._connect(packet, now)
            case codec.DisconnectPacket() if self.session is not None:
                if not self.session.depart(packet.session_expiry_interval):
                    self._disconnect_with(DisconnectReasonCode.PROTOCOL_ERROR)
                self.closing = True
            case _:
                self._disconnect_with(DisconnectReasonCode.PROTOCOL_ERROR)
        if self.work > 2 * self.budget.burst:
            self._disconnect_with(DisconnectReasonCode.QUOTA_EXCEEDED)

    def _publish(self, packet: codec.PublishPacket, publishes: list[Publish]) -> None:
        packet_id, kind = packet.packet_id, self._topics.kind_of(packet)
        self._sessions.retain_ignored += packet.retain
        if isinstance(kind, DisconnectReasonCode):
            self._disconnect_with(kind)
        elif isinstance(kind, str):
            self.work -= 1
            if packet_id is None or self._has_room():
                token = 0 if packet_id is None else self._acks.expect(packet_id, packet.qos)
                publishes.append(Publish(self._client, kind, packet.payload, min(token, 1), token, self.grant))
        else:
            self._receiver.shed(self._client, Reason.FORBIDDEN_TOPIC, 1)
            if packet_id is not None and self._has_room():
                self._acks.refuse(packet_id, packet.qos, kind)

    def _skip(self, data: bytes, at: int, error: PacketTooLarge) -> int:
        """Where a publish over the limit ends that is passed over and refused, because a connection of the client ended
        so before; 0 where too little of it is there. Raises `error` for any other."""
        if self.session is None or self.received_at >= self.session.identity.skips_until:
            raise error
        if (skipped := self._decoder.skip(data, at, error)) is None:
            return 0
        qos, packet_id = skipped
        self._receiver.shed(self._client, Reason.OVERSIZED, 1)
        if packet_id and self._has_room():
            self._acks.refuse(packet_id, qos, codec.PubAckReasonCode.QUOTA_EXCEEDED)
        return at + error.size

    def _has_room(self) -> bool:
        """Whether one more publish may be in flight. Closes the connection of a 5.0 client that knows it may not."""
        if self._acks.in_flight < RECEIVE_MAX or self.version != V5:
            return True
        self._disconnect_with(DisconnectReasonCode.RECEIVE_MAX_EXCEEDED)
        return False

    def _refuse(self, publishes: list[Publish], allowed: int) -> None:
        """Drop the publishes that are over the quota."""
        for publish in publishes[allowed:]:
            if publish.token:
                self._acks.known[publish.token] = Reason.OVER_QUOTA
        self._receiver.shed(self._client, Reason.OVER_QUOTA, len(publishes) - allowed)
        del publishes[allowed:]

    def _write_acks(self, acks: bytes | bytearray) -> None:
        self.out += acks
        if self._acks.withheld and self.received_at + OVER_QUOTA_CLOSE_S < self._close_at:
            # A 3.1.1 client waits for ever for what could not be acknowledged: make it come back.
            self._close_at = self.received_at + OVER_QUOTA_CLOSE_S
            self._look_at(self._close_at)

    # -- from the handshake to the end ---------------------------------------------------------------------------------

    def _negotiate(self, packet: memoryview) -> None:
        """The first packet has the version of all others."""
        self.version = level_of(packet)
        if self.version != V5:
            self._decoder.read, self._write = v311.read, v311.write
        self._decoder.packet_bytes_max = self._sessions.options.packet_bytes_max

    def _connect(self, packet: codec.ConnectPacket, now: float) -> None:
        sessions = self._sessions
        entered = admit(packet, self.version, sessions)
        if isinstance(entered, ConnAckReasonCode):
            self.out += self._write(codec.ConnAckPacket(reason_code=entered))
            sessions.refuse(self, "credentials" if entered in CREDENTIALS else "protocol", now)
            return
        name, client_id, self.grant = entered
        self.proof = (packet.username, packet.password or b"") if packet.username is not None else None
        shop, clean, expiry_s = self.grant.shop, packet.clean_start, packet.session_expiry_interval
        session, present = sessions.enter(self, name, client_id, shop=shop, clean=clean, expiry_s=expiry_s, now=now)
        self.session, self._entered = session, True
        self._acks.codes, self._acks.texts = self.version == V5, packet.request_problem_info
        sessions.unauthenticated.pop(self, None)
        self.budget, self.work = client_budget(now), 1
        self._client = session.identity.name
        self._topics = Topics(f"ds/{sessions.name}/up/{self._client}/")
        self._keep_alive_s, self.received_at = keep_alive_s(packet) * _KEEP_ALIVE_SLACK, now
        if self.grant.expires_at:
            self._close_at = now + self.grant.expires_at - sessions.wall_s()
        self._look_at(min(now + self._keep_alive_s, self._close_at))
        connack = welcome(packet, session, present=present, packet_bytes_max=sessions.options.packet_bytes_max)
        self.out += self._write(connack)
        session.outbound.connect(packet.receive_max, packet.max_packet_size, properties=self.version == V5)
        self._pull()

    def _pull(self) -> None:
        """New answers may be there, or room for them."""
        if self.session is not None:
            self.session.outbound.pull(self)
            if self.out:
                self._sessions.flush_soon(self)

    def _protocol_error(self, error: MalformedPacket, now: float) -> None:
        if self.session is not None:
            large = isinstance(error, PacketTooLarge)
            if large:
                self.session.identity.skips_until = self.received_at + OVERSIZED_SKIPPED_S
            self._receiver.shed(self._client, Reason.OVERSIZED if large else Reason.MALFORMED, 1)
            self._disconnect_with(
                DisconnectReasonCode.PACKET_TOO_LARGE if large else DisconnectReasonCode.MALFORMED_PACKET, str(error)
            )
            return
        self.out += rejection(error, self.version)
        self._sessions.refuse(self, "protocol", now)

    def _disconnect_with(self, reason: DisconnectReasonCode, text: str | None = None) -> None:
        """Close after this packet, with a DISCONNECT where a connected client understands it."""
        if not self.closing and self.session is not None and self.version == V5:
            self.out += codec.DisconnectPacket(reason_code=reason, reason_str=text).write()
        self.closing = True

    def _detach(self, now: float) -> None:
        if self._entered and self.session is not None:
            self._entered = False
            self._sessions.leave(self, self.session, now)

    def _look_at(self, at: float) -> None:
        if at < self._next:
            self._next = at
            self._sessions.deadlines.add(at, self)
