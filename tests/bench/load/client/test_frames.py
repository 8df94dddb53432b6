"""MQTT inside WebSocket: the client's side against the node's."""

from hypothesis import given
from hypothesis import strategies as st

from bench.load.client.frames import Frames
from edge.mqtt.packets.websocket import Stream


@given(there=st.lists(st.binary(min_size=1, max_size=300), max_size=5), back=st.binary(min_size=1, max_size=70_000))
def test_bytes_come_through_in_both_directions(there: list[bytes], back: bytes) -> None:
    """After the handshake what one side wraps the other unwraps."""
    client, server = Frames(), Stream(local_origins_only=True)
    assert server.receive(client.request()) == b""
    assert not client.opened
    assert client.receive(bytes(server.out)) == b""
    assert client.opened
    assert b"".join(server.receive(client.wrap(piece)) for piece in there) == b"".join(there)
    assert client.receive(server.wrap(back)) == back
