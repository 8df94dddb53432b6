"""The window of publishes, without a connection."""

from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.client.inflight import EXPIRED, PACKET_IDS, TOO_LARGE, InflightWindow, OnAck
from edge.mqtt.packets.codec import Decoder, PublishPacket, QoS


class Wire:
    """An `InflightWindow`, and what it wrote."""

    def __init__(self, in_flight_max: int = 10, backlog_max: int = 10) -> None:
        self.decoder = Decoder(1_000_000)
        self.sent: list[PublishPacket] = []
        self.outgoing = InflightWindow(self._write, in_flight_max, backlog_max)

    def _write(self, data: bytes) -> None:
        for packet in self.decoder.feed(data):
            assert isinstance(packet, PublishPacket)
            self.sent.append(packet)

    def publish(
        self, payload: bytes, now: float = 0.0, expiry_s: float | None = None, on_ack: OnAck | None = None
    ) -> bool:
        return self.outgoing.publish("t", payload, now, 1, False, expiry_s, on_ack)

    def take(self) -> list[PublishPacket]:
        sent, self.sent = self.sent, []
        return sent


def identifier(packet: PublishPacket) -> int:
    assert packet.packet_id is not None
    return packet.packet_id


def test_the_window_and_the_backlog_bound_what_is_taken() -> None:
    """As many leave as the peer's receive maximum allows, as many wait as the backlog holds, and then it is False."""
    wire = Wire(in_flight_max=100, backlog_max=2)
    wire.outgoing.opened(3, None, 0, session_present=False)
    assert wire.outgoing.room == 3
    assert [wire.publish(b"%d" % n) for n in range(6)] == [True] * 5 + [False]
    assert [packet.payload for packet in wire.sent] == [b"0", b"1", b"2"]
    assert (wire.outgoing.unacked, wire.outgoing.in_flight, wire.outgoing.room) == (5, 3, 0)
    wire.outgoing.acknowledged(identifier(wire.sent[1]), 0, 1.0)
    wire.outgoing.send_backlog(1.0)
    assert wire.sent[-1].payload == b"3"


@given(
    st.lists(st.one_of(st.just("publish"), st.just("lose"), st.just("keep"), st.integers(0, 20)), max_size=80),
    st.integers(1, 6),
)
def test_nothing_is_lost_or_reordered_over_reconnects(steps: list[str | int], window: int) -> None:
    """Whatever is acknowledged and whenever the connection goes: each publish is acknowledged to its owner exactly once
    in the end, first sendings keep the order, and never more than the window is in flight."""
    wire = Wire(in_flight_max=100, backlog_max=1000)
    wire.outgoing.opened(window, None, 0, session_present=False)
    acks: dict[int, int] = {}
    published = 0
    for step in steps:
        if step == "publish":
            number = published
            published += 1
            assert wire.publish(b"%d" % number, on_ack=lambda _, n=number: acks.update({n: acks.get(n, 0) + 1}))
        elif step in ("lose", "keep"):
            wire.outgoing.closed()
            wire.outgoing.opened(window, None, 0, session_present=step == "keep")
            wire.outgoing.send_backlog(0.0)
        elif isinstance(step, int) and wire.sent:
            wire.outgoing.acknowledged(identifier(wire.sent[step % len(wire.sent)]), 0, 0.0)
            wire.outgoing.send_backlog(0.0)
        assert wire.outgoing.in_flight <= window
    for _ in range(2 * published + 1):
        for packet in wire.take():
            wire.outgoing.acknowledged(identifier(packet), 0, 0.0)
        wire.outgoing.send_backlog(0.0)
        if not wire.outgoing.unacked:
            break
        if not wire.sent:  # in flight since before the last `take`
            wire.outgoing.closed()
            wire.outgoing.opened(window, None, 0, session_present=True)
            wire.outgoing.send_backlog(0.0)
    assert acks == dict.fromkeys(range(published), 1)


