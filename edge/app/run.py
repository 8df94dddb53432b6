"""The wiring of a node: start, reload, drain.

start    lock the data directory, open the journal, recover the core, listen, notify the service manager
SIGHUP   read the configuration again: reloadable options take effect, an invalid file changes nothing
SIGTERM  stop listening, commit and answer what was received, disconnect clients, snapshot, close
"""

import asyncio
import signal
import ssl
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..clock import Clock
from ..core.model import Configure
from ..core.node import Node
from ..errors import ConfigError, DoorstepError, JournalBroken
from ..health.status import Status, Value
from ..identity.certificate import client_context, days_left
from ..identity.files import read_secret
from ..journal.journal import Journal
from ..journal.reader import FILE_NAME as JOURNAL
from ..journal.scrub import Scrub
from ..limits import RETENTION_CHECK_S, STATUS_INTERVAL_S
from ..log.event import place
from ..log.events import (
    FAILED,
    READY,
    RELOAD_REFUSED,
    RELOADED,
    RESTART_NEEDED,
    STARTING,
    STOPPED,
    STOPPING,
    STOPPING_LATE,
    TASK_ENDED,
)
from ..log.writer import VERSION, Writer, opened, set_level
from ..messages.coordinates import cell_of
from ..mqtt.server.endpoint import Endpoint, EndpointOptions
from ..pipeline.drops import FILE_NAME as DROPS
from ..pipeline.drops import DropCounter
from ..pipeline.pipeline import Pipeline
from ..pipeline.report import PipelineReport, warn_recovered
from ..pipeline.retention import Retention
from ..scenarios import files
from ..service.datadir import DataDir
from ..service.listeners import Listener, Listeners
from ..uplink.figures import report_of
from . import settings
from .authority import name_clients, read_authority
from .config import PUSHED, TOKEN_FILES, Config, differing, load, reloaded
from .http import LISTENERS as HTTP_LISTENERS
from .http import METRICS, Http
from .process import rlimit, systemd
from .process.gc import freeze_startup
from .process.loop_errors import LoopExceptionHandler
from .uplink import Uplink
from .webhooks import Webhooks

if TYPE_CHECKING:
    from ..mqtt.client.broker import Broker

RESTART_AFTER_S: Final = 600.0
"""A background task that ends after this long asks the service manager for a restart; one that ends sooner would end
again, and each restart interrupts decisions for about a second."""

LISTENERS: Final = (
    Listener("listen"),
    Listener("listen_tls", tls=True),
    Listener("listen_ws", websocket=True),
    Listener("listen_wss", tls=True, websocket=True),
    *HTTP_LISTENERS,
    METRICS,
)

DRAIN_S_MAX: Final = 10.0
"""The limit of a stop: what is not committed by then was not acknowledged, and its sender resends it."""


def run(config_path: str, on_ready: Callable[[], None] = lambda: None) -> int:
    """Run a node until SIGTERM or SIGINT. `on_ready` is called once it accepts events. Returns the exit code."""
    import uvloop

    start = settings.started(config_path)
    rlimit.raise_nofile()
    config = start.config
    writer = opened(config.log_format, config.log_level)
    STARTING.write(role="node", name=config.node, version=VERSION, data_dir=config.data_dir)
    code = uvloop.run(_Running(config_path, start, on_ready, writer).main())
    STOPPED.write(role="node", name=config.node, code=code)
    return code


