"""A listening socket that knows when the process has no descriptors left.

The event loop's own server does not report it: asyncio's spins on the error, uvloop's accepts and closes without a
word. This one stops accepting while fewer than DESCRIPTORS_SPARE are left, so that the journal, the status page and the
uplink can still open what they need. Meanwhile who connects waits in the kernel's queue; after ACCEPT_PAUSE_S it looks
again.
"""

import asyncio
import errno
import os
import resource
import socket
import ssl
from collections.abc import Callable
from typing import Final

from ..errors import BusyError, ConfigError
from ..limits import DESCRIPTORS_SPARE
from .address import as_ipv4, parse_address

TLS_HANDSHAKE_S: Final = 5.0
"""The part of CONNECT_DEADLINE_S in which TLS has to be ready."""

ACCEPT_PAUSE_S: Final = 1.0
"""A listener without descriptors looks again after this; the kernel's queue of 1,024 holds those who wait."""

ACCEPTS_PER_TURN_MAX: Final = 8
"""Connections accepted before anything else gets its turn: about 1 ms. Fewer than DESCRIPTORS_SPARE, which is looked
after once a turn."""

_BACKLOG: Final = 1_024

_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""The errors of accept(2) where the process, the system or the kernel's memory is at its end."""


Tls = Callable[[], ssl.SSLContext]
"""The TLS of each connection anew, so that a certificate can change while somebody listens."""


class Shortage:
    """What all listeners of an endpoint know of the descriptors: `pauses` counts the times that one stopped accepting,
    `paused` how many of them do not accept now."""

    def __init__(self) -> None:
        self.pauses = 0
        self.paused = 0


class Listener:
    """The sockets of one address, accepting until `close`. Made by `listen`."""

    def __init__(
        self,
        sockets: list[socket.socket],
        make: Callable[[], asyncio.Protocol],
        tls: Tls | None,
        shortage: Shortage,
        admits: Callable[[str], bool],
        failed: Callable[[str], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._make, self._tls, self._shortage = make, tls, shortage
        self._admits, self._failed = admits, failed
        self._sockets = sockets
        self._timers: dict[socket.socket, asyncio.TimerHandle] = {}
        self._held = False
        self._handshakes: set[asyncio.Task[None]] = set()
        self._watch()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port, *_ = self._sockets[0].getsockname()
        return host, port

    def hold(self) -> None:
        """Accept nobody until `release`: whoever came in would only wait to be read from."""
        self._held = True
        for listening in self._sockets:
            self._loop.remove_reader(listening)

    def release(self) -> None:
        """Accept again."""
        self._held = False
        self._watch()

    def close(self) -> None:
        """Accept nobody any more."""
        self.hold()
        for timer in self._timers.values():
            self._shortage.paused -= 1
            timer.cancel()
        for listening in self._sockets:
            listening.close()
        self._sockets = []

    def _watch(self) -> None:
        for listening in self._sockets:
            if not self._held and listening not in self._timers:
                self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        """Everybody who waits, up to ACCEPTS_PER_TURN_MAX: the loop calls again for the rest."""
        for turn in range(ACCEPTS_PER_TURN_MAX):
            try:
                if not turn and not _is_room(listening):
                    self._pause(listening)
                    return
                accepted, (host, *_) = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._pause(listening)
                return
            if not self._admits(as_ipv4(host)):
                accepted.close()
                continue
            accepted.setblocking(False)
            task = self._loop.create_task(self._introduce(accepted, as_ipv4(host)))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _introduce(self, accepted: socket.socket, host: str) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._make,
                accepted,
                ssl=self._tls() if self._tls else None,
                ssl_handshake_timeout=TLS_HANDSHAKE_S if self._tls else None,
            )
        except OSError:  # it went away, took too long, spoke no TLS or showed a certificate of somebody else
            self._failed(host)

    def _pause(self, listening: socket.socket) -> None:
        self._loop.remove_reader(listening)
        self._shortage.pauses += 1
        self._shortage.paused += 1
        self._timers[listening] = self._loop.call_later(ACCEPT_PAUSE_S, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        del self._timers[listening]
        self._shortage.paused -= 1
        self._watch()


def shown_certificate(transport: asyncio.BaseTransport) -> bytes:
    """The certificate (DER) with which the peer of a connection has proved itself to TLS; empty without one."""
    secured: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if secured is None or secured.context.verify_mode == ssl.CERT_NONE:
        return b""
    return secured.getpeercert(binary_form=True) or b""


def _is_room(listening: socket.socket) -> bool:
    """Whether DESCRIPTORS_SPARE are left. They are given out lowest first, so the number of a new one is the count of
    those in use. Raises OSError where there is none at all."""
    newest = os.dup(listening.fileno())
    os.close(newest)
    return newest < resource.getrlimit(resource.RLIMIT_NOFILE)[0] - DESCRIPTORS_SPARE


async def listen(
    host: str,
    port: int,
    make: Callable[[], asyncio.Protocol],
    tls: Tls | None,
    shortage: Shortage,
    admits: Callable[[str], bool] = lambda _: True,
    failed: Callable[[str], None] = lambda _: None,
) -> Listener:
    """Bind every address that `host` stands for (port 0: a free one) and accept. `::` is every address of both
    families. `tls` gives the context of each connection anew, so that a certificate can change while it listens.
    `admits` is asked before anything is done for an address; `failed` is called with one whose connection came to
    nothing before its first byte. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listening = socket.socket(family, kind, protocol)
            sockets.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
            listening.setblocking(False)
            listening.bind(address)
            listening.listen(_BACKLOG)
    except OSError:
        for listening in sockets:
            listening.close()
        raise
    return Listener(sockets, make, tls, shortage, admits, failed)


async def listen_on(
    address: str,
    make: Callable[[], asyncio.Protocol],
    tls: Tls | None,
    shortage: Shortage,
    admits: Callable[[str], bool],
    failed: Callable[[str], None] = lambda _: None,
) -> Listener:
    """`listen` on an address of the configuration, `host:port`. Raises BusyError where the port is taken, ConfigError
    where it cannot be listened there."""
    host, port = parse_address(address)
    try:
        return await listen(host, port, make, tls, shortage, admits, failed)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BusyError(
                f"Port {port} on {host} is in use by another process. Stop that one, or choose another port in the "
                f"address {address!r} of the configuration (0 takes a free one)."
            ) from None
        hint = f"{error.strerror or error}. Give an address of this machine, and a port above 1023 unless root."
        raise ConfigError("the configuration", "listen", address, hint) from None
