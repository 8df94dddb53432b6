"""One client on one connection, without any I/O: bytes and time go in; publishes go to the receiver; bytes come out.

All packets of one read become one call of `Receiver.received`. Acknowledgements leave in the order of the publishes
(MQTT 5.0, 4.6): a publish may be refused at once while an earlier one is still on its way to the disk.

A connection that breaks a rule gets the reason (5.0) or is closed (3.1.1), after everything that came before in the
same read has been handed over.
"""

from functools import partial
from typing import Final

from ...errors import Reason
from ..limits import CONNECT_DEADLINE_S
from ..packets import codec, v311
from ..packets.codec import (
    NO_LIMIT,
    DisconnectReasonCode,
    MalformedPacket,
    Packet,
    PacketTooLarge,
    ProtocolError,
    worded,
)
from ..seam import Publish
from .budgets import WORK_PER_CONNECT, WORK_PER_PUBLISH, unauthenticated_budget
from .connect import (
    CONNACK_FLAGS_AT,
    V5,
    Refused,
    admit,
    check_budget,
    encoding,
    keep_alive_s,
    last_will,
    rejection,
    session_expiry_s,
    welcome,
)
from .deadlines import Will
from .inbound import Inbound
from .sessions import OVERSIZED_SKIPPED_S, Session, Sessions, Transport

OVER_QUOTA_CLOSE_S: Final = 5.0
"""A 3.1.1 publish over quota (or while the disk is full) cannot be refused, only left unacknowledged. The connection
is closed this long after the first one, so that the client comes back and sends it again."""

_WHYS: Final = {
    int(DisconnectReasonCode.SESSION_TAKEN_OVER): "another connection has this client identifier now",
    int(DisconnectReasonCode.KEEP_ALIVE_TIMEOUT): "nothing came for one and a half times the keepalive",
    int(DisconnectReasonCode.NOT_AUTHORIZED): "the credentials have changed or have ended",
    int(DisconnectReasonCode.QUOTA_EXCEEDED): "this name has too many sessions; this was the one silent for longest",
    int(DisconnectReasonCode.SERVER_SHUTTING_DOWN): "the node is stopping; connect again later",
    int(DisconnectReasonCode.RECEIVE_MAX_EXCEEDED): "more QoS 2 publishes without PUBREL than the receive maximum",
}
"""Why a connection ends that has broken no rule of the packets, as text."""

_FAILURE: Final = 0x80  # reason codes from here on
_PINGRESP: Final = b"\xd0\x00"
_KEEP_ALIVE_SLACK: Final = 1.5  # MQTT 5.0, 3.1.2.10
_LOOK_S: Final = 30.0  # a closed connection stays in the queue no longer than this


