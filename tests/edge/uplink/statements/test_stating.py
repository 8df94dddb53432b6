"""When a day is stated, and that the centre gets it once."""

import asyncio
from typing import Any

from edge.core.model import Now, SyncStated
from edge.core.outbox import Outbox
from edge.messages.batches import Window
from edge.messages.sync.statement import SYNC_STATEMENT, decode_signed, decode_statement
from edge.uplink.statements.stating import AFTER_MS, CLOSE_S, LOOK_S, Stating
from tests.edge.uplinks import START

DAY_MS = 86_400_000


class FakeSync:
    """An uplink that keeps what it gets."""

    def __init__(self) -> None:
        self.connected = True
        self.takes = frozenset({SYNC_STATEMENT})
        self.sent: list[Any] = []

    def send(self, kind: str, payload: bytes, on_ack: Any) -> bool:
        assert kind == SYNC_STATEMENT
        self.sent.append((decode_statement(decode_signed(payload).body), on_ack))
        return True


class Stage:
    """A node whose day is over, at a clock of its own."""

    def __init__(self) -> None:
        self.outbox, self.sync, self.settled = Outbox("n1"), FakeSync(), True
        self.wall_ms, self.mono = START, 0.0
        sync: Any = self.sync
        post, settled, wall = self.post, lambda: self.settled, lambda: self.wall_ms
        self.stating = Stating(sync, lambda: self.outbox, settled, post, wall, "i1", None)

    def post(self, item: SyncStated) -> None:
        """Into the core."""
        self.outbox.stated(item, Now(self.mono, self.wall_ms))

    def window(self, minute: int) -> None:
        """One that the centre has acknowledged."""
        self.outbox.statements.add([Window("dispatch", START + minute * 60_000, 60, 1, {"x": 1}, {}, [])])

    def look(self, seconds: float = LOOK_S) -> int:
        """So many seconds later; how many statements were sent so far."""
        self.mono += seconds
        self.wall_ms += int(seconds * 1000)
        asyncio.run(self.stating.look(self.mono))
        return len(self.sync.sent)


def test_a_day_is_stated_a_while_after_its_end() -> None:
    """Not before, and again only after an acknowledgement was refused; once it was acknowledged, never again."""
    stage = Stage()
    stage.window(0)
    stage.wall_ms = START + DAY_MS
    assert stage.look(AFTER_MS / 1000 - 60) == 0
    assert stage.outbox.statements.closed == []
    assert stage.look(120) == 0
    assert len(stage.outbox.statements.closed) == 1
    assert stage.look() == 1
    statement, on_ack = stage.sync.sent[0]
    assert (statement.number, statement.instance, statement.events) == (1, "i1", 1)
    assert stage.look() == 1
    on_ack(0x97)
    assert stage.look() == 1
    assert stage.look(CLOSE_S) == 2
    stage.sync.sent[1][1](0)
    assert stage.outbox.statements.closed == []
    assert stage.look(2 * CLOSE_S) == 2


def test_late_windows_share_a_statement() -> None:
    """Of an hour."""
    stage = Stage()
    stage.window(0)
    stage.wall_ms = START + DAY_MS + AFTER_MS
    stage.look()
    stage.look()
    stage.sync.sent[0][1](0)
    for minute in range(3):
        stage.window(minute)
        assert stage.look() == 1
    stage.look(CLOSE_S)
    assert stage.look() == 2
    assert stage.sync.sent[1][0].events == 3


def test_nothing_is_stated_that_could_come_out_otherwise() -> None:
    """While something waits for the disk, without a centre, or to one that takes none."""
    stage = Stage()
    stage.window(0)
    stage.wall_ms = START + 2 * DAY_MS
    stage.settled = False
    stage.look()
    stage.settled, stage.sync.connected = True, False
    stage.look()
    stage.sync.connected, stage.sync.takes = True, frozenset()
    stage.look()
    assert stage.outbox.statements.closed == []
    stage.sync.takes = frozenset({SYNC_STATEMENT})
    stage.look()
    assert len(stage.outbox.statements.closed) == 1
