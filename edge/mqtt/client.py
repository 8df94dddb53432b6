"""The client's half of MQTT 5 without any I/O: bytes and time in, bytes and messages out.

One `Client` is one session over all its connections: it keeps the QoS 1 publishes that the peer has not acknowledged
and sends them again after a reconnect (with the same identifiers and the dup flag when the peer still has the session,
as new ones when it has not). Received QoS 1 publishes are acknowledged when the owner says so, in the order in which
they came, as the standard asks; an acknowledgement for an earlier connection is dropped, since the peer sends such a
message again.

Not offered: QoS 2 and subscription identifiers. Topic aliases are used towards a peer that offers them.
"""

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from msgspec import Struct

from ..limits import (
    CONNECT_DEADLINE_S,
    LINK_ACK_DEADLINE_S,
    LINK_BACKLOG_MAX,
    LINK_IN_FLIGHT_MAX,
    LINK_PING_DEADLINE_S,
    PACKET_BYTES_MAX,
    RECEIVE_MAX,
)
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
    PingRespPacket,
    PubAckPacket,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubscribePacket,
    TopicFilter,
    Will,
)

OnAck = Callable[[int], None]

EXPIRED: Final = -1
"""What `on_ack` gets for a publish whose expiry passed before the peer acknowledged it."""
TOO_LARGE: Final = 0x95
"""What `on_ack` gets for a publish over the peer's maximum packet size: it never leaves. (MQTT 5: Packet too large.)"""

_PLACE_BITS: Final = 40  # a year of 30,000 messages a second on one connection
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1
_SUBSCRIBE_ID: Final = 65_535  # publishes use the identifiers below it, so the two never meet
_HEADER_BYTES_MAX: Final = 64  # fixed header, lengths and our properties of one PUBLISH
_KEEP_ALIVE_USED: Final = 0.75  # ping after this share of it: MQTT counts from our packet's arrival, not its departure

# Keys are numbers: the codec's enumerations cannot be hashed.
_REFUSED_HINTS: Final = {
    int(ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION): "The peer does not speak MQTT 5: use one that does.",
    int(ConnAckReasonCode.CLIENT_ID_NOT_VALID): "Choose another client identifier.",
    int(ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD): "Check the user name and the token.",
    int(ConnAckReasonCode.NOT_AUTHORIZED): "Check the user name, the token, and what the peer allows this user.",
    int(ConnAckReasonCode.BANNED): "Ask the peer's operator to lift the ban.",
    int(
        ConnAckReasonCode.BAD_AUTHENTICATION_METHOD
    ): "The peer wants an authentication method that this client has not.",
}
_LOST_FOR_GOOD: Final = {
    int(DisconnectReasonCode.SESSION_TAKEN_OVER): "Another client uses the same client identifier: give each its own.",
    int(DisconnectReasonCode.NOT_AUTHORIZED): "Check the user name, the token, and what the peer allows this user.",
    int(DisconnectReasonCode.ADMINISTRATIVE_ACTION): "The peer's operator ended the session: ask there.",
}


class Message(Struct, frozen=True, gc=False):
    """One received publish. `token` names it for `acknowledge`; it is 0 for QoS 0, which gets no acknowledgement.
    `retain` is set on a copy that the peer had stored before the subscription."""

    topic: str
    payload: bytes
    qos: int
    token: int
    retain: bool = False
    dup: bool = False


class Failure(Struct, frozen=True):
    """Why a connection ended. `refused` means that trying again soon cannot help."""

    text: str
    refused: bool = False


class Phase(Enum):
    """Where a connection stands."""

    DOWN = "down"
    CONNECTING = "connecting"
    SUBSCRIBING = "subscribing"
    UP = "up"


class _Outgoing(Struct):
    """A QoS 1 publish on its way. `packet_id` is 0 until it is sent; `sent` says that the peer may have seen it."""

    topic: str
    payload: bytes
    retain: bool
    expires: float | None
    on_ack: OnAck | None
    packet_id: int = 0
    sent: bool = False


