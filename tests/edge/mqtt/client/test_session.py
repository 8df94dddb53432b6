"""The client's half of MQTT 5, with time as an argument and bytes by hand."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.client.session import LINK_PING_DEADLINE_S, ClientOptions, Message, MqttClientSession, Phase
from edge.mqtt.limits import CONNECT_DEADLINE_S
from edge.mqtt.packets import codec
from edge.mqtt.packets.codec import (
    ConnAckPacket,
    ConnAckReasonCode,
    ConnectPacket,
    Decoder,
    DisconnectPacket,
    DisconnectReasonCode,
    Packet,
    PingReqPacket,
    PubAckPacket,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubAckReasonCode,
    SubscribePacket,
)

WELCOME = ConnAckPacket().write()
GRANTED = SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE


def made(**options: Any) -> MqttClientSession:
    """A client that has sent its CONNECT at 0 s."""
    client = MqttClientSession(ClientOptions(**{"client_id": "c", **options}))
    client.connect(0.0)
    return client


def up(now: float = 0.0, client: MqttClientSession | None = None, **options: Any) -> MqttClientSession:
    """A client without subscriptions, connected (again), that has nothing more to send."""
    client = client or made(**options)
    client.connect(now)
    client.receive(WELCOME, now)
    assert client.phase is Phase.UP
    client.output(now)
    return client


def sent_by(client: MqttClientSession, now: float = 0.0) -> list[Packet]:
    """What the client wants to send."""
    return Decoder(1_000_000).feed(client.output(now))


def incoming(number: int, *, dup: bool = False) -> bytes:
    """A QoS 1 publish of the peer."""
    return PublishPacket("t", b"%d" % number, qos=QoS.AT_LEAST_ONCE, packet_id=number, duplicate=dup).write()


def tokens(messages: Sequence[Message]) -> list[int]:
    return [message.token for message in messages]


def pings(client: MqttClientSession, seconds: Sequence[int]) -> int:
    """How many a client sends that is looked after at these times, until it gives up."""
    count = 0
    for second in seconds:
        client.tick(float(second))
        count += sum(isinstance(packet, PingReqPacket) for packet in sent_by(client, float(second)))
        if client.failure is not None:
            break
    return count


def test_connect_states_everything_and_the_first_one_only_cleans() -> None:
    """CONNECT carries the options; clean start holds for the first connection, later ones want the session back."""
    client = made(username="u", token="secret", clean_start=True, session_expiry_s=60, keep_alive_s=20)
    wanted = ConnectPacket(
        "c", username="u", password=b"secret", clean_start=True, session_expiry_interval=60, keep_alive=20
    )
    (packet,) = sent_by(client)
    assert isinstance(packet, ConnectPacket)
    assert (packet.receive_max, packet.max_packet_size) == (client.options.receive_max, client.options.packet_bytes_max)
    for field in ("client_id", "username", "password", "clean_start", "session_expiry_interval", "keep_alive"):
        assert getattr(packet, field) == getattr(wanted, field)
    client.receive(WELCOME, 0.0)
    client.connect(1.0)
    (packet,) = sent_by(client)
    assert isinstance(packet, ConnectPacket)
    assert not packet.clean_start


def test_it_is_up_when_subscribed_and_resumed_sessions_need_no_subscription() -> None:
    """Subscribed at first and whenever the session is gone; not again when the peer kept it."""
    client = MqttClientSession(ClientOptions(client_id="c", subscriptions=[("a", 1), ("b", 0)], session_expiry_s=60))
    assert not client.session_present
    client.connect(0.0)
    client.receive(ConnAckPacket(session_present=True).write(), 0.0)
    assert client.session_present
    _, packet = sent_by(client)
    assert isinstance(packet, SubscribePacket)
    assert [(f.pattern, f.max_qos, f.retain_as_published) for f in packet.topic_filters] == [
        ("a", 1, False),
        ("b", 0, False),
    ]
    assert client.phase is Phase.SUBSCRIBING
    client.receive(SubAckPacket(packet.packet_id, [GRANTED, GRANTED]).write(), 0.0)
    assert client.phase is Phase.UP
    for present, then in ((True, []), (False, [SubscribePacket])):
        client.connect(0.0)
        assert not client.session_present
        client.receive(ConnAckPacket(session_present=present).write(), 0.0)
        assert [type(packet) for packet in sent_by(client)][1:] == then
    assert client.sessions_lost == 1


def test_a_session_of_an_unanswered_connect_is_subscribed() -> None:
    """The peer lost the session, and made a new one at an attempt whose CONNACK never came: present, but deaf."""
    client = made(subscriptions=[("a", 1)], session_expiry_s=60)
    client.receive(WELCOME + SubAckPacket(65_535, [GRANTED]).write(), 0.0)
    assert client.phase is Phase.UP
    client.connect(1.0)
    client.connect(2.0)
    client.receive(ConnAckPacket(session_present=True).write(), 2.0)
    assert [type(packet) for packet in sent_by(client)] == [ConnectPacket, SubscribePacket]


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (
            WELCOME + SubAckPacket(65_535, [GRANTED, SubAckReasonCode.NOT_AUTHORIZED]).write(),
            ("theirs: not authorized", "'u'"),
        ),
        (
            WELCOME + SubAckPacket(65_535, [SubAckReasonCode.UNSPECIFIED_ERROR, GRANTED]).write(),
            ("mine: unspecified error", "'u'"),
        ),
        (ConnAckPacket(reason_code=ConnAckReasonCode.NOT_AUTHORIZED).write(), ("not authorized", "'u'")),
        (ConnAckPacket(max_qos=QoS.AT_MOST_ONCE).write(), ("no QoS 1",)),
    ],
)
def test_a_refusal_is_named(answer: bytes, texts: tuple[str, ...]) -> None:
    """A subscription, a connection or a peer without QoS 1: what was refused, why and to whom is in the text."""
    client = made(username="u", subscriptions=[("mine", 1), ("theirs", 1)])
    client.receive(answer, 0.0)
    assert client.failure is not None
    assert client.failure.refused
    assert client.phase is not Phase.UP
    assert all(text in client.failure.text for text in texts)


@given(st.permutations(range(8)), st.integers(0, 8))
def test_acknowledgements_leave_in_the_order_of_arrival(order: list[int], cut: int) -> None:
    """In whatever order the owner lets go, PUBACKs keep the order of the publishes (MQTT 5, 4.6), each once."""
    client = up()
    messages = client.receive(b"".join(incoming(number + 1) for number in range(8)), 0.0)
    client.acknowledge([messages[place].token for place in order[:cut]])
    client.acknowledge([messages[place].token for place in order])
    client.acknowledge(tokens(messages))
    assert sent_by(client) == [PubAckPacket(number) for number in range(1, 9)]
    assert client.held == 0


def test_nothing_is_acknowledged_by_itself_nor_for_an_earlier_connection() -> None:
    """Only the owner lets go, and only of messages of this connection."""
    client = up(session_expiry_s=60)
    before = client.receive(incoming(1) + incoming(2), 0.0)
    assert sent_by(client) == []
    client.disconnected()
    client.acknowledge(tokens(before))
    up(client=client)
    again = client.receive(incoming(1, dup=True), 0.0)
    assert again[0].dup
    client.acknowledge(tokens(before))
    assert sent_by(client) == []
    client.acknowledge(tokens(again))
    assert sent_by(client) == [PubAckPacket(1)]


def test_a_peer_that_ignores_the_receive_maximum_crowds_it() -> None:
    """More than announced is taken, as Mosquitto does it, but reported, so that the owner stops reading; until it has
    let enough go."""
    client = up(receive_max=3)
    messages = client.receive(b"".join(incoming(number) for number in range(1, 4)), 0.0)
    assert not client.crowded
    messages += client.receive(incoming(4), 0.0)
    assert client.crowded
    client.acknowledge(tokens(messages)[:1])
    assert not client.crowded


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x00\x00", DisconnectReasonCode.MALFORMED_PACKET),
        (b"\x30\xff\xff\xff\x7f", DisconnectReasonCode.PACKET_TOO_LARGE),
        (PublishPacket("t", b"", qos=QoS.EXACTLY_ONCE, packet_id=1).write(), DisconnectReasonCode.QOS_NOT_SUPPORTED),
        (PublishPacket("", b"", topic_alias=1).write(), DisconnectReasonCode.TOPIC_ALIAS_INVALID),
        (WELCOME, DisconnectReasonCode.PROTOCOL_ERROR),
        (PingReqPacket().write(), DisconnectReasonCode.PROTOCOL_ERROR),
    ],
)
def test_malformed_input_ends_the_connection_after_what_came_before(data: bytes, code: DisconnectReasonCode) -> None:
    """A peer that breaks the protocol gets the reason and is closed; earlier messages of the same read are handed
    over."""
    client = up()
    assert len(client.receive(incoming(1) + data, 0.0)) == 1
    assert client.failure is not None
    assert not client.failure.refused
    assert sent_by(client) == [DisconnectPacket(reason_code=code)]


def test_what_comes_before_the_welcome_ends_the_connection() -> None:
    """A PUBLISH has no place before CONNACK; a DISCONNECT is its own reason."""
    client = made()
    assert client.receive(incoming(1), 0.0) == []
    assert client.failure is not None
    assert "before CONNACK" in client.failure.text
    client.connect(1.0)
    client.receive(DisconnectPacket(reason_code=DisconnectReasonCode.SERVER_SHUTTING_DOWN).write(), 1.0)
    assert client.failure is not None
    assert "shutting down" in client.failure.text


@given(st.binary(max_size=60), st.booleans())
def test_no_bytes_raise(data: bytes, connected: bool) -> None:
    """Whatever a peer sends, before or after its welcome, `receive` returns."""
    client = made(subscriptions=[("t", 1)])
    if connected:
        client.receive(WELCOME, 0.0)
    client.receive(data, 0.0)


def test_the_servers_keep_alive_counts_and_silence_after_a_ping_ends_it() -> None:
    """A ping after three quarters of the server's keep alive; no sign of life within the deadline is a failure."""
    client = made(keep_alive_s=600)
    client.receive(ConnAckPacket(server_keep_alive=20).write(), 0.0)
    sent_by(client)
    assert client.next_deadline(0.0) == 15.0
    assert pings(client, [14]) == 0
    assert pings(client, [15]) == 1
    client.receive(codec.PingRespPacket().write(), 16.0)
    assert pings(client, [31]) == 1
    due = client.next_deadline(31.0)
    assert due == 31.0 + LINK_PING_DEADLINE_S
    client.tick(due)
    assert client.failure is not None
    assert "after a ping" in client.failure.text


