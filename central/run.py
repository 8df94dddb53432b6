"""The wiring of the centre: start, reload, drain.

    start    lock the data directory, open the store, listen, write the ports to `<data_dir>/ports.json`
    SIGHUP   read the credentials, the certificate and the secrets of alerts again; nodes whose credentials are gone
             lose their connection, as they do within a second of a change of the credentials or of the register of
             certificates
    SIGTERM  stop listening, store and acknowledge what was received, close

The store's thread starts after the listeners are bound, so a busy port leaves nothing behind.
"""

import asyncio
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge.errors import DoorstepError, JournalError
from edge.identity.authority import Authority
from edge.identity.credentials import Credentials
from edge.identity.files import read_secret
from edge.log.event import place
from edge.log.events import (
    FAILED,
    FLEET_UNSEEN,
    INTERNAL_ERROR,
    LISTENING,
    PROBLEM,
    PROBLEM_OVER,
    READY,
    RELOAD_REFUSED,
    RELOADED,
    STARTING,
    STOPPED,
    STOPPING,
)
from edge.log.writer import VERSION, Writer, opened
from edge.messages.grants import Grant
from edge.messages.sync.enrolment import ENROL_ANSWER, ENROL_REQUEST
from edge.messages.sync.settings import SETTINGS_STATE
from edge.mqtt.seam import Publish
from edge.mqtt.server.endpoint import Endpoint, EndpointOptions
from edge.service.datadir import DataDir
from edge.service.listeners import LOOK_S, Listener, Listeners, TlsContext

from .api import app
from .config import SERVER_RENEW_DAYS, Config, clock_of, load, now_ms, store_of
from .fleet.watch import WATCH_S, Watch
from .ingest.admit import Bounds
from .ingest.receive import Receive
from .ingest.validate import BatchOutcome
from .rollout.rollouts import Rollouts
from .store.engine.driver import StoreLost
from .store.open import open_reader, open_store
from .store.prune import Kept
from .store.reader import Reader
from .store.store import Store
from .store.tiers import DAY_MS

if TYPE_CHECKING:
    from .alerts.alerts import Alerts
    from .enrolment.enrolment import Enrolment
    from .site import Site

SYNC_PACKET_BYTES_MAX: Final = 512 * 1024
"""The largest packet at the centre's listener, where whole batches travel; the node's is PACKET_BYTES_MAX."""

PRUNE_EVERY_S: Final = 3_600.0


def _authority(config: Config) -> Authority:
    """Who may connect by a token. Where nodes are invited, nobody needs one."""
    if config.anonymous or (config.advertised_address and not Path(config.credentials).exists()):
        return Authority()
    return Authority(Credentials.load(config.credentials))


def run(config_path: str) -> int:
    """Run the centre until SIGTERM or SIGINT. Returns the exit code."""
    import uvloop

    config = load(config_path)
    writer = opened(config.log_format, config.log_level)
    STARTING.write(role="centre", name=config.name, version=VERSION, data_dir=config.data_dir)
    with DataDir.open(config.data_dir) as data:
        where, password = store_of(config_path, config)
        store = open_store(where, config.timezone, password, sums_beside=True)
        store.driver.prepare_days(now_ms(config))
        try:
            code = uvloop.run(_Running(config_path, config, data, store, password, writer).main())
            STOPPED.write(role="centre", name=config.name, code=code)
            return code
        finally:
            store.close()


