"""The client's half of MQTT 5, with time as an argument and bytes by hand."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.limits import CONNECT_DEADLINE_S, LINK_PING_DEADLINE_S
from edge.mqtt.client.session import Message, MqttClientSession, Phase
from edge.mqtt.packets.codec import (
    ConnAckPacket,
    ConnAckReasonCode,
    ConnectPacket,
    Decoder,
    DisconnectPacket,
    DisconnectReasonCode,
    Packet,
    PingReqPacket,
    PingRespPacket,
    PubAckPacket,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubAckReasonCode,
    SubscribePacket,
)

GRANTED = SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE


def sent_by(client: MqttClientSession, now: float = 0.0) -> list[Packet]:
    """What the client wants to send."""
    return Decoder(1_000_000).feed(client.output(now))


def incoming(number: int, *, dup: bool = False) -> bytes:
    """A QoS 1 publish of the peer."""
    return PublishPacket("t", b"%d" % number, qos=QoS.AT_LEAST_ONCE, packet_id=number, duplicate=dup).write()


def up(client: MqttClientSession, now: float = 0.0, **connack) -> list[Packet]:
    """Connects a client without subscriptions; what it sent after CONNACK."""
    client.connect(now)
    sent_by(client, now)
    client.receive(ConnAckPacket(**connack).write(), now)
    assert client.phase is Phase.UP
    return sent_by(client, now)


def tokens(messages: Sequence[Message]) -> list[int]:
    return [message.token for message in messages]


def test_connect_states_everything_and_the_first_one_only_cleans() -> None:
    """CONNECT carries the options; clean start holds for the first connection, later ones want the session back."""
    client = MqttClientSession(
        "c", username="u", token="secret", clean_start=True, session_expiry_s=60, keep_alive_s=20
    )
    client.connect(0.0)
    (packet,) = sent_by(client)
    assert isinstance(packet, ConnectPacket)
    assert (packet.client_id, packet.username, packet.password) == ("c", "u", b"secret")
    assert (packet.clean_start, packet.session_expiry_interval, packet.keep_alive) == (True, 60, 20)
    client.receive(ConnAckPacket().write(), 0.0)
    client.connect(1.0)
    (packet,) = sent_by(client)
    assert isinstance(packet, ConnectPacket)
    assert not packet.clean_start


def test_it_is_up_when_subscribed_and_resumed_sessions_need_no_subscription() -> None:
    """Subscribed at first and whenever the session is gone; not again when the peer kept it."""
    client = MqttClientSession("c", subscriptions=[("a", 1), ("b", 0)], session_expiry_s=60)
    client.connect(0.0)
    sent_by(client)
    client.receive(ConnAckPacket(session_present=True).write(), 0.0)
    (packet,) = sent_by(client)
    assert isinstance(packet, SubscribePacket)
    assert [(f.pattern, int(f.max_qos)) for f in packet.topic_filters] == [("a", 1), ("b", 0)]
    assert client.phase is Phase.SUBSCRIBING
    assert not client.publish("t", b"", 0.0)
    client.receive(SubAckPacket(packet.packet_id, [GRANTED, GRANTED]).write(), 0.0)
    assert client.phase is Phase.UP
    assert up(client, session_present=True) == []
    client.connect(0.0)
    sent_by(client)
    client.receive(ConnAckPacket().write(), 0.0)
    assert [type(packet) for packet in sent_by(client)] == [SubscribePacket]
    assert client.sessions_lost == 1


def test_a_session_of_an_unanswered_connect_is_subscribed() -> None:
    """The peer lost the session, and made a new one at an attempt whose CONNACK never came: present, but deaf."""
    client = MqttClientSession("c", subscriptions=[("a", 1)], session_expiry_s=60)
    client.connect(0.0)
    client.receive(ConnAckPacket().write() + SubAckPacket(65_535, [GRANTED]).write(), 0.0)
    assert client.phase is Phase.UP
    client.connect(1.0)
    client.connect(2.0)
    sent_by(client)
    client.receive(ConnAckPacket(session_present=True).write(), 2.0)
    assert [type(packet) for packet in sent_by(client)] == [SubscribePacket]
    client.receive(SubAckPacket(65_535, [GRANTED]).write(), 2.0)
    assert up(client, 3.0, session_present=True) == []


def test_a_refused_subscription_is_named() -> None:
    """The filter, the reason and the user are in the text."""
    client = MqttClientSession("c", username="u", subscriptions=[("mine", 1), ("theirs", 1)])
    client.connect(0.0)
    client.receive(ConnAckPacket().write(), 0.0)
    client.receive(SubAckPacket(65_535, [GRANTED, SubAckReasonCode.NOT_AUTHORIZED]).write(), 0.0)
    assert client.failure is not None
    assert client.failure.refused
    assert "theirs: not authorized" in client.failure.text
    assert "'u'" in client.failure.text


@given(st.permutations(range(8)), st.integers(0, 8))
def test_acknowledgements_leave_in_the_order_of_arrival(order: list[int], cut: int) -> None:
    """In whatever order the owner lets go, PUBACKs keep the order of the publishes (MQTT 5, 4.6), each once."""
    client = MqttClientSession("c")
    up(client)
    messages = client.receive(b"".join(incoming(number + 1) for number in range(8)), 0.0)
    client.acknowledge([messages[place].token for place in order[:cut]])
    client.acknowledge([messages[place].token for place in order])
    client.acknowledge(tokens(messages))
    assert [packet.packet_id for packet in sent_by(client) if isinstance(packet, PubAckPacket)] == list(range(1, 9))
    assert client.held == 0


def test_nothing_is_acknowledged_by_itself_nor_for_an_earlier_connection() -> None:
    """Only the owner lets go, and only of messages of this connection."""
    client = MqttClientSession("c", session_expiry_s=60)
    up(client)
    before = client.receive(incoming(1) + incoming(2), 0.0)
    assert sent_by(client) == []
    up(client, session_present=True)
    again = client.receive(incoming(1, dup=True), 0.0)
    assert again[0].dup
    client.acknowledge(tokens(before))
    assert sent_by(client) == []
    client.acknowledge(tokens(again))
    assert [type(packet) for packet in sent_by(client)] == [PubAckPacket]


def test_a_peer_that_ignores_the_receive_maximum_crowds_it() -> None:
    """More than announced is taken, as Mosquitto does it, but reported, so that the owner stops reading; until it has
    let enough go."""
    client = MqttClientSession("c", receive_max=3)
    up(client)
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
        (ConnAckPacket().write(), DisconnectReasonCode.PROTOCOL_ERROR),
        (PingReqPacket().write(), DisconnectReasonCode.PROTOCOL_ERROR),
    ],
)
def test_malformed_input_ends_the_connection_after_what_came_before(data: bytes, code: DisconnectReasonCode) -> None:
    """A peer that breaks the protocol gets the reason and is closed; earlier messages of the same read are handed
    over."""
    client = MqttClientSession("c")
    up(client)
    assert len(client.receive(incoming(1) + data, 0.0)) == 1
    assert client.failure is not None
    (packet,) = sent_by(client)
    assert isinstance(packet, DisconnectPacket)
    assert packet.reason_code == code


@given(st.binary(max_size=60), st.booleans())
def test_no_bytes_raise(data: bytes, connected: bool) -> None:
    """Whatever a peer sends, before or after its welcome, `receive` returns."""
    client = MqttClientSession("c", subscriptions=[("t", 1)])
    client.connect(0.0)
    if connected:
        client.receive(ConnAckPacket().write(), 0.0)
    client.receive(data, 0.0)


def test_the_servers_keep_alive_counts_and_silence_after_a_ping_ends_it() -> None:
    """A ping after three quarters of the server's keep alive; no sign of life within the deadline is a failure."""
    client = MqttClientSession("c", keep_alive_s=600)
    up(client, 100.0, server_keep_alive=20)
    assert client.next_deadline(100.0) == 115.0
    client.tick(114.9)
    assert sent_by(client, 114.9) == []
    client.tick(115.0)
    assert [type(packet) for packet in sent_by(client, 115.0)] == [PingReqPacket]
    client.receive(PingRespPacket().write(), 116.0)
    client.tick(131.0)
    assert [type(packet) for packet in sent_by(client, 131.0)] == [PingReqPacket]
    due = client.next_deadline(131.0)
    assert due == 131.0 + LINK_PING_DEADLINE_S
    client.tick(due)
    assert client.failure is not None
    assert "after a ping" in client.failure.text


