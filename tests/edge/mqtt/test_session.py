"""One client's connection: bytes and time in, publishes and bytes out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import Reason
from edge.limits import (
    CONNECT_BYTES_MAX,
    CONNECT_DEADLINE_S,
    IN_FLIGHT_TO_CLIENT_MAX,
    KEEP_ALIVE_S_MAX,
    OVER_QUOTA_CLOSE_S,
    PACKET_BYTES_MAX,
    RECEIVE_MAX,
    SESSION_EXPIRY_S_MAX,
    TOPIC_ALIAS_MAX,
)
from edge.mqtt import v311
from edge.mqtt.codec import (
    AuthPacket,
    ConnAckPacket,
    ConnectPacket,
    DisconnectPacket,
    DisconnectReasonCode,
    Packet,
    PingReqPacket,
    PingRespPacket,
    PubAckPacket,
    PublishPacket,
    PubRelPacket,
    QoS,
    SubAckPacket,
    SubscribePacket,
    TopicFilter,
    UnsubAckPacket,
    UnsubscribePacket,
    Will,
)
from tests.edge.mqtt.cases import BAD_V5, BAD_V311, BOTH, V5
from tests.edge.mqtt.world import TOKEN, Peer, World

UP = "ds/n1/up/c1/order.place"
ALL = [TopicFilter("ds/n1/down/c1/#", max_qos=QoS.AT_LEAST_ONCE)]
EITHER = pytest.mark.parametrize("version", [5, 4])


def publish(packet_id: int | None = 1, topic: str = UP, payload: bytes = b"{}") -> PublishPacket:
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


def farewell(peer: Peer, sent: list[Packet]) -> int | None:
    """The reason of the DISCONNECT that ends `sent`; None for 3.1.1, where the connection just closes."""
    assert peer.connection.closing
    assert peer.world.receiver.presence[-1] == ("c1", False)
    if peer.version != 5:
        assert not any(isinstance(packet, DisconnectPacket) for packet in sent)
        return None
    assert isinstance(sent[-1], DisconnectPacket)
    return int(sent[-1].reason_code)


# -- the handshake -----------------------------------------------------------------------------------------------------


def test_connack_announces_our_limits():
    """A 5.0 client learns every limit that binds it."""
    _, connack = World().connect(keep_alive=0, session_expiry_interval=SESSION_EXPIRY_S_MAX + 1)
    assert connack.receive_max == RECEIVE_MAX
    assert connack.max_qos == QoS.AT_LEAST_ONCE
    assert connack.max_packet_size == PACKET_BYTES_MAX
    assert connack.topic_alias_max == TOPIC_ALIAS_MAX
    assert connack.server_keep_alive == KEEP_ALIVE_S_MAX
    assert connack.session_expiry_interval == SESSION_EXPIRY_S_MAX
    assert not connack.retain_available
    assert not connack.subscription_id_available
    assert not connack.shared_subscription_available
    assert connack.wildcard_subscription_available
    assert connack.assigned_client_id is None


@pytest.mark.parametrize(
    ("version", "packet", "code"),
    [
        (5, connect(password=b"wrong"), 0x86),
        (5, connect(username="mallory"), 0x86),
        (5, connect(username="No/Such"), 0x86),
        (5, connect(username=None, password=None), 0x87),
        (5, connect("x" * 129), 0x85),
        (5, connect("a\u0001b"), 0x85),
        (5, ConnectPacket("a", authentication_method="SCRAM"), 0x8C),
        (5, ConnectPacket("a", username="c1", password=TOKEN, will=Will("t", qos=QoS.EXACTLY_ONCE)), 0x9B),
        (5, ConnectPacket("a", username="c1", password=TOKEN, will=Will("t", retain=True)), 0x9A),
        (4, connect(password=b"wrong"), 0x86),
        (4, connect(username=None, password=None), 0x87),
        (4, connect("x" * 129), 0x85),
        (4, ConnectPacket("", username="c1", password=TOKEN), 0x85),
    ],
)
def test_connects_that_are_refused(version: int, packet: ConnectPacket, code: int):
    """Whoever may not come in is told why, in the code of the version, and is not present."""
    assert refusal(World().peer(version), packet) == code


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"\x10\x0e\x00\x04MQTT\x06\x02\x00\x3c\x00\x00\x01a", b"\x20\x03\x00\x84\x00"),
        (b"\x10\x0d\x00\x04MQTT\x03\x02\x00\x3c\x00\x01a", b"\x20\x02\x00\x01"),
        (b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a", b"\x20\x02\x00\x01"),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (PingReqPacket().write(), b""),
        (publish().write(), b""),
        (b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01\xff", b"\x20\x03\x00\x81\x00"),
        (b"\x10\x02\x00\x00", b""),
        (b"\x10\x00", b""),
    ],
)
def test_strangers(data: bytes, answer: bytes):
    """What is no CONNECT of 3.1.1 or 5.0 is closed; another version is told so."""
    peer = World().peer()
    peer.connection.receive(data, 0.0, 0.0)
    assert peer.connection.closing
    assert bytes(peer.connection.out[:4]) == answer[:4]


def test_a_stranger_cannot_make_us_buffer_much():
    """Before CONNECT the packet limit is the small one, whatever the endpoint's own is."""
    world = World(packet_bytes_max=500_000)
    peer = world.peer()
    length = CONNECT_BYTES_MAX
    assert peer.send_bytes(bytes((0x10, length & 0x7F | 0x80, length >> 7))) == []
    assert peer.connection.closing
    peer, _ = world.connect()
    peer.send(publish(payload=b"x" * 400_000))
    assert not peer.connection.closing


