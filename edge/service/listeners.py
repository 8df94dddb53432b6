"""The listeners of an MQTT endpoint, and who may connect: credentials and certificate as their files have them, read
again when the process is asked to reload."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..errors import BusyError
from ..identity.certificate import load_certificate, server_context
from ..identity.credentials import Credentials
from ..mqtt.server.endpoint import Endpoint


class Listener(NamedTuple):
    """The option that has its address, and what is spoken there."""

    option: str
    tls: bool = False
    websocket: bool = False


class Listeners:
    """The listeners whose options have an address in `config`, which has also `anonymous`, `credentials`, `tls_cert`
    and `tls_key`. Raises DoorstepError where a file of those cannot be used."""

    def __init__(self, config_path: str, config: Any, listeners: Sequence[Listener]) -> None:
        self.wanted = [listener for listener in listeners if getattr(config, listener.option)]
        self.certificate_ends_ms: int | None = None
        """When the certificate ends, in Unix ms; None without one."""
        self._config_path, self._config = config_path, config
        self._credentials: Credentials | None = None
        self._tls = server_context() if any(listener.tls for listener in self.wanted) else None
        self.read(config)

    @property
    def has_tls(self) -> bool:
        """Whether a certificate is in use."""
        return self._tls is not None

    def read(self, config: Any) -> None:
        """Read credentials and certificate (again). Raises DoorstepError, and then the old ones stay."""
        asked = self.wanted and not config.anonymous
        credentials = Credentials.load(config.credentials) if asked else None
        if self._tls is not None:
            self.certificate_ends_ms = load_certificate(self._tls, self._config_path, config.tls_cert, config.tls_key)
        self._credentials = credentials

    def authenticate(self, username: str, token: bytes) -> bool:
        """Whether the token is that of the user."""
        return self._credentials is not None and self._credentials.verify(username, token) is not None

    async def open(self, endpoint: Endpoint, echo: Callable[[str], None]) -> dict[str, int]:
        """Listen, and return the ports by option. Raises BusyError and ConfigError, as `Endpoint.listen` does."""
        ports: dict[str, int] = {}
        for option, tls, websocket in self.wanted:
            address = getattr(self._config, option)
            try:
                host, port = await endpoint.listen(address, websocket=websocket, tls=self._tls if tls else None)
            except BusyError as error:
                raise BusyError(f"{error} It is the option {option} in {self._config_path}.") from None
            ports[option] = port
            echo(f"listening on {host}:{port} ({option})")
        return ports
