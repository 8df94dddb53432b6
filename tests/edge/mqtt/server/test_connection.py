"""One client's connection: its handshake, its subscriptions, the answers that it gets, and its end."""

import gc
from typing import Any

import pytest

from edge.errors import Reason
from edge.limits import PACKET_BYTES_MAX
from edge.mqtt.limits import CONNECT_DEADLINE_S, IN_FLIGHT_TO_CLIENT_MAX, RECEIVE_MAX
from edge.mqtt.packets.codec import (
    ConnAckPacket,
    ConnectPacket,
    DisconnectPacket,
    DisconnectReasonCode,
    PingReqPacket,
    PingRespPacket,
    PubAckPacket,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubscribePacket,
    TopicFilter,
    UnsubAckPacket,
    UnsubscribePacket,
)
from edge.mqtt.server.connect import KEEP_ALIVE_S_MAX, KEEP_ALIVE_V311_S_MAX
from edge.mqtt.server.connection import Connection
from edge.mqtt.server.inbound import CONNECT_BYTES_MAX
from tests.edge.mqtt.standard import BAD_CONNECTS
from tests.edge.mqtt.world import ALL, EITHER, TOKEN, World, connect, disconnect_reason, publish, refusal


def test_connack_announces_our_limits():
    """A 5.0 client learns those that the node was given, too. (All others are in test_connect.py.)"""
    for wanted in (PACKET_BYTES_MAX, 5_000):
        world = World() if wanted == PACKET_BYTES_MAX else World(packet_bytes_max=wanted)
        assert world.connect()[1].max_packet_size == wanted


@pytest.mark.parametrize(
    ("version", "packet", "code"),
    [
        (5, connect(password=b"wrong"), 0x86),
        (5, connect(username="mallory"), 0x86),
        (5, connect(username="No/Such"), 0x86),
        (5, connect(username=None, password=None), 0x87),
        (5, connect("x" * 129), 0x85),
        (5, connect("a\u0001b"), 0x85),
        (5, ConnectPacket("a", username="c1", password=TOKEN, max_packet_size=5, keep_alive=9_999), 0x95),
        (5, ConnectPacket("a", authentication_method="SCRAM"), 0x8C),
        (4, connect(password=b"wrong"), 0x86),
        (4, connect(username=None, password=None), 0x87),
        (4, connect("x" * 129), 0x85),
        (4, ConnectPacket("", username="c1", password=TOKEN), 0x85),
    ],
)
def test_connects_that_are_refused(version: int, packet: ConnectPacket, code: int):
    """Whoever may not come in gets the reason, in the code of the version, and is not present."""
    assert refusal(World().peer(version), packet) == code


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"\x10\x0e\x00\x04MQTT\x06\x02\x00\x3c\x00\x00\x01a", b"\x20\x35\x00\x84"),
        (b"\x10\x0d\x00\x04MQTT\x03\x02\x00\x3c\x00\x01a", b"\x20\x02\x00\x01"),
        (b"\x10\x0d\x00\x04MQTT\x84\x02\x00\x3c\x00\x01a", b"\x20\x02\x00\x01"),
        (b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a", b"\x20\x02\x00\x01"),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (PingReqPacket().write(), b""),
        (publish().write(), b""),
        (b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01\xff", b"\x20\x20\x00\x81"),
        (b"\x10\x02\x00\x00", b""),
        (b"\x10\x00", b""),
    ],
)
def test_first_packets_that_are_no_connect(data: bytes, answer: bytes):
    """What is no CONNECT of 3.1.1 or 5.0 is closed; another version is refused."""
    peer = World().peer()
    peer.connection.receive(data, 0.0, 0.0)
    assert peer.connection.closing
    assert bytes(peer.connection.out[:4]) == answer[:4]


@pytest.mark.parametrize("name", BAD_CONNECTS)
@EITHER
def test_connects_that_break_a_rule(version: int, name: str):
    """5.0 gets the code and a text, 3.1.1 nothing; nobody comes in."""
    offence = BAD_CONNECTS[name]
    if not (data := offence.v5 if version == 5 else offence.v311):
        return
    peer = World().peer(version)
    sent = [packet for packet in peer.send_bytes(data) if isinstance(packet, ConnAckPacket)]
    assert peer.connection.closing
    assert peer.world.receiver.presence == []
    assert [int(packet.reason_code) for packet in sent] == ([offence.code] if version == 5 else [])
    assert all(packet.reason_str for packet in sent)


