"""Answers on their way: who gets them, what is still unacknowledged, what expired. Pure.

An answer is pending from the row that made it until its client acknowledges it or it expires. Links take from here
and keep nothing of their own, so a client that returns finds what it missed. What a person wrote, and no row keeps, is
beside the answers in memory: after a restart they go out without it.

Where many wait for a client, of its spare ones (updates) about the same thing the newest stays. Where too many wait,
first go those of spare kinds, which a client can do without; then the others (assignments), which the scenario sends
anew; receipts last, since a client sends its event again without one.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Final

import msgspec
from msgspec.structs import replace

from ..limits import ANSWERS_PENDING_MAX, ANSWERS_PER_CLIENT_MAX
from ..messages.envelope import loose
from .model import Answer

CROWDED: Final = 64
"""Answers of one client, at each multiple of which outdated ones are looked for: a client that reads has fewer, and
whoever looks at its first few answers sees all of them."""

OVERFLOW_SHARE: Final = 20
"""One answer in so many goes where there are too many, of a client or in all."""


About = Mapping[str, tuple[str, Callable[[str], str]]]
"""By kind: the field with what a message is about, and whose doing a message about something is."""


class PendingAnswers:
    """Pending answers, by sequence and by client."""

    def __init__(self, spare: Container[str] = (), about: About | None = None) -> None:
        self._spare, self._about = spare, about or {}
        self._pending: dict[int, Answer] = {}
        self._of: dict[str, dict[int, Answer]] = {}
        self._expiry: list[tuple[float, int]] = []
        self._spoken: dict[int, bytes] = {}
        self.overflowed = 0
        self.outdated = 0
        self.expired = 0
        self.delivered = 0

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, answers: Iterable[Answer]) -> None:
        """New answers. Outdated ones of a client that has many go, counted in `outdated`; where there are too many,
        others, too, perhaps a new one, counted in `overflowed`."""
        pending, of, expiry = self._pending, self._of, self._expiry
        for answer in answers:
            sequence, client = answer.sequence, answer.client
            mine = of.get(client)
            if mine is None:
                mine = of[client] = {}
            pending[sequence] = mine[sequence] = answer
            heappush(expiry, (answer.expires, sequence))
            if len(mine) >= CROWDED or len(mine) > ANSWERS_PER_CLIENT_MAX:
                self._crowded(mine)
                expiry = self._expiry
        if len(pending) > ANSWERS_PENDING_MAX:
            waiting = {client: len(mine) for client, mine in of.items()}
            self._make_room(pending, ANSWERS_PENDING_MAX, lambda answer: waiting[answer.client])

    def acknowledged(self, sequences: list[int]) -> None:
        """Their clients have them."""
        pending, of = self._pending, self._of
        for sequence in sequences:
            answer = pending.pop(sequence, None)
            if answer is not None:
                self.delivered += 1
                self._spoken.pop(sequence, None)
                client = answer.client
                mine = of[client]
                del mine[sequence]
                if not mine:
                    del of[client]
        self._tidy()

    def cancel(self, void: Iterable[tuple[str, str, str]]) -> None:
        """What waits for a client, is of a kind, and about a topic, is void."""
        for client, kind, topic in void:
            for answer in list(self._of.get(client, {}).values()):
                if answer.kind == kind and self._topic(answer) == topic:
                    self._drop(answer.sequence)

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
        """Pending answers of one client with a sequence above `after`, oldest first, as they go out."""
        mine = self._of.get(client)
        if not mine:
            return iter(())
        if next(iter(mine)) > after:  # nothing is in flight
            return self.outgoing(mine.values())
        return self.outgoing(answer for sequence, answer in mine.items() if sequence > after)

    def speak(self, sequence: int, payload: bytes) -> None:
        """How an answer that is added next goes out, with what no row keeps."""
        self._spoken[sequence] = payload

    def outgoing(self, answers: Iterable[Answer]) -> Iterator[Answer]:
        """Each as it goes out."""
        spoken = self._spoken
        if not spoken:
            return iter(answers)
        return (replace(each, payload=spoken[each.sequence]) if each.sequence in spoken else each for each in answers)

    def clients(self) -> list[str]:
        """Everybody for whom something is pending, by name."""
        return sorted(self._of)

    def _crowded(self, mine: dict[int, Answer]) -> None:
        if not len(mine) % CROWDED:
            newest: dict[tuple[str, str], int] = {}
            for answer in list(mine.values()):
                if answer.kind in self._spare and (topic := self._topic(answer)):
                    before = newest.get((answer.kind, topic))
                    if before is not None:
                        self._drop(before)
                        self.outdated += 1
                    newest[answer.kind, topic] = answer.sequence
        if len(mine) > ANSWERS_PER_CLIENT_MAX:
            senders = {each.sequence: self._caused(each) for each in mine.values() if each.kind in self._spare}
            caused = Counter(senders.values())
            self._make_room(mine, ANSWERS_PER_CLIENT_MAX, lambda each: caused[senders.get(each.sequence, "")])

    def _topic(self, answer: Answer) -> str:
        """What an answer is about; empty where its kind has no such field."""
        about = self._about.get(answer.kind)
        return str(loose(answer.payload).get(about[0], "")) if about is not None else ""

    def _caused(self, answer: Answer) -> str:
        """Whose doing it is; empty where that is not known."""
        topic = self._topic(answer)
        return self._about[answer.kind][1](topic) if topic else ""

    def _make_room(self, full: dict[int, Answer], bound: int, share: Callable[[Answer], int]) -> None:
        """What is too much goes, and one in OVERFLOW_SHARE at least: to look for one only would cost the next answer as
        much. Of equal ones those with the largest `share` go first, so that nobody else's make room for them: in all
        those of the client for whom most wait, of one client those of the sender who caused most. Then the oldest."""
        count = max(len(full) - bound, len(full) // OVERFLOW_SHARE)
        for answer in sorted(full.values(), key=lambda each: (self._rank(each), -share(each)))[:count]:
            self._drop(answer.sequence)
            self.overflowed += 1

    def _drop(self, sequence: int) -> None:
        answer = self._pending.pop(sequence)
        self._spoken.pop(sequence, None)
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
        counters = (self.overflowed, self.outdated, self.expired, self.delivered)
        return msgspec.msgpack.encode((list(self._pending.values()), counters))

    def restore(self, body: bytes) -> None:
        """The same answers again. Raises msgspec.DecodeError for bytes that `snapshot` did not make."""
        answers, counters = msgspec.msgpack.decode(body, type=tuple[list[Answer], tuple[int, int, int, int]])
        self._pending, self._of, self._spoken = {}, {}, {}
        for answer in answers:
            self._pending[answer.sequence] = self._of.setdefault(answer.client, {})[answer.sequence] = answer
        self._expiry = sorted((answer.expires, answer.sequence) for answer in answers)
        self.overflowed, self.outdated, self.expired, self.delivered = counters