def test_a_peer_that_only_listens_is_pinged_too() -> None:
    """Publishing all the time does not hide that nothing comes back."""
    client = up(keep_alive_s=20)
    count = 0
    for second in range(40):
        client.outgoing.publish("t", b"", float(second), qos=0)
        count += pings(client, [second])
        if client.failure is not None:
            break
    assert count == 1
    assert client.failure is not None


def test_a_half_dead_peer_is_noticed_by_its_acknowledgements() -> None:
    """Pings answered but publishes not acknowledged: a failure at the deadline, which every acknowledgement moves."""
    client = up(keep_alive_s=0, ack_deadline_s=30.0)
    for _ in range(2):
        client.outgoing.publish("t", b"", 5.0)
    first, _ = sent_by(client, 5.0)
    assert isinstance(first, PublishPacket)
    client.tick(34.9)
    client.receive(PubAckPacket(first.packet_id or 0).write(), 34.9)
    client.tick(64.8)
    assert client.failure is None
    assert client.next_deadline(64.8) == pytest.approx(64.9)
    client.tick(65.0)
    assert client.failure is not None
    assert "none of 1 publishes" in client.failure.text


def test_a_paused_owner_does_not_blame_its_peer() -> None:
    """While the owner does not read, pings keep the connection open, and silence counts from the resumption."""
    client = up(keep_alive_s=20, ack_deadline_s=30.0)
    client.outgoing.publish("t", b"", 0.0)
    sent_by(client)
    client.pause(True, 0.0)
    assert pings(client, range(0, 200, 5)) >= 9
    client.pause(False, 200.0)
    client.tick(219.0)
    assert client.failure is None
    client.tick(231.0)
    assert client.failure is not None


def test_a_handshake_has_a_deadline() -> None:
    """No CONNACK in time is a failure; without a connection there is nothing to wait for."""
    client = made()
    assert client.next_deadline(5.0) == CONNECT_DEADLINE_S
    client.tick(CONNECT_DEADLINE_S)
    assert client.failure is not None
    client.disconnected()
    client.disconnect()
    client.tick(100.0)
    assert client.output(100.0) == b""


def test_an_assigned_identifier_is_kept() -> None:
    """A client without an identifier comes back under the one that the peer gave it."""
    client = made(client_id="")
    client.receive(ConnAckPacket(assigned_client_id="auto-7").write(), 0.0)
    sent_by(client)
    client.connect(0.0)
    (packet,) = sent_by(client)
    assert isinstance(packet, ConnectPacket)
    assert packet.client_id == "auto-7"
