"""The sockets around the sessions: TCP, TLS and WebSocket listeners, one timer, and back-pressure in both directions.

Nothing waits here. What was read goes to the receiver at once; what is to be written is collected until the loop's next
turn and leaves with one write for each connection. A peer that does not read stops being sent answers, and is
disconnected where even the rest piles up; a node that cannot keep up stops reading from everybody.
"""

import asyncio
import secrets
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from msgspec.structs import replace

from ...core.scenario import Value
from ...errors import ConfigError
from ...log.events import INTERNAL_ERROR, SESSION_ENDED
from ...messages.grants import Grant
from ..address import as_ipv4, is_loopback_host, parse_address
from ..listener import Listener, Shortage, Tls, listen_on, shown_certificate
from ..packets.codec import SMALL_BYTES, DisconnectReasonCode
from ..seam import Receiver
from .connect import proved
from .connection import Connection
from .sessions import EndpointOptions, Identity, Sessions

if TYPE_CHECKING:
    from ..packets.websocket import Stream

__all__ = ["Endpoint", "EndpointOptions"]

WRITE_BUFFER_BYTES_MAX: Final = 1024 * 1024
"""A consumer that does not read is disconnected at this much unread output; its answers stay in the core."""

CLOSE_GRACE_S: Final = 2.0
"""For a peer to read our last bytes and to close in turn; then the socket is dropped."""

_TICK_S: Final = 1.0