@EITHER
def test_an_empty_client_identifier_gets_one(version: int):
    """A 5.0 client learns the identifier that it was given; a clean 3.1.1 client needs none."""
    world = World()
    _, first = world.connect(version=version, client_id="", clean_start=True)
    _, second = world.connect(version=version, client_id="", clean_start=True)
    assert world.sessions.count == 2
    if version == 5:
        assert first.assigned_client_id == "auto-0a1b-1"
        assert second.assigned_client_id == "auto-0a1b-2"


def test_anonymous_clients_are_their_client_identifier():
    """Without a user name the client identifier is the identity, so it must be one."""
    world = World(anonymous=True)
    peer = world.peer()
    peer.send(connect("rider-7", username=None, password=None))
    assert world.receiver.presence == [("rider-7", True)]
    (connack,) = world.peer().send(connect("Rider/7", username=None, password=None))
    assert isinstance(connack, ConnAckPacket)
    assert int(connack.reason_code) == 0x85
    (connack,) = world.peer().send(connect("rider-8", username="rider-7", password=b"wrong"))
    assert isinstance(connack, ConnAckPacket)
    assert int(connack.reason_code) == 0x86


@EITHER
def test_connect_and_more_in_one_read(version: int):
    """A client that does not wait for CONNACK gets everything answered in order."""
    world = World(acknowledge=True)
    sent = world.peer(version).send(connect(), SubscribePacket(1, ALL), publish(7))
    assert [type(packet) for packet in sent] == [ConnAckPacket, SubAckPacket, PubAckPacket]


@EITHER
def test_a_second_connect_is_a_protocol_error(version: int):
    """CONNECT may come once."""
    peer, _ = World().connect(version=version)
    assert farewell(peer, peer.send(connect())) == (0x82 if version == 5 else None)


# -- publishes ---------------------------------------------------------------------------------------------------------


@EITHER
def test_one_read_is_one_batch(version: int):
    """All publishes of a read arrive in one call, in order, with identity and kind from the topic."""
    world = World()
    peer, _ = world.connect(version=version)
    peer.send(publish(1), publish(None, "ds/n1/up/c1/rider.position", b"p"), publish(2, "ds/n1/up/c1/anything.else"))
    assert world.receiver.reads == [3]
    assert [(found.client, found.kind, found.qos, found.token) for found in world.receiver.publishes] == [
        ("c1", "order.place", 1, 1),
        ("c1", "rider.position", 0, 0),
        ("c1", "anything.else", 1, 2),
    ]


