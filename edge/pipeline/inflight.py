"""A round on its way to the disk: what to do when its row is committed, and how a receipt is found in an old row."""

from collections.abc import Sequence
from itertools import repeat

import msgspec

from ..core.model import Acknowledge, Answer, Batch, Commit, DuplicateLookup, Effect, Shed, decode_row
from .ingest import PendingAck


class InflightCommit:
    """A round in flight. Times are `time.perf_counter()`; `batch` is the newest (epoch, seq) that it numbered."""

    # What most rounds do not have.
    row = b""
    reasons: Sequence[str] = ()
    lookups: Sequence[DuplicateLookup] = ()
    batch: tuple[int, int] | None = None

    def __init__(
        self, number: int, sequence: int, read_at: float, handled_at: float, acks: Sequence[PendingAck] = ()
    ) -> None:
        self.number = number
        self.sequence = sequence
        self.read_at = read_at
        self.handled_at = handled_at
        self.acks = acks
        self.answers: list[Answer] = []

    @classmethod
    def of(
        cls, effects: list[Effect], sequence: int, read_at: float, handled_at: float, acks: Sequence[PendingAck] = ()
    ) -> "InflightCommit":
        """What the effects of one call of the core ask for. `sequence` is the core's last answer."""
        commit = effects[0]
        assert isinstance(commit, Commit), "the first effect is the row"
        self = cls(commit.number, sequence, read_at, handled_at, acks)
        self.row = commit.row
        answers = self.answers
        lookups: list[DuplicateLookup] = []
        for effect in effects:
            if isinstance(effect, Answer):
                answers.append(effect)
            elif isinstance(effect, Acknowledge):
                self.reasons = effect.reasons
            elif isinstance(effect, DuplicateLookup):
                lookups.append(effect)
            elif isinstance(effect, Batch):
                self.batch = (effect.epoch, effect.seq)
        if lookups:
            self.lookups = lookups
        return self

    def sheds(self) -> list[Shed]:
        """The counts of drops that its row would have kept."""
        return [item for item in decode_row(self.row).inputs if isinstance(item, Shed)] if self.row else []

    def acknowledge(self) -> None:
        """It is on disk, and its answers are with the links."""
        reasons = iter(self.reasons) if self.reasons else repeat("")
        for ack in self.acks:
            ack.acknowledge(reasons)


def receipts_in(body: bytes, lookups: list[DuplicateLookup]) -> dict[tuple[str, str], bytes]:
    """The payloads of the receipts that a row holds for these repeats, by client and id. The row is read once."""
    wanted = {(lookup.client, lookup.id) for lookup in lookups}
    clients = {lookup.client for lookup in lookups}
    found: dict[tuple[str, str], bytes] = {}
    for effect in decode_row(body).effects:
        if isinstance(effect, Answer) and effect.kind == "receipt" and effect.client in clients:
            loose = msgspec.json if effect.payload[:1] == b"{" else msgspec.msgpack
            key = (effect.client, loose.decode(effect.payload).get("id"))
            if key in wanted:
                found.setdefault(key, effect.payload)
    return found
