"""The registry of sessions and its deadline queue. (What clients see of it is in test_session.py.)"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.messages.grants import EVERYBODY, Grant
from edge.mqtt.packets.codec import (
    DisconnectReasonCode,
    PingReqPacket,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubscribePacket,
    TopicFilter,
)
from edge.mqtt.server.sessions import SESSIONS_MAX, DeadlineQueue, EndpointOptions, Sessions, Transport
from tests.edge.mqtt.world import Peer, Recorder, World, disconnect_reason, publish


class Alarm:
    """Looks again `times` times, `every` seconds apart."""

    def __init__(self, every: float, times: int) -> None:
        self.every, self.times = every, times
        self.rang: list[float] = []

    def expire(self, now: float) -> float | None:
        self.rang.append(now)
        return now + self.every if len(self.rang) < self.times else None


@given(st.lists(st.floats(0, 500), max_size=20))
def test_nothing_rings_early_or_more_than_a_second_late(times: list[float]):
    """Every deadline is looked at after it has come, within a second."""
    deadlines = DeadlineQueue()
    alarms = [(at, Alarm(1, 1)) for at in times]
    for at, alarm in alarms:
        deadlines.add(at, alarm)
    for now in range(502):
        deadlines.turn(now)
    assert all(at <= alarm.rang[0] <= at + 1 for at, alarm in alarms)
    assert len(deadlines) == 0


def test_an_alarm_that_asks_for_now_does_not_hang_the_deadline_queue():
    """Asking to be looked at again at once waits for the next second."""
    deadlines, alarm = DeadlineQueue(), Alarm(0, 1_000)
    deadlines.add(10.0, alarm)
    deadlines.turn(11.0)
    assert alarm.rang == [11.0]
    deadlines.turn(3_600.0)
    assert len(alarm.rang) == 2


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
        transport: Transport | None = None

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
