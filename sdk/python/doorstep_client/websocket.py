"""MQTT in WebSocket, for networks that let nothing else through. It needs `wsproto`, the extra `ws` of the package."""

import asyncio
from typing import cast

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, RejectConnection, Request
from wsproto.utilities import RemoteProtocolError


class WebSocket(asyncio.Protocol):
    """Between a socket and an MQTT `inner` protocol: towards that one it is the transport, of bytes without frames."""

    def __init__(self, inner: asyncio.Protocol, host: str, path: str) -> None:
        self._inner = inner
        self._request = Request(host=host, target=path, subprotocols=["mqtt"])
        self._frames = WSConnection(ConnectionType.CLIENT)
        self._transport: asyncio.Transport | None = None
        self._lost = False

    # -- towards the socket --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected: ask for the upgrade."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._frames.send(self._request))

    def data_received(self, data: bytes) -> None:
        """Frames, or a part of one."""
        assert self._transport is not None
        try:
            self._frames.receive_data(data)
            for event in self._frames.events():
                if isinstance(event, AcceptConnection):
                    self._inner.connection_made(cast(asyncio.BaseTransport, self))
                elif isinstance(event, BytesMessage):
                    self._inner.data_received(bytes(event.data))
                elif isinstance(event, Ping):
                    self._transport.write(self._frames.send(event.response()))
                elif isinstance(event, RejectConnection):
                    self._end(ConnectionRefusedError(f"no WebSocket here: HTTP status {event.status_code}"))
                elif isinstance(event, CloseConnection):
                    self._end(None)
        except RemoteProtocolError as error:
            self._end(ConnectionError(f"no WebSocket: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self._end(exc)

    def _end(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._inner.connection_lost(error)
        self.abort()

    # -- towards MQTT: what it needs of a transport --------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """One binary message."""
        if self._transport is not None and not self._lost:
            self._transport.write(self._frames.send(BytesMessage(data=data)))

    def is_closing(self) -> bool:
        """Whether writing is in vain."""
        return self._lost or self._transport is None or self._transport.is_closing()

    def close(self) -> None:
        """Close the socket when everything is written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close it now."""
        if self._transport is not None:
            self._transport.abort()
