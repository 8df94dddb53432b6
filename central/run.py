"""The wiring of the centre: start, reload, drain.

    start    lock the data directory, open the store, listen, write the ports to `<data_dir>/ports.json`
    SIGHUP   read the credentials and the certificate again; nodes whose credentials are gone lose their connection
    SIGTERM  stop listening, store and acknowledge what was received, close

The store's thread starts after the listeners are bound, so a busy port leaves nothing behind.
"""

import asyncio
import contextlib
import errno
import fcntl
import json
import logging
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import uvicorn

from edge.clock import Clock
from edge.errors import BusyError, ConfigError, DoorstepError, JournalError
from edge.identity.credentials import Credentials
from edge.limits import HTTP_CONNECTIONS_MAX
from edge.mqtt.address import split_address
from edge.mqtt.server.endpoint import Endpoint

from .api import app
from .config import Config, load
from .ingest.receive import Receive
from .store import Reader, Store

SYNC_PACKET_BYTES_MAX: Final = 512 * 1024
"""The largest packet at the centre's listener, where whole batches travel; the node's is PACKET_BYTES_MAX."""

PRUNE_EVERY_S: Final = 3_600.0

log = logging.getLogger(__name__)


def run(config_path: str, echo: Callable[[str], None]) -> int:
    """Run the centre until SIGTERM or SIGINT. `echo` prints one line for a person. Returns the exit code."""
    import uvloop

    config = load(config_path)
    logging.basicConfig(level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    folder = Path(config.data_dir)
    with _locked(folder):
        store = Store(folder)
        try:
            return uvloop.run(_Running(config_path, config, folder, store, echo).main())
        finally:
            store.close()


class _Running:
    """One centre, from start to stop."""

    def __init__(self, path: str, config: Config, folder: Path, store: Store, echo: Callable[[str], None]) -> None:
        self._path, self._config, self._folder, self._store, self._echo = path, config, folder, store, echo
        self._clock = Clock()
        self._stop = asyncio.Event()
        self._failure = ""
        self._errors = 0
        self._ports: dict[str, int] = {}
        self._credentials: Credentials | None = None
        self._tls: ssl.SSLContext | None = None

    async def main(self) -> int:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_exception)
        self._receive = Receive(self._store, lambda: self._clock.now().wall_ms, loop.call_soon_threadsafe, self._fail)
        self._endpoint = await self._listen()
        self._receive.link = self._endpoint
        self._receive.start()
        reader = Reader(self._folder)
        server, serving = self._serve(reader)
        _write(self._folder / "ports.json", json.dumps(self._ports))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        pruning = loop.create_task(self._prune())
        pruning.add_done_callback(self._ended)
        self._echo(f"centre {self._config.name} is ready (data in {self._config.data_dir})")
        await self._stop.wait()

        self._echo("stopping: storing what was received")
        pruning.cancel()
        await self._endpoint.stop_listening()
        await asyncio.to_thread(self._receive.close)
        await self._endpoint.close()
        if server is not None and serving is not None:
            server.should_exit = True
            await serving
        reader.close()
        if self._failure:
            self._echo(self._failure)
            return JournalError.exit_code
        return 0

    # -- start -----------------------------------------------------------------------------------------------------

    async def _listen(self) -> Endpoint:
        config = self._config
        if not config.anonymous:
            self._credentials = Credentials.load(config.credentials)
        if config.listen_tls:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
            self._load_certificate(self._tls)
        endpoint = Endpoint(
            config.name,
            self._receive,
            self._authenticate,
            clock=asyncio.get_running_loop().time,
            packet_bytes_max=SYNC_PACKET_BYTES_MAX,
            anonymous=config.anonymous,
        )
        for field, secure in (("listen", False), ("listen_tls", True)):
            text = getattr(config, field)
            if not text:
                continue
            try:
                host, port = await endpoint.listen(text, websocket=False, tls=self._tls if secure else None)
            except BusyError as error:
                raise BusyError(f"{error} It is the option {field} in {self._path}.") from None
            self._ports[field] = port
            self._echo(f"listening on {host}:{port} ({field})")
        return endpoint

    def _authenticate(self, username: str, token: bytes) -> bool:
        return self._credentials is not None and self._credentials.verify(username, token)

    def _load_certificate(self, context: ssl.SSLContext) -> None:
        config = self._config
        try:
            context.load_cert_chain(config.tls_cert, config.tls_key)
        except (OSError, ssl.SSLError) as error:
            hint = f"{error}. It must be a PEM chain, and tls_key its unencrypted key."
            raise ConfigError(self._path, "tls_cert", config.tls_cert, hint) from None

    def _serve(self, reader: Reader) -> tuple[uvicorn.Server | None, asyncio.Task[None] | None]:
        """The API, if it is wanted."""
        config = self._config
        pair = split_address(config.api_listen) if config.api_listen else None
        if pair is None:
            return None, None
        token = self._secret("api_token_file", config.api_token_file)
        listener = self._bind(pair)
        self._ports["api_listen"] = listener.getsockname()[1]
        application = app(reader, lambda: self._receive.problem, self._gauges, token)
        settings = uvicorn.Config(
            application,
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            limit_concurrency=HTTP_CONNECTIONS_MAX,
            timeout_graceful_shutdown=2,
            server_header=False,
        )
        server = _Server(settings)
        self._echo(f"listening on {pair[0]}:{self._ports['api_listen']} (api_listen)")
        return server, asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))

    def _bind(self, pair: tuple[str, int]) -> socket.socket:
        family = socket.AF_INET6 if ":" in pair[0] else socket.AF_INET
        try:
            return socket.create_server(pair, family=family, backlog=HTTP_CONNECTIONS_MAX)
        except OSError as error:
            where = f"{pair[0]}:{pair[1]}"
            if error.errno == errno.EADDRINUSE:
                hint = f"Choose another port with the option api_listen in {self._path}; port 0 takes any free one."
                raise BusyError(f"Another program listens on {where}. {hint}") from None
            raise ConfigError(self._path, "api_listen", where, f"{error.strerror}.") from None

    def _secret(self, field: str, path: str) -> str:
        """A token from its file, which must be for the owner's eyes only."""
        if not path:
            return ""
        try:
            if Path(path).stat().st_mode & 0o077:
                raise ConfigError(self._path, field, path, f"Others may read it: run chmod 600 {path}.")
            token = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(self._path, field, path, f"{error.strerror}.") from None
        if not token:
            raise ConfigError(self._path, field, path, "The file is empty. Write a long random token into it.")
        return token

    # -- while it runs ---------------------------------------------------------------------------------------------

    def _gauges(self) -> dict[str, float]:
        shed = {f"refused_{reason}": float(count) for reason, count in sorted(self._receive.refused.items())}
        return {"jobs_waiting": float(self._receive.waiting), "errors_caught": float(self._errors), **shed}

    async def _prune(self) -> None:
        retention_ms = int(self._config.retention_days * 86_400_000)
        before = self._clock.now()
        while True:
            await asyncio.sleep(PRUNE_EVERY_S)
            now = self._clock.now()
            self._receive.prune(now.wall_ms, int((now.mono - before.mono) * 1000), retention_ms)
            before = now

    def _reload(self) -> None:
        """SIGHUP. Whatever is broken leaves everything as it was, and is logged with the reason."""
        try:
            credentials = None if self._config.anonymous else Credentials.load(self._config.credentials)
            if self._tls is not None:
                self._load_certificate(self._tls)
        except DoorstepError as error:
            log.error("not reloaded, everything stays as it was: %s", error)
            return
        self._credentials = credentials
        self._endpoint.recheck()
        log.info("read the credentials and the certificate again")

    def _on_loop_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # noqa: ARG002 - asyncio's
        """A callback of the loop raised: it costs one connection or one answer, which the node asks for again."""
        self._errors += 1
        log.error("%s", context.get("message", "an error in the event loop"), exc_info=context.get("exception"))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Without pruning the disk fills up one day: not silently."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(f"The centre's pruning ended with {error!r}. This is a bug: please report it with the log.")

    def _fail(self, sentence: str) -> None:
        """Something that only a restart can mend."""
        self._failure = sentence
        self._stop.set()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: stopping is the centre's own business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The data directory, made where there is none, for this process alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        hint = "Name another data_dir, or mend this one."
        raise JournalError(f"{folder} cannot be used: {error.strerror}. {hint}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        hint = "Stop that one, or give this one a data_dir of its own."
        raise BusyError(f"{folder} is in use by another centre. {hint}") from None
    try:
        yield
    finally:
        os.close(handle)


def _write(path: Path, text: str) -> None:
    """Whole or not at all, for whoever waits for the file."""
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
