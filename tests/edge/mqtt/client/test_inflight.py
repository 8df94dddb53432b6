"""The window of publishes, without a connection."""

from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.client.inflight import EXPIRED, LINK_BACKLOG_MAX, PACKET_IDS, TOO_LARGE, InflightWindow, OnAck
from edge.mqtt.packets.codec import Decoder, PublishPacket, QoS


class Wire:
    """An `InflightWindow` towards a peer that takes `window`, and what it wrote."""

    def __init__(self, window: int = 10, packet_bytes_max: int | None = None, aliases_max: int = 0) -> None:
        self.decoder = Decoder(1_000_000)
        self.sent: list[PublishPacket] = []
        self.outgoing = InflightWindow(self._write)
        self.outgoing.opened(window, packet_bytes_max, aliases_max, session_present=False)

    def _write(self, data: bytes) -> None:
        for packet in self.decoder.feed(data):
            assert isinstance(packet, PublishPacket)
            self.sent.append(packet)

    def publish(
        self, payload: bytes, now: float = 0.0, expiry_s: float | None = None, on_ack: OnAck | None = None
    ) -> bool:
        return self.outgoing.publish("t", payload, now, expiry_s=expiry_s, on_ack=on_ack)

    def take(self) -> list[PublishPacket]:
        sent, self.sent = self.sent, []
        return sent

    def acknowledge(self, packet: PublishPacket, now: float = 0.0) -> None:
        self.outgoing.acknowledged(packet.packet_id or 0, 0, now)
        self.outgoing.send_backlog(now)

    def reconnect(self, window: int, *, kept: bool) -> None:
        self.outgoing.closed()
        self.outgoing.opened(window, None, 0, session_present=kept)
        self.outgoing.send_backlog(0.0)


def test_the_window_and_the_backlog_bound_what_is_taken() -> None:
    """As many leave as the peer's receive maximum allows, as many wait as the backlog holds, and then it is False."""
    wire = Wire(3)
    assert wire.outgoing.room == 3
    total = 3 + LINK_BACKLOG_MAX
    assert [wire.publish(b"%d" % n) for n in range(total + 1)] == [True] * total + [False]
    assert [packet.payload for packet in wire.sent] == [b"0", b"1", b"2"]
    assert (wire.outgoing.unacked, wire.outgoing.in_flight, wire.outgoing.room) == (total, 3, 0)
    wire.acknowledge(wire.sent[1], 1.0)
    assert wire.sent[-1].payload == b"3"


@given(
    st.lists(st.one_of(st.just("publish"), st.just("lose"), st.just("keep"), st.integers(0, 20)), max_size=80),
    st.integers(1, 6),
)
def test_nothing_is_lost_or_reordered_over_reconnects(steps: list[str | int], window: int) -> None:
    """Whatever is acknowledged and whenever the connection goes: each publish is acknowledged to its owner exactly once
    in the end, first sendings keep the order, and never more than the window is in flight."""
    wire = Wire(window)
    acks: dict[int, int] = {}
    published = 0
    for step in steps:
        if step == "publish":
            number = published
            published += 1
            assert wire.publish(b"%d" % number, on_ack=lambda _, n=number: acks.update({n: acks.get(n, 0) + 1}))
        elif step in ("lose", "keep"):
            wire.reconnect(window, kept=step == "keep")
        elif isinstance(step, int) and wire.sent:
            wire.acknowledge(wire.sent[step % len(wire.sent)])
        assert wire.outgoing.in_flight <= window
    for _ in range(2 * published + 1):
        for packet in wire.take():
            wire.acknowledge(packet)
        if not wire.outgoing.unacked:
            break
        if not wire.sent:  # in flight since before the last `take`
            wire.reconnect(window, kept=True)
    assert acks == dict.fromkeys(range(published), 1)


def test_a_kept_session_gets_the_same_identifiers_with_dup_and_a_new_one_does_not() -> None:
    """MQTT 5, 4.4: resending within a session is marked; to a new session it is a new publish."""
    wire = Wire()
    wire.publish(b"a")
    wire.publish(b"b")
    before = wire.take()
    wire.reconnect(1, kept=True)
    assert [(p.payload, p.packet_id, p.duplicate) for p in wire.take()] == [(b"a", before[0].packet_id, True)]
    wire.reconnect(10, kept=False)
    assert [(p.payload, p.duplicate) for p in wire.take()] == [(b"a", False), (b"b", False)]


def test_expiry_is_what_remains_and_the_expired_is_never_sent() -> None:
    """A publish that waited goes out with the rest of its time, rounded up; one whose time passed is reported."""
    wire = Wire(1)
    codes: list[int] = []
    wire.publish(b"a")
    wire.publish(b"short", expiry_s=5.0, on_ack=codes.append)
    wire.publish(b"nobody asks", expiry_s=5.0)
    wire.publish(b"long", expiry_s=60.0)
    wire.acknowledge(wire.take()[0], 10.5)
    assert codes == [EXPIRED]
    assert [(p.payload, p.message_expiry_interval) for p in wire.sent] == [(b"long", 50)]


def test_what_is_over_the_peers_packet_size_never_leaves() -> None:
    """The owner is notified at once; everything smaller still goes."""
    wire = Wire(packet_bytes_max=200)
    codes: list[int] = []
    assert wire.publish(bytes(200), on_ack=codes.append)
    assert wire.publish(bytes(200))
    assert codes == [TOO_LARGE]
    assert wire.publish(bytes(100), on_ack=codes.append)
    assert len(wire.sent) == 1


def test_aliases_replace_topics_as_far_as_the_peer_takes_them() -> None:
    """The first topics get aliases, later messages on them only the alias; a new connection begins anew."""
    wire = Wire(aliases_max=1)
    for topic in ("a", "b", "a"):
        assert wire.outgoing.publish(topic, b"", 0.0, qos=0, retain=topic == "b")
    assert [(p.topic, p.topic_alias, p.retain) for p in wire.take()] == [
        ("a", 1, False),
        ("b", None, True),
        ("", 1, False),
    ]
    wire.outgoing.closed()
    wire.outgoing.opened(10, None, 1, session_present=True)
    wire.outgoing.publish("a", b"", 0.0, qos=0)
    assert [(p.topic, p.topic_alias, p.qos, p.retain) for p in wire.take()] == [("a", 1, QoS.AT_MOST_ONCE, False)]


def test_identifiers_in_flight_are_not_given_twice() -> None:
    """After the last identifier comes the first, and those still in flight are passed over."""
    wire = Wire()
    wire.publish(b"stays")
    wire.outgoing._packet_id = PACKET_IDS - 1
    for _ in range(3):
        wire.publish(b"")
    assert [packet.packet_id for packet in wire.sent] == [1, PACKET_IDS, 2, 3]


def test_an_owner_may_publish_from_its_callback() -> None:
    """A closed loop (publish, wait for the acknowledgement, publish) works from inside `on_ack`."""
    wire = Wire(1)

    def again(code: int) -> None:
        assert code == 0
        assert wire.publish(b"2")

    wire.publish(b"1", on_ack=again)
    wire.acknowledge(wire.take()[0])
    assert [packet.payload for packet in wire.sent] == [b"2"]
