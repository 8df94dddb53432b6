"""MQTT inside WebSocket, the client's side, without I/O: `edge.mqtt.packets.websocket` has the server's."""

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, Request


class Frames:
    """One WebSocket connection. `opened` is True once the server has agreed."""

    def __init__(self) -> None:
        self.opened = False
        self._websocket = WSConnection(ConnectionType.CLIENT)

    def request(self) -> bytes:
        """The first bytes."""
        return self._websocket.send(Request(host="localhost", target="/mqtt", subprotocols=["mqtt"]))

    def receive(self, data: bytes) -> bytes:
        """The MQTT bytes in one read. Raises wsproto's RemoteProtocolError."""
        self._websocket.receive_data(data)
        parts: list[bytes] = []
        for event in self._websocket.events():
            if isinstance(event, AcceptConnection):
                self.opened = True
            elif isinstance(event, BytesMessage):
                parts.append(bytes(event.data))
        return b"".join(parts)

    def wrap(self, data: bytes | bytearray) -> bytes:
        """MQTT bytes as one message."""
        return self._websocket.send(BytesMessage(data=bytes(data)))