class _Running:
    """One node, from start to stop."""

    def __init__(self, config_path: str, start: settings.Start, on_ready: Callable[[], None], writer: Writer) -> None:
        self._config_path, self._start = config_path, start
        self._config = config = start.config
        self._on_ready, self._writer = on_ready, writer
        self._stop = asyncio.Event()
        self._error: Exception | None = None
        self._ports: dict[str, int] = {}
        self._listeners = Listeners(config_path, config, LISTENERS, read_authority)
        self._ends: dict[str, int | None] = {}
        """When certificates of authorities end, in Unix ms, by option."""

    async def main(self) -> int:
        config = self._config
        with DataDir.open(config.data_dir) as data:
            self._journal = journal = Journal.open(data.path / JOURNAL)
            try:
                return await self._serve(data, journal)
            finally:
                journal.close()

    async def _serve(self, data: DataDir, journal: Journal) -> int:
        config = self._config
        clock = self._clock = Clock(config.clock_speed, config.clock_wall_anchor_ms, config.clock_real_anchor_ms)
        node = Node(config.kinds)
        files.take_copies(data.path, config.kinds, config.files)
        recovery = journal.recover()
        node.recover(recovery.snapshot, recovery.rows)
        if node.number:
            clock.resume(node.last)
        self._status = status = Status(
            config.node,
            clock.now(),
            speed=config.clock_speed,
            data_dir=Path(config.data_dir),
        )
        status.keeping(config.retention_days, config.k_anonymity, config.shop_scores)
        self._pipeline = pipeline = Pipeline(node, journal, clock, status, config.crs, self._fail)
        self._retention = Retention(pipeline, journal, clock)
        warn_recovered(status, recovery.alarms, node)
        asyncio.get_running_loop().set_exception_handler(LoopExceptionHandler(status, pipeline.give_up).handle)
        self._drops = DropCounter.open(data.path / DROPS)
        rules = Configure(config.rules())
        pipeline.ingest.configure(self._listeners.authority.shops, config.rows_per_day_max)
        pipeline.start(rules if node.rules != rules.rules else None, self._drops.unrecorded(node.number))
        self._webhooks = Webhooks(self._config_path, config, data)
        self._endpoint = await self._listen(pipeline)
        name_clients(self._writer, config, data, self._listeners, self._endpoint)
        self._broker = await self._join_broker(pipeline)
        settings.keep(data.path, self._start, status)
        report = lambda: report_of(pipeline.node, status, clock.now().wall_ms)
        self._uplink = Uplink(self._config_path, config, data, pipeline, report, self._start.kept)
        self._uplink.follow(data, self._use, status, clock)
        self._sync = self._uplink.sync
        if self._uplink.problem:
            status.alarm("enrolment", self._uplink.problem)
        report = self._register(status, pipeline)
        http = self._http = Http(self._config_path, config, clock, status)
        await http.prepare(node.sequence > 0, cell_of)
        self._ports.update(await http.open_door(pipeline, self._endpoint, self._listeners, self._ports))
        self._ports.update(await http.open_page(data, report.layers, self._ports))
        self._ports.update(await http.open_metrics(self._listeners))
        data.write_ports(self._ports)
        pusher = await self._webhooks.open(pipeline, clock, status)

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        tasks = [self._keep_going("heartbeat", self._beat()), self._keep_going("retention", self._retain())]
        tasks.append(self._keep_going("scrub", Scrub(journal, lambda text: status.alarm("rot", text)).run()))
        tasks += [self._keep_going(name, work) for name, work in self._uplink.tasks().items()]
        if pusher is not None:
            tasks.append(self._keep_going("webhooks", pusher.run()))
        tasks.append(self._keep_going("identities", self._listeners.watch(self._identities_changed)))
        freeze_startup()
        status.phase = "running"
        systemd.ready(f"{config.node} is running")
        READY.write(role="node", name=config.node, detail=f"{node.number} rows recovered")
        self._on_ready()
        await self._stop.wait()
        await self._drain(tasks)
        return 0 if self._error is None else getattr(self._error, "exit_code", 1)

    # -- start ---------------------------------------------------------------------------------------------------------

    async def _listen(self, pipeline: Pipeline) -> Endpoint | None:
        """The node's own listeners, as configured."""
        config = self._config
        if not any(each != METRICS for each in self._listeners.wanted):
            return None
        endpoint = Endpoint(
            config.node,
            pipeline,
            self._listeners.authenticate,
            EndpointOptions(
                anonymous=config.anonymous,
                messages_per_s=config.messages_per_s,
                burst=config.messages_burst,
                connections_max=rlimit.connections_max(),
            ),
            clock=asyncio.get_running_loop().time,
        )
        self._ports.update(await self._listeners.open(endpoint))
        pipeline.links.append(endpoint)
        pipeline.on_shown = endpoint.flush
        endpoint.registry.flush_follows = True
        return endpoint

    def _register(self, status: Status, pipeline: Pipeline) -> PipelineReport:
        """Register every part for the status."""
        endpoint, broker, sync = self._endpoint, self._broker, self._sync
        report = PipelineReport(
            pipeline,
            self._journal,
            self._clock,
            lambda: (endpoint.unsent if endpoint else 0) + (broker.waiting if broker else 0),
        )
        status.register("pipeline", report.gauges, report.queues())
        status.problems(report.problems)
        if endpoint is not None:
            status.register("endpoint", endpoint.gauges)
        if broker is not None:
            status.register("broker", broker.gauges)
        if sync is not None:
            status.register("sync", *self._uplink.shown(pipeline))
        status.register("process", self._gauges)
        return report

    def _gauges(self) -> dict[str, dict[str, Value]]:
        """What the process itself knows."""
        ends = (
            self._ends
            | self._uplink.ends_ms()
            | ({"certificate": self._listeners.certificate_ends_ms} if self._listeners.has_tls else {})
        )
        uncertain_s = 0.0 if self._drops.was_stopped else STATUS_INTERVAL_S
        return {
            "core": {"drops_uncertain_s": uncertain_s},
            "log": {"lines_not_written": self._writer.not_written},
            "link": {f"{name}_days": days_left(end) for name, end in ends.items()}
            | ({"plain_beyond_loopback": " ".join(self._listeners.plain)} if self._listeners.plain else {}),
        }

    async def _join_broker(self, pipeline: Pipeline) -> "Broker | None":
        config = self._config
        if not config.link:
            return None
        from ..mqtt.client.broker import Broker, BrokerOptions

        broker = Broker(
            config.node,
            pipeline,
            config.link,
            BrokerOptions(
                username=config.link_username or config.node,
                token=read_secret(self._config_path, "link_token_file", config.link_token_file),
                tls=self._trust("link_ca", config.link, config.link_ca),
                messages_per_s=config.messages_per_s,
                burst=config.messages_burst,
            ),
            grant=self._listeners.grant,
        )
        pipeline.links.append(broker)
        await broker.start()
        broker.wake(dict.fromkeys(pipeline.node.pending_answers.clients(), ()))  # what a stop or a crash left unsent
        return broker

    def _trust(self, option: str, url: str, path: str) -> ssl.SSLContext | None:
        if not url.startswith("mqtts:"):
            return None
        context, self._ends[option] = client_context(self._config_path, option, path)
        return context

    # -- while it runs -------------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        """The heartbeat: samples progress, and feeds the service manager's watchdog unless a stall needs a restart."""
        while True:
            self._status.tick(now := self._clock.now())
            self._writer.rest()
            self._pipeline.ingest.begin_day(now.wall_ms)
            self._retention.bound(self._config.journal_max_gb * 1e9)
            self._drops.keep(*self._pipeline.uncounted)
            if gone := self._journal.gone:
                self._status.alarm("journal_gone", gone, serving=False)
                self._pipeline.give_up(gone, JournalBroken)
                return
            if not self._journal.is_written:
                text = "The thread that writes the journal has ended. Restart the node, and report this with its log."
                self._status.alarm("writer", text, serving=False, restart=True)
            if not self._status.needs_restart():
                systemd.watchdog()
            await asyncio.sleep(STATUS_INTERVAL_S)

    def _keep_going(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that runs as long as the process. Its end raises an alarm."""
        began = time.monotonic()
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(partial(self._ended, name, began))
        return task

    def _ended(self, name: str, began: float, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._stop.is_set():
            return
        error = task.exception()
        why = "without an error" if error is None else f"with {place(error)}"
        TASK_ENDED.write(task=name, error=why)
        text = f"The node's {name} ended {why}. Restart the node, and report this with its log."
        # No restart for a task that ends right after the start: it would end again, and restarts interrupt decisions.
        self._status.alarm(f"task_{name}", text, restart=time.monotonic() - began > RESTART_AFTER_S)

    async def _retain(self) -> None:
        """Delete rows older than the retention."""
        while True:
            self._retention.check()
            await asyncio.sleep(max(self._clock.real_s(RETENTION_CHECK_S), 1.0))

    def _identities_changed(self) -> None:
        """Other clients may connect than before, or act for other shops."""
        self._pipeline.ingest.configure(self._listeners.authority.shops, self._config.rows_per_day_max)
        if self._endpoint is not None:
            self._endpoint.recheck()

    def _reload(self) -> None:
        """Handle SIGHUP. After an invalid file the old configuration stays, and the reason is logged."""
        try:
            config, fixed = reloaded(self._config, load(self._config_path, self._uplink.pushed))
            changed = differing(self._config, config)
            self._take_up(config)
        except DoorstepError as error:
            RELOAD_REFUSED.write(sentence=str(error))
            return
        if fixed:
            RESTART_NEEDED.write(options=", ".join(fixed))
        RELOADED.write(path=self._config_path, changed=", ".join(changed) or "no option; the files were read again")

    def _use(self, options: str) -> None:
        """Apply what the centre pushes. Raises DoorstepError, and then nothing has changed."""
        _, known = reloaded(self._config, load(self._config_path, self._uplink.pushed))
        config, fixed = reloaded(self._config, load(self._config_path, options))
        if fresh := [name for name in fixed if name not in known]:
            raise ConfigError(PUSHED, fresh[0], "another value", "It needs a restart: write it into edge.toml.")
        self._take_up(config)

    def _take_up(self, config: Config) -> None:
        """Go on with this configuration. Raises DoorstepError, and then nothing has changed."""
        tokens = [read_secret(self._config_path, option, getattr(config, option)) for option in TOKEN_FILES]
        self._webhooks.read(config)
        self._http.read(config)
        self._listeners.read(config)
        self._config = config
        set_level(config.log_level)
        self._status.keeping(config.retention_days, config.k_anonymity, config.shop_scores)
        files.keep(Path(config.data_dir), config.files)
        if config.rules() != self._pipeline.node.rules:
            self._pipeline.post([Configure(config.rules())])
        self._identities_changed()
        if self._endpoint is not None:
            self._endpoint.set_quota(config.messages_per_s, config.messages_burst)
        if self._broker is not None:
            self._broker.set_quota(config.messages_per_s, config.messages_burst)
        if self._broker is not None:
            self._broker.link.set_token(tokens[0])
        self._uplink.set_token(tokens[1])

    # -- stop ----------------------------------------------------------------------------------------------------------

    def _fail(self, error: Exception) -> None:
        """Stop because of an error that needs a restart."""
        FAILED.write(sentence=str(error))
        self._error = error
        self._stop.set()

    async def _drain(self, tasks: list[asyncio.Task[None]]) -> None:
        self._status.phase = "draining"
        systemd.stopping()
        STOPPING.write()
        try:
            async with asyncio.timeout(DRAIN_S_MAX):
                if self._endpoint is not None:
                    await self._endpoint.stop_listening()
                self._http.stop_listening()
                for link in self._pipeline.links:
                    link.pause()
                if self._error is None:
                    await self._pipeline.drain()
                if self._sync is not None:
                    await self._sync.close()
                if self._broker is not None:
                    await self._broker.close()
                if self._endpoint is not None:
                    await self._endpoint.close()
                await self._http.close()
                await self._webhooks.close()
        except TimeoutError:
            STOPPING_LATE.write(seconds=DRAIN_S_MAX)
        self._drops.keep(*self._pipeline.uncounted, stopped=self._error is None)
        for task in tasks:
            task.cancel()