@EITHER
def test_nothing_is_acknowledged_before_the_receiver_says_so(version: int):
    """PUBACK leaves when the receiver has acknowledged, not earlier, and in the order of the publishes."""
    world = World()
    peer, _ = world.connect(version=version)
    assert peer.send(publish(10), publish(11), publish(12)) == []
    ((source, tokens),) = world.receiver.sources
    source.acknowledge(tokens[1:], ["", ""])
    assert peer.read() == []
    source.acknowledge(tokens[:1], [""])
    assert peer.read() == [PubAckPacket(10), PubAckPacket(11), PubAckPacket(12)]
    source.acknowledge([*tokens, 99], ["", "", "", ""])
    assert peer.read() == []


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("ds/n1/up/c2/order.place", 0x87),
        ("ds/n2/up/c1/order.place", 0x87),
        ("ds/n1/down/c1/receipt", 0x87),
        ("$SYS/broker", 0x87),
        ("../../etc/passwd", 0x87),
        ("ds/n1/up/c1/order.place/x", 0x90),
        ("ds/n1/up/c1/", 0x90),
        ("ds/n1/up/c1/Order", 0x90),
        ("ds/n1/up/c1/order\u0001place", 0x90),
        ("ds/n1/up/c1/order\u202eplace", 0x90),
        ("ds/n1/up/c1/" + "a" * 33, 0x90),
        ("a/" * 200, 0x90),
        ("ds/n1/up/c2/\u0000", 0x90),
    ],
)
@EITHER
def test_topics_outside_the_own_subtree(version: int, topic: str, code: int):
    """5.0 is told; 3.1.1, whose PUBACK would say yes, is closed; QoS 0 is dropped. Each one is counted."""
    world = World(acknowledge=True)
    peer, _ = world.connect(version=version)
    assert peer.send(publish(None, topic)) == []
    assert not peer.connection.closing
    sent = peer.send(publish(5, topic))
    if version == 5:
        assert [(type(packet), int(packet.reason_code)) for packet in sent if isinstance(packet, PubAckPacket)] == [
            (PubAckPacket, code)
        ]
    else:
        farewell(peer, sent)
        assert sent == []
    assert world.receiver.publishes == []
    assert world.receiver.dropped == {("c1", Reason.FORBIDDEN_TOPIC): 2}


def test_a_refusal_waits_for_the_publishes_before_it():
    """Acknowledgements keep the order of the publishes even where one is refused at once."""
    world = World()
    peer, _ = world.connect()
    assert peer.send(publish(1), publish(2, "ds/n1/up/c2/order.place"), publish(3)) == []
    ((source, tokens),) = world.receiver.sources
    source.acknowledge(tokens, ["", ""])
    acks = peer.read()
    assert [packet.packet_id for packet in acks if isinstance(packet, PubAckPacket)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (PublishPacket(UP, b"", qos=QoS.EXACTLY_ONCE, packet_id=1), 0x9B),
        (PublishPacket(UP, b"", retain=True), 0x9A),
        (PublishPacket(UP, b"", topic_alias=TOPIC_ALIAS_MAX + 1), 0x94),
        (PublishPacket("", b"", topic_alias=1), 0x82),
        (PubRelPacket(1), 0x82),
        (AuthPacket(), 0x82),
        (ConnAckPacket(), 0x82),
        (PingRespPacket(), 0x82),
        (SubscribePacket(1, ALL, subscription_id=1), 0xA1),
        (DisconnectPacket(session_expiry_interval=5), 0x82),
    ],
)
def test_rules_that_end_a_connection(packet: Packet, code: int):
    """What was whole before the offence is still handed over; the reason is the standard's."""
    world = World()
    peer, _ = world.connect()
    assert farewell(peer, peer.send(publish(1), packet, publish(2))) == code
    assert len(world.receiver.publishes) == 1


@pytest.mark.parametrize("packet", [PublishPacket(UP, b"", qos=QoS.EXACTLY_ONCE, packet_id=1), PubRelPacket(1)])
def test_qos_2_closes_a_v311_connection(packet: Packet):
    """3.1.1 cannot be told that QoS 2 is not offered."""
    peer, _ = World().connect(version=4)
    assert farewell(peer, peer.send(packet)) is None


