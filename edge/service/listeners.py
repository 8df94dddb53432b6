"""The listeners of an MQTT endpoint, and who may connect: credentials and certificate as their files have them, read
again when the process is asked to reload."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from ..errors import BusyError, DoorstepError
from ..identity.authority import Authority, Grant
from ..identity.certificate import server_context
from ..log.events import IDENTITIES, IDENTITIES_KEPT, LISTENING, LISTENING_PLAIN, REFUSED, REVOCATIONS
from ..mqtt.address import is_loopback
from ..mqtt.server.endpoint import Endpoint
from ..mqtt.server.sessions import SessionConnection
from .options import addresses

LOOK_S: Final = 0.5
"""Between two looks at who may connect, some 5 us each: an open session ends within a second of its revocation."""

NAMES_MAX: Final = 10
"""Of a change of the credentials, in the log."""

UNKNOWN: Final = "a name that nobody has"
NOBODY: Final = "no name"

TlsContext = tuple[ssl.SSLContext, int | None]
"""What a listener with TLS uses, and when its certificate ends (Unix ms)."""


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
        self.knows: Callable[[str], bool] = lambda _: False
        """Whether somebody has this name who is not in the credentials."""
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
                ended = self.authority.look()
                if ended:
                    REVOCATIONS.write()
                return ended
            self._seen, before = seen, self.authority
            self.authority = self._load(self._config)
            self._complaint = ""
            self._report_changes(before)
        except DoorstepError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                IDENTITIES_KEPT.write(sentence=str(error))
            return False
        return True

    def _report_changes(self, before: Authority) -> None:
        """What is different in the credentials."""
        old, new = before.clients(), self.authority.clients()
        added, removed = new.keys() - old.keys(), old.keys() - new.keys()
        changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
        names = sorted(added | removed | changed)
        more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
        IDENTITIES.write(
            path=self._config.credentials,
            added=len(added),
            removed=len(removed),
            changed=len(changed),
            names=f"{', '.join(names[:NAMES_MAX])}{more}" or "tokens only",
        )

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

    async def open(self, endpoint: Endpoint) -> dict[str, int]:
        """Listen for MQTT, and return the ports by option (of several addresses the first one's). Raises BusyError and
        ConfigError, as `Endpoint.listen` does."""
        endpoint.registry.on_refused = self._refused
        mqtt = [each for each in self.wanted if not each.http]
        return await self._open(
            mqtt, lambda each: partial(endpoint.listen, option=each.option, websocket=each.websocket)
        )

    def _refused(self, connection: SessionConnection, why: str) -> None:
        """People type passwords where a name belongs: only names that somebody here has are written down."""
        name = connection.claimed
        known = bool(connection.certificate) or self.authority.knows(name) or self.knows(name)
        client = name if known else UNKNOWN if name else NOBODY
        REFUSED.write(listener=connection.listener, client=client, address=connection.address, why=why)

    async def open_http(self, door: Door, listeners: Sequence[Listener]) -> dict[str, int]:
        """The same for HTTP, on those of `listeners` that are wanted."""
        return await self._open([each for each in listeners if each in self.wanted], lambda _: door.listen)

    async def _open(
        self,
        listeners: Sequence[Listener],
        listen: Callable[[Listener], Callable[..., Awaitable[tuple[str, int]]]],
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
                LISTENING.write(address=f"{host}:{port}", option=option)
            if option in self.plain:
                instead = "listen_https" if each.http else "listen_wss" if each.websocket else "listen_tls"
                LISTENING_PLAIN.write(
                    option=option, address=", ".join(addresses(self._config, option)), instead=instead
                )
        return ports