class Endpoint:
    """An MQTT server for the clients of one node (or for the nodes of one centre).

    `authenticate(identity, token)` must be quick. `clock` is monotonic real seconds. `wake` reports new durable answers
    for some clients. Counters: `connections`, `connections_refused` (over the limit), `slow_readers`, `shortage` (of
    file descriptors), and those of its `registry`."""

    def __init__(
        self,
        name: str,
        receiver: Receiver,
        authenticate: Callable[[str, bytes], Grant | None],
        options: EndpointOptions = EndpointOptions(),  # noqa: B008 - it is frozen
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.registry: Final = Sessions(name, receiver, authenticate, options, secrets.token_hex(4), self._flush_soon)
        self.registry.wall_s, self.registry.read_at = time.time, time.perf_counter
        self.wake: Final = self.registry.wake
        self.clock: Final = clock
        self.connections_refused = 0
        self.slow_readers = 0
        self.paused = False
        self.shortage: Final = Shortage()
        self._listeners: list[Listener] = []
        self._peers: dict[_Peer, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def connections(self) -> int:
        """Sockets, with and without a session."""
        return len(self._peers)

    @property
    def answers_skipped(self) -> int:
        """Answers larger than their clients take, in sessions that are still known."""
        identities = self.registry.identities.values()
        return sum(session.outbound.skipped for identity in identities for session in identity.sessions.values())

    @property
    def unsent(self) -> int:
        """Connections for which answers wait although there is room: for more than a moment, that is a fault."""
        return sum(peer.has_unsent for peer in self._peers)

    def gauges(self) -> dict[str, dict[str, Value]]:
        """Its part of the section `link` of the status."""
        registry, now = self.registry, self.clock()
        values: dict[str, Value] = {
            "connections": self.connections,
            "sessions": registry.count,
            "takeovers": registry.takeovers,
            "held_back": registry.held_back,
            "connects_refused": sum(registry.failed.refused.values()),
            **{f"connects_refused_{reason}": count for reason, count in registry.failed.refused.items()},
            "retain_ignored": registry.retain_ignored,
            "wills_dropped": registry.wills_dropped,
            "connections_refused": self.connections_refused,
            "slow_readers": self.slow_readers,
            "answers_oversized": self.answers_skipped,
            "accept_pauses": self.shortage.pauses,
            "listeners_paused": self.shortage.paused,
            "held_back_lately": registry.held_clients.lately(now),
            "held_back_by": registry.held_clients.names(now),
            "connects_refused_from": registry.failed.hosts.names(now),
            "taken_over": registry.replaced_clients.names(now),
            "wills_dropped_of": registry.will_clients.names(now),
        }
        return {"link": values}

    async def listen(
        self, address: str, *, option: str = "", websocket: bool = False, tls: Tls | None = None
    ) -> tuple[str, int]:
        """Accept connections on `host:port` (0: a free port), each with the context that `tls` then gives; the address
        that it became. Raises BusyError where the port is taken, ConfigError where it cannot be listened on the
        address, or others could without passwords."""
        if self.registry.options.anonymous and not is_loopback_host(parse_address(address)[0]):
            hint = "Anonymous clients are for loopback only: listen on 127.0.0.1, or give a credentials file."
            raise ConfigError("the configuration", "listen", address, hint)
        if websocket:
            self.stream()  # what it imports is there before the first connection
        make = partial(_Peer, self, websocket, option)
        listener = await listen_on(address, make, tls, self.shortage, self.admits, self.handshake_failed)
        self._listeners.append(listener)
        return listener.address

    def pause(self) -> None:
        """Stop reading from every socket, and accepting. Keepalives do not run out meanwhile."""
        self._set_paused(True)

    def resume(self) -> None:
        """Read again."""
        self._set_paused(False)

    def _set_paused(self, paused: bool) -> None:
        self.paused = paused
        for listener in self._listeners:
            listener.hold() if paused else listener.release()
        for peer in self._peers:
            peer.update_flow_control()

    def admits(self, host: str) -> bool:
        """Whether a connection from `host` is accepted; counted where it is not."""
        return self.registry.failed.admits(host, self.clock())

    def handshake_failed(self, host: str) -> None:
        """A connection that came to nothing before its first byte costs as much as a CONNECT that fails."""
        self.registry.failed.refuse(host, "protocol", self.clock())

    def visitor(self, name: str) -> Identity:
        """What a client has of quota and budget that is authenticated without a connection of this endpoint: the same
        as with one."""
        identity = self.registry.visit(name, self.clock())
        self._watch()
        return identity

    def recheck(self) -> None:
        """The credentials have changed: whoever could not come in any more, or not as what it is, has to go."""
        for connection in [peer.connection for peer in self._peers]:
            proof = connection.proof
            if proof is not None and (found := proved(*proof, self.registry)) != connection.inbound.grant:
                why = found if isinstance(found, str) else "the credentials have changed or have ended"
                SESSION_ENDED.write(client=connection.inbound.client, address=connection.address, why=why)
                connection.end(DisconnectReasonCode.NOT_AUTHORIZED, self.clock(), why)

    def set_quota(self, messages_per_s: float, burst: float) -> None:
        """Change what every client may send, from now on."""
        self.registry.options = replace(self.registry.options, messages_per_s=messages_per_s, burst=burst)

    async def stop_listening(self) -> None:
        """Accept nobody any more; who is connected stays. Wills that wait are published."""
        self.registry.stop(self.clock())
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    async def close(self) -> None:
        """Stop listening, send DISCONNECT to everybody, and wait until they have read it (at most CLOSE_GRACE_S).
        Nobody is reported as absent: it is the node that goes, not they."""
        await self.stop_listening()
        for peer in list(self._peers):
            peer.connection.end(DisconnectReasonCode.SERVER_SHUTTING_DOWN, self.clock())
        self.flush()
        try:
            async with asyncio.timeout(CLOSE_GRACE_S):
                await self._empty.wait()
        except TimeoutError:
            for peer in list(self._peers):
                peer.abort()
            await self._empty.wait()
        if self._timer is not None:
            self._timer.cancel()

    # -- what the connections call -------------------------------------------------------------------------------------

    def on_open(self, peer: "_Peer") -> None:
        """Count a new connection. Where there is no room, the oldest unauthenticated one is closed."""
        self._peers[peer] = self.registry.unauthenticated[peer.connection] = None
        self._empty.clear()
        if self.connections > self.registry.options.connections_max:
            self.connections_refused += 1
            oldest = next(iter(self.registry.unauthenticated))
            if oldest.transport is not None:
                oldest.transport.abort()
        self._watch()

    def on_close(self, peer: "_Peer") -> None:
        """A connection is gone."""
        del self._peers[peer]
        self.registry.unauthenticated.pop(peer.connection, None)
        if not self._peers:
            self._empty.set()

    def flush(self) -> None:
        """Write what connections have to write now, not in the loop's next turn."""
        registry = self.registry
        registry.flush_comes = False
        unflushed, registry.unflushed = registry.unflushed, {}
        for transport in [each.transport for each in unflushed if each.transport is not None]:
            try:
                transport.flush()
            except Exception as error:  # noqa: BLE001 - the others must not wait for answers because of one connection
                INTERNAL_ERROR.write(error=error)
                transport.abort()

    def _watch(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _flush_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self.flush)

    def _tick(self) -> None:
        self.registry.deadlines.turn(self.clock())
        self.flush()  # for the case that a promised one did not come
        self._timer = None
        if self._peers or len(self.registry.deadlines):
            self._watch()

    def stream(self) -> "Stream":
        from ..packets.websocket import Stream  # with wsproto, which no other listener needs

        return Stream(local_origins_only=self.registry.options.anonymous)


READ_BYTES_MAX: Final = 64 * 1024
"""A read of so many bytes is the last one of its connection in this turn of the loop. Without that uvloop goes on, up
to 32 times 256 KB, as long as the peer fills its buffer."""


class _Peer(asyncio.Protocol):
    """One socket and its connection."""

    __slots__ = ("_ending", "_endpoint", "_goes_on", "_stream", "_transport", "connection")

    def __init__(self, endpoint: Endpoint, websocket: bool, option: str) -> None:
        self.connection = Connection(endpoint.registry, endpoint.clock(), self)
        self.connection.listener = option
        self._endpoint, self._stream = endpoint, endpoint.stream() if websocket else None
        self._transport: asyncio.Transport | None = None
        self._ending = self._goes_on = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.connection.address = as_ipv4((transport.get_extra_info("peername") or ("",))[0])
        self.connection.certificate = shown_certificate(transport)
        connected = transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._endpoint.on_open(self)
        # Not here and now: uvloop starts to read after this call, whatever was asked for during it.
        asyncio.get_running_loop().call_soon(self.update_flow_control)

    def data_received(self, data: bytes) -> None:
        if self._ending:
            return
        read_at = time.perf_counter()
        self.connection.inbound.work += len(data) < SMALL_BYTES
        if self._stream is None:
            self._take(data, read_at)
        else:
            self._unframe(self._stream, data, read_at)
            self.update_flow_control()
        if len(data) >= READ_BYTES_MAX and not self.connection.read_paused and self._transport is not None:
            self.connection.read_paused = True
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self.update_flow_control)

    def _unframe(self, stream: "Stream", data: bytes, read_at: float) -> None:
        """What is in the next few frames."""
        data = stream.receive(data)
        self.connection.inbound.work += stream.work
        if stream.out or stream.closed:
            self._endpoint.registry.flush_soon(self.connection)
        self._take(data, read_at)

    def _take(self, data: bytes, read_at: float) -> None:
        connection = self.connection
        if data:
            connection.receive(data, self._endpoint.clock(), read_at)
        else:
            connection.charge(self._endpoint.clock())
        if not connection.wants_more:
            self.update_flow_control()

    def pause_writing(self) -> None:
        self.connection.write_paused = True

    def resume_writing(self) -> None:
        self.connection.write_paused = False
        self.connection.drained()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it went makes no difference
        self._transport = None
        self._endpoint.on_close(self)
        self.connection.lost(self._endpoint.clock())

    @property
    def has_unsent(self) -> bool:
        """Whether an answer waits that could be written."""
        session = self.connection.session
        outbound = None if session is None or self.connection.write_paused else session.outbound
        return outbound is not None and outbound.ready and bool(outbound.filters)

    def update_flow_control(self) -> None:
        """Read, or do not. Frames that were read before come first, a few in each turn of the loop."""
        connection, transport, stream = self.connection, self._transport, self._stream
        if transport is None or transport.is_closing() or self._ending:
            return
        hold = self._endpoint.paused or not connection.wants_more
        if stream is not None and stream.more:
            if connection.read_paused and not hold and not self._goes_on:
                self._unframe(stream, b"", time.perf_counter())
                hold = self._endpoint.paused or not connection.wants_more
            if stream.more and not hold and not connection.closing and not self._goes_on:
                self._goes_on = True
                asyncio.get_running_loop().call_soon(self._go_on)
            hold = hold or stream.more
        if hold == connection.read_paused:
            return
        connection.read_paused = hold
        if hold:
            transport.pause_reading()
        else:
            connection.received_at = self._endpoint.clock()
            transport.resume_reading()

    def _go_on(self) -> None:
        self._goes_on = False
        self.update_flow_control()

    def flush(self) -> None:
        """Write everything that is there, in one piece."""
        connection, transport, stream = self.connection, self._transport, self._stream
        if transport is None or transport.is_closing() or self._ending:
            return
        data = connection.out
        if data:
            connection.out = bytearray()
        if stream is not None:
            data = stream.frame(data, closing=connection.closing)
        if data:
            transport.write(data)
        if connection.closing or (stream is not None and stream.closed):
            self._end(transport)
        elif connection.write_paused and transport.get_write_buffer_size() > WRITE_BUFFER_BYTES_MAX:
            self._endpoint.slow_readers += 1
            transport.abort()
        else:
            if connection.read_paused:
                self.update_flow_control()
            session = connection.session
            if session is not None and session.outbound.more:
                connection.drained()

    def abort(self) -> None:
        """Drop the connection with everything unwritten."""
        if self._transport is not None:
            self._transport.abort()

    def expire(self, now: float) -> float | None:  # noqa: ARG002 - `sessions.Expirable`
        """The peer has not read our last bytes in time."""
        self.abort()
        return None

    def _end(self, transport: asyncio.Transport) -> None:
        """Close, but not in the peer's face: where we close with something unread, the kernel resets the connection,
        and the peer never sees why. So our side ends, and what still comes is thrown away until the peer closes too."""
        self._ending = True
        self._endpoint.registry.deadlines.add(self._endpoint.clock() + CLOSE_GRACE_S, self)
        if not transport.can_write_eof():  # TLS
            transport.close()
            return
        transport.write_eof()
        if self.connection.read_paused:
            transport.resume_reading()
