"""Sends to the centre how the shops' ledgers differ, whenever somebody has compared them."""

import asyncio
from pathlib import Path
from typing import Final

from ...errors import InputError
from ...ledger.kept import FILE, read_counts
from ...log.events import UPLINK_UNSENT
from ...messages.sync.ledger import SYNC_LEDGER, LedgerCounts, encode
from ...service.listeners import stamp
from ..sync import Sync

LOOK_S: Final = 5.0
"""Between two looks at the file."""


class LedgerSender:
    """For one uplink; `folder` is the data directory. After a start everything is sent once more: the centre keeps the
    latest of each shop and day."""

    def __init__(self, sync: Sync, folder: Path) -> None:
        self._sync, self._folder = sync, folder
        self._sent: object = None
        self._under_way = False

    async def run(self) -> None:
        """Look for as long as the process lives."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Send what was compared since the last look."""
        sync = self._sync
        if not sync.connected or SYNC_LEDGER not in sync.takes or self._under_way:
            return
        seen = stamp(str(self._folder / FILE))
        if seen == self._sent:
            return
        try:
            days = read_counts(self._folder)
        except InputError as error:
            UPLINK_UNSENT.write(kind=SYNC_LEDGER, sentence=str(error))
            self._sent = seen
            return

        def on_ack(code: int) -> None:
            self._under_way = False
            self._sent = seen
            if code >= 0x80:
                UPLINK_UNSENT.write(kind=SYNC_LEDGER, sentence=f"MQTT reason {code:#x}")

        if not days:
            self._sent = seen
        elif sync.send(SYNC_LEDGER, encode(LedgerCounts(days=days)), on_ack=on_ack):
            self._under_way = True
