"""One MQTT 5 connection that stays: what broker mode, the uplink, simulated clients and the load generator use.

All protocol is in `session`; here are the socket, the timer and the way back after a loss (full jitter, so that the
clients of a restarted peer do not return in one wave). One read is one call of the owner with all its messages, and
all output of one turn of the loop is one write. There is no task for each message, and no queue but the client's.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from enum import Enum
from time import perf_counter
from typing import Any, Final, cast

from msgspec.structs import replace

from ..address import split_url
from ..limits import CONNECT_DEADLINE_S
from ..packets.codec import Will
from .failure import MqttConnectionError
from .inflight import EXPIRED, TOO_LARGE, OnAck
from .session import ClientOptions, Message, MqttClientSession, Phase

__all__ = ["EXPIRED", "TOO_LARGE", "ClientOptions", "ConnectionState", "Message", "MqttConnection", "Will"]

LINK_BACKOFF_S: Final = (1.0, 60.0)
"""Full-jitter exponential back-off between these: 1,000 clients of a restarted peer return over its first second."""

LINK_HELD_S: Final = 10.0
"""A connection that held for so long was a good one: after it back-off begins anew. A peer that drops us sooner is no
better than one that does not take us in; one that is restarted every few minutes must not push us to the limit."""

_CLOSE_DEADLINE_S: Final = 1.0  # for the last bytes to leave; then the socket is cut
_BACKOFF_DOUBLINGS_MAX: Final = 16


class ConnectionState(Enum):
    """What `on_state` reports. CONNECTED means subscribed too. After REFUSED the link tries again, but slowly."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    REFUSED = "refused"
    STOPPED = "stopped"


