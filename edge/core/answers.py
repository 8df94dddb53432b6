"""Answers on their way: who gets them, what is still unacknowledged, what expired. Pure.

An answer is pending from the row that made it until its client acknowledges it or it expires. Links take from here
and keep nothing of their own, so a client that returns finds what it missed.

Where too many wait, first go those of spare kinds (updates), which a client can do without; then the others
(assignments), which the scenario sends anew; receipts last, since a client sends its event again without one.
"""

from collections.abc import Container, Iterator
from heapq import heappop, heappush

import msgspec

from ..limits import ANSWERS_PENDING_MAX, ANSWERS_PER_CLIENT_MAX
from .model import Answer


class PendingAnswers:
    """Pending answers, by sequence and by client."""

    def __init__(self, spare: Container[str] = ()) -> None:
        self._spare = spare
        self._pending: dict[int, Answer] = {}
        self._ranked: tuple[dict[int, None], ...] = ({}, {}, {})  # sequences, by what goes first
        self._of: dict[str, dict[int, Answer]] = {}
        self._expiry: list[tuple[float, int]] = []
        self.overflowed = 0
        self.expired = 0
        self.delivered = 0

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, answer: Answer) -> None:
        """A new answer. Where there are too many one goes, perhaps the new one, counted in `overflowed`."""
        sequence, client = answer.sequence, answer.client
        mine = self._of.setdefault(client, {})
        self._pending[sequence] = mine[sequence] = answer
        self._ranked[self._rank(answer)][sequence] = None
        heappush(self._expiry, (answer.expires, sequence))
        if len(mine) > ANSWERS_PER_CLIENT_MAX:
            self._drop(min(mine.values(), key=self._rank).sequence)
            self.overflowed += 1
        if len(self._pending) > ANSWERS_PENDING_MAX:
            self._drop(next(sequence for ranked in self._ranked for sequence in ranked))
            self.overflowed += 1

    def acknowledged(self, sequences: list[int]) -> None:
        """Their clients have them."""
        pending, of = self._pending, self._of
        for sequence in sequences:
            answer = pending.pop(sequence, None)
            if answer is not None:
                del self._ranked[self._rank(answer)][sequence]
                self.delivered += 1
                client = answer.client
                mine = of[client]
                del mine[sequence]
                if not mine:
                    del of[client]
        self._tidy()

    def expire(self, mono: float) -> int:
        """Drop what nobody fetched in time, counted in `expired`. Returns how many went now."""
        before = self.expired
        while self._expiry and self._expiry[0][0] <= mono:
            sequence = heappop(self._expiry)[1]
            if sequence in self._pending:
                self._drop(sequence)
                self.expired += 1
        return self.expired - before

    def of(self, client: str, after: int) -> Iterator[Answer]:
        """Pending answers of one client with a sequence above `after`, oldest first."""
        mine = self._of.get(client)
        if not mine:
            return iter(())
        if next(iter(mine)) > after:  # nothing is in flight
            return iter(mine.values())
        return (answer for sequence, answer in mine.items() if sequence > after)

    def clients(self) -> list[str]:
        """Everybody for whom something is pending, by name."""
        return sorted(self._of)

    def _drop(self, sequence: int) -> None:
        answer = self._pending.pop(sequence)
        del self._ranked[self._rank(answer)][sequence]
        mine = self._of[answer.client]
        del mine[sequence]
        if not mine:
            del self._of[answer.client]
        self._tidy()

    def _rank(self, answer: Answer) -> int:
        """What goes first where too many wait."""
        return 0 if answer.kind in self._spare else 2 if answer.kind == "receipt" else 1

    def _tidy(self) -> None:
        """Entries of the expiry heap die in their turn; rebuilt where most of it is dead."""
        if len(self._expiry) > 1_000 and len(self._expiry) > 4 * len(self._pending):
            self._expiry = sorted((answer.expires, answer.sequence) for answer in self._pending.values())

    def snapshot(self) -> bytes:
        """Everything, as bytes."""
        counters = (self.overflowed, self.expired, self.delivered)
        return msgspec.msgpack.encode((list(self._pending.values()), counters))

    @classmethod
    def restore(cls, body: bytes, spare: Container[str] = ()) -> "PendingAnswers":
        """The same answers again. Raises msgspec.DecodeError for bytes that `snapshot` did not make."""
        answers, counters = msgspec.msgpack.decode(body, type=tuple[list[Answer], tuple[int, int, int]])
        self = cls(spare)
        for answer in answers:
            self.add(answer)
        self.overflowed, self.expired, self.delivered = counters
        return self
