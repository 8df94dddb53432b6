"""Where events wait for their receipts: in memory, and in a file too where the caller names one."""

import sqlite3
from pathlib import Path
from typing import Final

from .errors import OutboxFull
from .messages import Event

EVENTS_MAX: Final = 1_000


class Outbox:
    """Events by their id, in the sequence in which they were sent, at most `events_max`. With a `path` they survive
    the process: each one is on disk before `add` returns, which takes a millisecond or so."""

    def __init__(self, path: Path | None, events_max: int = EVENTS_MAX) -> None:
        self.events: dict[str, Event] = {}
        self._events_max = events_max
        self._db: sqlite3.Connection | None = None
        if path is not None:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT, payload BLOB)"
            )

    def stored(self) -> list[tuple[str, str, bytes]]:
        """(id, kind, payload) of what an earlier process left, oldest first."""
        if self._db is None:
            return []
        return self._db.execute("SELECT id, kind, payload FROM event ORDER BY number").fetchall()

    def add(self, event: Event) -> None:
        """Keep it. Raises OutboxFull."""
        if len(self.events) >= self._events_max:
            raise OutboxFull(
                f"{self._events_max} events wait for their receipts, and the outbox holds no more: {event.kind} was "
                "not taken. Wait for some of them, or look at Client.error: is there a connection?"
            )
        if self._db is not None:
            row = (event.id, event.kind, event.payload)
            self._db.execute("INSERT OR REPLACE INTO event (id, kind, payload) VALUES (?, ?, ?)", row)
        self.events[event.id] = event

    def remove(self, id_: str) -> Event | None:
        """Its receipt is here. None where it is not waiting (any more)."""
        event = self.events.pop(id_, None)
        if event is not None and self._db is not None:
            self._db.execute("DELETE FROM event WHERE id = ?", (id_,))
        return event

    def close(self) -> None:
        """The file can be opened by another process."""
        if self._db is not None:
            self._db.close()
            self._db = None