@EITHER
@pytest.mark.parametrize("at", range(max(len(BAD_V5), len(BAD_V311))))
def test_malformed_packets(version: int, at: int):
    """A malformed packet ends the connection, is counted, and what came before it is kept."""
    bad = list((BAD_V5 if version == 5 else BAD_V311).values())
    data = bad[at % len(bad)]
    world = World()
    peer, _ = world.connect(version=version)
    write = PublishPacket.write if version == 5 else v311.write
    assert farewell(peer, peer.send_bytes(write(publish(1)) + data)) == (0x81 if version == 5 else None)
    assert world.receiver.dropped == {("c1", Reason.MALFORMED): 1}
    assert len(world.receiver.publishes) == 1


@EITHER
def test_an_oversized_packet(version: int):
    """It is refused by its length, before it is there."""
    world = World()
    peer, _ = world.connect(version=version)
    assert farewell(peer, peer.send_bytes(b"\x30\xff\xff\xff\x7f")) == (0x95 if version == 5 else None)
    assert world.receiver.dropped == {("c1", Reason.OVERSIZED): 1}


def test_more_in_flight_than_the_receive_maximum():
    """The 513th unacknowledged publish of a 5.0 client ends its connection; the 512 before it are kept."""
    world = World()
    peer, _ = world.connect()
    many = [publish(at) for at in range(1, RECEIVE_MAX + 2)]
    assert farewell(peer, peer.send(*many)) == 0x93
    assert len(world.receiver.publishes) == RECEIVE_MAX


def test_a_v311_client_is_held_back_instead():
    """3.1.1 has no receive maximum: reading stops until acknowledgements have left."""
    world = World()
    peer, _ = world.connect(version=4)
    peer.send(*[publish(at) for at in range(1, RECEIVE_MAX + 2)])
    assert not peer.connection.closing
    assert not peer.connection.wants_more
    ((source, tokens),) = world.receiver.sources
    source.acknowledge(tokens, [""] * len(tokens))
    assert peer.connection.wants_more


def test_topic_aliases():
    """An alias stands for its topic, may be given another one, and is nobody else's."""
    world = World()
    peer, _ = world.connect()
    peer.send(PublishPacket(UP, b"1", topic_alias=3), PublishPacket("", b"2", topic_alias=3))
    peer.send(PublishPacket("ds/n1/up/c1/a", b"3", topic_alias=3), PublishPacket("", b"4", topic_alias=3))
    assert [found.kind for found in world.receiver.publishes] == ["order.place", "order.place", "a", "a"]
    other, _ = world.connect(client_id="tablet")
    (sent,) = other.send(PublishPacket("", b"", topic_alias=3))
    assert isinstance(sent, DisconnectPacket)
    assert int(sent.reason_code) == 0x82


@pytest.mark.parametrize(
    ("reason", "code", "text"),
    [
        (Reason.MALFORMED, 0x99, "malformed"),
        (Reason.NOT_YOURS, 0x87, "not_yours"),
        (Reason.UNKNOWN_KIND, 0x90, "unknown_kind"),
        (Reason.DISK_FULL, 0x97, "disk_full"),
        (Reason.OVER_CAPACITY, 0x97, "over_capacity"),
        (Reason.TOO_LATE, 0x83, "too_late"),
        (Reason.UNKNOWN_ORDER, 0x83, "unknown_order"),
    ],
)
@pytest.mark.parametrize("wanted", [True, False])
def test_reasons_of_the_node(reason: Reason, code: int, text: str, wanted: bool):
    """A refusal has the standard's code, and its reason as text where the client wants texts."""
    world = World(acknowledge=True)
    world.receiver.verdicts["order.place"] = reason
    peer, _ = world.connect(request_problem_info=wanted)
    (ack,) = peer.send(publish(4))
    assert isinstance(ack, PubAckPacket)
    assert (int(ack.reason_code), ack.reason_str) == (code, text if wanted else None)


def test_a_refusal_with_a_receipt_is_a_plain_puback_in_v311():
    """The receipt tells a 3.1.1 client, not the PUBACK."""
    world = World(acknowledge=True)
    world.receiver.verdicts["order.place"] = Reason.TOO_LATE
    peer, _ = world.connect(version=4)
    assert peer.send(publish(4)) == [PubAckPacket(4)]