def test_a_kept_session_gets_the_same_identifiers_with_dup_and_a_new_one_does_not() -> None:
    """MQTT 5, 4.4: resending within a session is marked; to a new session it is a new publish."""
    wire = Wire()
    wire.outgoing.opened(10, None, 0, session_present=False)
    wire.publish(b"a")
    wire.publish(b"b")
    before = wire.take()
    wire.outgoing.closed()
    wire.outgoing.opened(1, None, 0, session_present=True)
    wire.outgoing.send_backlog(0.0)
    again = wire.take()
    assert [(p.payload, p.packet_id, p.duplicate) for p in again] == [(b"a", before[0].packet_id, True)]
    wire.outgoing.closed()
    wire.outgoing.opened(10, None, 0, session_present=False)
    wire.outgoing.send_backlog(0.0)
    assert [(p.payload, p.duplicate) for p in wire.take()] == [(b"a", False), (b"b", False)]


def test_expiry_is_what_remains_and_the_expired_is_never_sent() -> None:
    """A publish that waited goes out with the rest of its time, rounded up; one whose time passed is reported."""
    wire = Wire()
    wire.outgoing.opened(1, None, 0, session_present=False)
    codes: list[int] = []
    wire.publish(b"a")
    wire.publish(b"short", now=0.0, expiry_s=5.0, on_ack=codes.append)
    wire.publish(b"long", now=0.0, expiry_s=60.0)
    wire.outgoing.acknowledged(identifier(wire.take()[0]), 0, 10.5)
    wire.outgoing.send_backlog(10.5)
    assert codes == [EXPIRED]
    assert [(p.payload, p.message_expiry_interval) for p in wire.sent] == [(b"long", 50)]


def test_what_is_over_the_peers_packet_size_never_leaves() -> None:
    """The owner is notified at once; everything smaller still goes."""
    wire = Wire()
    wire.outgoing.opened(10, 200, 0, session_present=False)
    codes: list[int] = []
    assert wire.publish(bytes(200), on_ack=codes.append)
    assert codes == [TOO_LARGE]
    assert wire.publish(bytes(100), on_ack=codes.append)
    assert len(wire.sent) == 1


def test_aliases_replace_topics_as_far_as_the_peer_takes_them() -> None:
    """The first topics get aliases, later messages on them only the alias; a new connection begins anew."""
    wire = Wire()
    wire.outgoing.opened(10, None, 1, session_present=False)
    for topic in ("a", "b", "a"):
        wire.outgoing.publish(topic, b"", 0.0, 0, False, None, None)
    assert [(p.topic, p.topic_alias) for p in wire.take()] == [("a", 1), ("b", None), ("", 1)]
    wire.outgoing.closed()
    wire.outgoing.opened(10, None, 1, session_present=True)
    wire.outgoing.publish("a", b"", 0.0, 0, False, None, None)
    assert [(p.topic, p.topic_alias, p.qos == QoS.AT_MOST_ONCE) for p in wire.take()] == [("a", 1, True)]


def test_identifiers_in_flight_are_not_given_twice() -> None:
    """After all identifiers have been used once, those still in flight are passed over."""
    wire = Wire(in_flight_max=10, backlog_max=0)
    wire.outgoing.opened(10, None, 0, session_present=False)
    wire.publish(b"stays")
    stays = identifier(wire.take()[0])
    seen: set[int] = set()
    for _ in range(PACKET_IDS + 10):
        wire.publish(b"")
        used = identifier(wire.take()[0])
        assert used != stays
        assert 1 <= used <= PACKET_IDS
        seen.add(used)
        wire.outgoing.acknowledged(used, 0, 0.0)
    assert len(seen) == PACKET_IDS - 1


def test_an_owner_may_publish_from_its_callback() -> None:
    """A closed loop (publish, wait for the acknowledgement, publish) works from inside `on_ack`."""
    wire = Wire()
    wire.outgoing.opened(1, None, 0, session_present=False)

    def again(code: int) -> None:
        assert code == 0
        assert wire.publish(b"2")

    wire.publish(b"1", on_ack=again)
    wire.outgoing.acknowledged(identifier(wire.take()[0]), 0, 0.0)
    assert [packet.payload for packet in wire.sent] == [b"2"]
