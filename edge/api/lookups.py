"""A look at what a client may see, and the wait for it to change.

The core is ahead of the disk by the rounds in flight. So what was read of it is shown when the last round that it may
come from is on disk, and not at all where that round never gets there.
"""

import asyncio
from collections.abc import Callable, Container, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Final

from ..core.model import Now
from ..core.scenario import Item
from ..pipeline.pipeline import Pipeline
from .access import Caller

COMMIT_S_MAX: Final = 5.0
"""How long a look waits for the disk."""

WAITS_MAX: Final = 256
"""Waits for a change of all clients at one time, a connection each."""

WAITS_PER_CLIENT_MAX: Final = 4
"""Of one client: an order on each of its screens."""


class NotOnDisk(Exception):
    """What was read may not be shown: its row does not get to the disk."""


class Lookups:
    """Of one node. `now` is the node's clock."""

    def __init__(self, pipeline: Pipeline, now: Callable[[], Now]) -> None:
        self._pipeline, self._now = pipeline, now
        self._commit: asyncio.Future[None] | None = None
        self._watches: dict[str, set[asyncio.Event]] = {}
        self._waits: dict[str, int] = {}
        self._closing = False

    @property
    def waits(self) -> int:
        """Waits for a change."""
        return sum(self._waits.values())

    def room(self, client: str) -> bool:
        """Whether another wait of a client has its place."""
        return self._waits.get(client, 0) < WAITS_PER_CLIENT_MAX and self.waits < WAITS_MAX

    async def items(self, scenario: str, collection: str, caller: Caller, only: str = "") -> Sequence[Item]:
        """What the caller may see of a collection of a scenario, or the one item that has the id `only`. Raises
        NotOnDisk."""
        pipeline, node = self._pipeline, self._pipeline.node
        if pipeline.full or pipeline.broken:
            raise NotOnDisk
        found = node.scenarios[scenario].items(collection, caller.client, caller.sees_as, self._now(), only)
        number = node.number
        try:
            async with asyncio.timeout(COMMIT_S_MAX):
                while pipeline.committed < number:
                    self._commit = self._commit or asyncio.get_running_loop().create_future()
                    await asyncio.shield(self._commit)
        except TimeoutError:
            raise NotOnDisk from None
        if pipeline.node is not node:  # after a full disk: the core is what had come to the disk
            raise NotOnDisk
        return found

    async def changed(
        self,
        scenario: str,
        collection: str,
        caller: Caller,
        only: str,
        known: Container[str],
        wait_s: float,
        gone: asyncio.Future[None],
    ) -> Item | None:
        """The item when its version is none of `known`; as it is when the wait is over, the client has `gone`, or the
        node stops. None where there is none, or none any more. Raises NotOnDisk."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        with self._watch(caller) as change:
            while True:
                change.clear()
                found = await self.items(scenario, collection, caller, only)
                left_s = until - loop.time()
                if not found or found[0].version not in known or left_s <= 0 or gone.done() or self._closing:
                    return found[0] if found else None
                changes = asyncio.ensure_future(change.wait())
                await asyncio.wait((changes, gone), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                changes.cancel()

    def wake(self, clients: Iterable[str]) -> None:
        """Answers for these clients are on disk: what they see may have changed."""
        if self._watches:
            for client in clients:
                for change in self._watches.get(client, ()):
                    change.set()

    def committed(self) -> None:
        """A row is on disk, and everything of it was handed out."""
        if self._commit is not None:
            self._commit.set_result(None)
            self._commit = None

    def close(self) -> None:
        """The node stops: whoever waits is answered now."""
        self._closing = True
        self.wake(list(self._watches))

    @contextmanager
    def _watch(self, caller: Caller) -> Generator[asyncio.Event]:
        """Set when something is sent to the client, or to its shop."""
        client, change = caller.client, asyncio.Event()
        names = {client, caller.sees_as.shop} - {""}
        self._waits[client] = self._waits.get(client, 0) + 1
        for name in names:
            self._watches.setdefault(name, set()).add(change)
        try:
            yield change
        finally:
            for name in names:
                self._watches[name].discard(change)
                if not self._watches[name]:
                    del self._watches[name]
            self._waits[client] -= 1
            if not self._waits[client]:
                del self._waits[client]