class Client:
    """One MQTT 5 session. Call `connect` for each new connection, then `receive`, `tick` and the actions; after each
    of them send `output()` and look at `failure`: when it is set, close the connection and call `disconnected`.
    All times are seconds of one monotonic clock."""

    def __init__(
        self,
        client_id: str,
        *,
        username: str = "",
        token: str = "",
        will: Will | None = None,
        clean_start: bool = False,
        session_expiry_s: int = 0,
        keep_alive_s: int = 30,
        receive_max: int = RECEIVE_MAX,
        packet_bytes_max: int = PACKET_BYTES_MAX,
        subscriptions: Sequence[tuple[str, int]] = (),
        ack_deadline_s: float = LINK_ACK_DEADLINE_S,
        in_flight_max: int = LINK_IN_FLIGHT_MAX,
        backlog_max: int = LINK_BACKLOG_MAX,
    ) -> None:
        self.client_id = client_id
        self._username, self._token = username, token
        self._will, self._clean_start = will, clean_start
        self._session_expiry_s, self._keep_alive_asked_s = session_expiry_s, keep_alive_s
        self._receive_max, self._packet_bytes_max = receive_max, packet_bytes_max
        self._subscriptions = list(subscriptions)
        self._ack_deadline_s, self._in_flight_max, self._backlog_max = ack_deadline_s, in_flight_max, backlog_max

        self.phase = Phase.DOWN
        self.failure: Failure | None = None
        self.session_present = False
        self.sessions_lost = 0
        """Reconnects that found the session gone although it should have been kept."""
        self.paused = False
        """Set while the owner does not read: silence is then no sign of a dead peer."""
        self._ever_up = False
        self._connection = 0  # number of the connection: the upper half of a message's token
        self._decoder = Decoder(packet_bytes_max)
        self._output: list[bytes] = []
        self._in_flight: dict[int, _Outgoing] = {}
        self._backlog: deque[_Outgoing] = deque()
        self._held: deque[int] = deque()  # identifiers of received publishes, in order, not acknowledged on the wire
        self._held_first = 0  # place of the first of them among all of this connection: the lower half of its token
        self._let_go: set[int] = set()  # places that the owner has let go, waiting for their turn
        self._packet_id = 0
        self._window = 0
        self._peer_packet_bytes_max: int | None = None
        self._aliases: dict[str, int] = {}
        self._aliases_max = 0
        self._keep_alive_s = float(keep_alive_s)
        self._began = self._heard = self._spoke = self._progress = 0.0
        self._pinged: float | None = None

    # -- what the owner may ask ----------------------------------------------------------------------------------------

    @property
    def unacked(self) -> int:
        """QoS 1 publishes taken over and not yet acknowledged by the peer."""
        return len(self._in_flight) + len(self._backlog)

    @property
    def held(self) -> int:
        """Received QoS 1 publishes that the owner has not yet let go, or that wait behind such a one."""
        return len(self._held)

    @property
    def room(self) -> int:
        """QoS 1 publishes that would leave at once."""
        return max(self._window - self.unacked, 0) if self.phase is Phase.UP else 0

    # -- connections ---------------------------------------------------------------------------------------------------

    def connect(self, now: float) -> None:
        """A new connection stands: begin with CONNECT."""
        self.disconnected()
        self.failure = None
        self.phase = Phase.CONNECTING
        self._connection += 1
        self._began = self._heard = self._spoke = now
        self._write(
            ConnectPacket(
                self.client_id,
                username=self._username or None,
                password=self._token.encode() if self._token else None,
                clean_start=self._clean_start and not self._ever_up,
                will=self._will,
                keep_alive=self._keep_alive_asked_s,
                session_expiry_interval=self._session_expiry_s,
                receive_max=self._receive_max,
                max_packet_size=self._packet_bytes_max,
            ).write()
        )

    def disconnected(self) -> None:
        """The connection is gone. What the peer has not acknowledged waits for the next one."""
        self.phase = Phase.DOWN
        self.session_present = False
        self._decoder = Decoder(self._packet_bytes_max)
        self._output.clear()
        self._held.clear()
        self._held_first = 0
        self._let_go.clear()
        self._aliases.clear()
        self._pinged = None
        self._backlog.extendleft(reversed(self._in_flight.values()))
        self._in_flight.clear()

    def disconnect(self) -> None:
        """Leave politely: the peer discards the will."""
        if self.phase is not Phase.DOWN:
            self._write(DisconnectPacket().write())

    # -- time ----------------------------------------------------------------------------------------------------------

    def next_deadline(self, now: float) -> float:
        """When to call `tick` again at the latest."""
        if self.phase in (Phase.CONNECTING, Phase.SUBSCRIBING):
            return self._began + CONNECT_DEADLINE_S
        due = (self._progress if self._in_flight else now) + self._ack_deadline_s
        if self._keep_alive_s > 0:
            ping = min(self._spoke, self._heard) + self._keep_alive_s * _KEEP_ALIVE_USED
            if self._pinged is not None:
                ping = self._silent_since() + LINK_PING_DEADLINE_S
            due = min(due, ping)
        return due

    def tick(self, now: float) -> None:
        """Pings when it is time to; notices a peer that is gone or half dead."""
        if self.phase in (Phase.CONNECTING, Phase.SUBSCRIBING):
            if now >= self._began + CONNECT_DEADLINE_S:
                self._fail(f"The peer did not finish the handshake within {CONNECT_DEADLINE_S:.0f} s.")
            return
        if self.phase is not Phase.UP:
            return
        if self.paused:
            self._heard = self._progress = now
        if self._in_flight and now >= self._progress + self._ack_deadline_s:
            self._fail(
                f"The peer acknowledged none of {len(self._in_flight)} publishes for {self._ack_deadline_s:.0f} s."
            )
            return
        if self._keep_alive_s <= 0:
            return
        if self._pinged is not None and not self.paused:
            if now >= self._silent_since() + LINK_PING_DEADLINE_S:
                self._fail(f"The peer said nothing for {LINK_PING_DEADLINE_S:.0f} s after a ping.")
            return
        if now >= min(self._spoke, self._heard) + self._keep_alive_s * _KEEP_ALIVE_USED or (
            self.paused and now >= self._spoke + self._keep_alive_s * _KEEP_ALIVE_USED
        ):
            self._pinged = now
            self._write(PingReqPacket().write())

    def resumed(self, now: float) -> None:
        """The owner reads again: the peer's silence counts from here."""
        self.paused = False
        self._heard = self._progress = now
        if self._pinged is not None:
            self._pinged = now

    def _silent_since(self) -> float:
        return max(self._heard, self._pinged or 0.0)

    # -- bytes ---------------------------------------------------------------------------------------------------------

    def output(self, now: float) -> bytes:
        """Everything to send now, in one piece."""
        if not self._output:
            return b""
        data = self._output[0] if len(self._output) == 1 else b"".join(self._output)
        self._output.clear()
        self._spoke = now
        return data

    def receive(self, data: bytes, now: float) -> list[Message]:
        """Bytes from the peer; what was published to this client in them. `on_ack` callbacks run in here."""
        self._heard = now
        broken: MalformedPacket | None = None
        try:
            packets = self._decoder.feed(data)
        except MalformedPacket as error:
            packets, broken = error.packets, error
        messages: list[Message] = []
        for packet in packets:
            if type(packet) is PublishPacket:
                self._on_publish(packet, messages)
            elif type(packet) is PubAckPacket:
                self._on_puback(packet, now)
            else:
                self._on_other(packet, now)
            if self.failure is not None:
                break
        if broken is not None and self.failure is None:
            large = isinstance(broken, PacketTooLarge)
            code = DisconnectReasonCode.PACKET_TOO_LARGE if large else DisconnectReasonCode.MALFORMED_PACKET
            self._fail(f"The peer sent what this client cannot read: {broken}.", code)
        elif self._backlog and self.phase is Phase.UP:
            self._send_backlog(now)
        return messages

    def _on_publish(self, packet: PublishPacket, messages: list[Message]) -> None:
        if self.phase in (Phase.DOWN, Phase.CONNECTING):
            self._fail("The peer sent PUBLISH before CONNACK.", DisconnectReasonCode.PROTOCOL_ERROR)
            return
        if packet.topic_alias is not None:
            self._fail("The peer used a topic alias; none were offered.", DisconnectReasonCode.TOPIC_ALIAS_INVALID)
            return
        if packet.packet_id is None:
            messages.append(Message(packet.topic, packet.payload, 0, 0, packet.retain))
            return
        if packet.qos == QoS.EXACTLY_ONCE:
            self._fail("The peer sent QoS 2; nothing was subscribed with it.", DisconnectReasonCode.QOS_NOT_SUPPORTED)
            return
        if len(self._held) >= self._receive_max:
            self._fail(
                f"The peer sent more than the receive maximum of {self._receive_max} publishes.",
                DisconnectReasonCode.RECEIVE_MAX_EXCEEDED,
            )
            return
        token = self._connection << _PLACE_BITS | self._held_first + len(self._held)
        self._held.append(packet.packet_id)
        messages.append(Message(packet.topic, packet.payload, 1, token, packet.retain, packet.duplicate))

    def _on_puback(self, packet: PubAckPacket, now: float) -> None:
        entry = self._in_flight.pop(packet.packet_id, None)
        if entry is None:
            return  # acknowledged twice, or an answer to a publish that expired meanwhile
        self._progress = now
        if entry.on_ack is not None:
            entry.on_ack(int(packet.reason_code))

    def _on_other(self, packet: Packet, now: float) -> None:
        if isinstance(packet, PingRespPacket):
            self._pinged = None
        elif isinstance(packet, ConnAckPacket) and self.phase is Phase.CONNECTING:
            self._on_connack(packet, now)
        elif isinstance(packet, SubAckPacket) and self.phase is Phase.SUBSCRIBING:
            self._on_suback(packet, now)
        elif isinstance(packet, DisconnectPacket):
            name = packet.reason_code.name.lower().replace("_", " ")
            hint = _LOST_FOR_GOOD.get(int(packet.reason_code))
            detail = f" ({packet.reason_str})" if packet.reason_str else ""
            self.failure = Failure(
                f"The peer disconnected: {name}{detail}. {hint or 'Trying again.'}", hint is not None
            )
        else:
            self._fail(
                f"The peer sent {type(packet).__name__} where it has no place.", DisconnectReasonCode.PROTOCOL_ERROR
            )

    def _on_connack(self, packet: ConnAckPacket, now: float) -> None:
        if packet.reason_code != ConnAckReasonCode.SUCCESS:
            name = packet.reason_code.name.lower().replace("_", " ")
            hint = _REFUSED_HINTS.get(int(packet.reason_code))
            detail = f" ({packet.reason_str})" if packet.reason_str else ""
            user = f" for user {self._username!r}" if self._username else ""
            text = f"The peer refused the connection{user}: {name}{detail}. {hint or 'Trying again.'}"
            self.failure = Failure(text, hint is not None)
            return
        if packet.max_qos == QoS.AT_MOST_ONCE:
            self.failure = Failure("The peer offers no QoS 1, and without it nothing is safe: use one that does.", True)
            return
        self.session_present = packet.session_present
        if self._ever_up and not packet.session_present and self._session_expiry_s > 0:
            self.sessions_lost += 1
        if packet.assigned_client_id:
            self.client_id = packet.assigned_client_id
        asked_s = self._keep_alive_asked_s
        self._keep_alive_s = float(asked_s if packet.server_keep_alive is None else packet.server_keep_alive)
        self._window = min(packet.receive_max, self._in_flight_max)
        self._peer_packet_bytes_max = packet.max_packet_size
        self._aliases_max = packet.topic_alias_max
        if not packet.session_present:
            for entry in self._backlog:
                entry.packet_id, entry.sent = 0, False
        # A session that an earlier run left behind may have other subscriptions than this one wants.
        if self._subscriptions and not (packet.session_present and self._ever_up):
            self.phase = Phase.SUBSCRIBING
            filters = [TopicFilter(pattern, max_qos=_qos(qos)) for pattern, qos in self._subscriptions]
            self._write(SubscribePacket(_SUBSCRIBE_ID, filters).write())
        else:
            self._up(now)

    def _on_suback(self, packet: SubAckPacket, now: float) -> None:
        for (pattern, _), code in zip(self._subscriptions, packet.reason_codes, strict=False):
            if code >= 0x80:
                name = code.name.lower().replace("_", " ")
                self._fail(
                    f"The peer refused the subscription to {pattern}: {name}. Check what it allows "
                    f"user {self._username or self.client_id!r}.",
                    refused=True,
                )
                return
        self._up(now)

    def _up(self, now: float) -> None:
        self.phase = Phase.UP
        self._ever_up = True
        self._progress = now
        self._send_backlog(now)

    def _fail(
        self,
        text: str,
        code: DisconnectReasonCode = DisconnectReasonCode.UNSPECIFIED_ERROR,
        *,
        refused: bool = False,
    ) -> None:
        self.failure = Failure(text, refused)
        self._write(DisconnectPacket(reason_code=code).write())

    def _write(self, data: bytes) -> None:
        self._output.append(data)

    # -- publishing ----------------------------------------------------------------------------------------------------

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
        """Takes over one publish. False when the connection is not up, or the window and the backlog are full: then
        nothing was done. A publish taken over is sent until the peer acknowledges it or it expires."""
        if self.phase is not Phase.UP:
            return False
        limit = self._peer_packet_bytes_max
        if limit is not None and len(payload) + len(topic.encode()) + _HEADER_BYTES_MAX > limit:
            if on_ack is not None:
                on_ack(TOO_LARGE)
            return True
        if qos == 0:
            self._write_publish(topic, payload, 0, retain, expiry_s, 0, dup=False)
            return True
        entry = _Outgoing(topic, payload, retain, None if expiry_s is None else now + expiry_s, on_ack)
        if not self._backlog and len(self._in_flight) < self._window:
            self._send(entry, now)
            return True
        if len(self._backlog) >= self._backlog_max:
            return False
        self._backlog.append(entry)
        return True

    def _send_backlog(self, now: float) -> None:
        """In order, as far as the window goes. What expired while it waited is dropped and its owner told."""
        while self._backlog and len(self._in_flight) < self._window:
            entry = self._backlog.popleft()
            if entry.expires is not None and entry.expires <= now:
                if entry.on_ack is not None:
                    entry.on_ack(EXPIRED)
                continue
            self._send(entry, now)

    def _send(self, entry: _Outgoing, now: float) -> None:
        if not self._in_flight:
            self._progress = now
        if not entry.packet_id:
            entry.packet_id = self._next_packet_id()
        expiry_s = None if entry.expires is None else entry.expires - now
        self._in_flight[entry.packet_id] = entry
        self._write_publish(entry.topic, entry.payload, 1, entry.retain, expiry_s, entry.packet_id, dup=entry.sent)
        entry.sent = True

    def _write_publish(
        self, topic: str, payload: bytes, qos: int, retain: bool, expiry_s: float | None, packet_id: int, *, dup: bool
    ) -> None:
        alias: int | None = None
        if self._aliases_max:
            alias = self._aliases.get(topic)
            if alias is not None:
                topic = ""
            elif len(self._aliases) < self._aliases_max:
                alias = self._aliases[topic] = len(self._aliases) + 1
        self._output.append(
            PublishPacket(
                topic,
                payload,
                qos=_qos(qos),
                retain=retain,
                packet_id=packet_id or None,
                duplicate=dup,
                # Whole seconds, rounded up: an answer must not expire before its time.
                message_expiry_interval=None if expiry_s is None else max(int(-(-expiry_s // 1)), 1),
                topic_alias=alias,
            ).write()
        )

    def _next_packet_id(self) -> int:
        """Ends: the window is far smaller than the number of identifiers."""
        while True:
            self._packet_id = self._packet_id % (_SUBSCRIBE_ID - 1) + 1
            if self._packet_id not in self._in_flight:
                return self._packet_id

    # -- acknowledging -------------------------------------------------------------------------------------------------

    def acknowledge(self, tokens: Sequence[int]) -> None:
        """The owner has done with these messages. PUBACKs leave in the order in which the messages came; tokens of
        earlier connections are ignored."""
        if self.phase not in (Phase.SUBSCRIBING, Phase.UP):
            return
        held, let_go = self._held, self._let_go
        for token in tokens:
            place = token & _PLACE_MASK
            if token >> _PLACE_BITS == self._connection and place >= self._held_first:
                let_go.add(place)
        while held and self._held_first in let_go:
            let_go.discard(self._held_first)
            self._held_first += 1
            self._output.append(PubAckPacket(held.popleft()).write())


def _qos(qos: int) -> QoS:
    return QoS.AT_LEAST_ONCE if qos else QoS.AT_MOST_ONCE