def test_a_full_disk_is_never_acknowledged_in_v311():
    """A 3.1.1 PUBACK would be a lie: it stays away, later ones go out, and the client has to come back."""
    world = World(acknowledge=True)
    world.receiver.verdicts["order.place"] = Reason.DISK_FULL
    peer, _ = world.connect(version=4)
    assert peer.send(publish(4), publish(5, "ds/n1/up/c1/a")) == [PubAckPacket(5)]
    world.pass_s(OVER_QUOTA_CLOSE_S + 1)
    assert peer.connection.closing


# -- quota -------------------------------------------------------------------------------------------------------------


def test_over_quota_in_v5():
    """Beyond burst and rate a publish is refused as such, and time brings new ones."""
    world = World(acknowledge=True, messages_per_s=10, burst=3)
    peer, _ = world.connect()
    acks = peer.send(*[publish(at) for at in range(1, 6)], publish(None))
    assert [int(ack.reason_code) for ack in acks if isinstance(ack, PubAckPacket)] == [0, 0, 0, 0x97, 0x97]
    assert world.receiver.dropped == {("c1", Reason.OVER_QUOTA): 3}
    world.now += 0.25
    acks = peer.send(*[publish(at) for at in range(1, 4)])
    assert [int(ack.reason_code) for ack in acks if isinstance(ack, PubAckPacket)] == [0, 0, 0x97]


def test_over_quota_in_v311():
    """It is not acknowledged, and a little later the client is made to come back."""
    world = World(acknowledge=True, messages_per_s=1, burst=1)
    peer, _ = world.connect(version=4)
    assert peer.send(publish(1), publish(2), publish(3)) == [PubAckPacket(1)]
    world.pass_s(OVER_QUOTA_CLOSE_S - 1)
    assert not peer.connection.closing
    world.pass_s(2)
    assert peer.connection.closing


def test_the_quota_is_the_clients_not_the_connections():
    """Neither a second connection nor coming back brings a new burst."""
    world = World(acknowledge=True, messages_per_s=0.1, burst=2)
    first, _ = world.connect()
    first.send(publish(1))
    second, _ = world.connect(client_id="tablet")
    second.send(publish(1), publish(2))
    assert world.receiver.dropped == {("c1", Reason.OVER_QUOTA): 1}
    first.connection.lost(world.now)
    second.connection.lost(world.now)
    third, _ = world.connect()
    third.send(publish(1))
    assert world.receiver.dropped == {("c1", Reason.OVER_QUOTA): 2}


# -- subscriptions and answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("ds/n1/down/c1/#", 1),
        ("ds/n1/down/c1/+", 1),
        ("ds/n1/down/c1/receipt", 1),
        ("ds/n1/down/c2/#", 0x87),
        ("ds/n1/down/+/receipt", 0x87),
        ("ds/n1/up/c1/#", 0x87),
        ("ds/n1/down/c1/", 0x87),
        ("ds/n1/down/c1", 0x87),
        ("#", 0x87),
        ("+/+/+/+/+", 0x87),
        ("$SYS/#", 0x87),
        ("$share/g/ds/n1/down/c1/#", 0x9E),
        ("ds/n1/down/c1/\u0007", 0x8F),
        ("x" * 300, 0x8F),
    ],
)
@EITHER
def test_subscriptions(version: int, pattern: str, code: int):
    """A client may subscribe to its own answers and nothing else."""
    peer, _ = World().connect(version=version)
    (suback,) = peer.send(SubscribePacket(3, [TopicFilter(pattern)]))
    assert isinstance(suback, SubAckPacket)
    assert [int(found) for found in suback.reason_codes] == [code if version == 5 else min(code, 0x80)]


