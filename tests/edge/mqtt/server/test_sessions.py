"""The registry of sessions, and the wills of those that have gone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Reason
from edge.messages.grants import EVERYBODY, Grant
from edge.mqtt.packets.codec import (
    ConnAckPacket,
    ConnectPacket,
    DisconnectReasonCode,
    PingReqPacket,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubscribePacket,
    TopicFilter,
    Will,
)
from edge.mqtt.server.deadlines import Will as LastWill
from edge.mqtt.server.sessions import SESSION_EXPIRY_S_MAX, SESSIONS_MAX, EndpointOptions, Sessions, Transport
from tests.edge.mqtt.standard import connecting, text
from tests.edge.mqtt.world import EITHER, TOKEN, Peer, Recorder, World, disconnect_reason, publish


def test_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch):
    """Beyond the limit, the session absent for longest is forgotten."""
    assert SESSIONS_MAX > 3
    monkeypatch.setattr("edge.mqtt.server.sessions.SESSIONS_MAX", 3)
    world = World()
    for at in range(5):
        peer, _ = world.connect(f"c{at}", session_expiry_interval=600)
        peer.connection.lost(world.now)
    assert [session.identity.name for session in world.sessions.absent] == ["c2", "c3", "c4"]
    assert world.sessions.count == 3


@pytest.mark.parametrize(
    ("gone", "active", "ended"),
    [
        ([1, 2], [0, 3, 4], "s1"),  # absent for longest
        ([2], [0, 1], "s2"),  # absent, however silent the others are
        ([], [2, 0, 1], "s2"),  # all are connected: silent for longest
    ],
)
def test_a_client_with_too_many_sessions_loses_the_stalest(monkeypatch, gone, active, ended):
    """A new device comes in: the session absent for longest makes room, or else the one silent for longest."""
    monkeypatch.setattr("edge.mqtt.server.sessions.SESSIONS_PER_CLIENT_MAX", 3)
    world = World()
    peers = [world.connect("c", client_id=f"s{number}", session_expiry_interval=600)[0] for number in range(3)]
    for number in gone:
        world.now += 1
        peers[number].connection.lost(world.now)
    for number in active[: 3 - len(gone)]:
        world.now += 1
        peers[number].send(PingReqPacket())
    peer, _ = world.connect("c", client_id="s3", session_expiry_interval=600)
    assert peer.connection.session is not None
    assert {f"s{number}" for number in range(4)} - set(world.sessions.identities["c"].sessions) == {ended}
    assert world.sessions.identities["c"].connected == 4 - max(len(gone), 1)
    assert peers[int(ended[1])].connection.closing


def test_clients_without_an_identifier_get_one_each():
    """Two of them are two sessions."""
    sessions = World().sessions
    assert len({sessions.assign_client_id() for _ in range(3)}) == 3


def test_who_is_refused_is_closed():
    """And counted, and named where there is a sentence for it."""
    world, named = World(), []
    world.sessions.on_refused = lambda _connection, why: named.append(why)
    for why in ("", "it was revoked"):
        connection = world.peer().connection
        world.sessions.refuse(connection, "credentials", world.now, why)
        assert connection.closing
    assert named == ["it was revoked"]


@given(st.lists(st.sampled_from(["come", "come to stay", "go", "visit", "wait", "wait long", "publish"]), max_size=30))
def test_an_identity_is_looked_at_in_one_place(steps: list[str]):
    """However it comes, visits and goes; it is forgotten in the end, and not before its last session."""
    world = World(messages_per_s=1, burst=10)
    peers: list[Peer] = []
    for step in steps:
        if step == "go" and peers:
            peers.pop().connection.lost(world.now)
        elif "come" in step and len(peers) < 3:
            kept_s = 15 if "stay" in step else 0
            peers.append(world.connect(client_id=f"d{len(peers)}", session_expiry_interval=kept_s)[0])
        elif step == "visit":
            world.sessions.visit("c1", world.now).take(3, world.now)
        elif "wait" in step:
            for _ in range(30 if "long" in step else 1):
                world.pass_s(1)
                for peer in peers:
                    peer.send(PingReqPacket())
        for identity in world.sessions.identities.values():
            assert _looks(world, identity) == identity.scheduled
            assert identity.scheduled or identity.sessions
        assert bool(peers) <= ("c1" in world.sessions.identities)
    for peer in peers:
        peer.connection.lost(world.now)
    for _ in range(60):
        world.pass_s(1)
    assert not world.sessions.identities


def _looks(world: World, item: object = None) -> int:
    """How often something, or the only session, will be looked at."""
    if item is None:
        (item,) = world.sessions.identities["c1"].sessions.values()
    return sum(item in slot for slot in world.sessions.deadlines._slots.values())


def test_a_session_that_comes_and_goes_is_looked_at_once():
    """However often it leaves, it waits in one place; after that look it can wait again, until it ends."""
    world = World()
    for _ in range(5):
        world.connect("c1", session_expiry_interval=20)[0].connection.lost(world.now)
        world.pass_s(1)
        assert _looks(world) == 1
    world.pass_s(17)  # it was looked at, 20 s after it left for the first time
    assert _looks(world) == 1
    peer, _ = world.connect("c1", session_expiry_interval=20)
    peer.connection.lost(world.now)
    assert _looks(world) == 1
    peer, _ = world.connect("c1", session_expiry_interval=20)
    for _ in range(25):
        world.pass_s(1)
        peer.send(PingReqPacket())
    assert _looks(world) == 0
    peer.connection.lost(world.now)
    assert _looks(world) == 1
    world.pass_s(22)
    assert world.sessions.count == 0


def test_a_parting_client_shortens_its_session_or_prolongs_it_to_the_longest():
    """DISCONNECT may state for how long; one that was to end with its connection stays so."""
    world = World()
    session = world.connect("c1", session_expiry_interval=20)[0].connection.session
    assert session is not None
    for asked, kept in ((5, 5), (10**9, SESSION_EXPIRY_S_MAX), (None, SESSION_EXPIRY_S_MAX), (0, 0)):
        assert session.depart(asked)
        assert session.expiry_s == kept
    assert not session.depart(5)


def test_an_identity_is_kept_until_its_quota_is_full_again():
    """Coming back does not refill the bucket, and an identity without a session is not kept for ever."""
    world = World(messages_per_s=1, burst=10)
    peer, _ = world.connect()
    assert world.sessions.identities["c1"].take(10, world.now) == 10
    peer.connection.lost(world.now)
    assert world.sessions.count == 0
    world.pass_s(5)
    again, _ = world.connect()
    assert world.sessions.identities["c1"].take(10, world.now) == 5
    again.connection.lost(world.now)
    world.pass_s(12)
    world.pass_s(12)
    assert world.sessions.identities == {}


def test_a_visitor_has_the_quota_of_its_sessions_and_is_forgotten_like_them():
    """One that comes without a session, such as over HTTP."""
    world = World(messages_per_s=1, burst=10)
    peer, _ = world.connect()
    assert world.sessions.visit("c1", world.now).take(8, world.now) == 8
    assert world.sessions.identities["c1"].take(10, world.now) == 2
    peer.connection.lost(world.now)
    assert world.sessions.visit("c2", world.now).take(10, world.now) == 10
    world.pass_s(5)
    assert world.sessions.visit("c2", world.now).take(10, world.now) == 5
    world.pass_s(12)
    world.pass_s(12)
    assert world.sessions.identities == {}


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 3)), max_size=40))
def test_the_quota_holds_over_any_pattern(sends: list[tuple[int, float]]):
    """Never more than the burst and the rate over the time that went by."""
    world = World(messages_per_s=5, burst=20)
    peer, _ = world.connect()
    assert peer.connection.session is not None
    identity = peer.connection.session.identity
    taken, start = 0, world.now
    for wanted, seconds in sends:
        world.now += seconds
        taken += identity.take(wanted, world.now)
        assert taken <= 20 + 5 * (world.now - start) + 1e-6


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.sampled_from(["in", "clean", "out", "wait"]))))
def test_presence_is_always_what_is_connected(steps: list[tuple[int, int, str]]):
    """Through any comings and goings each client was reported present exactly while it had a connection, and the counts
    agree with what is there."""

    class Line:
        out, write_paused, closing, received_at, address = bytearray(), False, False, 0.0, ""
        listener, claimed, certificate = "", "", b""
        transport: Transport | None = None
        will: LastWill | None = None

        def __init__(self) -> None:
            self.open = True
            self.entered: object = None

        def end(self, reason: DisconnectReasonCode, now: float) -> None:
            self.open = False
            sessions.leave(self, self.entered, now)  # type: ignore[arg-type]

    receiver, now = Recorder(), 100.0
    sessions = Sessions("n1", receiver, lambda *_: EVERYBODY, EndpointOptions(burst=10), "", lambda: None)
    lines: dict[tuple[int, int], Line] = {}
    for who, device, what in steps:
        line = lines.get((who, device))
        if what in ("in", "clean"):
            new = Line()
            entered = sessions.enter(new, f"c{who}", f"d{device}", shop="", clean=what == "clean", expiry_s=30, now=now)
            assert sum(1 for (owner, _), found in lines.items() if owner == who and found.open) <= 4
            new.entered = entered[0]
            lines[who, device] = new
        elif what == "out" and line is not None and line.open:
            line.open = False
            sessions.leave(line, line.entered, now)  # type: ignore[arg-type]
        elif what == "wait":
            now += 7
            sessions.deadlines.turn(now)
        seen_presence = dict(receiver.presence)
        for client in range(3):
            connected = any(owner == client and found.open for (owner, _), found in lines.items())
            assert seen_presence.get(f"c{client}", False) == connected
        assert sessions.count == sum(len(identity.sessions) for identity in sessions.identities.values())
    sessions.deadlines.turn(now + 100)
    sessions.deadlines.turn(now + 200)
    assert len(sessions.absent) == 0


TILL = Grant(("shop",), "shop-4")


def _subscribed(world: World, *patterns: str) -> tuple[Peer, list[int]]:
    """A till of the shop, and the codes of its filters."""
    world.grants["c1"] = TILL
    peer, _ = world.connect()
    wanted = [TopicFilter(pattern, max_qos=QoS.AT_LEAST_ONCE) for pattern in patterns]
    (suback,) = peer.send(SubscribePacket(1, wanted))
    assert isinstance(suback, SubAckPacket)
    return peer, [int(code) for code in suback.reason_codes]


def test_a_client_of_a_shop_listens_to_the_shop():
    """Its own subtree and that of its shop are open to it, those of others are not."""
    patterns = [f"ds/n1/down/{name}/#" for name in ("c1", "shop-4", "shop-5")]
    assert _subscribed(World(), *patterns)[1] == [1, 1, 0x87]


def test_answers_of_client_and_shop_arrive_in_their_sequence():
    """Whatever the order in which the link gets them, each once; those of another shop never."""
    world = World()
    peer, _ = _subscribed(world, "ds/n1/down/c1/#", "ds/n1/down/shop-4/#")
    for number, name in enumerate(["shop-4", "c1", "shop-5", "shop-4", "c1"]):
        world.receiver.answer(name, str(number).encode())
    world.sessions.wake({"c1": (), "shop-5": (), "shop-4": ()})
    found = peer.read()
    assert [(each.topic, each.payload) for each in found if isinstance(each, PublishPacket)] == [
        ("ds/n1/down/shop-4/receipt", b"0"),
        ("ds/n1/down/c1/receipt", b"1"),
        ("ds/n1/down/shop-4/receipt", b"3"),
        ("ds/n1/down/c1/receipt", b"4"),
    ]
    world.receiver.answer("shop-4", b"5")
    world.sessions.wake({"shop-4": ()})
    assert [each.payload for each in peer.read() if isinstance(each, PublishPacket)] == [b"5"]
    peer.connection.lost(world.now)
    assert not world.sessions.shops


def test_the_session_of_another_shop_is_not_resumed():
    """Who comes back for another shop begins anew, and its CONNACK shows it."""
    world = World()
    world.grants["c1"] = TILL
    peer, _ = world.connect(session_expiry_interval=600)
    peer.connection.lost(world.now)
    assert world.connect(session_expiry_interval=600)[1].session_present
    world.grants["c1"] = Grant(("shop",), "shop-5")
    assert not world.connect(session_expiry_interval=600)[1].session_present
    assert list(world.sessions.shops) == ["shop-5"]
    assert world.sessions.count == 1


@pytest.mark.parametrize("version", [4, 5])
def test_a_session_ends_with_its_token(version: int):
    """At `exp` the connection is closed, also that of a client that only listens; 5.0 with the reason."""
    world = World()
    world.sessions.wall_s = lambda: 1_790_000_000.0
    world.grants["c1"] = Grant(("customer",), expires_at=1_790_000_030)
    peer, _ = world.connect(version=version)
    for second in range(35):
        assert peer.connection.closing == (second > 30)
        if not peer.connection.closing:
            peer.send(PingReqPacket())
        world.pass_s(1)
    assert disconnect_reason(peer, peer.read()) == (0x87 if version == 5 else None)


def test_a_publish_has_the_grant_of_its_client():
    """On the plain path and on the other one."""
    world = World(acknowledge=True)
    world.grants["c1"] = TILL
    peer, _ = world.connect()
    peer.send(publish(1), publish(2), publish(None))
    assert [each.grant for each in world.receiver.publishes] == [TILL] * 3


# -- wills -------------------------------------------------------------------------------------------------------------

LEAVE = {
    "the socket is gone": lambda peer: peer.connection.lost(peer.world.now),
    "the keepalive runs out": lambda peer: peer.world.pass_s(91),
    "it breaks a rule": lambda peer: peer.send_bytes(b"\x00\x00"),
    "DISCONNECT with the will": lambda peer: peer.send_bytes(b"\xe0\x01\x04"),
    "DISCONNECT with an error": lambda peer: peer.send_bytes(b"\xe0\x01\x80"),
    "DISCONNECT": lambda peer: peer.send_bytes(b"\xe0\x00"),
    "it is revoked": lambda peer: peer.connection.end(DisconnectReasonCode.NOT_AUTHORIZED, peer.world.now),
    "the node stops": lambda peer: (peer.world.sessions.stop(peer.world.now), peer.connection.lost(peer.world.now)),
}
WITHOUT_WILL = ("DISCONNECT", "it is revoked", "the node stops")


def willing(world: World, version: int = 5, *, delay_s: int = 0, expiry_s: int = 0, clean: bool = True) -> Peer:
    """A client with a will to end its shift."""
    if version == 5:
        will = Will("ds/n1/up/c1/rider.shift", payload=b"off", qos=QoS.EXACTLY_ONCE, will_delay_interval=delay_s)
        options: dict[str, Any] = {"clean_start": clean, "session_expiry_interval": expiry_s, "will": will}
        packet = ConnectPacket("phone", username="c1", password=TOKEN, keep_alive=60, **options)
        data = packet.write()
    else:
        data = connecting(0xC6 if clean else 0xC4, will=text("ds/n1/up/c1/rider.shift") + text("off"))[1]
    peer = world.peer(version)
    (connack, *_) = peer.send_bytes(data)
    assert isinstance(connack, ConnAckPacket)
    assert int(connack.reason_code) == 0
    return peer


@pytest.mark.parametrize("how", LEAVE)
@EITHER
def test_a_will_is_an_event_of_its_client(version: int, how: str):
    """It comes when the connection ends without DISCONNECT, once, before the client is reported as absent."""
    if version == 4 and "DISCONNECT with" in how:
        return
    world = World()
    seen: list[int] = []
    world.receiver.on_publishes = lambda _: seen.append(len(world.receiver.presence))
    peer = willing(world, version)
    LEAVE[how](peer)
    peer.connection.lost(world.now)
    world.pass_s(200)
    wills = [(found.client, found.kind, found.payload, found.qos, found.token) for found in world.receiver.publishes]
    assert wills == ([] if how in WITHOUT_WILL else [("c1", "rider.shift", b"off", min(int(version == 5), 1), 0)])
    assert seen == [1] * len(wills)


@pytest.mark.parametrize(
    ("delay_s", "expiry_s", "back_s", "clean", "due_s"),
    [
        (0, 600, None, False, 0),
        (30, 600, None, False, 30),
        (600, 30, None, False, 30),  # the session ends before
        (30, 0, None, False, 0),  # at once
        (30, 600, 29, False, None),  # back in time
        (30, 600, 29, True, 29),  # the session has ended
        (30, 600, 40, False, 30),
    ],
)
def test_the_delay_of_a_will(delay_s: int, expiry_s: int, back_s: int | None, clean: bool, due_s: int | None):
    """It waits for the delay or the end of the session, whichever comes first, and for nobody who is back in time."""
    world = World()
    peer = willing(world, delay_s=delay_s, expiry_s=expiry_s)
    peer.connection.lost(world.now)
    published: list[int] = []
    for second in range(700):
        if second == back_s:
            willing(world, clean=clean).send_bytes(b"\xe0\x00")
        if world.receiver.publishes and not published:
            published.append(second)
        world.pass_s(1)
    if due_s is None:
        assert published == []
    else:
        assert published[0] - due_s in ((0, 1, 2) if due_s else (0,))
    assert len(world.receiver.publishes) == len(published)


@pytest.mark.parametrize(("delay_s", "wills"), [(0, 1), (30, 0)])
def test_a_will_of_a_session_that_is_taken_over(delay_s: int, wills: int):
    """The older connection has ended: a will without delay is published, one with a delay is not, since the client is
    back."""
    world = World()
    willing(world, delay_s=delay_s, expiry_s=600)
    willing(world, clean=False, expiry_s=600)
    world.pass_s(31)
    assert len(world.receiver.publishes) == wills


def test_wills_that_wait_are_published_when_the_node_stops():
    """Their clients had gone before; those that are there have no will for it."""
    world = World()
    willing(world, delay_s=30, expiry_s=600).connection.lost(world.now)
    world.sessions.stop(world.now)
    world.sessions.stop(world.now)
    assert len(world.receiver.publishes) == 1


def test_a_will_is_within_the_quota():
    """As every publish."""
    world = World(messages_per_s=0.1, burst=1)
    for _ in range(2):
        willing(world).connection.lost(world.now)
    assert len(world.receiver.publishes) == 1
    assert world.receiver.dropped == {("c1", Reason.OVER_QUOTA): 1}


@pytest.mark.parametrize("topic", ["ds/n1/up/c2/rider.shift", "ds/n1/up/c1/Shift", "$SYS/broker/connection/a/state"])
@EITHER
def test_any_other_will(version: int, topic: str):
    """5.0 is refused with the reason; 3.1.1, which cannot know, comes in without it, counted by name."""
    world = World()
    peer = world.peer(version)
    (connack,) = peer.send_bytes(connecting(0xC6, will=text(topic) + text("off"))[version == 4])
    assert isinstance(connack, ConnAckPacket)
    assert int(connack.reason_code) == (0x90 if version == 5 else 0)
    peer.connection.lost(world.now)
    assert world.receiver.publishes == []
    assert world.sessions.wills_dropped == (version == 4)
    assert world.sessions.will_clients.names(world.now) == ("c1 (1)" if version == 4 else "")
    assert world.receiver.dropped == ({("c1", Reason.FORBIDDEN_TOPIC): 1} if version == 4 else {})
