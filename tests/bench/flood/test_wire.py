"""Packets as bytes are those that the codec reads."""

from bench.flood import wire
from edge.mqtt.packets import codec, v311
from edge.mqtt.packets.websocket import Stream


def test_packets_are_read_as_what_they_are() -> None:
    """CONNECT and PUBLISH of both versions, SUBSCRIBE and UNSUBSCRIBE with several filters."""
    for level, read in ((wire.V5, codec.read), (wire.V311, v311.read)):
        connect = read(memoryview(wire.connect("eve", "token", level)))
        assert isinstance(connect, codec.ConnectPacket)
        assert (connect.client_id, connect.username, connect.password) == ("eve", "eve", b"token")
        publish = read(memoryview(wire.publish("a/b", b"body" * 100, 7, level=level)))
        assert isinstance(publish, codec.PublishPacket)
        assert (publish.topic, publish.payload, publish.packet_id) == ("a/b", b"body" * 100, 7)
    subscribe = codec.read(memoryview(wire.subscribe("a", "b/#")))
    assert isinstance(subscribe, codec.SubscribePacket)
    assert [wanted.pattern for wanted in subscribe.topic_filters] == ["a", "b/#"]
    unsubscribe = codec.read(memoryview(wire.unsubscribe(["a", "b/#"])))
    assert isinstance(unsubscribe, codec.UnsubscribePacket)
    assert list(unsubscribe.patterns) == ["a", "b/#"]


def test_frames_are_those_of_a_websocket_client() -> None:
    """A server accepts the upgrade and reads what is in short and long frames."""
    stream = Stream(local_origins_only=False)
    body = bytes(range(256)) * 3
    assert stream.receive(wire.upgrade()) == b""
    frames = wire.frame(wire.BINARY, b"short") + wire.frame(wire.PING) + wire.frame(wire.BINARY, body)
    assert stream.receive(frames) == b"short" + body
    assert not stream.closed
