"""The client's half of MQTT 5 without any I/O: bytes and time in, bytes and messages out.

One `MqttClientSession` is one session over all its connections; `InflightWindow` keeps what the peer has not
acknowledged. Received QoS 1 publishes are acknowledged when the owner asks for it, in the order in which they came, as
the standard demands; one for an earlier connection is dropped, since the peer sends such a message again.

Not offered: QoS 2 and subscription identifiers. Topic aliases are used towards a peer that offers them.
"""

from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Final

from msgspec import Struct

from ...limits import (
    CONNECT_DEADLINE_S,
    LINK_ACK_DEADLINE_S,
    LINK_BACKLOG_MAX,
    LINK_IN_FLIGHT_MAX,
    LINK_PING_DEADLINE_S,
    PACKET_BYTES_MAX,
    RECEIVE_MAX,
)
from ..packets.codec import (
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
from .failure import MqttConnectionError, of_connack, of_disconnect
from .inflight import PACKET_IDS, InflightWindow, OnAck

_PLACE_BITS: Final = 40  # a year of 30,000 messages a second on one connection
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1
_SUBSCRIBE_ID: Final = PACKET_IDS + 1
_KEEP_ALIVE_USED: Final = 0.75  # ping after this share of it: MQTT counts from our packet's arrival, not its departure


class Message(Struct, frozen=True, gc=False):
    """One received publish. `token` names it for `acknowledge`; it is 0 for QoS 0, which gets no acknowledgement.
    `retain` is set on a copy that the peer had stored before the subscription."""

    topic: str
    payload: bytes
    qos: int
    token: int
    retain: bool = False
    dup: bool = False


class Phase(Enum):
    """Where a connection stands."""

    DOWN = "down"
    CONNECTING = "connecting"
    SUBSCRIBING = "subscribing"
    UP = "up"


class MqttClientSession:
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
        self._username, self._token, self._will, self._clean_start = username, token, will, clean_start
        self._session_expiry_s, self._keep_alive_asked_s = session_expiry_s, keep_alive_s
        self._receive_max, self._packet_bytes_max = receive_max, packet_bytes_max
        self._subscriptions = list(subscriptions)
        self._ack_deadline_s = ack_deadline_s

        self.phase = Phase.DOWN
        self.failure: MqttConnectionError | None = None
        self.session_present = False
        self.sessions_lost = 0
        """Reconnects that found the session gone although it should have been kept."""
        self.paused = False
        """Set while the owner does not read: silence is then no sign of a dead peer."""
        self._ever_up = self._subscribed = self._resumable = False
        self._connection = 0  # number of the connection: the upper half of a message's token
        self._decoder = Decoder(packet_bytes_max)
        self._output: list[bytes] = []
        self._outgoing = InflightWindow(self._output.append, in_flight_max, backlog_max)
        self._held: deque[int] = deque()  # identifiers of received publishes, in order, not acknowledged on the wire
        self._held_first = 0  # place of the first of them among all of this connection: the lower half of its token
        self._let_go: set[int] = set()  # places that the owner has let go, waiting for their turn
        self._keep_alive_s = float(keep_alive_s)
        self._began = self._received_at = self._spoke = 0.0
        self._pinged: float | None = None

    # -- what the owner may ask ----------------------------------------------------------------------------------------

    @property
    def unacked(self) -> int:
        """QoS 1 publishes taken over and not yet acknowledged by the peer."""
        return self._outgoing.unacked

    @property
    def held(self) -> int:
        """Received QoS 1 publishes that the owner has not yet let go, or that wait behind such a one."""
        return len(self._held)

    @property
    def crowded(self) -> bool:
        """Whether the peer has sent more than the receive maximum, and the owner should not read for now. The standard
        would end the connection; but Mosquitto 2.0.11 does that after each reconnect with a backlog (450 messages for
        a maximum of 50, measured), so that ending it would never end."""
        return len(self._held) > self._receive_max

    @property
    def room(self) -> int:
        """QoS 1 publishes that would leave at once."""
        return self._outgoing.room if self.phase is Phase.UP else 0

    # -- connections ---------------------------------------------------------------------------------------------------

    def connect(self, now: float) -> None:
        """A new connection stands: begin with CONNECT."""
        self.disconnected()
        self.failure, self.phase = None, Phase.CONNECTING
        self._resumable, self._subscribed = self._subscribed, False
        self._connection += 1
        self._began = self._received_at = self._spoke = now
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
        self._pinged = None
        self._outgoing.closed()

    def disconnect(self) -> None:
        """Leave politely: the peer discards the will."""
        if self.phase is not Phase.DOWN:
            self._write(DisconnectPacket().write())

    # -- time ----------------------------------------------------------------------------------------------------------

    def next_deadline(self, now: float) -> float:
        """When to call `tick` again at the latest."""
        if self.phase in (Phase.CONNECTING, Phase.SUBSCRIBING):
            return self._began + CONNECT_DEADLINE_S
        due = (self._outgoing.progress if self._outgoing.in_flight else now) + self._ack_deadline_s
        if self._keep_alive_s > 0:
            ping = min(self._spoke, self._received_at) + self._keep_alive_s * _KEEP_ALIVE_USED
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
            self._received_at = self._outgoing.progress = now
        waiting = self._outgoing.in_flight
        if waiting and now >= self._outgoing.progress + self._ack_deadline_s:
            self._fail(f"The peer acknowledged none of {waiting} publishes for {self._ack_deadline_s:.0f} s.")
            return
        if self._keep_alive_s <= 0:
            return
        if self._pinged is not None and not self.paused:
            if now >= self._silent_since() + LINK_PING_DEADLINE_S:
                self._fail(f"The peer sent nothing for {LINK_PING_DEADLINE_S:.0f} s after a ping.")
            return
        if now >= min(self._spoke, self._received_at) + self._keep_alive_s * _KEEP_ALIVE_USED or (
            self.paused and now >= self._spoke + self._keep_alive_s * _KEEP_ALIVE_USED
        ):
            self._pinged = now
            self._write(PingReqPacket().write())

    def resumed(self, now: float) -> None:
        """The owner reads again: the peer's silence counts from here."""
        self.paused = False
        self._received_at = self._outgoing.progress = now
        if self._pinged is not None:
            self._pinged = now

    def _silent_since(self) -> float:
        return max(self._received_at, self._pinged or 0.0)

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
        self._received_at = now
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
                self._outgoing.acknowledged(packet.packet_id, int(packet.reason_code), now)
            else:
                self._on_other(packet, now)
            if self.failure is not None:
                break
        if broken is not None and self.failure is None:
            large = isinstance(broken, PacketTooLarge)
            code = DisconnectReasonCode.PACKET_TOO_LARGE if large else DisconnectReasonCode.MALFORMED_PACKET
            self._fail(f"The peer sent what this client cannot read: {broken}.", code)
        elif self.phase is Phase.UP:
            self._outgoing.send_backlog(now)
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
        token = self._connection << _PLACE_BITS | self._held_first + len(self._held)
        self._held.append(packet.packet_id)
        messages.append(Message(packet.topic, packet.payload, 1, token, packet.retain, packet.duplicate))

    def _on_other(self, packet: Packet, now: float) -> None:
        if isinstance(packet, PingRespPacket):
            self._pinged = None
        elif isinstance(packet, ConnAckPacket) and self.phase is Phase.CONNECTING:
            self._on_connack(packet, now)
        elif isinstance(packet, SubAckPacket) and self.phase is Phase.SUBSCRIBING:
            self._on_suback(packet, now)
        elif isinstance(packet, DisconnectPacket):
            self.failure = of_disconnect(packet)
        else:
            self._fail(
                f"The peer sent {type(packet).__name__} where it has no place.", DisconnectReasonCode.PROTOCOL_ERROR
            )

    def _on_connack(self, packet: ConnAckPacket, now: float) -> None:
        if packet.reason_code != ConnAckReasonCode.SUCCESS:
            self.failure = of_connack(packet, self._username)
            return
        if packet.max_qos == QoS.AT_MOST_ONCE:
            self.failure = MqttConnectionError("The peer offers no QoS 1, without which nothing is safe.", True)
            return
        self.session_present = packet.session_present
        if self._ever_up and not packet.session_present and self._session_expiry_s > 0:
            self.sessions_lost += 1
        if packet.assigned_client_id:
            self.client_id = packet.assigned_client_id
        asked_s = self._keep_alive_asked_s
        self._keep_alive_s = float(asked_s if packet.server_keep_alive is None else packet.server_keep_alive)
        self._outgoing.opened(
            packet.receive_max, packet.max_packet_size, packet.topic_alias_max, packet.session_present
        )
        # A session that an earlier run, or a CONNECT that was never answered, left behind may lack subscriptions.
        if self._subscriptions and not (packet.session_present and self._resumable):
            self.phase = Phase.SUBSCRIBING
            filters = [TopicFilter(pattern, max_qos=_qos(qos)) for pattern, qos in self._subscriptions]
            self._write(SubscribePacket(_SUBSCRIBE_ID, filters).write())
        else:
            self._up(now)

    def _on_suback(self, packet: SubAckPacket, now: float) -> None:
        for (pattern, _), code in zip(self._subscriptions, packet.reason_codes, strict=False):
            if int(code) >= 0x80:
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
        self._ever_up = self._subscribed = True
        self._outgoing.progress = now
        self._outgoing.send_backlog(now)

    def _fail(
        self,
        text: str,
        code: DisconnectReasonCode = DisconnectReasonCode.UNSPECIFIED_ERROR,
        *,
        refused: bool = False,
    ) -> None:
        self.failure = MqttConnectionError(text, refused)
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
        return self._outgoing.publish(topic, payload, now, qos, retain, expiry_s, on_ack)

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
