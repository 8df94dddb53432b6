"""An outbox with its real uplink, without the rest of a node."""

import asyncio
from typing import Any

from edge.core.model import Now, SyncAcked, SyncWelcomed
from edge.core.outbox import Outbox
from edge.messages.sync.report import NodeReport
from edge.uplink.options import UplinkOptions
from edge.uplink.sync import Sync

START = 1_767_225_600_000
REPORT = NodeReport(at=START, version="1", problems=["disk_low"])


class Uplinked:
    """An outbox whose every word is committed at once. `options` are those of its uplink."""

    def __init__(self, urls: str | list[str], name: str = "n1", **options: Any) -> None:
        self.outbox = Outbox(name)
        self.posted: list[SyncWelcomed | SyncAcked] = []
        self.sync = Sync(
            UplinkOptions(node=name, centre="centre", urls=urls, username=name, **options),
            batches=self.outbox.in_flight,
            hello=lambda boot: self.outbox.hello(f"i-{name}", boot),
            post=self.post,
            report=lambda: REPORT,
        )

    def post(self, item: SyncWelcomed | SyncAcked) -> None:
        """The centre's word."""
        self.posted.append(item)
        if isinstance(item, SyncWelcomed):
            self.outbox.welcome(item)
        else:
            self.outbox.stored(item.epoch, item.through)
        self.outbox.cut(Now(0.0, START))
        asyncio.get_running_loop().call_soon(self.sync.wake)
