"""What is still to be pushed: the journal's rows, and a cursor beside them.

Every answer is an effect of a row, so the journal has them all, in sequence and on disk. The file `webhooks` of the
data directory has how far they are pushed: every message up to row `row` is settled, and those of later rows whose
sequences stand in it. It is written a moment after a message is settled: a kill between the two pushes some once
more.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec
from msgspec import Struct

from ..core.model import Answer, decode_row
from ..errors import DoorstepError
from ..identity.files import write_atomic
from ..journal.reader import JournalReader
from ..log.events import WEBHOOK_POSITION, WEBHOOK_ROW
from ..messages.envelope import loose

FILE_NAME: Final = "webhooks"
SETTLED_MAX: Final = 4_096
"""Sequences in the file beyond its row; the window of the sender is smaller."""


class Message(NamedTuple):
    """One answer to push. `key` is what it is about: messages of one key go in sequence. `at_ms` is its row's time."""

    row: int
    sequence: int
    at_ms: int
    client: str
    kind: str
    key: str
    payload: bytes


_FROM_END: Final = "webhooks go on from the journal's end"


class Cursor(Struct):
    """What is in the file."""

    row: int = 0
    settled: list[int] = []


class Outbox:
    """`read` and `keep` are for a thread beside the loop, one call at a time."""

    def __init__(self, path: Path, reader: JournalReader, kinds: Collection[str], cursor: Cursor) -> None:
        self._path, self._reader, self._kinds = path, reader, kinds
        self.cursor = cursor
        _, self.opened_at = reader.bounds()
        """The last row of the process before."""
        self.read_to = cursor.row
        """The last row that was read."""
        self.lost_rows = 0
        """Rows that had passed their retention before they were read."""

    @classmethod
    def open(cls, folder: Path, kinds: Collection[str]) -> Self:
        """From where the file of the data directory stops; without one from the journal's end, and that is written down
        before anything comes. Raises InputError where the journal cannot be read."""
        path, reader = folder / FILE_NAME, JournalReader.open(folder)
        _, last = reader.bounds()
        cursor: Cursor | None = None
        try:
            cursor = msgspec.json.decode(path.read_bytes(), type=Cursor)
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError) as error:
            WEBHOOK_POSITION.write(path=str(path), sentence=f"it cannot be read ({type(error).__name__}); {_FROM_END}")
        if cursor is not None and cursor.row > last:
            WEBHOOK_POSITION.write(path=str(path), sentence=f"it is ahead of the journal; {_FROM_END}")
            cursor = None
        made = cls(path, reader, kinds, cursor or Cursor(last))
        if cursor is None:
            made.keep(last, [])
        return made

    def read(self, committed: int) -> list[Message]:
        """The messages of the next rows, up to the row `committed` at most; moves `read_to`. A row that cannot be read
        is passed over."""
        first, _ = self._reader.bounds()
        if first > self.read_to + 1 and committed > self.read_to:
            self.lost_rows += first - 1 - self.read_to
            self.read_to = first - 1
        found: list[Message] = []
        settled = set(self.cursor.settled)
        try:
            for number, body in self._reader.rows(self.read_to, min(256, max(committed - self.read_to, 0))):
                self.read_to = number
                row = decode_row(body)
                found += [
                    _message(number, row.now.wall_ms, effect)
                    for effect in row.effects
                    if isinstance(effect, Answer) and effect.kind in self._kinds and effect.sequence not in settled
                ]
        except (DoorstepError, msgspec.DecodeError) as error:
            self.read_to += 1
            self.lost_rows += 1
            WEBHOOK_ROW.write(row=self.read_to, error=error)
        return found

    def keep(self, row: int, settled: list[int]) -> None:
        """Write the cursor down. On a full disk it stays as it was."""
        self.cursor = Cursor(row, settled[:SETTLED_MAX])
        try:
            write_atomic(self._path, msgspec.json.encode(self.cursor).decode() + "\n")
        except OSError as error:
            WEBHOOK_POSITION.write(
                path=str(self._path),
                sentence=f"it cannot be written ({error.strerror}): a restart pushes some messages again",
            )

    def close(self) -> None:
        """Close the journal."""
        self._reader.close()


def _message(row: int, at_ms: int, answer: Answer) -> Message:
    about = loose(answer.payload).get("order") or answer.client
    return Message(row, answer.sequence, at_ms, answer.client, answer.kind, f"{about}", answer.payload)
