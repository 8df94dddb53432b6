"""When the core's state is kept. A start runs every row since then through the core, so its length depends on this.

Many rows, or many bytes of them, are followed by a snapshot whatever else happens: that bounds a start. Long before, a
quiet moment is waited for. The loop encodes the state in 0.2 to 2 ms, and while the journal's thread writes it a commit
goes the longer way through that thread: with one every 512 KiB p99 at 500 orders/s was half as long again.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from ..core.node import Node
from ..journal.journal import Journal

SNAPSHOT_ROWS: Final = 5_000
"""Rows between snapshots: what recovery has to run through the core, well below its 2 s."""

SNAPSHOT_ROW_BYTES: Final = 8 * 1024 * 1024
"""The same by size: a full node has a dozen events and more in each row. Recovery takes 0.1 s for each MB of rows."""

SNAPSHOT_QUIET_BYTES: Final = 256 * 1024
"""Rows of this size, 500 of an order each, are worth a snapshot in a quiet moment: recovery takes 50 ms for them. Where
the last snapshot was larger (a week's event ids), as many bytes as that had: the disk gets no more of snapshots than of
rows."""

QUIET_S: Final = 0.25
QUIET_ROWS: Final = 8
"""A moment is quiet with so many rows in QUIET_S at most: 8 orders a second, of which a few in a thousand then meet a
snapshot."""


class Snapshots:
    """`core` is what is to be kept; None while the disk is full or the core may be broken."""

    def __init__(self, loop: asyncio.AbstractEventLoop, journal: Journal, core: Callable[[], Node | None]) -> None:
        self._loop, self._journal, self._core = loop, journal, core
        self._number = self._bytes = 0
        self._worth = SNAPSHOT_QUIET_BYTES
        self._seen = 0
        self._timer: asyncio.TimerHandle | None = None

    def recovered(self, node: Node) -> None:
        """Begin with a core that was just recovered: what that ran through is still to be kept."""
        self._number, self._bytes = node.number - node.recovered_rows, 0
        self.added(node.number, node.recovered_bytes)

    def added(self, number: int, size: int) -> None:
        """Row `number` was submitted; `size` are its bytes."""
        self._bytes += size
        if number - self._number >= SNAPSHOT_ROWS or self._bytes >= SNAPSHOT_ROW_BYTES:
            self.take()
        elif self._bytes >= self._worth and self._timer is None:
            self._seen = number
            self._timer = self._loop.call_later(QUIET_S, self._look)

    def _look(self) -> None:
        """Take one if it is quiet, else look again. The timer is set only while one is due."""
        self._timer = None
        node = self._core()
        if node is None or self._bytes < self._worth:
            return
        if node.number - self._seen <= QUIET_ROWS:
            self.take()
        else:
            self.added(node.number, 0)

    def finish(self) -> None:
        """Nothing more comes: the next start has no row to run through."""
        node = self._core()
        if node is not None and node.number > self._number:
            self.take()

    def take(self) -> None:
        """Keep the core's state after its last round."""
        node = self._core()
        if node is not None:
            body = node.snapshot()
            self._number, self._bytes = node.number, 0
            self._worth = max(SNAPSHOT_QUIET_BYTES, len(body))
            self._journal.snapshot(node.number, body)
