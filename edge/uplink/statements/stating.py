"""Sends the day's statements to the centre. The core makes them (`messages.sync.statement`); here is when, and the
signature.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ...core.model import SyncStated
from ...core.outbox import Outbox
from ...errors import InputError
from ...log.events import UPLINK_UNSENT
from ...messages.sync.statement import SYNC_STATEMENT, SignedStatement, Statement, encode
from ..sync import Sync
from .signing import signed

LOOK_S: Final = 5.0
"""Between two looks whether there is something to state."""

AFTER_MS: Final = 15 * 60_000
"""A day is stated so long after its end: its last windows have arrived, and most of the late ones."""

CLOSE_S: Final = 3_600.0
"""Between two closings: windows of an earlier day that come late share a statement."""


class Stating:
    """For one uplink. `outbox` is that of the core; `is_settled` is whether all that it has decided is on disk, since
    what is stated once must never come out otherwise; `identity` is `uplink.pem` of an enrolled node."""

    def __init__(
        self,
        sync: Sync,
        outbox: Callable[[], Outbox],
        is_settled: Callable[[], bool],
        post: Callable[[SyncStated], None],
        wall_ms: Callable[[], int],
        instance: str,
        identity: Path | None,
    ) -> None:
        self._sync, self._outbox, self._is_settled, self._post = sync, outbox, is_settled, post
        self._wall_ms, self._instance, self._identity = wall_ms, instance, identity
        self._under_way = 0  # the number of a statement that the centre has not acknowledged yet
        self._closed_at = -CLOSE_S
        self._refused_at = -CLOSE_S

    async def run(self) -> None:
        """Look for as long as the process lives."""
        loop = asyncio.get_running_loop()
        while True:
            await self.look(loop.time())
            await asyncio.sleep(LOOK_S)

    async def look(self, now: float) -> None:
        """One look at `now` (monotonic seconds)."""
        sync = self._sync
        if not sync.connected or SYNC_STATEMENT not in sync.takes or self._under_way or not self._is_settled():
            return
        statements = self._outbox().statements
        if statements.closed and now - self._refused_at >= CLOSE_S:
            await self._send(statements.closed[0], now)
        elif statements.is_over(self._wall_ms() - AFTER_MS) and now - self._closed_at >= CLOSE_S:
            self._closed_at = now
            self._post(SyncStated(0, close=True))

    async def _send(self, statement: Statement, now: float) -> None:
        body = encode(msgspec.structs.replace(statement, instance=self._instance))
        made = SignedStatement(body=body)
        if self._identity is not None:
            try:
                made = await signed(body, self._identity)
            except InputError as error:
                self._refused_at = now
                UPLINK_UNSENT.write(kind=SYNC_STATEMENT, sentence=str(error))
                return

        def on_ack(code: int) -> None:
            self._under_way = 0
            if code < 0x80:
                self._post(SyncStated(statement.number))
            else:
                self._refused_at = now
                UPLINK_UNSENT.write(kind=SYNC_STATEMENT, sentence=f"MQTT reason {code:#x}")

        if self._sync.send(SYNC_STATEMENT, encode(made), on_ack=on_ack):
            self._under_way = statement.number