class MqttConnection:
    """One MQTT 5 connection, made anew whenever it is lost. `run` keeps it until `stop`. Of several URLs, which lead to
    peers with the same state, the next one is tried after each failure.

    `on_messages` gets all publishes of one read; QoS 1 messages are acknowledged only by `acknowledge`. Callbacks run
    in the event loop and may call any method but `run`. `random` yields numbers in [0, 1). `session` may be asked what
    is known of the peer.
    """

    def __init__(
        self,
        urls: str | Sequence[str],
        options: ClientOptions,
        *,
        on_messages: Callable[[list[Message]], None],
        on_state: Callable[[ConnectionState], None],
        random: Callable[[], float],
        tls: ssl.SSLContext | None = None,
        backoff: tuple[float, float] = LINK_BACKOFF_S,
    ) -> None:
        self._urls = [urls] if isinstance(urls, str) else [*urls]
        self.url = self._urls[0]
        """The one that is connected, or tried."""
        self._turn = 0
        secure = any(split_url(url)[0] == "mqtts" for url in self._urls)
        self._tls = (tls or ssl.create_default_context()) if secure else None
        self._on_messages, self._on_state, self._random = on_messages, on_state, random
        self._backoff = backoff
        self.session = MqttClientSession(options)
        self.state = ConnectionState.DISCONNECTED
        self.error = ""
        """Why the last connection failed or ended; empty while all is well."""
        self.connected_at = 0.0
        """When the present connection came up, in seconds of the loop's clock; 0 while there is none."""
        self.connects = 0
        """Connections that came up so far; all but the first are reconnects."""
        self.read_at = 0.0
        """`time.perf_counter()` when the bytes of the present `on_messages` call were read."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Future[_Transport] | None = None
        self._wire: _Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._flushing = False
        self._wanted = True  # by the owner
        self._reading = True
        self._stopping = asyncio.Event()
        self._again = asyncio.Event()  # what ends the wait for the next connection

    # -- what the owner may ask ----------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether publishes leave now."""
        return self.state is ConnectionState.CONNECTED

    @property
    def reconnects(self) -> int:
        """Connections after the first one."""
        return max(self.connects - 1, 0)

    @property
    def room(self) -> int:
        """QoS 1 publishes that would leave at once, without waiting in the backlog."""
        return self.session.outgoing.room if self.connected else 0

    @property
    def unacked(self) -> int:
        """QoS 1 publishes taken over and not yet acknowledged by the peer."""
        return self.session.outgoing.unacked

    # -- actions -------------------------------------------------------------------------------------------------------

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        expiry_s: float | None = None,
        on_ack: OnAck | None = None,
    ) -> bool:
        """Takes over one publish, QoS 0 or 1. False when not connected, or when there is no room left: for QoS 1 in
        window and backlog, for QoS 0 in the socket. Then nothing was done.

        A QoS 1 publish taken over is sent again after every reconnect until the peer acknowledges it; `on_ack` gets
        the peer's reason code (below 0x80 is success), `EXPIRED`, or `TOO_LARGE` (at once, before this returns)."""
        wire = self._wire
        if self._loop is None or wire is None or self.session.phase is not Phase.UP or (qos == 0 and wire.write_paused):
            return False
        taken = self.session.outgoing.publish(
            topic, payload, self._loop.time(), qos=qos, retain=retain, expiry_s=expiry_s, on_ack=on_ack
        )
        self._flush_soon()
        return taken

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """The owner has done with these messages: the peer may forget them. PUBACKs keep the order of arrival."""
        self.acknowledge_tokens([message.token for message in messages if message.token])

    def acknowledge_tokens(self, tokens: Sequence[int]) -> None:
        """The same by `Message.token`."""
        self.session.acknowledge(tokens)
        self._throttle()
        self._flush_soon()

    def pause(self) -> None:
        """Stop reading from the socket: the peer has to keep what it has. Pings go on."""
        self._wanted = False
        self._throttle()

    def resume(self) -> None:
        """Read again."""
        self._wanted = True
        self._throttle()

    def set_token(self, token: str) -> None:
        """Use this token from the next connection on; where it is another one, the present connection ends now."""
        if token != self.session.options.token:
            self.session.options = replace(self.session.options, token=token)
            self.drop()

    def set_tls(self, tls: ssl.SSLContext) -> None:
        """Use this context from now on: the present connection ends, and the next one is made at once."""
        self._tls = tls
        self.drop()
        self._again.set()

    def drop(self) -> None:
        """Cut the connection without a DISCONNECT, as a lost network does. The link reconnects."""
        if self._wire is not None:
            self._wire.abort()

    async def run(self) -> None:
        """Connects, subscribes and stays connected until `stop`. Never raises for what the peer does."""
        self._loop = asyncio.get_running_loop()
        attempt = 0
        while not self._stopping.is_set():
            self._change(ConnectionState.CONNECTING)
            failure = await self._one_connection()
            lasted_s = self._loop.time() - self.connected_at if self.connected_at else 0.0
            self.connected_at = 0.0
            if self._stopping.is_set():
                break
            self.error = failure.text
            self._change(ConnectionState.REFUSED if failure.refused else ConnectionState.DISCONNECTED)
            attempt = 0 if lasted_s >= LINK_HELD_S else attempt
            # Each peer has its turn before the pauses grow.
            doublings = min(attempt // len(self._urls), _BACKOFF_DOUBLINGS_MAX)
            ceiling_s = min(self._backoff[1], self._backoff[0] * 2**doublings)
            attempt += 1
            self._turn += 1
            self.url = self._urls[self._turn % len(self._urls)]
            share = self._random()
            delay_s = (0.5 + share / 2) * self._backoff[1] if failure.refused else share * ceiling_s
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), delay_s)
            self._again.clear()
        self._change(ConnectionState.STOPPED)

    async def stop(self) -> None:
        """Send DISCONNECT (the peer discards the will) and end `run`. What was not acknowledged is given up."""
        self._stopping.set()
        self._again.set()
        if self._opening is not None:
            self._opening.cancel()
        wire = self._wire
        if wire is None:
            return
        self.session.disconnect()
        self._flush()
        wire.transport.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(wire.closed), _CLOSE_DEADLINE_S)
        wire.abort()

    # -- one connection ------------------------------------------------------------------------------------------------

    async def _one_connection(self) -> MqttConnectionError:
        assert self._loop is not None
        loop = self._loop
        self._opening = asyncio.ensure_future(self._open(loop))
        try:
            wire = await asyncio.wait_for(self._opening, CONNECT_DEADLINE_S)
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
            return MqttConnectionError("Stopped.")
        except TimeoutError:
            waited = f"within {CONNECT_DEADLINE_S:.0f} s"
            return MqttConnectionError(f"{self.url} did not answer {waited}. Is it running, and reachable?")
        except ssl.SSLCertVerificationError as error:
            hint = "Check the certificate authority, the host name and both clocks."
            text = f"{self.url} showed a certificate that is not trusted: {error.verify_message}."
            return MqttConnectionError(f"{text} {hint}", True)
        except (OSError, ssl.SSLError) as error:
            return MqttConnectionError(f"{self.url} cannot be reached: {error}. Is it running, is the address right?")
        self._wire = wire
        self._reading = True
        self.session.connect(loop.time())
        self._after(loop)
        try:
            await wire.closed
        finally:
            wire.transport.abort()  # where `run` itself is cancelled
            self._wire = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        failure = self.session.failure
        self.session.disconnected()
        return failure or MqttConnectionError(f"{self.url} closed the connection. Trying again.")

    async def _open(self, loop: asyncio.AbstractEventLoop) -> "_Transport":
        make = lambda: _Transport(self, loop)
        scheme, host, port = split_url(self.url)
        if scheme == "unix":
            _, wire = await loop.create_unix_connection(make, host)
        else:
            tls, name = (self._tls, host) if scheme == "mqtts" else (None, None)
            _, wire = await loop.create_connection(make, host, port, ssl=tls, server_hostname=name)
        return wire

    def received(self, wire: "_Transport", data: bytes) -> None:
        """Bytes of one read. For the wire only."""
        if wire is not self._wire or self._loop is None or self.session.failure is not None:
            return
        self.read_at = perf_counter()
        messages = self.session.receive(data, self._loop.time())
        if self.session.phase is Phase.UP and self.state is not ConnectionState.CONNECTED:
            self._up(self._loop)
        if messages:
            self._on_messages(messages)
        self._throttle()
        self._after(self._loop)

    def _throttle(self) -> None:
        """Read while the owner wants to and the peer keeps to the receive maximum; the handshake always."""
        reading = (self._wanted and not self.session.crowded) or self.session.phase is not Phase.UP
        if reading is not self._reading and self._wire is not None and self._loop is not None:
            self._reading = reading
            self._wire.read(reading)
            self.session.pause(not reading, self._loop.time())

    def _up(self, loop: asyncio.AbstractEventLoop) -> None:
        self.error = ""
        self.connected_at = loop.time()
        self.connects += 1
        self._arm(loop)  # the handshake's deadline has become that of a ping
        self._change(ConnectionState.CONNECTED)

    def _after(self, loop: asyncio.AbstractEventLoop) -> None:
        """Whatever the session has to send leaves now; a failed connection is closed, the timer armed."""
        self._flush()
        if self.session.failure is not None and self._wire is not None:
            self._wire.close_soon(loop)
        elif self._timer is None:
            self._arm(loop)

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self.session.next_deadline(loop.time()), self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._wire is not None and self.session.failure is None:
            self.session.tick(loop.time())
            self._after(loop)

    def _flush_soon(self) -> None:
        if not self._flushing and self._loop is not None:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._wire is not None and self._loop is not None:
            data = self.session.output(self._loop.time())
            if data and not self._wire.transport.is_closing():
                self._wire.transport.write(data)

    def _change(self, state: ConnectionState) -> None:
        if state is not self.state:
            self.state = state
            self._on_state(state)


class _Transport(asyncio.Protocol):
    """One socket. Lives as long as it does, so that late calls of an old one are recognised."""

    transport: asyncio.Transport

    def __init__(self, link: MqttConnection, loop: asyncio.AbstractEventLoop) -> None:
        self._link = link
        self.closed: asyncio.Future[None] = loop.create_future()
        self.write_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        plain: Any = transport.get_extra_info("socket")
        if plain is not None and plain.family in (socket.AF_INET, socket.AF_INET6):
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._link.received(self, data)

    def pause_writing(self) -> None:
        self.write_paused = True

    def resume_writing(self) -> None:
        self.write_paused = False

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # its text is in the failure, or no more than "connection reset"
        if not self.closed.done():
            self.closed.set_result(None)

    def read(self, wanted: bool) -> None:
        """Read from the socket or not."""
        if not self.transport.is_closing():
            (self.transport.resume_reading if wanted else self.transport.pause_reading)()

    def close_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the last bytes leave; cut the socket where the peer does not take them."""
        self.transport.close()
        loop.call_later(_CLOSE_DEADLINE_S, self.abort)

    def abort(self) -> None:
        """Cut the socket now."""
        if not self.closed.done():
            self.transport.abort()