@EITHER
def test_an_answer_is_pulled_published_and_settled(version: int):
    """An answer goes out at QoS 1 with its expiry, and is settled by the client's PUBACK."""
    world = World()
    peer, _ = world.connect(version=version)
    peer.send(SubscribePacket(1, ALL))
    sequence = world.receiver.answer("c1", b"hello")
    world.sessions.wake("c1")
    (sent,) = peer.read()
    assert isinstance(sent, PublishPacket)
    assert (sent.topic, sent.payload, sent.qos, sent.duplicate) == (
        "ds/n1/down/c1/receipt",
        b"hello",
        QoS.AT_LEAST_ONCE,
        False,
    )
    assert sent.message_expiry_interval == (60 if version == 5 else None)
    assert sent.packet_id is not None
    assert world.receiver.settled == []
    peer.send(PubAckPacket(sent.packet_id), PubAckPacket(sent.packet_id), PubAckPacket(999))
    assert world.receiver.settled == [("c1", [sequence])]


def test_nobody_elses_answers():
    """Waking one client writes nothing to another."""
    world = World()
    peer, _ = world.connect()
    peer.send(SubscribePacket(1, ALL))
    world.receiver.answer("c2")
    world.sessions.wake("c1")
    world.sessions.wake("c2")
    assert peer.read() == []


def test_qos_0_is_settled_by_writing():
    """Granted QoS 0 there is no acknowledgement to wait for, however many answers there are."""
    world = World()
    for _ in range(200):
        world.receiver.answer("c1")
    peer, _ = world.connect()
    sent = peer.send(SubscribePacket(1, [TopicFilter("ds/n1/down/c1/+", max_qos=QoS.AT_MOST_ONCE)]))
    assert len(sent) == 201
    assert world.receiver.answers == []


@pytest.mark.parametrize(("receive_max", "window"), [(3, 3), (65_535, IN_FLIGHT_TO_CLIENT_MAX)])
def test_the_window_towards_the_client(receive_max: int, window: int):
    """No more is in flight than the client or we allow; each PUBACK lets the next one go."""
    world = World()
    for at in range(window + 5):
        world.receiver.answer("c1", b"%d" % at)
    peer, _ = world.connect(receive_max=receive_max)
    _, *sent = peer.send(SubscribePacket(1, ALL))
    assert len(sent) == window
    seen: list[bytes] = []
    while sent:
        packet = sent.pop(0)
        assert isinstance(packet, PublishPacket)
        assert packet.packet_id is not None
        seen.append(packet.payload)
        sent += peer.send(PubAckPacket(packet.packet_id))
    assert seen == [b"%d" % at for at in range(window + 5)]


@EITHER
def test_unacknowledged_answers_come_again(version: int):
    """A client that returns gets what it has not acknowledged, marked as a duplicate with the same packet identifier,
    before what is new; and is told that its session was there."""
    world = World()
    peer, connack = world.connect(version=version, session_expiry_interval=60)
    assert not connack.session_present
    peer.send(SubscribePacket(1, ALL))
    for _ in range(3):
        world.receiver.answer("c1")
    world.sessions.wake("c1")
    first = [packet for packet in peer.read() if isinstance(packet, PublishPacket)]
    assert first[1].packet_id is not None
    peer.send(PubAckPacket(first[1].packet_id))
    peer.connection.lost(world.now)
    world.receiver.answer("c1", b"new")
    again, connack = world.connect(version=version, session_expiry_interval=60)
    assert connack.session_present
    sent = [packet for packet in world.rest if isinstance(packet, PublishPacket)]
    assert [(packet.packet_id, packet.duplicate) for packet in sent[:2]] == [
        (first[0].packet_id, True),
        (first[2].packet_id, True),
    ]
    assert (sent[2].payload, sent[2].duplicate) == (b"new", False)
    assert len({packet.packet_id for packet in sent}) == 3
    assert again.connection.session is not None


@EITHER
def test_a_clean_start_forgets_subscriptions_not_answers(version: int):
    """A clean session begins empty; subscribing again brings every unacknowledged answer, as new."""
    world = World()
    peer, _ = world.connect(version=version, session_expiry_interval=60)
    world.receiver.answer("c1")
    peer.send(SubscribePacket(1, ALL))
    peer.connection.lost(world.now)
    again, connack = world.connect(version=version, clean_start=True)
    assert not connack.session_present
    assert world.rest == []
    _, sent = again.send(SubscribePacket(1, ALL))
    assert isinstance(sent, PublishPacket)
    assert not sent.duplicate


