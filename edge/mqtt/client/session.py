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

from ...limits import PACKET_BYTES_MAX
from ..limits import CONNECT_DEADLINE_S, RECEIVE_MAX
from ..packets.codec import (
    ConnAckPacket,
    ConnAckReasonCode,
    ConnectPacket,
    Decoder,
    DisconnectPacket,
    DisconnectReasonCode,
    MalformedPacket,
    Packet,
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
from .inflight import PACKET_IDS, InflightWindow

LINK_ACK_DEADLINE_S: Final = 30.0
"""A peer that acknowledges nothing for this long while publishes wait is half dead: the connection is made anew."""

LINK_PING_DEADLINE_S: Final = 10.0
"""A peer that sends nothing for this long after a PINGREQ is gone."""

_PLACE_BITS: Final = 40  # a year of 30,000 messages a second on one connection
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1
_SUBSCRIBE_ID: Final = PACKET_IDS + 1
_KEEP_ALIVE_USED: Final = 0.75  # ping after this share of it: MQTT counts from our packet's arrival, not its departure


class ClientOptions(Struct, frozen=True, kw_only=True):
    """How a client introduces itself, and what it asks for. `clean_start` is for the first connection, later ones want
    the session back. `subscriptions` are pairs of filter and QoS. `receive_max` bounds QoS 1 messages on their way to
    the client, `packet_bytes_max` each packet."""

    client_id: str
    username: str = ""
    token: str = ""
    will: Will | None = None
    clean_start: bool = False
    session_expiry_s: int = 0
    keep_alive_s: int = 30
    receive_max: int = RECEIVE_MAX
    packet_bytes_max: int = PACKET_BYTES_MAX
    subscriptions: Sequence[tuple[str, int]] = ()
    ack_deadline_s: float = LINK_ACK_DEADLINE_S


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
    While `phase` is UP, publishes go to `outgoing`. All times are seconds of one monotonic clock."""

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        self.client_id = options.client_id
        """The identifier in use: the peer's choice where the owner gave none."""
        self.phase = Phase.DOWN
        self.failure: MqttConnectionError | None = None
        self.session_present = False
        """Whether the peer still had this session when the connection was made."""
        self.sessions_lost = 0
        """Reconnects that found the session gone although it should have been kept."""
        self._paused = False
        self._ever_up = self._subscribed = self._resumable = False
        self._connection = 0  # number of the connection: the upper half of a message's token
        self._decoder = Decoder(options.packet_bytes_max)
        self._output: list[bytes] = []
        self.outgoing = InflightWindow(self._output.append)
        self._held: deque[int] = deque()  # identifiers of received publishes, in order, not acknowledged on the wire
        self._held_first = 0  # place of the first of them among all of this connection: the lower half of its token
        self._let_go: set[int] = set()  # places that the owner has let go, waiting for their turn
        self._keep_alive_s = 0.0
        self._began = self._received_at = self._spoke = 0.0
        self._pinged: float | None = None

    @property
    def held(self) -> int:
        """Received QoS 1 publishes that the owner has not yet let go, or that wait behind such a one."""
        return len(self._held)

    @property
    def crowded(self) -> bool:
        """Whether the peer has sent more than the receive maximum, and the owner should not read for now. The standard
        would end the connection; but Mosquitto 2.0.11 does that after each reconnect with a backlog (450 messages for
        a maximum of 50, measured), so that ending it would never end."""
        return len(self._held) > self.options.receive_max

    # -- connections ---------------------------------------------------------------------------------------------------

    def connect(self, now: float) -> None:
        """A new connection stands: begin with CONNECT."""
        self.disconnected()
        self.failure, self.phase = None, Phase.CONNECTING
        self._paused = False
        self._resumable, self._subscribed = self._subscribed, False
        self._connection += 1
        self._began = self._received_at = self._spoke = now
        options = self.options
        connect = ConnectPacket(
            self.client_id,
            username=options.username or None,
            password=options.token.encode() if options.token else None,
            clean_start=options.clean_start and not self._ever_up,
            will=options.will,
            keep_alive=options.keep_alive_s,
            session_expiry_interval=options.session_expiry_s,
            receive_max=options.receive_max,
            max_packet_size=options.packet_bytes_max,
        )
        self._output.append(connect.write())

    def disconnected(self) -> None:
        """The connection is gone. What the peer has not acknowledged waits for the next one."""
        self.phase = Phase.DOWN
        self.session_present = False
        self._decoder = Decoder(self.options.packet_bytes_max)
        self._output.clear()
        self._held.clear()
        self._held_first = 0
        self._let_go.clear()
        self._pinged = None
        self.outgoing.closed()

    def disconnect(self) -> None:
        """Leave politely: the peer discards the will."""
        if self.phase is not Phase.DOWN:
            self._output.append(DisconnectPacket().write())

    # -- time ----------------------------------------------------------------------------------------------------------

    def next_deadline(self, now: float) -> float:
        """When to call `tick` again at the latest."""
        if self.phase is not Phase.UP:
            return self._began + CONNECT_DEADLINE_S
        due = (self.outgoing.progress if self.outgoing.in_flight else now) + self.options.ack_deadline_s
        return min(due, self._ping_due()) if self._keep_alive_s > 0 else due

    def _ping_due(self) -> float:
        """When to ping; where that was done, when the peer has to have answered."""
        if self._pinged is None:
            return min(self._spoke, self._received_at) + self._keep_alive_s * _KEEP_ALIVE_USED
        return max(self._received_at, self._pinged) + LINK_PING_DEADLINE_S

    def tick(self, now: float) -> None:
        """Pings when it is time to; notices a peer that is gone or half dead."""
        if self.phase in (Phase.CONNECTING, Phase.SUBSCRIBING) and now >= self._began + CONNECT_DEADLINE_S:
            self._fail(f"The peer did not finish the handshake within {CONNECT_DEADLINE_S:.0f} s.")
        if self.phase is not Phase.UP:
            return
        if self._paused:  # then silence is no sign of a dead peer
            self._received_at = self.outgoing.progress = now
            self._pinged = None
        waiting, limit_s = self.outgoing.in_flight, self.options.ack_deadline_s
        if waiting and now >= self.outgoing.progress + limit_s:
            self._fail(f"The peer acknowledged none of {waiting} publishes for {limit_s:.0f} s.")
        elif self._keep_alive_s > 0 and now >= self._ping_due():
            if self._pinged is not None:
                self._fail(f"The peer sent nothing for {LINK_PING_DEADLINE_S:.0f} s after a ping.")
            else:
                self._pinged = now
                self._output.append(PingReqPacket().write())

    def pause(self, paused: bool, now: float) -> None:
        """The owner does not read, or reads again: the peer's silence counts from here."""
        self._paused, self._pinged = paused, None
        self._received_at = self.outgoing.progress = now

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
                self.outgoing.acknowledged(packet.packet_id, int(packet.reason_code), now)
            else:
                self._on_other(packet, now)
            if self.failure is not None:
                break
        if broken is not None and self.failure is None:
            code = DisconnectReasonCode(broken.code)
            self._fail(f"The peer sent what this client cannot read: {broken}.", code)
        elif self.phase is Phase.UP:
            self.outgoing.send_backlog(now)
        return messages

    def _on_publish(self, packet: PublishPacket, messages: list[Message]) -> None:
        if self.phase in (Phase.DOWN, Phase.CONNECTING):
            self._fail("The peer sent PUBLISH before CONNACK.", DisconnectReasonCode.PROTOCOL_ERROR)
        elif packet.topic_alias is not None:
            self._fail("The peer used a topic alias; none were offered.", DisconnectReasonCode.TOPIC_ALIAS_INVALID)
        elif packet.packet_id is None:
            messages.append(Message(packet.topic, packet.payload, 0, 0, packet.retain))
        elif packet.qos == QoS.EXACTLY_ONCE:
            self._fail("The peer sent QoS 2; nothing was subscribed with it.", DisconnectReasonCode.QOS_NOT_SUPPORTED)
        else:
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
            name = type(packet).__name__
            self._fail(f"The peer sent {name} where it has no place.", DisconnectReasonCode.PROTOCOL_ERROR)

    def _on_connack(self, packet: ConnAckPacket, now: float) -> None:
        options = self.options
        if packet.reason_code != ConnAckReasonCode.SUCCESS:
            self.failure = of_connack(packet, options.username)
            return
        if packet.max_qos == QoS.AT_MOST_ONCE:
            self.failure = MqttConnectionError("The peer offers no QoS 1, without which nothing is safe.", True)
            return
        self.session_present = packet.session_present
        if self._ever_up and not packet.session_present and options.session_expiry_s > 0:
            self.sessions_lost += 1
        if packet.assigned_client_id:
            self.client_id = packet.assigned_client_id
        kept_s = packet.server_keep_alive
        self._keep_alive_s = float(options.keep_alive_s if kept_s is None else kept_s)
        self.outgoing.opened(packet.receive_max, packet.max_packet_size, packet.topic_alias_max, packet.session_present)
        # A session that an earlier run, or a CONNECT that was never answered, left behind may lack subscriptions.
        if options.subscriptions and not (packet.session_present and self._resumable):
            self.phase = Phase.SUBSCRIBING
            grants = [QoS.AT_MOST_ONCE, QoS.AT_LEAST_ONCE]
            filters = [
                TopicFilter(pattern, max_qos=grants[qos], retain_as_published=False)  # then only stored copies have it
                for pattern, qos in options.subscriptions
            ]
            self._output.append(SubscribePacket(_SUBSCRIBE_ID, filters).write())
        else:
            self._up(now)

    def _on_suback(self, packet: SubAckPacket, now: float) -> None:
        for (pattern, _), code in zip(self.options.subscriptions, packet.reason_codes, strict=False):
            if int(code) >= 0x80:
                name = code.name.lower().replace("_", " ")
                self._fail(
                    f"The peer refused the subscription to {pattern}: {name}. Check what it allows "
                    f"user {self.options.username or self.client_id!r}.",
                    refused=True,
                )
                return
        self._up(now)

    def _up(self, now: float) -> None:
        self.phase = Phase.UP
        self._ever_up = self._subscribed = True
        self.outgoing.progress = now
        self.outgoing.send_backlog(now)

    def _fail(
        self,
        text: str,
        code: DisconnectReasonCode = DisconnectReasonCode.UNSPECIFIED_ERROR,
        *,
        refused: bool = False,
    ) -> None:
        self.failure = MqttConnectionError(text, refused)
        self._output.append(DisconnectPacket(reason_code=code).write())

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
