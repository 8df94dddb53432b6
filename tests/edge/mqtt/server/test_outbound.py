"""What one session sends: property tests. (Single cases are in test_session.py.)"""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.model import Answer
from edge.messages.envelope import ENCODE, is_json, loose
from edge.mqtt.limits import IN_FLIGHT_TO_CLIENT_MAX
from edge.mqtt.packets.codec import NO_LIMIT, Decoder, PublishPacket, QoS, TopicFilter
from edge.mqtt.seam import Pending
from edge.mqtt.server.outbound import CONTENT_FROM_BYTES, PULL_BYTES_MAX, RESPONSES_MAX, OutboundQueue
from tests.edge.mqtt.world import Recorder, written

ALL = TopicFilter("ds/n1/down/c1/#", max_qos=QoS.AT_LEAST_ONCE)


class Line:
    """A connection that takes everything."""

    write_paused = closing = False

    def __init__(self) -> None:
        self.out = bytearray()


def _pull(outbound: OutboundQueue, fresh: Sequence[Pending] = ()) -> list[PublishPacket]:
    line = Line()
    outbound.pull(line, fresh)
    return [packet for packet in Decoder(1_000_000).feed(bytes(line.out)) if isinstance(packet, PublishPacket)]


def _made() -> tuple[Recorder, OutboundQueue]:
    receiver = Recorder()
    outbound = OutboundQueue("c1", "", "ds/n1/down/", receiver)
    outbound.connect(65_535, NO_LIMIT, properties=True)
    return receiver, outbound


@given(
    st.lists(st.sampled_from(["fresh", "unread", "pull", "ack", "reconnect", "subscribe"]), max_size=60),
    st.integers(1, 5),
)
def test_every_answer_arrives_at_least_once(steps: list[str], receive_max: int):
    """Through any mixture of answers, acknowledgements, lost connections and subscriptions, nothing is in flight twice,
    the window holds, what is sent again in a session has its old packet identifier, and in the end all is settled."""
    receiver, outbound = _made()
    outbound.connect(receive_max, NO_LIMIT, properties=True)
    outbound.subscribe(ALL)
    made: list[int] = []
    unacknowledged: dict[int, bytes] = {}  # as the client sees it
    before: dict[bytes, int] = {}
    settled: set[bytes] = set()

    def pull(fresh: Sequence[Pending] = ()) -> None:
        for packet in _pull(outbound, fresh):
            assert packet.packet_id is not None
            assert packet.packet_id not in unacknowledged
            assert packet.payload not in settled
            assert packet.duplicate == (packet.payload in before)
            assert before.get(packet.payload, packet.packet_id) == packet.packet_id
            unacknowledged[packet.packet_id] = packet.payload
        assert outbound.in_flight == len(unacknowledged) <= min(receive_max, IN_FLIGHT_TO_CLIENT_MAX)

    def acknowledge() -> None:
        packet_id, payload = next(iter(unacknowledged.items()))
        del unacknowledged[packet_id]
        settled.add(payload)
        sequence = outbound.acknowledged(packet_id)
        assert sequence is not None
        receiver.delivered("c1", [sequence])

    for step in steps:
        if step in ("fresh", "unread"):
            made.append(receiver.answer("c1", b"%d" % len(made)))
            if step == "fresh":
                pull(receiver.answers[-1:])
            else:
                outbound.more = True
        elif step == "pull":
            pull()
        elif step == "ack" and unacknowledged:
            acknowledge()
        elif step == "reconnect":
            pull()  # the first thing after CONNACK, so nothing of an earlier connection is left half sent
            before = {payload: packet_id for packet_id, payload in unacknowledged.items()}
            unacknowledged.clear()
            outbound.connect(receive_max, NO_LIMIT, properties=True)
            pull()
            before = {}
        elif step == "subscribe":
            outbound.subscribe(ALL)
    while receiver.answers:
        pull()
        acknowledge()
    assert len(settled) == len(made)