def test_a_peer_that_only_listens_is_pinged_too() -> None:
    """Publishing all the time does not hide that nothing comes back."""
    client = MqttClientSession("c", keep_alive_s=20)
    up(client)
    pings = 0
    for second in range(40):
        client.publish("t", b"", float(second), qos=0)
        client.tick(float(second))
        pings += sum(isinstance(packet, PingReqPacket) for packet in sent_by(client, float(second)))
        if client.failure is not None:
            break
    assert pings == 1
    assert client.failure is not None


def test_a_half_dead_peer_is_noticed_by_its_acknowledgements() -> None:
    """Pings answered but publishes not acknowledged: a failure at the deadline, which every acknowledgement moves."""
    client = MqttClientSession("c", keep_alive_s=0, ack_deadline_s=30.0)
    up(client)
    for _ in range(2):
        client.publish("t", b"", 5.0)
    first, _ = sent_by(client, 5.0)
    assert isinstance(first, PublishPacket)
    assert first.packet_id is not None
    client.tick(34.9)
    client.receive(PubAckPacket(first.packet_id).write(), 34.9)
    client.tick(64.8)
    assert client.failure is None
    assert client.next_deadline(64.8) == pytest.approx(64.9)
    client.tick(65.0)
    assert client.failure is not None
    assert "none of 1 publishes" in client.failure.text