def test_a_session_ends_when_it_expires():
    """After its expiry a session is not present, and nothing of it is kept."""
    world = World()
    peer, _ = world.connect(session_expiry_interval=60)
    peer.send(SubscribePacket(1, ALL))
    peer.connection.lost(world.now)
    world.pass_s(59)
    assert world.sessions.count == 1
    world.pass_s(2)
    assert (world.sessions.count, world.sessions.identities) == (0, {})
    assert not world.connect(session_expiry_interval=60)[1].session_present


def test_disconnect_may_change_the_expiry():
    """The expiry of DISCONNECT replaces the one of CONNECT."""
    world = World()
    peer, _ = world.connect(session_expiry_interval=60)
    assert peer.send(DisconnectPacket(session_expiry_interval=0)) == []
    assert peer.connection.closing
    assert world.sessions.count == 0
    assert world.receiver.presence == [("c1", True), ("c1", False)]


def test_two_sessions_of_one_client_both_get_every_answer():
    """Phone and tablet both see an answer; presence begins with the first and ends with the last."""
    world = World()
    phone, _ = world.connect()
    tablet, _ = world.connect(client_id="tablet", version=4, clean_start=True)
    phone.send(SubscribePacket(1, ALL))
    tablet.send(SubscribePacket(1, ALL))
    world.receiver.answer("c1")
    world.sessions.wake("c1")
    assert [type(packet) for packet in phone.read()] == [PublishPacket]
    assert [type(packet) for packet in tablet.read()] == [PublishPacket]
    phone.connection.lost(world.now)
    assert world.receiver.presence == [("c1", True)]
    tablet.connection.lost(world.now)
    assert world.receiver.presence == [("c1", True), ("c1", False)]


def test_an_answer_over_the_clients_packet_size_is_skipped():
    """It is dropped as if it had been sent, and counted; the next one goes out."""
    world = World()
    world.receiver.answer("c1", b"x" * 200)
    world.receiver.answer("c1", b"y")
    peer, _ = world.connect(max_packet_size=100)
    _, sent = peer.send(SubscribePacket(1, ALL))
    assert isinstance(sent, PublishPacket)
    assert sent.payload == b"y"
    assert peer.connection.session is not None
    assert peer.connection.session.delivery.skipped == 1


def test_only_subscribed_kinds_are_sent():
    """An answer of another kind waits in the core; a later subscription brings it, without repeating the others."""
    world = World()
    world.receiver.answer("c1", b"u", kind="update")
    world.receiver.answer("c1", b"r", kind="receipt")
    peer, _ = world.connect()
    _, sent = peer.send(SubscribePacket(1, [TopicFilter("ds/n1/down/c1/receipt")]))
    assert isinstance(sent, PublishPacket)
    assert sent.payload == b"r"
    _, sent = peer.send(SubscribePacket(2, [TopicFilter("ds/n1/down/c1/update")]))
    assert isinstance(sent, PublishPacket)
    assert sent.payload == b"u"


@EITHER
def test_unsubscribing_stops_answers(version: int):
    """After UNSUBSCRIBE nothing more is sent; a filter that was not there is named so."""
    world = World()
    peer, _ = world.connect(version=version)
    peer.send(SubscribePacket(1, ALL))
    (unsuback,) = peer.send(UnsubscribePacket(2, ["ds/n1/down/c1/#", "ds/n1/down/c1/+", "x"]))
    assert isinstance(unsuback, UnsubAckPacket)
    if version == 5:
        assert [int(code) for code in unsuback.reason_codes] == [0, 0x11, 0x11]
    world.receiver.answer("c1")
    world.sessions.wake("c1")
    assert peer.read() == []


def test_a_choked_connection_waits():
    """While the peer does not read nothing is pulled; when it reads again everything follows."""
    world = World()
    peer, _ = world.connect()
    peer.send(SubscribePacket(1, ALL))
    peer.connection.choked = True
    world.receiver.answer("c1")
    world.sessions.wake("c1")
    assert peer.read() == []
    peer.connection.choked = False
    peer.connection.drained()
    assert len(peer.read()) == 1


# -- coming and going --------------------------------------------------------------------------------------------------


