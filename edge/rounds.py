"""A round on its way to the disk: what to do when its row is committed, and how a receipt is found in an old row."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from .model import Acknowledge, Answer, Batch, Commit, Effect, Recall, Source, decode_row


class Wakeable(Protocol):
    """What the pipeline asks of a link: the endpoint, or the broker."""

    def wake(self, clients: Iterable[str]) -> None:
        """New committed answers exist for these clients."""
        ...

    def pause(self) -> None:
        """Stop reading."""
        ...

    def resume(self) -> None:
        """Read again."""
        ...


class Round:
    """A round in flight. Times are `time.perf_counter()`; `batch` is the newest (epoch, seq) that it numbered."""

    __slots__ = (
        "answers",
        "batch",
        "clients",
        "handled_at",
        "number",
        "read_at",
        "reasons",
        "recalls",
        "row",
        "sequence",
        "source",
        "tokens",
    )

    def __init__(self, number: int, sequence: int, read_at: float, handled_at: float) -> None:
        self.number = number
        self.row = b""
        self.sequence = sequence
        self.read_at = read_at
        self.handled_at = handled_at
        self.source: Source | None = None
        self.tokens: list[int] = []
        self.reasons: list[str] = []
        self.clients: dict[str, None] = {}
        self.answers = 0
        self.recalls: list[Recall] = []
        self.batch: tuple[int, int] | None = None

    @classmethod
    def of(cls, effects: list[Effect], sequence: int, read_at: float, handled_at: float) -> "Round":
        """What the effects of one call of the core ask for. `sequence` is the core's last answer."""
        commit = effects[0]
        assert isinstance(commit, Commit), "the first effect is the row"
        self = cls(commit.number, sequence, read_at, handled_at)
        for effect in effects:
            match effect:
                case Answer():
                    self.clients[effect.client] = None
                    self.answers += 1
                case Acknowledge():
                    self.reasons = effect.reasons
                case Recall():
                    self.recalls.append(effect)
                case Batch():
                    self.batch = (effect.epoch, effect.seq)
                case Commit():
                    self.row = effect.row
        return self


def receipt_in(body: bytes, recall: Recall) -> bytes | None:
    """The payload of the receipt for `recall.id` in a row."""
    for effect in decode_row(body).effects:
        if isinstance(effect, Answer) and effect.client == recall.client and effect.kind == "receipt":
            loose = msgspec.json if effect.payload[:1] == b"{" else msgspec.msgpack
            if loose.decode(effect.payload).get("id") == recall.id:
                return effect.payload
    return None
