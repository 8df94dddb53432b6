"""One client's connection: its subscriptions, the answers that it gets, and its end, whatever may come before."""

import gc

import pytest

from edge.limits import CONNECT_DEADLINE_S, IN_FLIGHT_TO_CLIENT_MAX
from edge.mqtt.packets.codec import (
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
from edge.mqtt.server.connect import KEEP_ALIVE_S_MAX
from edge.mqtt.server.connection import Connection
from tests.edge.mqtt.world import ALL, EITHER, World, connect, disconnect_reason


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("ds/n1/down/c1/#", 1),
        ("ds/n1/down/c1/+", 1),
        ("ds/n1/down/c2/#", 0x87),
        ("$share/g/ds/n1/down/c1/#", 0x9E),
        ("ds/n1/down/c1/\u0007", 0x8F),
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
    assert {name: count for name, count in world.sessions.refused.items() if count} == {reason: 1}
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
