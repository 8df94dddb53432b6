"""The uplink of a node: to the address in its configuration or, where it is enrolled, to that of its enrolment."""

import asyncio
import secrets
import ssl
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ..clock import Clock
from ..errors import InputError
from ..health.status import Gauges, Queue, Status
from ..identity.certificate import client_context
from ..identity.files import read_secret
from ..limits import STATUS_INTERVAL_S
from ..messages.sync.enrolment import ENROL_ANSWER
from ..messages.sync.report import NodeReport
from ..pipeline.pipeline import Pipeline
from ..service.datadir import DataDir
from ..service.options import addresses
from ..uplink.enrolment import IDENTITY, Enrolment, read, trusted
from ..uplink.pushed.state import Kept
from .config import Config

if TYPE_CHECKING:
    from ..uplink.pushed.trial import Settings
    from ..uplink.renewal import Renewal
    from ..uplink.statements.stating import Stating
    from ..uplink.sync import Sync


class Uplink:
    """`sync` is None where the node has no centre. `report` is how the node is. Raises DoorstepError where a file that
    the configuration names cannot be used. Those of the enrolment, which the node writes itself, stop no decisions:
    then `problem` is why there is no uplink."""

    def __init__(
        self,
        config_path: str,
        config: Config,
        data: DataDir,
        pipeline: Pipeline,
        report: Callable[[], NodeReport],
        kept: Kept,
    ) -> None:
        self.sync: Sync | None = None
        self.settings: Settings | None = None
        self._kept = kept
        self._renewal: Renewal | None = None
        self._stating: Stating | None = None
        self._ends_ms: int | None = None
        self._config_path, self._config, self._folder = config_path, config, data.path
        self.problem = ""
        try:
            enrolment = read(data.path, config.node)
            if config.uplink or enrolment is not None:
                self._connect(data, pipeline, enrolment, report)
        except InputError as error:
            self.problem = f"{error} Until then there is no uplink; local decisions go on."

    def _connect(
        self, data: DataDir, pipeline: Pipeline, enrolment: Enrolment | None, report: Callable[[], NodeReport]
    ) -> None:
        from ..uplink.options import UplinkOptions
        from ..uplink.statements.stating import Stating
        from ..uplink.sync import Sync

        config = self._config
        # Here: later there may be no file descriptor for it.
        instance = data.kept("instance", "[0-9a-f]{32}", lambda: secrets.token_hex(16))
        settings = enrolment.settings if enrolment is not None else None
        self._centre = settings.centre if settings is not None and not config.uplink else config.uplink_name
        options = UplinkOptions(
            node=config.node,
            centre=self._centre,
            urls=self._urls(enrolment),
            username=config.uplink_username or config.node,
            token="" if enrolment is not None else self.token(config),
            certified=enrolment is not None,
            tls=self._trust(enrolment),
        )
        self.sync = sync = Sync(
            options,
            batches=pipeline.batches,
            hello=lambda boot: pipeline.node.outbox.hello(instance, boot),
            post=lambda item: pipeline.post([item]),
            report=report,
        )
        pipeline.on_batches = sync.wake
        pipeline.on_rebuilt = sync.ask_again
        self._stating = Stating(
            sync,
            lambda: pipeline.node.outbox,
            lambda: pipeline.in_flight == 0,
            lambda item: pipeline.post([item]),
            lambda: report().at,
            instance,
            data.path / IDENTITY if enrolment is not None else None,
        )
        if enrolment is not None:
            from ..uplink.renewal import Renewal

            self._renewal = Renewal(enrolment, sync, self._trust)
            sync.handlers[ENROL_ANSWER] = self._renewal.on_answer

    @property
    def pushed(self) -> str:
        """The options (TOML) that the centre has pushed and that count now."""
        return (self.settings.kept if self.settings is not None else self._kept).in_force.options

    def follow(self, data: DataDir, use: Callable[[str], None], status: Status, clock: Clock) -> None:
        """Take the centre's settings from now on, where a certificate of it shows whose they are. `use` applies
        options."""
        if self.sync is None or self._renewal is None:
            return
        from ..uplink.pushed.trial import TRIAL_S, Settings

        def problems() -> set[str]:
            return {problem["name"] for problem in status.report(clock.now())["problems"]}

        trial_s = clock.real_s(TRIAL_S)
        self.settings = Settings(data.path, self._centre, self._kept, self.sync, use, problems, trial_s)
        status.register("settings", self.settings.gauges)

    def token(self, config: Config) -> str:
        """What an uplink without enrolment shows. Raises ConfigError."""
        return read_secret(self._config_path, "uplink_token_file", config.uplink_token_file)

    def set_token(self, token: str) -> None:
        """Another one, after a reload."""
        if self.sync is not None and self._renewal is None:
            self.sync.link.set_token(token)

    def tasks(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs as long as the node, by name."""
        from ..uplink.statements.ledger import LedgerSender

        found: dict[str, Coroutine[Any, Any, None]] = {}
        if self.sync is not None:
            found["uplink"] = self.sync.run()
            found["report"] = _report_regularly(self.sync)
            found["ledger"] = LedgerSender(self.sync, self._folder).run()
        if self._stating is not None:
            found["statements"] = self._stating.run()
        if self._renewal is not None:
            found["renewal"] = self._renewal.run()
        if self.settings is not None:
            found["settings"] = self.settings.run()
        return found

    def shown(self, pipeline: Pipeline) -> tuple[Gauges, dict[str, Queue]]:
        """Gauges and queues for the status, where there is an uplink."""
        from ..uplink.figures import gauges, queues

        sync = self.sync
        assert sync is not None
        return lambda: gauges(sync, pipeline.node), queues(sync)

    def ends_ms(self) -> dict[str, int | None]:
        """When the certificates of the uplink end, Unix ms, by the names that the status has for them."""
        ends: dict[str, int | None] = {"uplink_ca": self._ends_ms} if self._ends_ms is not None else {}
        if self._renewal is not None:
            ends["uplink_certificate"] = self._renewal.ends_ms
        return ends

    def _urls(self, enrolment: Enrolment | None) -> list[str]:
        named = addresses(self._config, "uplink")
        return named or ([enrolment.settings.uplink] if enrolment is not None else [])

    def _trust(self, enrolment: Enrolment | None) -> ssl.SSLContext | None:
        path = self._config.uplink_ca
        if enrolment is not None:
            if path:
                _, self._ends_ms = client_context(self._config_path, "uplink_ca", path)
            # Each of them needs TLS.
            urls = sorted(self._urls(enrolment), key=lambda url: url.startswith("mqtts:"))
            return trusted(self._config_path, enrolment, urls[0], path)
        if not any(url.startswith("mqtts:") for url in self._urls(enrolment)):
            return None
        context, self._ends_ms = client_context(self._config_path, "uplink_ca", path)
        return context


async def _report_regularly(sync: "Sync") -> None:
    """The centre gets to know how the node is, also where there is nothing to send."""
    while True:
        sync.report()
        await asyncio.sleep(STATUS_INTERVAL_S)