class Connection:
    """`out` holds the bytes to write. `closing`: write them, then close. Its `transport` sets `write_paused` while the
    peer does not read, and `read_paused` while we do not, adds what a read cost by itself to `inbound.work`, and is
    flushed when `out`, `closing` or `wants_more` may have changed."""

    __slots__ = (
        "_close_at",
        "_entered",
        "_keep_alive_s",
        "_next",
        "_packet_bytes_max",
        "_receiver",
        "_sessions",
        "_text_bytes_max",
        "address",
        "budget",
        "certificate",
        "claimed",
        "closing",
        "inbound",
        "listener",
        "out",
        "proof",
        "read_paused",
        "received_at",
        "session",
        "transport",
        "will",
        "write_paused",
    )

    def __init__(self, sessions: Sessions, now: float, transport: Transport) -> None:
        self.transport: Transport | None = transport
        self.out = bytearray()
        self.closing = self.write_paused = self.read_paused = self._entered = False
        self.received_at = now
        self.inbound = Inbound(sessions)
        self.budget = unauthenticated_budget(now)
        self.session: Session | None = None
        self.will: Will | None = None
        self.certificate = b""  # that the peer has shown and its authority signed, DER; set by the transport
        self.proof: tuple[str, bytes, bytes] | None = None  # user name, password, certificate
        self.address = self.listener = ""  # of the peer, without the port; the option; set by the transport
        self.claimed = ""  # user name of CONNECT
        self._sessions, self._receiver = sessions, sessions.receiver
        self._packet_bytes_max, self._text_bytes_max = NO_LIMIT, 0
        self._keep_alive_s = CONNECT_DEADLINE_S
        self._close_at = float("inf")
        self._next = now + CONNECT_DEADLINE_S
        sessions.deadlines.add(self._next, self)

    # -- what the transport calls --------------------------------------------------------------------------------------

    @property
    def wants_more(self) -> bool:
        """Whether to go on reading."""
        return self.budget.left > 0 and self.inbound.wants_more

    def receive(self, data: bytes, now: float, read_at: float) -> None:
        """The bytes of one read, at least one. `read_at` is passed on to the receiver."""
        inbound = self.inbound
        if self.closing or inbound.exceeded:
            return
        broken: MalformedPacket | None = None
        publishes: list[Publish] = []
        delivered: list[int] = []
        if self.session is not None:
            self.received_at = now
        if (at := inbound.plain(data, 0, publishes, delivered)) < len(data):
            try:
                for packet in inbound.packets(data, at, now, publishes, delivered):
                    self._control(packet, now)
                    if self.closing:
                        break
            except MalformedPacket as error:
                broken = error
        if publishes and self.session is not None:
            allowed = self.session.identity.take(len(publishes), now)
            if allowed < len(publishes):
                self._refuse(publishes, allowed)
            if publishes:
                self._receiver.received(self, publishes, read_at)
        if delivered:
            self._receiver.delivered(inbound.client, delivered)
        if inbound.acks.known:
            self._write_acks(inbound.acks.settle())
        if broken is not None and not self.closing:
            self._break_off(broken, now)
        elif inbound.exceeded:
            self._end_exceeded()
        inbound.work -= WORK_PER_PUBLISH * (len(publishes) + len(delivered))
        if inbound.work > 0 or self.budget.left < self.budget.burst:
            self.charge(now)
        inbound.work = 0
        if self.closing:
            self._detach(now)
        elif delivered:
            self.drained()
        if self.out or self.closing:
            self._sessions.flush_soon(self)

    def charge(self, now: float) -> None:
        """Take the work from the budget. Without one an unauthenticated client is closed, any other paused."""
        enough, self.inbound.work = self.budget.spend(self.inbound.work, now), 0
        if enough or self.closing:
            return
        if self.session is None:
            self._sessions.refuse(self, "budget", now)
            self._sessions.flush_soon(self)
        else:
            self._sessions.held_back += 1
            self._sessions.held_clients.blame(self.inbound.client, now)
            self._look_at(now + self.budget.wait_s)

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        """`seam.Source`: everything about these publishes is on disk and sent. Token 0 and unknown ones are passed
        over."""
        if self.closing:
            return
        self._write_acks(self.inbound.acks.decided(tokens, reasons))
        if self.inbound.exceeded:
            self._end_exceeded()
        self._sessions.flush_soon(self)

    def drained(self) -> None:
        """The peer has acknowledged or read something: go on where answers had to wait."""
        if self.session is not None and self.session.outbound.ready:
            self._pull()

    def lost(self, now: float) -> None:
        """The transport is gone."""
        if self.session is None and not self.closing:
            self._sessions.failed.charge(self.address, now)
        self.closing = True
        self._detach(now)
        # The deadline queue keeps this for up to _LOOK_S. Without the way back there is no cycle, so then it is gone;
        # cycles wait for the collector, which looks at what is that old after some million objects: on a calm node
        # never.
        self.transport = None

    def end(self, reason: DisconnectReasonCode, now: float, why: str = "") -> None:
        """The server closes the connection, with a reason, and why, where the version has them."""
        if not self.closing:
            if reason == DisconnectReasonCode.NOT_AUTHORIZED:
                self.will = None  # it may not publish any more
            self._disconnect_with(reason, why or _WHYS.get(int(reason), ""))
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
            held = self.inbound.acks.withheld  # only in 3.1.1, which has no reasons
            self.end(DisconnectReasonCode.SERVER_BUSY if held else DisconnectReasonCode.NOT_AUTHORIZED, now)
        if self.closing:
            return None
        if self.budget.left <= 0:
            wait_s = _LOOK_S if self.budget.spend(0, now) else self.budget.wait_s
            self._sessions.flush_soon(self)
        self._next = min(due, self._close_at, now + wait_s)
        return self._next

    # -- towards the node ----------------------------------------------------------------------------------------------

    def _control(self, packet: Packet, now: float) -> None:
        """A packet that is neither a publish nor the acknowledgement of an answer."""
        session = self.session
        match packet:
            case codec.PingReqPacket():
                self.out += _PINGRESP
            case codec.PubRelPacket() if session is not None:
                self.out += self.inbound.acks.release(packet.packet_id)
            case codec.SubscribePacket() | codec.UnsubscribePacket() if session is not None:
                self._change(session, packet)
            case codec.ConnectPacket() if session is None:
                self._connect(packet, now)
            case codec.DisconnectPacket() if session is not None:
                if not session.depart(packet.session_expiry_interval):
                    raise ProtocolError("a session that was to end cannot be kept by DISCONNECT")
                if packet.reason_code == DisconnectReasonCode.NORMAL_DISCONNECTION:
                    self.will = None
                self.closing = True
            case codec.PubRecPacket() | codec.PubCompPacket() if session is not None:
                # Answers have QoS 1. This is of a delivery that another server began, and ends it.
                if session.outbound.awaits(packet.packet_id):
                    raise ProtocolError("an answer of QoS 1 is acknowledged by PUBACK")
                if isinstance(packet, codec.PubRecPacket) and int(packet.reason_code) < _FAILURE:
                    self.out += self.inbound.acks.give_up(packet.packet_id)
            case _:
                raise ProtocolError(f"a {type(packet).__name__.removesuffix('Packet').upper()} from a client, or again")

    def _change(self, session: Session, packet: codec.SubscribePacket | codec.UnsubscribePacket) -> None:
        answer, why = session.outbound.change(packet)
        if self.inbound.version != V5:
            data = v311.write(answer)
        elif why and isinstance(answer, codec.SubAckPacket):
            make = partial(codec.SubAckPacket, answer.packet_id, answer.reason_codes)
            data = worded(make, why, self._text_bytes_max)
        else:
            data = codec.write(answer)
        if len(data) > self._packet_bytes_max:
            code = int(DisconnectReasonCode.PACKET_TOO_LARGE)
            raise ProtocolError("the acknowledgement is over your maximum packet size; name fewer filters", code)
        self.out += data
        self._pull()

    def _refuse(self, publishes: list[Publish], allowed: int) -> None:
        """Drop the publishes that are over the quota."""
        for publish in publishes[allowed:]:
            if publish.token:
                self.inbound.acks.known[publish.token] = Reason.OVER_QUOTA
        self._receiver.shed(self.inbound.client, Reason.OVER_QUOTA, len(publishes) - allowed)
        self.inbound.work += len(publishes) - allowed
        del publishes[allowed:]

    def _write_acks(self, acks: bytes | bytearray) -> None:
        self.out += acks
        if self.inbound.acks.withheld and self.received_at + OVER_QUOTA_CLOSE_S < self._close_at:
            # A 3.1.1 client waits for ever for what could not be acknowledged: make it come back.
            self._close_at = self.received_at + OVER_QUOTA_CLOSE_S
            self._look_at(self._close_at)

    # -- from the handshake to the end ---------------------------------------------------------------------------------

    def _connect(self, packet: codec.ConnectPacket, now: float) -> None:
        sessions, inbound = self._sessions, self.inbound
        version = inbound.version
        self._packet_bytes_max = packet.max_packet_size or NO_LIMIT
        self._text_bytes_max = self._packet_bytes_max if packet.request_problem_info else 0
        self.claimed = packet.username or ""
        name, client_id, grant = admit(packet, version, sessions, self.certificate)
        check_budget(name, sessions, now)
        self.will = last_will(packet, version, name, grant, sessions, now)
        connack = welcome(packet, version, client_id, sessions.options.packet_bytes_max)
        shown = packet.password or b"", self.certificate
        self.proof = (packet.username, *shown) if packet.username is not None else None
        shop, clean, expiry_s = grant.shop, packet.clean_start, session_expiry_s(packet)
        session, present = sessions.enter(self, name, client_id, shop=shop, clean=clean, expiry_s=expiry_s, now=now)
        self.session, self._entered = session, True
        sessions.unauthenticated.pop(self, None)
        inbound.begin(session, grant, text_bytes_max=self._text_bytes_max)
        self.budget, inbound.work = session.identity.budget, WORK_PER_CONNECT
        inbound.work_max = int(2 * self.budget.burst)
        self._keep_alive_s, self.received_at = keep_alive_s(packet, version) * _KEEP_ALIVE_SLACK, now
        if grant.expires_at:
            self._close_at = now + grant.expires_at - sessions.wall_s()
        self._look_at(min(now + self._keep_alive_s, self._close_at))
        connack[CONNACK_FLAGS_AT] = present
        self.out += connack
        limits = packet.receive_max, self._packet_bytes_max
        session.outbound.connect(*limits, properties=version == V5, json=encoding(packet, grant))
        self._pull()

    def _pull(self) -> None:
        """New answers may be there, or room for them."""
        if self.session is not None:
            self.session.outbound.pull(self)
            if self.out:
                self._sessions.flush_soon(self)

    def _break_off(self, error: MalformedPacket, now: float) -> None:
        """The client has broken a rule, or may not come in."""
        if self.session is None:
            self.out += rejection(error, self.inbound.version, self._packet_bytes_max)
            cause = error.cause if isinstance(error, Refused) else "protocol"
            self._sessions.refuse(self, cause, now, str(error) if cause == "credentials" else "")
            return
        reason = Reason.MALFORMED
        if isinstance(error, PacketTooLarge):
            reason, self.session.identity.skips_until = Reason.OVERSIZED, self.received_at + OVERSIZED_SKIPPED_S
        self._receiver.shed(self.inbound.client, reason, 1)
        self._disconnect_with(DisconnectReasonCode(error.code), str(error))

    def _end_exceeded(self) -> None:
        """More is under way at QoS 2 than may be: the end, but not before what was taken is acknowledged."""
        if not self.inbound.acks.order:
            self.end(DisconnectReasonCode.RECEIVE_MAX_EXCEEDED, self.received_at)

    def _disconnect_with(self, reason: DisconnectReasonCode, text: str) -> None:
        """Close after this packet, with a DISCONNECT where a connected client understands it."""
        if not self.closing and self.session is not None and self.inbound.version == V5:
            self.out += worded(partial(codec.DisconnectPacket, reason_code=reason), text, self._packet_bytes_max)
        self.closing = True

    def _detach(self, now: float) -> None:
        if self._entered and self.session is not None:
            self._entered = False
            self._sessions.leave(self, self.session, now)

    def _look_at(self, at: float) -> None:
        if at < self._next:
            self._next = at
            self._sessions.deadlines.add(at, self)
