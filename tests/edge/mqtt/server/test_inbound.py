"""What one client sends: its publishes, what is no packet, and what it is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Reason
from edge.messages.envelope import FORBIDDEN, UNKNOWN
from edge.mqtt.limits import RECEIVE_MAX
from edge.mqtt.packets.codec import (
    ConnectPacket,
    DisconnectPacket,
    Packet,
    PingReqPacket,
    PingRespPacket,
    PubAckPacket,
    PubCompPacket,
    PublishPacket,
    PubRecPacket,
    PubRelPacket,
    QoS,
    SubscribePacket,
    TopicFilter,
    Will,
)
from edge.mqtt.server.connection import OVER_QUOTA_CLOSE_S
from edge.mqtt.server.sessions import OVERSIZED_SKIPPED_S
from tests.edge.mqtt.cases import BAD_V5, BAD_V311
from tests.edge.mqtt.standard import ANSWERED, OFFENCES
from tests.edge.mqtt.world import ALL, EITHER, TOKEN, UP, World, disconnect_reason, publish, written


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
@given(order=st.permutations(range(8)), size=st.integers(1, 4))
def test_acknowledgements_keep_the_order_of_the_publishes(version: int, order: list[int], size: int):
    """PUBACK leaves when the receiver has acknowledged, not earlier. Whatever is decided first, identifiers leave in
    the order in which they came, each once; tokens that nobody waits for change nothing."""
    world = World()
    peer, _ = world.connect(version=version)
    assert peer.send(*[publish(10 + at) for at in range(8)]) == []
    ((source, tokens),) = world.receiver.sources
    seen: list[int] = []
    for at in range(0, 8, size):
        part = [tokens[place] for place in order[at : at + size]]
        source.acknowledge([0, *part, 99], ["", *["" if token % 2 else Reason.TOO_LATE for token in part], ""])
        seen += [packet.packet_id for packet in peer.read() if isinstance(packet, PubAckPacket)]
        assert seen == list(range(10, 10 + len(seen)))
    assert len(seen) == 8
    source.acknowledge(tokens, [""] * 8)
    assert peer.read() == []


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("ds/n1/up/c2/order.place", FORBIDDEN),
        ("$SYS/broker/connection/a/state", FORBIDDEN),
        ("ds/n1/up/c1/Order", UNKNOWN),
    ],
)
@EITHER
def test_topics_outside_the_own_subtree(version: int, topic: str, kind: str):
    """A publish that wants an acknowledgement is refused by the node, so that it has a receipt; QoS 0 is dropped and
    counted. No such topic becomes a known one."""
    world = World(acknowledge=True)
    world.receiver.reasons |= {FORBIDDEN: Reason.FORBIDDEN_TOPIC, UNKNOWN: Reason.UNKNOWN_KIND}
    peer, _ = world.connect(version=version)
    for _ in range(2):
        assert peer.send(publish(None, topic)) == []
        codes = [int(packet.reason_code) for packet in peer.send(publish(5, topic)) if isinstance(packet, PubAckPacket)]
        assert codes == [{FORBIDDEN: 0x87, UNKNOWN: 0x90}[kind] if version == 5 else 0]
    assert [(found.client, found.kind) for found in world.receiver.publishes] == [("c1", kind)] * 2
    assert world.receiver.dropped == {("c1", Reason.FORBIDDEN_TOPIC): 2}
    assert not peer.connection.closing


@EITHER
def test_qos_2(version: int):
    """PUBREC leaves where PUBACK would, in the order of the publishes, PUBCOMP at once. What another connection had
    begun is unknown to this one, which only 5.0 has a code for."""
    world = World()
    peer, _ = world.connect(version=version, request_problem_info=False)
    assert peer.send(publish(1), publish(2, qos=QoS.EXACTLY_ONCE), publish(3)) == []
    ((source, tokens),) = world.receiver.sources
    source.acknowledge(tokens[1:], ["", ""])
    source.acknowledge(tokens[:1], [""])
    assert bytes(peer.connection.out) == b"\x40\x02\x00\x01\x50\x02\x00\x02\x40\x02\x00\x03"
    peer.connection.out.clear()
    peer.send_raw(PubRelPacket(2).write())
    assert bytes(peer.connection.out) == b"\x70\x02\x00\x02"
    peer.connection.out.clear()
    peer.send_raw(PubRelPacket(2).write())
    assert bytes(peer.connection.out) == (b"\x70\x03\x00\x02\x92" if version == 5 else b"\x70\x02\x00\x02")


def test_a_refusal_of_qos_2():
    """PUBREC has the code, and ends it: there is no PUBREL to wait for."""
    world = World(acknowledge=True)
    world.receiver.reasons["order.place"] = Reason.TOO_LATE
    peer, _ = world.connect()
    (ack,) = peer.send(publish(4, qos=QoS.EXACTLY_ONCE))
    assert isinstance(ack, PubRecPacket)
    assert (int(ack.reason_code), ack.reason_str) == (0x83, "too_late")
    (done,) = peer.send(PubRelPacket(4))
    assert isinstance(done, PubCompPacket)
    assert int(done.reason_code) == 0x92


def test_publishes_that_are_not_released_count_against_the_receive_maximum():
    """What has its PUBREC is in flight until PUBREL, so that a client cannot make us remember any number of them."""
    world = World(acknowledge=True)
    peer, _ = world.connect()
    many = [publish(at, qos=QoS.EXACTLY_ONCE) for at in range(1, RECEIVE_MAX + 1)]
    assert len([peer.send(packet) for packet in many]) == RECEIVE_MAX
    peer.send(PubRelPacket(1))
    peer.send(publish(1, qos=QoS.EXACTLY_ONCE))
    assert not peer.connection.closing
    assert disconnect_reason(peer, peer.send(publish(600, qos=QoS.EXACTLY_ONCE))) == 0x93


@EITHER
def test_the_retain_flag_is_ignored(version: int):
    """Publish and will are taken as if it were not set, from the first packet on, and counted."""
    world = World(acknowledge=True)
    will = Will(UP, qos=QoS.EXACTLY_ONCE, retain=True)
    peer = world.peer(version)
    packets: list[Packet] = [ConnectPacket("a", username="c1", password=TOKEN, will=will if version == 5 else None)]
    packets += [
        PublishPacket(UP, b"{}", qos=QoS.AT_LEAST_ONCE, packet_id=7, retain=True),
        PublishPacket(UP, b"", retain=True),
    ]
    _, *sent = peer.send(*packets)
    assert sent == [PubAckPacket(7)]
    assert [found.qos for found in world.receiver.publishes] == [1, 0]
    assert world.sessions.retain_ignored == (3 if version == 5 else 2)


@pytest.mark.parametrize("name", OFFENCES)
@EITHER
def test_offences(version: int, name: str):
    """What the standard forbids ends the connection with its code, is counted, and what came before it is kept. Nothing
    behind it is looked at."""
    offence = OFFENCES[name]
    data = offence.v5 if version == 5 else offence.v311
    if not data:
        return
    world = World()
    peer, _ = world.connect(version=version)
    sent = peer.send_bytes(written(version, publish(1)) + data + written(version, publish(2)))
    assert disconnect_reason(peer, sent) == (offence.code if version == 5 else None)
    assert world.receiver.dropped == {("c1", Reason.MALFORMED): 1}
    assert len(world.receiver.publishes) == 1


@pytest.mark.parametrize("name", ANSWERED)
@EITHER
def test_what_looks_odd_and_is_answered(version: int, name: str):
    """No offence where the standard allows it, or where a server before us may be the cause."""
    sent, *answers = ANSWERED[name]
    answer = answers[0] if version == 5 else answers[1]
    if answer is None:
        return
    peer, _ = World(acknowledge=True).connect(version=version, request_problem_info=False)
    peer.send_raw(sent.v5 if version == 5 else sent.v311)
    assert bytes(peer.connection.out) == answer
    assert not peer.connection.closing


@EITHER
@pytest.mark.parametrize("at", range(max(len(BAD_V5), len(BAD_V311))))
def test_malformed_packets(version: int, at: int):
    """A malformed packet ends the connection, is counted, and what came before it is kept."""
    bad = list((BAD_V5 if version == 5 else BAD_V311).values())
    data = bad[at % len(bad)]
    world = World()
    peer, _ = world.connect(version=version)
    assert disconnect_reason(peer, peer.send_bytes(written(version, publish(1)) + data)) == (
        0x81 if version == 5 else None
    )
    assert world.receiver.dropped == {("c1", Reason.MALFORMED): 1}
    assert len(world.receiver.publishes) == 1


@EITHER
def test_an_oversized_packet(version: int):
    """It is refused by its length, before it is there."""
    world = World()
    peer, _ = world.connect(version=version)
    assert disconnect_reason(peer, peer.send_bytes(b"\x30\xff\xff\xff\x7f")) == (0x95 if version == 5 else None)
    assert world.receiver.dropped == {("c1", Reason.OVERSIZED): 1}


@EITHER
@pytest.mark.parametrize("size", [1, 7, 1_000, 1_000_000])
@pytest.mark.parametrize(
    ("qos", "refused"),
    [
        (QoS.AT_MOST_ONCE, []),
        (QoS.AT_LEAST_ONCE, [b"\x40\x03\x00\x07\x97", b"\x40\x02\x00\x07"]),
        (QoS.EXACTLY_ONCE, [b"\x50\x03\x00\x07\x97", b"\x50\x02\x00\x07"]),
    ],
)
def test_an_oversized_publish_that_comes_again(version: int, size: int, qos: QoS, refused: list[bytes]):
    """After it has ended a connection of the client, the same publish is passed over without being kept, and
    refused in its turn. What is around it gets through, in reads of any size."""
    world = World(acknowledge=True, packet_bytes_max=200)
    large = publish(7 if refused else None, payload=b"x" * 5_000, qos=qos if refused else None)
    first, _ = world.connect(version=version, clean_start=True)
    disconnect_reason(first, first.send(large))
    first.connection.lost(world.now)
    world.pass_s(OVERSIZED_SKIPPED_S / 2)
    peer, _ = world.connect(version=version, clean_start=True, request_problem_info=False)
    data = written(version, publish(1), large, publish(2))
    for at in range(0, len(data), size):
        peer.send_raw(data[at : at + size])
        assert len(peer.connection.inbound._decoder.tail) <= 200
    middle = refused[0 if version == 5 else 1] if refused else b""
    assert bytes(peer.connection.out) == b"\x40\x02\x00\x01" + middle + b"\x40\x02\x00\x02"
    assert world.receiver.dropped == {("c1", Reason.OVERSIZED): 2}
    world.pass_s(OVERSIZED_SKIPPED_S)
    again, _ = world.connect(version=version)
    disconnect_reason(again, again.send(large))


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"\x82\xff\xff\x03\x00\x01", 0x95),  # SUBSCRIBE
        (b"\x36\xff\xff\x03\x00\x01a\x00\x07", 0x95),  # QoS 3
        (b"\x32\xff\xff\x03\x00\x01a\x00\x00", 0x81),
        (b"\x32\xff\xff\x03\xff\xff", 0x95),  # a topic over the limit
        (b"\x32\xff\xff\xff\xff\x01", 0x81),
    ],
)
def test_oversized_packets_that_always_close(head: bytes, code: int):
    """What is no publish, or has no identifier to be refused by, ends the connection each time."""
    world = World()
    for expected in (0x81 if code == 0x81 and head[4] & 0x80 else 0x95, code):
        peer, _ = world.connect()
        assert disconnect_reason(peer, peer.send_bytes(head)) == expected


@EITHER
def test_more_at_qos_1_than_the_receive_maximum(version: int):
    """Reading stops until acknowledgements have left, and everything that came is kept: a client of 5.0 that sends too
    much would lose what it has under way, and one of 3.1.1 knows no receive maximum."""
    world = World()
    peer, _ = world.connect(version=version)
    assert peer.send(*[publish(at) for at in range(1, RECEIVE_MAX + 2)]) == []
    assert not peer.connection.wants_more
    ((source, tokens),) = world.receiver.sources
    source.acknowledge(tokens, [""] * len(tokens))
    assert len(peer.read()) == RECEIVE_MAX + 1
    assert peer.connection.wants_more


def test_more_at_qos_2_than_the_receive_maximum():
    """Only the client can end those, so they end the connection; but not before what was taken is acknowledged."""
    world = World()
    peer, _ = world.connect()
    many = [publish(at, qos=QoS.EXACTLY_ONCE) for at in range(1, RECEIVE_MAX + 2)]
    assert peer.send(*many, publish(9)) == []
    assert not peer.connection.wants_more
    assert peer.send(publish(1)) == []
    ((source, tokens),) = world.receiver.sources
    source.acknowledge(tokens[:100], [""] * 100)
    assert len(peer.read()) == 100
    source.acknowledge(tokens[100:], [""] * 412)
    sent = peer.read()
    assert len(sent) == 412 + 1
    assert disconnect_reason(peer, sent) == 0x93


@pytest.mark.parametrize("last", [b"\x34\x05\x00\x01#\x00\x08\x00", b"\xf0\x00", b"\xe0\x00", b"\xe0\x01\xff"])
def test_nothing_comes_after_disconnect(last: bytes):
    """What is refused in the same read is acknowledged before the DISCONNECT of either side, and nothing after it is
    worked on or written."""
    world = World(acknowledge=True, messages_per_s=1, burst=1)
    peer, _ = world.connect()
    peer.send(publish(5))
    sent = peer.send_bytes(written(5, publish(6)) + last + written(5, publish(7), PingReqPacket()))
    assert [type(packet) for packet in sent if not isinstance(packet, DisconnectPacket)] == [PubAckPacket]
    assert all(isinstance(packet, DisconnectPacket) for packet in sent[1:])
    assert peer.connection.closing
    assert peer.send(publish(9)) == []
    assert world.receiver.dropped[("c1", Reason.OVER_QUOTA)] == 1


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize(
    ("packet", "bare"),
    [
        (publish(3), b"\x40\x03\x00\x03\x97"),
        (PubRelPacket(4), b"\x70\x03\x00\x04\x92"),
        (PubRecPacket(5), b"\x62\x03\x00\x05\x92"),
        (SubscribePacket(6, [TopicFilter("ds/n1/down/c2/#")]), b"\x90\x04\x00\x06\x00\x87"),
        (PingRespPacket(), b"\xe0\x01\x82"),
    ],
)
def test_answers_fit_the_clients_packet_size(packet: Packet, bare: bytes, wanted: bool):
    """A refusal has its reason as text where the client wants it (in DISCONNECT always) and it fits; nothing is ever
    larger than the client takes."""

    def answer(limit: int | None) -> bytes:
        world = World(acknowledge=True)
        world.receiver.reasons["order.place"] = Reason.OVER_CAPACITY
        peer, _ = world.connect(max_packet_size=limit, request_problem_info=wanted)
        peer.send_raw(packet.write())
        return bytes(peer.connection.out)

    whole = answer(None)
    texts = wanted or isinstance(packet, PingRespPacket)
    assert (len(whole) > len(bare) + 5) is texts
    for limit in (5, 6, max(5, len(whole) - 1), len(whole)):
        fitting = whole if limit >= len(whole) else bare
        assert answer(limit) == (fitting if limit >= len(bare) else b"\xe0\x01\x95")


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


@pytest.mark.parametrize("wanted", [True, False])
def test_reasons_of_the_node(wanted: bool):
    """A refusal has the standard's code, and its reason as text where the client wants texts."""
    world = World(acknowledge=True)
    world.receiver.reasons["order.place"] = Reason.OVERLOADED
    peer, _ = world.connect(request_problem_info=wanted)
    (ack,) = peer.send(publish(4))
    assert isinstance(ack, PubAckPacket)
    assert (int(ack.reason_code), ack.reason_str) == (0x97, "overloaded" if wanted else None)


