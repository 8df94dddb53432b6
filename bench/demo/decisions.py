"""What the node decides while a demonstration runs, and why: read from its journal, beside it."""

from collections import deque
from pathlib import Path
from typing import Final

import apsw

from edge.core.model import decode_row
from edge.errors import DoorstepError
from edge.journal.reader import JournalReader
from edge.scenarios.dispatch.records import Decision, record_in

ROWS_MAX: Final = 5_000
"""Rows that are read at once; what is left is read the next time."""

LINES_KEPT: Final = 200


class Decisions:
    """`lines` are the last decisions, (wall ms, text); `planned` the rider of each order that has one who does not
    know it yet."""

    def __init__(self, journal: Path) -> None:
        self.lines: deque[tuple[int, str]] = deque(maxlen=LINES_KEPT)
        self.planned: dict[str, str] = {}
        self._journal = journal
        self._read_to = 0
        self._last: dict[str, tuple[str, bool]] = {}

    def read(self) -> None:
        """Read on. Where the journal is not there (the node starts, or has just been killed), the next time does it."""
        try:
            with JournalReader.open(self._journal) as reader:
                for number, body in reader.rows(self._read_to, ROWS_MAX):
                    row = decode_row(body)
                    for decision in record_in(row).decisions:
                        self.add(row.now.wall_ms, decision)
                    self._read_to = number
        except (DoorstepError, apsw.Error):
            return

    def add(self, wall_ms: int, decision: Decision) -> None:
        """A round decides anew on everything that waits: only what is different from before is worth a line."""
        order, rider = decision.order, decision.rider
        if rider and not decision.offer:
            self.planned[order] = rider
        else:
            self.planned.pop(order, None)
        if self._last.get(order) == (rider, decision.offer):
            return
        self._last[order] = rider, decision.offer
        what = f"{order} {'offered to' if decision.offer else 'planned for'} {rider}" if rider else f"{order} waits"
        why = decision.why.removeprefix(rider).lstrip(", ") if rider else decision.why
        self.lines.append((wall_ms, f"{what}: {why}"))