class _Running:
    """One centre, from start to stop."""

    def __init__(self, path: str, config: Config, data: DataDir, store: Store, password: str, writer: Writer) -> None:
        self._password = password
        self._path, self._config, self._data, self._store, self._writer = path, config, data, store, writer
        self._clock = clock_of(config)
        self._stop = asyncio.Event()
        self._failure = self._problem = ""
        self._alerts: Alerts | None = None
        self._errors = 0
        self._ports: dict[str, int] = {}
        self._listeners = Listeners(
            path,
            config,
            [Listener("listen"), Listener("listen_tls", tls=True)],
            _authority,
            self._tls if config.advertised_address else None,
        )
        self._enrolment = self._invites() if config.advertised_address else None
        self._rollouts = Rollouts(store)

    def _tls(self, config: Config) -> TlsContext:
        from .enrolment.files import tls

        return tls(self._path, config)

    def _invites(self) -> "Enrolment":
        """What lets invited nodes in. Its libraries take 25 MB, so only a centre that invites imports them."""
        from .enrolment.files import opened

        return opened(self._path, self._config)

    async def main(self) -> int:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_exception)
        config = self._config
        self._receive = Receive(
            self._store,
            self._now_ms,
            loop.call_soon_threadsafe,
            self._fail,
            Bounds(k_anonymity=config.k_anonymity, rows_per_day_max=config.rows_per_day_max),
            self._others(self._enrolment) if self._enrolment is not None else {},
            self._offers if self._enrolment is not None else None,
        )
        self._endpoint = await self._listen()
        self._receive.link = self._endpoint
        self._receive.start()
        reader = open_reader(config.store or self._data.path, config.timezone, self._password)
        self._fleet = Watch(reader, self._states, lambda: frozenset(self._receive.connected), self._now_ms)
        self._site = await self._serve(reader)
        self._alerts = await self._open_alerts()
        self._data.write_ports(self._ports)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        works = [self._prune(), self._watch(), self._look(), *([self._alerts.run()] if self._alerts else [])]
        tasks = [loop.create_task(work) for work in works]
        for task in tasks:
            task.add_done_callback(self._ended)
        READY.write(role="centre", name=self._config.name, detail=f"sums in {self._store.driver.place}")
        await self._stop.wait()

        STOPPING.write()
        for task in tasks:
            task.cancel()
        await self._endpoint.stop_listening()
        await asyncio.to_thread(self._receive.close)
        await self._endpoint.close()
        if self._alerts is not None:
            await self._alerts.close()
        if self._site is not None:
            await self._site.close()
        reader.close()
        if self._enrolment is not None:
            self._enrolment.close()
        if self._failure:
            return JournalError.exit_code
        return 0

    # -- start -----------------------------------------------------------------------------------------------------

    def _others(self, enrolment: "Enrolment") -> dict[str, Callable[[Publish], BatchOutcome]]:
        """Who answers what is no matter of batches; in the store's thread."""
        rollouts = self._rollouts
        return {
            ENROL_REQUEST: lambda publish: BatchOutcome(ENROL_ANSWER, enrolment.answer(publish)),
            SETTINGS_STATE: lambda publish: rollouts.reported(publish, self._now_ms()),
        }

    def _offers(self, there: set[str]) -> list[tuple[str, str, bytes]]:
        return self._rollouts.look(there, self._now_ms())

    async def _listen(self) -> Endpoint:
        endpoint = Endpoint(
            self._config.name,
            self._receive,
            self._authenticate,
            EndpointOptions(
                packet_bytes_max=SYNC_PACKET_BYTES_MAX,
                anonymous=self._config.anonymous,
                messages_per_s=self._config.messages_per_s,
                burst=self._config.messages_burst,
            ),
            clock=asyncio.get_running_loop().time,
        )
        if self._enrolment is not None:
            endpoint.registry.certified = self._enrolment.certified
        if self._enrolment is not None:
            self._listeners.knows = self._enrolment.knows
        self._ports.update(await self._listeners.open(endpoint))
        return endpoint

    def _authenticate(self, name: str, secret: bytes) -> Grant | None:
        """By its token, or the code of its invitation."""
        found = self._listeners.authenticate(name, secret)
        if found is None and self._enrolment is not None:
            found = self._enrolment.invited(name, secret)
        return found

    async def _serve(self, reader: Reader) -> "Site | None":
        """What people and programs ask, if that is wanted. Its libraries take 10 MB."""
        config = self._config
        if not config.api_listen and not config.api_listen_tls:
            return None
        from .site import Site

        token = read_secret(self._path, "api_token_file", config.api_token_file)
        inner = app(
            reader,
            lambda: self._receive.problem,
            self._gauges,
            token,
            self._now_ms,
            self._states,
            self._fleet.fleet,
        )
        site = await Site.open(
            self._path, config, self._password, reader, inner, self._fleet.fleet, self._states, self._now_ms
        )
        for option, port in (("api_listen", site.port), ("api_listen_tls", site.tls_port)):
            if address := getattr(config, option):
                self._ports[option] = port
                LISTENING.write(address=f"{address.rpartition(':')[0]}:{port}", option=option)
        return site

    async def _open_alerts(self) -> "Alerts | None":
        """What sends alerts, where somebody is to be notified. Its library takes 15 MB."""
        config = self._config
        if not config.alert:
            return None
        from .alerts.alerts import Alerts

        where = config.store or self._data.path
        holder = self._data.kept("instance", "[0-9a-f]{32}", lambda: secrets.token_hex(16))
        return await Alerts.open(self._path, config, where, self._password, self._fleet.fleet, self._now_ms, holder)

    # -- while it runs ---------------------------------------------------------------------------------------------

    def _gauges(self) -> dict[str, Any]:
        """What waits, and what the listener did not take: by reason, of messages and of connections, and of whom."""
        receive, link = self._receive, self._endpoint.gauges()["link"]
        shed = {f"refused_{reason}": count for reason, count in sorted(receive.refused.items())}
        over_quota = receive.over_quota.names(time.monotonic())
        waiting = {
            "jobs_waiting": receive.waiting,
            "windows_waiting": self._store.backlog.waiting,
            "errors_caught": self._errors,
            "log_lines_not_written": self._writer.not_written,
            "over_quota_by": over_quota,
        }
        alerts = self._alerts.gauges() if self._alerts is not None else {}
        return {**waiting, **alerts, **shed, **link}

    def _now_ms(self) -> int:
        return self._clock.now().wall_ms

    def _states(self) -> dict[str, dict[str, int]]:
        return self._enrolment.states() if self._enrolment is not None else {}

    async def _prune(self) -> None:
        config = self._config
        kept = Kept(
            minute=int(config.minutes_kept_days * DAY_MS),
            hour=int(config.hours_kept_days * DAY_MS),
            day=int(config.days_kept_days * DAY_MS),
        )
        before = self._clock.now()
        while True:
            await asyncio.sleep(PRUNE_EVERY_S)
            self._renew()
            now = self._clock.now()
            self._receive.prune(now.wall_ms, int((now.mono - before.mono) * 1000), kept)
            before = now

    async def _watch(self) -> None:
        """Whoever is revoked loses its session, also one that only listens."""
        while True:
            await asyncio.sleep(LOOK_S)
            revoked = self._enrolment is not None and self._enrolment.changed()
            self._writer.rest()
            self._report_health()
            if self._listeners.look() or revoked:
                self._endpoint.recheck()

    def _report_health(self) -> None:
        """A problem of the store that has come, or gone."""
        before, self._problem = self._problem, self._receive.problem
        if self._problem and not before:
            PROBLEM.write(name="store", sentence=self._problem)
        elif before and not self._problem:
            PROBLEM_OVER.write(name="store")

    async def _look(self) -> None:
        """Nodes that are connected and do not get on are an alarm of their own."""
        while True:
            await asyncio.sleep(max(self._clock.real_s(WATCH_S), LOOK_S))
            try:
                for node, alarm in await asyncio.to_thread(self._fleet.look):
                    self._receive.alarm(node, alarm)
            except StoreLost as error:
                FLEET_UNSEEN.write(sentence=str(error))

    def _renew(self) -> None:
        """The centre's own certificate, where it is one of our authority and ends soon."""
        ends_ms = self._listeners.certificate_ends_ms
        if ends_ms is None or self._enrolment is None or self._config.tls_cert:
            return
        if ends_ms < self._now_ms() + SERVER_RENEW_DAYS * DAY_MS:
            self._reload()

    def _reload(self) -> None:
        """SIGHUP. Whatever is broken leaves everything as it was, and is logged with the reason."""
        try:
            self._listeners.read(self._config)
            if self._site is not None:
                self._site.read()
            if self._alerts is not None:
                self._alerts.read()
        except DoorstepError as error:
            RELOAD_REFUSED.write(sentence=str(error))
            return
        self._endpoint.recheck()
        RELOADED.write(path=self._path, changed="no option; credentials, certificate and secrets were read again")

    def _on_loop_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # noqa: ARG002 - asyncio's
        """A callback of the loop raised: it costs one connection or one answer, which the node asks for again."""
        self._errors += 1
        INTERNAL_ERROR.write(error=context.get("exception") or "the event loop")

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Without pruning the disk fills up one day: not silently."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(f"The centre's pruning ended with {place(error)}. This is a bug: please report it with the log.")

    def _fail(self, sentence: str) -> None:
        """Something that only a restart can mend."""
        self._failure = sentence
        FAILED.write(sentence=sentence)
        self._stop.set()
