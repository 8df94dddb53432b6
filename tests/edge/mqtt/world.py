"""A receiver that records its calls, and connections driven by hand with time as an argument."""

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import pytest

from edge.core.model import Answer
from edge.errors import Reason
from edge.messages.grants import EVERYBODY, Grant
from edge.mqtt.packets import codec, v311
from edge.mqtt.packets.codec import (
    ConnAckPacket,
    ConnAckReasonCode,
    ConnectPacket,
    Decoder,
    DisconnectPacket,
    Packet,
    PublishPacket,
    QoS,
    SubscribePacket,
    TopicFilter,
    UnsubscribePacket,
)
from edge.mqtt.packets.fastpath import header
from edge.mqtt.seam import Publish, Source
from edge.mqtt.server.connection import Connection
from edge.mqtt.server.sessions import EndpointOptions, Sessions

TOKEN = b"secret"
UP = "ds/n1/up/c1/order.place"
ALL = [TopicFilter("ds/n1/down/c1/#", max_qos=QoS.AT_LEAST_ONCE)]
EITHER = pytest.mark.parametrize("version", [5, 4])
BOTH_LOOPS = pytest.mark.usefixtures("either_loop")


_ANSWERS = [
    ConnAckReasonCode.SUCCESS,
    ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    ConnAckReasonCode.CLIENT_ID_NOT_VALID,
    ConnAckReasonCode.SERVER_UNAVAILABLE,
    ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD,
    ConnAckReasonCode.NOT_AUTHORIZED,
]


def written(version: int, *packets: Packet) -> bytes:
    """Packets as a client sends them. As 3.1.1 they are those of 5.0 without properties."""
    return b"".join(packet.write() if version == 5 else _as_v311(packet) for packet in packets)


def _as_v311(packet: Packet) -> bytes:
    data = packet.write()
    body = data[next(at for at in range(2, 6) if not data[at - 1] & 0x80) :]
    match packet:
        case ConnectPacket():
            body, at = body[:6] + b"\x04" + body[7:], 10
        case PublishPacket():
            at = 2 + len(packet.topic.encode()) + (0 if packet.packet_id is None else 2)
        case SubscribePacket():
            filters = [(wanted.pattern.encode(), int(wanted.max_qos)) for wanted in packet.topic_filters]
            body, at = (
                body[:3] + b"".join(len(name).to_bytes(2, "big") + name + bytes((qos,)) for name, qos in filters),
                2,
            )
        case UnsubscribePacket():
            at = 2
        case _:
            return data
    body = body[:at] + body[at + 1 + body[at] :]
    return header(data[0], len(body)) + body


def decoder(version: int) -> Decoder:
    """For what our server writes."""
    return Decoder(1_000_000, codec.read if version == 5 else _of_v311)


def _of_v311(packet: memoryview) -> Packet:
    data = packet.tobytes()
    match data[0]:
        case 0x20:
            return ConnAckPacket(session_present=bool(data[2]), reason_code=_ANSWERS[data[3]])
        case 0x90:
            return codec.read(memoryview(bytes((0x90, data[1] + 1)) + data[2:4] + b"\x00" + data[4:]))
        case 0xB0:
            return codec.UnsubAckPacket(int.from_bytes(data[2:4], "big"), [])
        case 0xD0:
            return codec.PingRespPacket()
        case _:
            return v311.read(packet)


class Recorder:
    """A `model.Receiver`. Answers stay pending until delivered; publishes are acknowledged by hand, or at once with a
    reason for each kind in `reasons` (empty: success)."""

    def __init__(self, *, acknowledge: bool = False) -> None:
        self.publishes: list[Publish] = []
        self.reads: list[int] = []
        self.sources: list[tuple[Source, list[int]]] = []
        self.dropped: dict[tuple[str, Reason], int] = {}
        self.presence: list[tuple[str, bool]] = []
        self.answers: list[tuple[Answer, float]] = []
        self.settled: list[tuple[str, list[int]]] = []
        self.reasons: dict[str, str] = {}
        self.on_publishes: Callable[[list[Publish]], None] | None = None
        self._acknowledge = acknowledge
        self._sequence = 0

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        self.publishes += publishes
        self.reads.append(len(publishes))
        tokens = [publish.token for publish in publishes]
        if self.on_publishes is not None:
            self.on_publishes(publishes)
        if self._acknowledge:
            source.acknowledge(tokens, [self.reasons.get(publish.kind, "") for publish in publishes])
        else:
            self.sources.append((source, tokens))

    def shed(self, client: str, reason: Reason, count: int) -> None:
        self.dropped[client, reason] = self.dropped.get((client, reason), 0) + count

    def delivered(self, client: str, sequences: list[int]) -> None:
        self.settled.append((client, sequences))
        self.answers = [
            (answer, left_s)
            for answer, left_s in self.answers
            if answer.client != client or answer.sequence not in sequences
        ]

    def present(self, client: str, present: bool) -> None:
        self.presence.append((client, present))

    def pending(self, client: str, after: int, limit: int) -> list[tuple[Answer, float]]:
        return [
            (answer, left_s) for answer, left_s in self.answers if answer.client == client and answer.sequence > after
        ][:limit]

    def answer(self, client: str, payload: bytes = b"{}", *, kind: str = "receipt", left_s: float = 60.5) -> int:
        """Make an answer pending; the caller wakes the link."""
        self._sequence += 1
        self.answers.append((Answer(self._sequence, client, kind, payload, 0.0), left_s))
        return self._sequence