@pytest.mark.parametrize("client_id", ["a", ""])
def test_connack_fits_the_clients_packet_size(client_id: str):
    """Our limits are left out first, what the client has to know never: where that is too much it is refused."""

    def answer(limit: int) -> bytes:
        packet = ConnectPacket(client_id, username="c1", password=TOKEN, max_packet_size=limit, keep_alive=9_999)
        peer = World().peer()
        peer.send_raw(packet.write())
        return bytes(peer.connection.out)

    whole = answer(1_000)
    needed = answer(len(whole) - 1)
    assert answer(len(whole)) == whole
    assert 5 < len(needed) < len(whole) - 10
    assert answer(len(needed)) == needed
    assert answer(len(needed) - 1) == answer(5) == b"\x20\x03\x00\x95\x00"
    assert answer(4) == b""


def test_an_unauthenticated_client_cannot_make_us_buffer_much():
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


def test_anonymous_clients_are_their_user_name_or_client_identifier():
    """A user name is the identity, with any password; without one the client identifier is, so it must be a name."""
    world = World(anonymous=True)
    peer = world.peer()
    peer.send(connect("rider-7", username=None, password=None))
    assert world.receiver.presence == [("rider-7", True)]
    (connack,) = world.peer().send(connect("Rider/7", username=None, password=None))
    assert isinstance(connack, ConnAckPacket)
    assert int(connack.reason_code) == 0x85
    world.peer().send(connect("some-client-of-8", username="rider-8", password=b"any"))
    assert world.receiver.presence[-1] == ("rider-8", True)
    (connack,) = world.peer().send(connect("rider-9", username="Rider/9", password=b"any"))
    assert isinstance(connack, ConnAckPacket)
    assert int(connack.reason_code) == 0x85


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
    assert disconnect_reason(peer, peer.send(connect())) == (0x82 if version == 5 else None)


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("ds/n1/down/c1/#", 1),
        ("ds/n1/down/c1/+", 1),
        ("ds/n1/down/c2/#", 0x87),
        ("$share/g/ds/n1/down/c1/#", 0x9E),
        ("ds/n1/down/c1/\u200f", 0x8F),
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
    world.sessions.wake({"c1": ()})
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


def test_a_client_that_only_listens_names_the_encoding_of_its_answers():
    """In CONNECT, for this connection."""
    world = World()
    words: dict[str, Any] = {"user_properties": [("encoding", "msgpack")], "clean_start": True}
    peer = world.peer()
    peer.send(ConnectPacket("screen", username="c1", password=TOKEN, **words), SubscribePacket(1, ALL))
    world.receiver.answer("c1", b'{"order":"o-1"}')
    world.sessions.wake({"c1": ()})
    (answer,) = peer.read()
    assert isinstance(answer, PublishPacket)
    assert (answer.payload, answer.content_type) == (b"\x81\xa5order\xa3o-1", "application/msgpack")


