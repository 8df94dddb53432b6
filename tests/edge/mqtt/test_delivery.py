"""What one session sends: property tests. (Single cases are in test_session.py.)"""

from hypothesis import given
from hypothesis import strategies as st

from edge.limits import IN_FLIGHT_TO_CLIENT_MAX, PULL_BYTES_MAX
from edge.mqtt.codec import Decoder, Packet, PublishPacket, QoS, TopicFilter
from edge.mqtt.delivery import Delivery
from tests.edge.mqtt.world import Recorder

ALL = TopicFilter("ds/n1/down/c1/#", max_qos=QoS.AT_LEAST_ONCE)


def _write(packet: Packet) -> bytes:
    return packet.write()


def _pull(delivery: Delivery, receiver: Recorder) -> list[PublishPacket]:
    out = bytearray()
    delivery.pull(receiver, out)
    return [packet for packet in Decoder(1_000_000).feed(bytes(out)) if isinstance(packet, PublishPacket)]


@given(st.lists(st.sampled_from(["answer", "pull", "ack", "reconnect", "subscribe"]), max_size=60), st.integers(1, 5))
def test_every_answer_arrives_at_least_once(steps: list[str], receive_max: int):
    """Through any mixture of answers, acknowledgements, lost connections and subscriptions, nothing is in flight twice,
    the window holds, what is sent again in a session has its old packet identifier, and in the end all is settled."""
    receiver, delivery = Recorder(), Delivery("c1", "ds/n1/down/c1/")
    delivery.connect(_write, receive_max, None, expires=True)
    delivery.subscribe(ALL)
    made: list[int] = []
    flying: dict[int, bytes] = {}  # as the client sees it
    before: dict[bytes, int] = {}
    settled: set[bytes] = set()

    def pull() -> None:
        for packet in _pull(delivery, receiver):
            assert packet.packet_id is not None
            assert packet.packet_id not in flying
            assert packet.payload not in settled
            assert packet.duplicate == (packet.payload in before)
            assert before.get(packet.payload, packet.packet_id) == packet.packet_id
            flying[packet.packet_id] = packet.payload
        assert delivery.in_flight == len(flying) <= min(receive_max, IN_FLIGHT_TO_CLIENT_MAX)

    def acknowledge() -> None:
        packet_id, payload = next(iter(flying.items()))
        del flying[packet_id]
        settled.add(payload)
        sequence = delivery.acknowledged(packet_id)
        assert sequence is not None
        receiver.delivered("c1", [sequence])

    for step in steps:
        if step == "answer":
            made.append(receiver.answer("c1", b"%d" % len(made)))
        elif step == "pull":
            pull()
        elif step == "ack" and flying:
            acknowledge()
        elif step == "reconnect":
            pull()  # the first thing after CONNACK, so nothing of an earlier connection is left half sent
            before = {payload: packet_id for packet_id, payload in flying.items()}
            flying.clear()
            delivery.connect(_write, receive_max, None, expires=True)
            pull()
            before = {}
        elif step == "subscribe":
            delivery.subscribe(ALL)
    while receiver.answers:
        pull()
        acknowledge()
    assert len(settled) == len(made)


def test_a_pull_is_bounded():
    """At QoS 0, with no window, one pull stops at its byte limit and says that there is more."""
    receiver, delivery = Recorder(), Delivery("c1", "ds/n1/down/c1/")
    delivery.connect(_write, 65_535, None, expires=True)
    delivery.subscribe(TopicFilter(ALL.pattern, max_qos=QoS.AT_MOST_ONCE))
    for _ in range(100):
        receiver.answer("c1", b"x" * 16_000)
    out = bytearray()
    delivery.pull(receiver, out)
    assert PULL_BYTES_MAX <= len(out) < PULL_BYTES_MAX + IN_FLIGHT_TO_CLIENT_MAX * 17_000
    assert delivery.ready
    while delivery.ready:
        out.clear()
        delivery.pull(receiver, out)
    assert receiver.answers == []


def test_packet_identifiers_wrap():
    """After 65,535 comes 1, and one that is still in flight is passed over."""
    receiver, delivery = Recorder(), Delivery("c1", "ds/n1/down/c1/")
    delivery.connect(_write, 65_535, None, expires=False)
    delivery.subscribe(ALL)
    receiver.answer("c1")
    (kept,) = _pull(delivery, receiver)
    assert kept.packet_id == 1
    seen: list[int] = []
    for _ in range(65_536):
        sequence = receiver.answer("c1")
        (packet,) = _pull(delivery, receiver)
        assert packet.packet_id is not None
        seen.append(packet.packet_id)
        assert delivery.acknowledged(packet.packet_id) == sequence
        receiver.delivered("c1", [sequence])
    assert seen[-3:] == [65_535, 2, 3]
