"""MQTT inside WebSocket (MQTT 5.0, 6), without any I/O. Frames are `wsproto`'s; here is what MQTT asks of them: the
subprotocol `mqtt`, binary messages only, whose borders mean nothing."""

from typing import Final
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from .codec import SMALL_BYTES

FRAMES_AT_ONCE_MAX: Final = 16
"""WebSocket frames taken before anything else gets its turn; the rest of the read waits: a ping costs 40 us."""

SUBPROTOCOLS: Final = ("mqtt", "mqttv3.1")
"""The standard's, and the one that older libraries still ask for."""

_LOCAL: Final = frozenset(("localhost", "127.0.0.1", "::1"))


class Stream:
    """One WebSocket connection, server's side. `out` holds bytes to write as they are. `closed`: write them, then
    close. `more`: `receive` stopped early, call it again. `work` is how many control frames and small ones it went
    through. With `local_origins_only`, browsers may only come from pages of this machine: without passwords, any page
    that somebody has open could use the node otherwise."""

    def __init__(self, *, local_origins_only: bool) -> None:
        self.out = bytearray()
        self.closed = self.more = False
        self.work = 0
        self._local_origins_only = local_origins_only
        self._accepted = False
        self._websocket = WSConnection(ConnectionType.SERVER)

    def receive(self, data: bytes) -> bytes:
        """The MQTT bytes in the next FRAMES_AT_ONCE_MAX frames of what was read so far, with `data`."""
        parts: list[bytes] = []
        self.more, self.work, frames = False, 0, 0
        try:
            if data:  # (nothing at all would be the end of the stream)
                self._websocket.receive_data(data)
            for event in self._websocket.events():
                if self.closed:
                    break
                if isinstance(event, BytesMessage):
                    parts.append(bytes(event.data))
                    self.work += len(event.data) < SMALL_BYTES
                else:
                    self._control(event)
                    self.work += 1
                frames += 1
                if frames >= FRAMES_AT_ONCE_MAX:
                    self.more = not self.closed
                    break
        except RemoteProtocolError as error:
            self._refuse(error)
        return b"".join(parts)

    def wrap(self, data: bytes | bytearray) -> bytes:
        """MQTT bytes as one message; nothing before the handshake and after the end."""
        if not self._accepted or self.closed:
            return b""
        return self._websocket.send(BytesMessage(data=bytes(data)))

    def frame(self, data: bytearray, *, closing: bool) -> bytearray:
        """Everything to write, with `data` in it; the goodbye after that where it is `closing`."""
        framed = self.wrap(data) if data else b""
        if closing:
            self.close()
            whole = bytearray(framed) + self.out
        else:
            whole = self.out + framed
        self.out = bytearray()
        return whole

    def close(self) -> None:
        """Send a close frame, unless one was sent."""
        if self._accepted and not self.closed:
            self._send(CloseConnection(code=CloseReason.NORMAL_CLOSURE))
        self.closed = True

    def _control(self, event: Event) -> None:
        match event:
            case Request():
                self._open(event)
            case Ping():
                self._send(event.response())
            case TextMessage():
                self._send(CloseConnection(code=CloseReason.UNSUPPORTED_DATA, reason="MQTT is binary"))
                self.closed = True
            case CloseConnection():
                self._send(event.response())
                self.closed = True
            case _:
                pass  # a pong that nobody asked for

    def _open(self, request: Request) -> None:
        offered = next((name for name in SUBPROTOCOLS if name in request.subprotocols), None)
        if offered is None:
            self._reject(400, b"The WebSocket subprotocol must be mqtt.\n")
        elif self._local_origins_only and not _is_local(request):
            self._reject(403, b"Anonymous clients must come from a page of this machine. Use credentials.\n")
        else:
            self._send(AcceptConnection(subprotocol=offered))
            self._accepted = True

    def _reject(self, status: int, text: bytes) -> None:
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(text)), (b"connection", b"close")]
        self._send(RejectConnection(status_code=status, headers=headers, has_body=True))
        self._send(RejectData(data=text))
        self.closed = True

    def _refuse(self, error: RemoteProtocolError) -> None:
        if self._accepted:
            self._send(CloseConnection(code=CloseReason.PROTOCOL_ERROR))
        elif isinstance(error.event_hint, RejectConnection):
            self._send(error.event_hint)
        self.closed = True

    def _send(self, event: Event) -> None:
        try:
            self.out += self._websocket.send(event)
        except LocalProtocolError:
            self.closed = True  # the peer has closed already


def _is_local(request: Request) -> bool:
    origins = [value.decode(errors="replace") for name, value in request.extra_headers if name.lower() == b"origin"]
    try:
        return all(urlsplit(origin).hostname in _LOCAL for origin in origins)
    except ValueError:
        return False