@pytest.mark.parametrize("version", [5, 4])
@pytest.mark.parametrize("qos", [QoS.AT_MOST_ONCE, QoS.AT_LEAST_ONCE])
@given(
    payload=st.binary(max_size=300) | st.sampled_from([b"x" * 17_000, b"{}"]),
    left_s=st.floats(0.001, 1e10),
    again=st.booleans(),
)
def test_an_answer_is_written_as_the_codec_writes_it(
    version: int, qos: QoS, payload: bytes, left_s: float, again: bool
):
    """In both versions, at both QoS, the first and the second time; in 5.0 with its content type. It expires after a
    second at least, and after as many as the field can hold at most."""
    (receiver, outbound), line = _made(), Line()
    outbound.subscribe(TopicFilter(ALL.pattern, max_qos=qos))
    receiver.answer("c1", payload, kind="update", left_s=left_s)
    keeps = qos == QoS.AT_LEAST_ONCE
    for _ in range(1 + (again and keeps)):
        line.out.clear()
        outbound.connect(65_535, NO_LIMIT, properties=version == 5)
        outbound.pull(line)
    json = payload[:1] == b"{"
    content: dict[str, Any] = {
        "message_expiry_interval": min(max(1, int(left_s)), 0xFFFF_FFFF),
        "content_type": "application/json" if json else "application/msgpack",
        "payload_format_indicator": int(json),
    }
    packet = PublishPacket(
        "ds/n1/down/c1/update",
        payload,
        qos=qos,
        packet_id=1 if keeps else None,
        duplicate=again and keeps,
        **(content if version == 5 else {}),
    )
    if version == 5:
        assert Decoder(100_000).feed(bytes(line.out)) == [packet]
        assert len(line.out) == len(packet.write())
    else:
        assert line.out == written(4, packet)


def test_a_new_subscription_sends_nothing_twice():
    """What waits for its acknowledgement when a filter is added is passed over, whatever is pulled with it, and nothing
    that came meanwhile."""
    receiver, outbound = _made()
    outbound.subscribe(TopicFilter("ds/n1/down/c1/update", max_qos=QoS.AT_LEAST_ONCE))
    for kind in ("receipt", "update", "receipt", "update"):
        receiver.answer("c1", kind=kind)
    assert [packet.topic[-6:] for packet in _pull(outbound)] == ["update", "update"]
    outbound.subscribe(ALL)
    receiver.answer("c1", kind="update")
    assert [packet.topic[-7:] for packet in _pull(outbound)] == ["receipt", "receipt", "/update"]
    assert _pull(outbound) == []
    assert outbound.in_flight == 5


def test_the_receipt_of_a_repeat_is_sent_once():
    """At QoS 0, whatever the window, and nothing of it stays: neither the answers before it nor after it are passed
    over. What the client cannot take is left out."""
    receiver, outbound = _made()
    outbound.connect(1, 80, properties=True)
    outbound.subscribe(ALL)
    receiver.answer("c1", b"first")
    assert [packet.qos for packet in _pull(outbound)] == [QoS.AT_LEAST_ONCE]
    again = [(Answer(0, "c1", "receipt", payload, 0.0), 60.0) for payload in (b"again", b"x" * 80)]
    assert [(packet.qos, packet.payload) for packet in _pull(outbound, again)] == [(0, b"again")]
    assert outbound.in_flight == 1
    assert receiver.settled == []
    soon = [(Answer(0, "c1", "receipt", b"again", 0.0), left_s) for left_s in (60.9, 0.2, 1e12)]
    assert [packet.message_expiry_interval for packet in _pull(outbound, soon)] == [60, 1, 0xFFFF_FFFF]
    receiver.delivered("c1", [outbound.acknowledged(1) or 0])
    receiver.answer("c1", b"second")
    assert [packet.payload for packet in _pull(outbound)] == [b"second"]


def test_answers_of_a_client_and_of_its_shop_come_in_their_sequence():
    """Though they wait apart."""
    receiver = Recorder()
    outbound = OutboundQueue("c1", "s1", "ds/n1/down/", receiver)
    outbound.connect(65_535, NO_LIMIT, properties=True)
    for client in ("c1", "s1"):
        outbound.subscribe(TopicFilter(f"ds/n1/down/{client}/#", max_qos=QoS.AT_LEAST_ONCE))
    for number, client in enumerate(("c1", "s1", "c1")):
        receiver.answer(client, bytes([number]))
    assert [packet.payload for packet in _pull(outbound)] == [b"\0", b"\1", b"\2"]


def test_a_pull_is_bounded():
    """At QoS 0, with no window, one pull stops at its byte limit and states that there is more."""
    receiver, outbound = _made()
    outbound.subscribe(TopicFilter(ALL.pattern, max_qos=QoS.AT_MOST_ONCE))
    for _ in range(100):
        receiver.answer("c1", b"x" * 16_000)
    line = Line()
    outbound.pull(line)
    assert PULL_BYTES_MAX <= len(line.out) < PULL_BYTES_MAX + IN_FLIGHT_TO_CLIENT_MAX * 17_000
    assert outbound.ready
    while outbound.ready:
        line.out.clear()
        outbound.pull(line)
    assert receiver.answers == []


def test_packet_identifiers_wrap():
    """After 65,535 comes 1, and one that is still in flight is passed over; nothing goes to a connection that
    closes."""
    receiver, outbound = _made()
    outbound.subscribe(ALL)
    receiver.answer("c1")
    (kept,) = _pull(outbound)
    outbound._packet_id = 65_534
    seen: list[int | None] = [kept.packet_id]
    for _ in range(3):
        receiver.answer("c1")
        seen += [packet.packet_id for packet in _pull(outbound)]
    assert seen == [1, 65_535, 2, 3]
    receiver.answer("c1")
    line = Line()
    line.closing = True
    outbound.pull(line)
    assert line.out == b""