class Peer:
    """A connection and the client at its other end."""

    def __init__(self, world: "World", version: int) -> None:
        self.world, self.version = world, version
        self.connection = Connection(world.sessions, world.now, self)
        self._decoder = decoder(version)

    def send(self, *packets: Packet) -> list[Packet]:
        """Packets in one read; what comes back."""
        return self.send_bytes(written(self.version, *packets))

    def send_bytes(self, data: bytes) -> list[Packet]:
        self.send_raw(data)
        return self.read()

    def send_raw(self, data: bytes) -> None:
        """Bytes, where the test looks itself at what the connection writes."""
        self.connection.receive(data, self.world.now, 0.0)

    def read(self) -> list[Packet]:
        """What the connection wants to write, which it has asked to be flushed."""
        data, self.connection.out = bytes(self.connection.out), bytearray()
        assert not data or id(self.connection) in self.world.flushed
        return self._decoder.feed(data)

    def flush(self) -> None:
        """`sessions.Transport`: these tests look for themselves."""

    abort = flush


def everybody(_user: str, token: bytes) -> Grant | None:
    """With TOKEN anybody may be anything."""
    return EVERYBODY if token == TOKEN else None


class World:
    """An endpoint without sockets. The node is `n1`; everybody's token is TOKEN, except of `mallory`, who has none."""

    def __init__(self, *, acknowledge: bool = False, **options: Any) -> None:
        self.now = 1_000.0
        self.receiver = Recorder(acknowledge=acknowledge)
        self.revoked: set[str] = {"mallory"}
        self.grants: dict[str, Grant] = {}
        self.flushes = 0
        self.flushed: set[int] = set()
        self.peers: WeakSet[Peer] = WeakSet()
        self.sessions = Sessions(
            "n1", self.receiver, self._authenticate, EndpointOptions(**options), "0a1b", self._flush
        )

    def _authenticate(self, user: str, token: bytes) -> Grant | None:
        return self.grants.get(user, EVERYBODY) if token == TOKEN and user not in self.revoked else None

    def _flush(self) -> None:
        assert self.sessions.flush_comes
        self.flushes += 1
        self.flushed.update(map(id, self.sessions.unflushed))
        self.sessions.flush_comes = False
        self.sessions.unflushed.clear()

    def peer(self, version: int = 5) -> Peer:
        peer = Peer(self, version)
        self.peers.add(peer)
        return peer

    def connect(
        self,
        client: str = "c1",
        *,
        version: int = 5,
        client_id: str = "phone",
        clean_start: bool = False,
        session_expiry_interval: int | None = None,
        keep_alive: int = 60,
        receive_max: int = 65_535,
        max_packet_size: int | None = None,
        request_problem_info: bool = True,
    ) -> tuple[Peer, ConnAckPacket]:
        """A connection that was accepted."""
        peer = self.peer(version)
        packet = ConnectPacket(
            client_id,
            username=client,
            password=TOKEN,
            clean_start=clean_start,
            session_expiry_interval=session_expiry_interval or 0,
            keep_alive=keep_alive,
            receive_max=receive_max,
            max_packet_size=max_packet_size,
            request_problem_info=request_problem_info,
        )
        connack, *self.rest = peer.send(packet)
        assert isinstance(connack, ConnAckPacket)
        assert int(connack.reason_code) == 0
        return peer, connack

    def pass_s(self, seconds: float) -> None:
        """Time goes by; each identity knows how many of its connections there are."""
        self.now += seconds
        self.sessions.deadlines.turn(self.now)
        there = [each.connection.session for each in self.peers if not each.connection.closing]
        for identity in self.sessions.identities.values():
            assert identity.connected == sum(session is not None and session.identity is identity for session in there)


def publish(
    packet_id: int | None = 1, topic: str = UP, payload: bytes = b"{}", *, qos: QoS | None = None
) -> PublishPacket:
    if qos is None:
        qos = QoS.AT_MOST_ONCE if packet_id is None else QoS.AT_LEAST_ONCE
    return PublishPacket(topic, payload, qos=qos, packet_id=packet_id)


def connect(client_id: str = "phone", *, username: str | None = "c1", password: bytes | None = TOKEN) -> ConnectPacket:
    return ConnectPacket(client_id, username=username, password=password, clean_start=True)


def refusal(peer: Peer, packet: Packet) -> int:
    """The code of a CONNACK that refuses, after which the connection closes."""
    (connack,) = peer.send(packet)
    assert isinstance(connack, ConnAckPacket)
    assert peer.connection.closing
    assert peer.world.receiver.presence == []
    return int(connack.reason_code)


def disconnect_reason(peer: Peer, sent: list[Packet]) -> int | None:
    """The reason of the DISCONNECT that ends `sent`; None for 3.1.1, where the connection just closes."""
    assert peer.connection.closing
    assert peer.world.receiver.presence[-1] == ("c1", False)
    if peer.version != 5:
        assert not any(isinstance(packet, DisconnectPacket) for packet in sent)
        return None
    assert isinstance(sent[-1], DisconnectPacket)
    return int(sent[-1].reason_code)
