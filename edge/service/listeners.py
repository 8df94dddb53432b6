"""The listeners of an MQTT endpoint, and who may connect: credentials and certificate as their files have them, read
again when the process is asked to reload."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

from ..errors import BusyError, DoorstepError
from ..identity.authority import Authority, Grant
from ..identity.certificate import server_context
from ..mqtt.address import is_loopback
from ..mqtt.server.endpoint import Endpoint
from .options import addresses

LOOK_S: Final = 2.0
"""Between two looks for revocations: an open session ends within 5 s, also on a busy machine."""

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


class Listeners:
    """The listeners whose options have an address in `config`, which has also `tls_cert` and `tls_key`; `load` reads
    who may connect. Raises DoorstepError where a file cannot be used."""

    def __init__(
        self, config_path: str, config: Any, listeners: Sequence[Listener], load: Callable[[Any], Authority]
    ) -> None:
        self.wanted = [listener for listener in listeners if getattr(config, listener.option)]
        self.certificate_ends_ms: int | None = None
        """When the certificate ends, in Unix ms; None without one."""
        self._config_path, self._config = config_path, config
        self._load = load
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
        authority = self._load(config)
        if self.has_tls:
            self._tls, self.certificate_ends_ms = server_context(self._config_path, config.tls_cert, config.tls_key)
        self.authority = authority

    def look(self) -> bool:
        """Read what is read without being asked for (revocations); whether it has changed. An error is logged, and then
        the old ones stay."""
        try:
            return self.authority.look()
        except DoorstepError as error:
            log.error("the revocations stay as they were: %s", error)
            return False

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
        return await self._open(False, lambda each: partial(endpoint.listen, websocket=each.websocket), echo)

    async def open_http(self, door: Door, echo: Callable[[str], None]) -> dict[str, int]:
        """The same for HTTP."""
        return await self._open(True, lambda _: door.listen, echo)

    async def _open(
        self,
        http: bool,
        listen: Callable[[Listener], Callable[..., Awaitable[tuple[str, int]]]],
        echo: Callable[[str], None],
    ) -> dict[str, int]:
        ports: dict[str, int] = {}
        for each in self.wanted:
            if each.http != http:
                continue
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
                    "listen_https" if http else "listen_wss" if each.websocket else "listen_tls",
                )
        return ports