RECEIPT = {"id": "e-1", "of": "x", "status": "accepted", "at": 1}


@pytest.mark.parametrize("wanted", [True, False, None])
def test_a_connection_gets_the_encoding_that_it_asks_for(wanted: bool | None):
    """Whatever an answer was made as; what nobody asks for stays as it is. The content type is that of what is sent."""
    receiver, outbound = _made()
    outbound.connect(65_535, NO_LIMIT, properties=True, json=wanted)
    outbound.subscribe(ALL)
    for json in (True, False):
        receiver.answer("c1", ENCODE[json](RECEIPT))
    sent = _pull(outbound)
    assert [loose(packet.payload) for packet in sent] == [RECEIPT] * 2
    assert [is_json(packet.payload) for packet in sent] == ([True, False] if wanted is None else [wanted] * 2)
    assert all((packet.content_type == "application/json") == is_json(packet.payload) for packet in sent)


def test_a_client_of_small_packets_gets_no_content_type():
    """It has room for what matters."""
    receiver, outbound = _made()
    outbound.connect(65_535, CONTENT_FROM_BYTES - 1, properties=True)
    outbound.subscribe(ALL)
    receiver.answer("c1", b"{}")
    (packet,) = _pull(outbound)
    assert (packet.content_type, packet.payload_format_indicator) == (None, 0)


@pytest.mark.parametrize(
    ("topic", "correlation", "filters", "sent"),
    [
        ("ds/n1/down/c1/replies/7", b"\x00\xff", ["ds/n1/down/c1/#"], ("ds/n1/down/c1/replies/7", b"\x00\xff")),
        ("ds/n1/down/c1/replies/7", b"", ["ds/n1/down/c1/replies/+"], ("ds/n1/down/c1/replies/7", None)),
        ("ds/n1/down/c1/replies/7", b"x" * 64, ["ds/n1/down/c1/#"], ("ds/n1/down/c1/replies/7", b"x" * 64)),
        ("ds/n1/down/c1/replies/7", b"x" * 65, ["ds/n1/down/c1/#"], ("ds/n1/down/c1/receipt", None)),
        ("ds/n1/down/c1/replies/7", b"x", ["ds/n1/down/c1/receipt"], ("ds/n1/down/c1/receipt", None)),
        ("ds/n1/down/c2/replies/7", b"x", ["ds/n1/down/c1/#"], ("ds/n1/down/c1/receipt", None)),
        ("ds/n1/down/c1/", b"x", ["ds/n1/down/c1/#"], ("ds/n1/down/c1/receipt", None)),
        ("elsewhere", b"x", ["ds/n1/down/c1/#"], ("ds/n1/down/c1/receipt", None)),
    ],
)
def test_a_receipt_goes_to_the_response_topic_of_its_event(
    topic: str, correlation: bytes, filters: list[str], sent: tuple[str, bytes | None]
):
    """Where that is the client's own and it has subscribed to it; only the receipt, and only that of the event. That of
    a repeat as well."""
    receiver, outbound = _made()
    for pattern in [*filters, "ds/n1/down/c1/receipt"]:
        outbound.subscribe(TopicFilter(pattern, max_qos=QoS.AT_LEAST_ONCE))
    outbound.respond(ENCODE[True]({"id": "e-1"}), topic, correlation)
    receiver.answer("c1", ENCODE[False](RECEIPT | {"id": "e-2"}))
    receiver.answer("c1", ENCODE[False](RECEIPT))
    other, own = _pull(outbound)
    assert (other.topic, other.correlation_data) == ("ds/n1/down/c1/receipt", None)
    assert (own.topic, own.correlation_data, own.qos) == (*sent, QoS.AT_LEAST_ONCE)
    (again,) = _pull(outbound, [(Answer(0, "c1", "receipt", ENCODE[True](RECEIPT), 0.0), 5.0)])
    assert (again.topic, again.correlation_data, again.qos) == (*sent, QoS.AT_MOST_ONCE)


def test_response_topics_are_bounded():
    """The oldest goes; what cannot be read as an event has none."""
    _, outbound = _made()
    for number in range(RESPONSES_MAX + 5):
        outbound.respond(ENCODE[True]({"id": f"e-{number}"}), "ds/n1/down/c1/x", b"")
    outbound.respond(b"\xff", "ds/n1/down/c1/x", b"")
    outbound.respond(b"{}", "ds/n1/down/c1/x", b"")
    assert list(outbound._responses) == [f"e-{number}" for number in range(5, RESPONSES_MAX + 5)]