def test_nobody_elses_answers():
    """Waking one client writes nothing to another."""
    world = World()
    peer, _ = world.connect()
    peer.send(SubscribePacket(1, ALL))
    world.receiver.answer("c2")
    world.sessions.wake({"c1": ()})
    world.sessions.wake({"c2": ()})
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
    before what is new; and CONNACK states that its session was there."""
    world = World()
    peer, connack = world.connect(version=version, session_expiry_interval=60)
    assert not connack.session_present
    peer.send(SubscribePacket(1, ALL))
    for _ in range(3):
        world.receiver.answer("c1")
    world.sessions.wake({"c1": ()})
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
    world.sessions.wake({"c1": ()})
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
    assert peer.connection.session.outbound.skipped == 1


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
    world.sessions.wake({"c1": ()})
    assert peer.read() == []


def test_a_paused_connection_waits():
    """While the peer does not read nothing is pulled; when it reads again everything follows."""
    world = World()
    peer, _ = world.connect()
    peer.send(SubscribePacket(1, ALL))
    peer.connection.write_paused = True
    world.receiver.answer("c1")
    world.sessions.wake({"c1": ()})
    assert peer.read() == []
    peer.connection.write_paused = False
    peer.connection.drained()
    assert len(peer.read()) == 1


# -- takeover, keepalive, deadlines, and whatever else may come --------------------------------------------------------


def test_the_same_client_takes_over():
    """The older connection gets the reason; presence does not flicker; the session goes on where it was."""
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
    world.sessions.wake({"c1": ()})
    assert (len(old.read()), len(new.read())) == (0, 1)
    old.connection.lost(world.now)
    assert [one.connection for one in world.sessions.identities["c1"].sessions.values()] == [new.connection]


@EITHER
def test_too_many_sessions_of_one_client(version: int):
    """A fifth connection ends the one that has been silent for longest, which gets the reason."""
    world = World()
    peers = [world.connect(client_id=f"s{at}", version=version)[0] for at in range(4)]
    world.now += 1
    for peer in (*peers[:2], peers[3]):
        peer.send(PingReqPacket())
    world.connect(client_id="s5", version=version)
    ends = [packet for packet in peers[2].read() if isinstance(packet, DisconnectPacket)]
    assert [int(packet.reason_code) for packet in ends] == ([0x97] if version == 5 else [])
    assert peers[2].connection.closing
    assert sorted(world.sessions.identities["c1"].sessions) == ["s0", "s1", "s3", "s5"]
    assert world.sessions.takeovers == 1


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        ("credentials", connect("phone", password=b"wrong").write()),
        ("protocol", connect("x" * 200).write()),
        ("protocol", b"GET / HTTP/1.1\r\n\r\n"),
        ("silent", b""),
    ],
)
def test_a_refused_connection_is_counted_by_its_reason(reason: str, sent: bytes):
    """Once, and charged to the address that it came from."""
    world = World()
    peer = world.peer()
    peer.connection.address = "192.0.2.7"
    peer.send_raw(sent) if sent else world.pass_s(11)
    assert peer.connection.closing
    assert {name: count for name, count in world.sessions.failed.refused.items() if count} == {reason: 1}
    assert list(world.sessions.failed._budgets) == ["192.0.2.7"]


@EITHER
def test_keepalive(version: int):
    """Silence for one and a half times the keepalive ends a connection; any packet, or being held, prolongs it."""
    world = World()
    peer, _ = world.connect(version=version, keep_alive=20)
    world.pass_s(29)
    assert peer.send(PingReqPacket()) == [PingRespPacket()]
    world.pass_s(29)
    assert not peer.connection.closing
    peer.connection.read_paused = True
    world.pass_s(60)
    peer.connection.read_paused = False
    assert not peer.connection.closing
    world.pass_s(31)
    assert disconnect_reason(peer, peer.read()) == (0x8D if version == 5 else None)


@pytest.mark.parametrize("asked", [0, 65_535])
@pytest.mark.parametrize(("version", "kept"), [(5, KEEP_ALIVE_S_MAX), (4, KEEP_ALIVE_V311_S_MAX)])
def test_no_keepalive_is_the_longest_one(version: int, kept: int, asked: int):
    """A half-open connection does not live for ever because its client asked for no keepalive, or a very long one. A
    client of 3.1.1 does not learn of ours, so it has more time."""
    world = World()
    peer, _ = world.connect(version=version, keep_alive=asked)
    world.pass_s(kept * 1.5 - 1)
    assert not peer.connection.closing
    world.pass_s(2)
    assert peer.connection.closing


def test_the_deadline_of_connect():
    """An unauthenticated client has ten seconds, one byte a second or not."""
    world = World()
    peer = world.peer()
    data = connect().write()
    for at in range(int(CONNECT_DEADLINE_S)):
        assert not peer.connection.closing
        peer.send_bytes(data[at : at + 1])
        world.pass_s(1)
    world.pass_s(1)
    assert peer.connection.closing
    assert world.sessions.deadlines.turn(world.now + 60) is None
    assert len(world.sessions.deadlines) == 0


@EITHER
def test_a_closed_connection_is_gone_when_the_queue_drops_it(version: int):
    """It is in no cycle, so it does not wait for the collector, which on a calm node hardly ever comes by."""
    world = World()
    gc.collect()
    gc.disable()
    try:
        peer, _ = world.connect(version=version)
        peer.connection.lost(world.now)
        del peer
        world.pass_s(61)
        assert not [one for one in gc.get_objects() if type(one) is Connection]
    finally:
        gc.enable()


def test_what_comes_after_too_much_is_not_looked_at():
    """A client that has more under way at QoS 2 than it may is not read any more, and leaves once what was taken is
    acknowledged."""
    world = World()
    peer, _ = world.connect()
    peer.send(*[publish(at, qos=QoS.EXACTLY_ONCE) for at in range(1, RECEIVE_MAX + 2)])
    received_at = peer.connection.received_at
    world.now += 1
    assert peer.send(publish(9), PingReqPacket()) == []
    assert (len(world.receiver.publishes), peer.connection.received_at) == (RECEIVE_MAX, received_at)


@EITHER
def test_what_is_over_the_quota_is_counted(version: int):
    """The publishes that are too many, and none where the quota is just used up."""
    world = World(messages_per_s=1, burst=3)
    peer, _ = world.connect(version=version)
    peer.send(*[publish(at) for at in range(1, 4)])
    assert world.receiver.dropped == {}
    world.now += 2
    peer.send(*[publish(at) for at in range(4, 9)])
    assert world.receiver.dropped == {("c1", Reason.OVER_QUOTA): 3}