def test_a_refusal_with_a_receipt_is_a_plain_puback_in_v311():
    """A 3.1.1 client learns it from the receipt, not from the PUBACK."""
    world = World(acknowledge=True)
    world.receiver.reasons["order.place"] = Reason.TOO_LATE
    peer, _ = world.connect(version=4)
    assert peer.send(publish(4)) == [PubAckPacket(4)]


def test_a_full_disk_is_never_acknowledged_in_v311():
    """A 3.1.1 PUBACK would be a lie: it stays away, later ones go out, and the client has to come back."""
    world = World(acknowledge=True)
    world.receiver.reasons["order.place"] = Reason.DISK_FULL
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


def test_an_event_with_a_response_topic():
    """Its receipt goes there, with the correlation data; the event is taken as any other."""
    world = World(acknowledge=True)
    peer, _ = world.connect()
    peer.send(SubscribePacket(1, ALL))
    own = "ds/n1/down/c1/replies"
    event = PublishPacket(
        UP, b'{"id": "e-1"}', qos=QoS.AT_LEAST_ONCE, packet_id=7, response_topic=own, correlation_data=b"7"
    )
    assert peer.send(event) == [PubAckPacket(7)]
    world.receiver.answer("c1", b'{"id": "e-1"}')
    world.sessions.wake({"c1": ()})
    (receipt,) = peer.read()
    assert isinstance(receipt, PublishPacket)
    assert (receipt.topic, receipt.correlation_data) == (own, b"7")
    assert [found.kind for found in world.receiver.publishes] == ["order.place"]
