"""One client's connection: takeover, keepalive, deadlines, and whatever else may come."""

import gc

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.limits import CONNECT_DEADLINE_S
from edge.mqtt.packets.codec import (
    ConnAckPacket,
    DisconnectPacket,
    DisconnectReasonCode,
    PingReqPacket,
    PingRespPacket,
    SubscribePacket,
)
from edge.mqtt.server.connect import KEEP_ALIVE_S_MAX
from edge.mqtt.server.connection import Connection
from tests.edge.mqtt.cases import V5, V311
from tests.edge.mqtt.world import ALL, EITHER, World, connect, disconnect_reason


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
@given(data=st.data())
@settings(max_examples=150)
def test_any_packets_in_any_order(version: int, data: st.DataObject):
    """Whatever a client sends in whatever order, presence is balanced and every accepted publish is its own."""
    _any_order(version, b"".join(data.draw(st.lists(st.sampled_from(V5 if version == 5 else V311), max_size=12))))


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
