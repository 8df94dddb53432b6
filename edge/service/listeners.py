"""The listeners of an MQTT endpoint, and who may connect: credentials and certificate as their files have them, read
again when the process is asked to reload."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from ..errors import BusyError, DoorstepError
from ..identity.authority import Authority, Grant
from ..identity.certificate import server_context
from ..mqtt.address import is_loopback
from ..mqtt.server.endpoint import Endpoint
from .options import addresses

LOOK_S: Final = 0.5
"""Between two looks at who may connect, some 5 us each: an open session ends within a second of its revocation."""

TlsContext = tuple[ssl.SSLContext, int | None]
"""What a listener with TLS uses, and when its certificate ends (Unix ms)."""

log = logging.getLogger("doorstep.listeners")


class Listener(NamedTuple):
    """The option that has its address, and what is spoken there: MQTT, be it in a WebSocket, or HTTP."""

    option: str
    tls: bool = False
    websocket: bool = False
    http: bool = False


class Door(Protocol):
    """What listens for HTTP: as an endpoint does for MQTT."""

    async def listen(self, address: str, *, tls: Callable[[], ssl.SSLContext] | None = None) -> tuple[str, int]:
        """As `Endpoint.listen`."""
        ...


def stamp(path: str) -> object:
    """What changes when the file does; None where there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


class Listeners:
    """The listeners whose options have an address in `config`, which has also `credentials`; `load` reads who may
    connect, `tls` the certificate (by default that of `tls_cert` and `tls_key`). Raises DoorstepError where a file
    cannot be used."""

    def __init__(
        self,
        config_path: str,
        config: Any,
        listeners: Sequence[Listener],
        load: Callable[[Any], Authority],
        tls: Callable[[Any], TlsContext] | None = None,
    ) -> None:
        self.wanted = [listener for listener in listeners if getattr(config, listener.option)]
        self.certificate_ends_ms: int | None = None
        """When the certificate ends, in Unix ms; None without one."""
        self._config_path, self._config = config_path, config
        self._load = load
        self._read_tls = tls or self._named_tls
        self._seen: object = None
        self._complaint = ""
        self.authority = Authority()
        self._tls: ssl.SSLContext
        self.has_tls = any(listener.tls for listener in self.wanted)
        """Whether a certificate is in use."""
        self.plain = [
            each.option
            for each in self.wanted
            if not each.tls and not all(map(is_loopback, addresses(config, each.option)))
        ]
        """Options of listeners without TLS that other machines can reach."""
        self.read(config)

    def read(self, config: Any) -> None:
        """Read credentials and certificate (again). Raises DoorstepError, and then the old ones stay."""
        seen = stamp(config.credentials)
        authority = self._load(config)
        if self.has_tls:
            self._tls, self.certificate_ends_ms = self._read_tls(config)
        self.authority, self._config, self._seen = authority, config, seen

    def _named_tls(self, config: Any) -> TlsContext:
        return server_context(self._config_path, config.tls_cert, config.tls_key)

    def look(self) -> bool:
        """Read again who may connect (credentials, revocations), where a file has changed; whether one has.
        An error is logged once, and then the old ones stay."""
        try:
            seen = stamp(self._config.credentials)
            if seen == self._seen:
                return self.authority.look()
            self._seen = seen
            self.authority = self._load(self._config)
            self._complaint = ""
            log.info("read %s again", self._config.credentials)
        except DoorstepError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                log.error("who may connect stays as it was: %s", error)
            return False
        return True

    async def watch(self, on_change: Callable[[], None]) -> None:
        """Look every few seconds, for as long as the process lives."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self.look():
                on_change()

    def authenticate(self, username: str, secret: bytes) -> Grant | None:
        """What the user may be; None where `secret` is not its own."""
        return self.authority.authenticate(username, secret)

    def grant(self, client: str) -> Grant:
        """What a client may be that a broker has authenticated."""
        return self.authority.grant(client)

    async def open(self, endpoint: Endpoint, echo: Callable[[str], None]) -> dict[str, int]:
        """Listen for MQTT, and return the ports by option (of several addresses the first one's). Raises BusyError and
        ConfigError, as `Endpoint.listen` does."""
        mqtt = [each for each in self.wanted if not each.http]
        return await self._open(mqtt, lambda each: partial(endpoint.listen, websocket=each.websocket), echo)

    async def open_http(self, door: Door, listeners: Sequence[Listener], echo: Callable[[str], None]) -> dict[str, int]:
        """The same for HTTP, on those of `listeners` that are wanted."""
        return await self._open([each for each in listeners if each in self.wanted], lambda _: door.listen, echo)

    async def _open(
        self,
        listeners: Sequence[Listener],
        listen: Callable[[Listener], Callable[..., Awaitable[tuple[str, int]]]],
        echo: Callable[[str], None],
    ) -> dict[str, int]:
        ports: dict[str, int] = {}
        for each in listeners:
            option = each.option
            for address in addresses(self._config, option):
                try:
                    host, port = await listen(each)(address, tls=(lambda: self._tls) if each.tls else None)
                except BusyError as error:
                    raise BusyError(f"{error} It is the option {option} in {self._config_path}.") from None
                ports.setdefault(option, port)
                echo(f"listening on {host}:{port} ({option})")
            if option in self.plain:
                log.warning(
                    "%s = %r is reached by other machines without TLS: who listens there on the wire reads tokens and "
                    "places. Use %s with a certificate, or 127.0.0.1.",
                    option,
                    getattr(self._config, option),
                    "listen_https" if each.http else "listen_wss" if each.websocket else "listen_tls",
                )
        return ports
