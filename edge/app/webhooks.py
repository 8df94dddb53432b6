"""Starts and stops the webhooks of a node. What they need is imported only where there are some."""

import secrets
from typing import TYPE_CHECKING

from ..clock import Clock
from ..health.status import Status
from ..identity.certificate import client_context
from ..identity.files import read_secret
from ..pipeline.pipeline import Pipeline
from ..service.datadir import DataDir
from .config import Config

if TYPE_CHECKING:
    from standardwebhooks import Webhook

    from ..webhooks.outbox import Outbox
    from ..webhooks.sender import Sender


class Webhooks:
    """`data` is the data directory, which has the outbox; its id is part of the id of each message. Raises
    DoorstepError where the secrets cannot be used."""

    def __init__(self, config_path: str, config: Config, data: DataDir) -> None:
        self._path, self._config, self._data = config_path, config, data
        self._sender: Sender | None = None
        self._secrets: list[Webhook] = []
        self.read(config)
        self._outbox = self._opened() if config.webhook_url else None

    def _opened(self) -> "Outbox":
        from ..webhooks.outbox import Outbox

        return Outbox.open(self._data.path, self._config.webhook_kinds)

    async def open(self, pipeline: Pipeline, clock: Clock, status: Status) -> "Sender | None":
        """Ready to run, where a receiver is configured. Raises DoorstepError where a file cannot be used."""
        config, outbox = self._config, self._outbox
        if outbox is None:
            return None
        from ..webhooks.request import Target
        from ..webhooks.sender import Sender

        instance = self._data.kept("instance", "[0-9a-f]{32}", lambda: secrets.token_hex(16))
        tls = None
        if config.webhook_url.startswith("https:"):
            tls, _ = client_context(self._path, "webhook_ca", config.webhook_ca)
        target = Target(config.webhook_url, self._secrets, config.node, instance[:12], tls)
        sender = self._sender = Sender(outbox, target, lambda: pipeline.committed, lambda: clock.now().wall_ms)
        before = pipeline.on_shown

        def shown() -> None:
            before()
            sender.wake()

        pipeline.on_shown = shown
        status.register("webhooks", sender.gauges)
        status.problems(sender.problems)
        return sender

    def read(self, config: Config) -> None:
        """Read the secrets (again): what is signed from now on is signed with them. Raises ConfigError, and then the
        old ones stay."""
        if not config.webhook_url:
            return
        from ..service.webhook import signers

        option, path = "webhook_secret_file", config.webhook_secret_file
        self._secrets = signers(self._path, option, path, read_secret(self._path, option, path))
        if self._sender is not None:
            self._sender.target.secrets = self._secrets

    async def close(self) -> None:
        """Write down how far it is."""
        if self._sender is not None:
            await self._sender.close()