def test_the_same_client_takes_over():
    """The older connection is told; presence does not flicker; the session goes on where it was."""
    world = World()
    old, _ = world.connect(session_expiry_interval=60)
    old.send(SubscribePacket(1, ALL))
    new, connack = world.connect(session_expiry_interval=60)
    assert connack.session_present
    (sent,) = old.read()
    assert isinstance(sent, DisconnectPacket)
    assert (sent.reason_code, old.connection.closing) == (DisconnectReasonCode.SESSION_TAKEN_OVER, True)
    assert world.receiver.presence == [("c1", True)]
    world.receiver.answer("c1")
    world.sessions.wake("c1")
    assert (len(old.read()), len(new.read())) == (0, 1)
    old.connection.lost(world.now)
    assert world.sessions.connected("c1") == [new.connection]


def test_too_many_sessions_of_one_client():
    """A fifth connection is refused; a fifth session takes the place of one that is absent."""
    world = World()
    peers = [world.connect(client_id=f"s{at}", session_expiry_interval=60)[0] for at in range(4)]
    (connack,) = world.peer().send(connect("s5"))
    assert isinstance(connack, ConnAckPacket)
    assert int(connack.reason_code) == 0x97
    peers[2].connection.lost(world.now)
    world.connect(client_id="s5")
    assert sorted(world.sessions.identities["c1"].sessions) == ["s0", "s1", "s3", "s5"]


@EITHER
def test_keepalive(version: int):
    """Silence for one and a half times the keepalive ends a connection; any packet, or being held, prolongs it."""
    world = World()
    peer, _ = world.connect(version=version, keep_alive=20)
    world.pass_s(29)
    assert peer.send(PingReqPacket()) == [PingRespPacket()]
    world.pass_s(29)
    assert not peer.connection.closing
    peer.connection.held = True
    world.pass_s(60)
    peer.connection.held = False
    assert not peer.connection.closing
    world.pass_s(31)
    assert farewell(peer, peer.read()) == (0x8D if version == 5 else None)


@EITHER
def test_no_keepalive_is_the_longest_one(version: int):
    """A half-open connection does not live for ever because its client asked for no keepalive."""
    world = World()
    peer, _ = world.connect(version=version, keep_alive=0)
    world.pass_s(KEEP_ALIVE_S_MAX * 1.5 - 1)
    assert not peer.connection.closing
    world.pass_s(2)
    assert peer.connection.closing


def test_the_deadline_of_connect():
    """A stranger has ten seconds, one byte a second or not."""
    world = World()
    peer = world.peer()
    data = connect().write()
    for at in range(int(CONNECT_DEADLINE_S)):
        assert not peer.connection.closing
        peer.send_bytes(data[at : at + 1])
        world.pass_s(1)
    world.pass_s(1)
    assert peer.connection.closing
    assert world.sessions.wheel.turn(world.now + 60) is None
    assert len(world.sessions.wheel) == 0


@given(st.lists(st.sampled_from(V5), max_size=12))
@settings(max_examples=150)
def test_any_packets_in_any_order_v5(packets: list[Packet]):
    """Whatever a 5.0 client sends in whatever order, presence is balanced and every accepted publish is its own."""
    _any_order(5, b"".join(packet.write() for packet in packets))


@given(st.lists(st.sampled_from(BOTH), max_size=12))
@settings(max_examples=150)
def test_any_packets_in_any_order_v311(packets: list[Packet]):
    """The same for 3.1.1."""
    _any_order(4, b"".join(v311.write(packet) for packet in packets))


@given(st.binary(max_size=80), st.sampled_from([4, 5]))
def test_any_bytes_after_connect(data: bytes, version: int):
    """Random bytes never raise."""
    _any_order(version, data)


def _any_order(version: int, data: bytes) -> None:
    world = World(acknowledge=True)
    peer, _ = world.connect(version=version)
    peer.send_bytes(data)
    peer.connection.lost(world.now)
    assert world.receiver.presence == [("c1", True), ("c1", False)]
    assert all(found.client == "c1" for found in world.receiver.publishes)
    assert len(world.receiver.publishes) + sum(world.receiver.dropped.values()) <= len(data) // 2 + 1