def test_a_paused_owner_does_not_blame_its_peer() -> None:
    """While the owner does not read, pings keep the connection open, and silence counts from the resumption."""
    client = MqttClientSession("c", keep_alive_s=20, ack_deadline_s=30.0)
    up(client)
    client.publish("t", b"", 0.0)
    sent_by(client)
    client.paused = True
    pings = 0
    for second in range(0, 200, 5):
        client.tick(float(second))
        pings += sum(isinstance(packet, PingReqPacket) for packet in sent_by(client, float(second)))
    assert client.failure is None
    assert pings >= 9
    client.resumed(200.0)
    client.tick(209.0)
    assert client.failure is None
    client.tick(231.0)
    assert client.failure is not None


def test_a_handshake_has_a_deadline() -> None:
    """No CONNACK in time is a failure."""
    client = MqttClientSession("c")
    client.connect(5.0)
    assert client.next_deadline(5.0) == 5.0 + CONNECT_DEADLINE_S
    client.tick(5.0 + CONNECT_DEADLINE_S)
    assert client.failure is not None


def test_a_peer_without_qos_1_is_refused() -> None:
    """Without QoS 1 there is no promise to keep."""
    client = MqttClientSession("c")
    client.connect(0.0)
    client.receive(ConnAckPacket(max_qos=QoS.AT_MOST_ONCE).write(), 0.0)
    assert client.failure is not None
    assert client.failure.refused


def test_an_assigned_identifier_is_kept() -> None:
    """A client without an identifier comes back under the one that the peer gave it."""
    client = MqttClientSession("")
    up(client, assigned_client_id="auto-7")
    client.connect(0.0)
    (packet,) = sent_by(client)
    assert isinstance(packet, ConnectPacket)
    assert packet.client_id == "auto-7"


def test_a_refused_connection_is_no_exception() -> None:
    """CONNACK with a reason becomes a failure with words."""
    client = MqttClientSession("c", username="u")
    client.connect(0.0)
    client.receive(ConnAckPacket(reason_code=ConnAckReasonCode.NOT_AUTHORIZED).write(), 0.0)
    assert client.failure is not None
    assert client.failure.refused
    assert client.phase is not Phase.UP
