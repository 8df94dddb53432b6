"""The nouns of the node: what goes into the core, what comes out, and the row that keeps both.

Structs that reach the journal are arrays on disk (`array_like`), with a one-letter tag where a union needs one.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from ..errors import JournalError, Reason
from ..messages.batches import NO_BATCH
from ..messages.envelope import Up


class Now(Struct, frozen=True, array_like=True):
    """Two clocks, never mixed: `mono` (seconds, never backwards, survives restarts) drives timers; `wall_ms` labels."""

    mono: float
    wall_ms: int


# -- inputs of the core ------------------------------------------------------------------------------------------------


class Event(Struct, frozen=True):
    """A durable event of an authenticated client, validated. `body` has no field that must not be stored; `observed` is
    the message with such fields, where it has any: no row has it, so a round may pass on what a person wrote there
    (`spoken` of `Effects.send`), and decides nothing by it. `json` is the encoding of its answers. `shop` is the shop
    that the client acts for, empty where it acts for none; of a dispatcher `grants.EVERY_SHOP`."""

    client: str
    body: Up
    json: bool = False
    observed: Up | None = None
    shop: str = ""


class _Tagged(Struct):
    kind: str = ""


_tagged: Final = msgspec.msgpack.Decoder(_Tagged).decode


class RecordedEvent(Struct, frozen=True, array_like=True, tag="e"):
    """An event as its row keeps it: `body` is the message in MessagePack, with its kind (`Catalog.opened`)."""

    client: str
    body: msgspec.Raw
    json: bool = False
    shop: str = ""

    @property
    def kind(self) -> str:
        """Its kind, without the rest of the body; empty where it has none. Raises msgspec.DecodeError where the body is
        no message."""
        return _tagged(self.body).kind


class Rejected(Struct, frozen=True, array_like=True, tag="r"):
    """A message that is no event. `id` is empty where none could be read: then nobody can be answered."""

    client: str
    kind: str
    reason: Reason
    field: str = ""
    detail: str = ""
    id: str = ""
    json: bool = False


class Observed(Struct, frozen=True):
    """A message that is in memory only, such as a position: it has no place in a row."""

    client: str
    body: Struct


class Presence(Struct, frozen=True):
    """A client's first session came, or its last one went (keepalive, will, close)."""

    client: str
    present: bool


class Delivered(Struct, frozen=True, array_like=True, tag="d"):
    """Answers, by sequence, that their client has acknowledged."""

    sequences: list[int]


class Shed(Struct, frozen=True, array_like=True, tag="s"):
    """Messages that a link dropped before decoding, counted."""

    reason: Reason
    count: int


class SyncWelcomed(Struct, frozen=True, array_like=True, tag="w"):
    """The centre's welcome: the epoch to number in, and the highest contiguous batch that it holds of it. Where the
    epoch is new: how far it holds the node's old one, and before when (Unix ms) windows must not be sent again.
    `history` stands for everything that the centre holds of this node (`chain_hash`)."""

    epoch: int
    through: int
    old_through: int = 0
    discard_before: int = 0
    history: bytes = NO_BATCH


class SyncAcked(Struct, frozen=True, array_like=True, tag="a"):
    """The centre holds every batch of `epoch` up to `through`."""

    epoch: int
    through: int


class SyncStated(Struct, frozen=True, array_like=True, tag="t"):
    """The centre holds every statement up to number `through`; with `close` the days that are over are to be stated."""

    through: int
    close: bool = False


class Rules(Struct, frozen=True, kw_only=True):
    """Everything the core needs of the configuration. Comes in as an input, so that a replay has it too. `scenarios`
    has the options of each scenario that is switched on, in MessagePack."""

    node: str
    crs: str = "wgs84"
    k_anonymity: int = 5
    shop_scores: bool = False
    cell_resolution: int = 8
    retention_s: int = 7 * 24 * 3600
    keep_free_text: bool = False
    scenarios: dict[str, msgspec.Raw] = {}


class Repeats(Struct, frozen=True, array_like=True, tag="l"):
    """Events of one kind that came again, counted. They were answered beside the core."""

    kind: str
    count: int


class Configure(Struct, frozen=True, array_like=True, tag="c"):
    """New rules: the first input of every journal, and of every reload that changes them."""

    rules: Rules


Durable = Rejected | Delivered | Shed | Repeats | SyncWelcomed | SyncAcked | SyncStated | Configure
"""Inputs that a row keeps as they are."""
Counted = Shed | Repeats
"""Those that count what no row keeps."""
Recorded = RecordedEvent | Durable
Input = Event | Durable | Observed | Presence


# -- effects of the core -----------------------------------------------------------------------------------------------


class Answer(Struct, frozen=True, array_like=True, tag="A"):
    """A message to a client. Sequences grow by one; an answer stays pending until its client acknowledges it, or
    until `expires` (seconds, the core's monotonic clock)."""

    sequence: int
    client: str
    kind: str
    payload: bytes
    expires: float


class Acknowledge(Struct, frozen=True, array_like=True, tag="K"):
    """What became of each durable input of the row, in order: empty where accepted, else the reason."""

    reasons: list[str]


class Batch(Struct, frozen=True, array_like=True, tag="B"):
    """Sealed windows, numbered for ever: the centre takes `seq` only after `seq - 1` of the same epoch, and only where
    `previous` is the hash of that one. `sha256` covers `body` (uncompressed MessagePack)."""

    node: str
    epoch: int
    seq: int
    sha256: bytes
    previous: bytes
    body: bytes


Recordable = Answer | Acknowledge | Batch


class ScenarioRecord(Struct, frozen=True, array_like=True):
    """What one scenario observed and decided in a round: bytes that only the scenario decodes."""

    scenario: str
    record: bytes


class Row(Struct, frozen=True, array_like=True):
    """One call of the core, whole: its inputs, the record of each scenario that took part, its effects. The unit of the
    journal. Numbers grow by one from 1 and are the journal's keys."""

    number: int
    now: Now
    inputs: list[Recorded]
    scenarios: list[ScenarioRecord]
    effects: list[Recordable]

    def record_of(self, scenario: str) -> bytes:
        """The record of one scenario; empty where it took no part."""
        return next((each.record for each in self.scenarios if each.scenario == scenario), b"")


class Commit(Struct, frozen=True):
    """Write this row; every effect after it waits until the row is on disk. Always the first effect, where any is. What
    is waited for stands here by kind, too, so that nobody has to look through the effects; the answers as they go out,
    with what no row keeps. `reasons` has one for each durable input of the batch, and None for a repeat."""

    number: int
    now: Now
    row: bytes
    answers: Sequence[Answer] = ()
    batches: Sequence[Batch] = ()
    reasons: Sequence[str | None] = ()


Effect = Commit | Recordable


class Repeat(Struct, frozen=True):
    """An event that row `row` has decided: its receipt there is the answer, unless `body` is another one than there
    (None: a message that was no event). `json`: how it was encoded this time."""

    client: str
    kind: str
    id: str
    row: int
    body: Up | None = None
    json: bool = True


encode_row = msgspec.msgpack.Encoder().encode
decode_row = msgspec.msgpack.Decoder(Row).decode


# -- snapshots ---------------------------------------------------------------------------------------------------------

STATE_VERSION: Final = 2


class Counts(Struct, array_like=True):
    """What became of every durable input since the node's first start. `received` is the sum of the others."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: dict[str, int] = {}
    shed: dict[str, int] = {}


class Snapshot(Struct, array_like=True):
    """Everything about the core that a row can change. Nothing of what is in memory only is part of it."""

    version: int
    rules: Rules
    number: int
    sequence: int
    last: Now
    packed_clients: list[str]
    counts: Counts
    pending_answers: bytes
    dedup: bytes
    windows: bytes
    outbox: bytes
    scenarios: dict[str, bytes]
    age_ms: int


encode_snapshot = msgspec.msgpack.Encoder().encode


def decode_snapshot(body: bytes) -> Snapshot:
    """The state in a snapshot. Raises JournalError where it is of another version, or none at all."""
    try:
        state = msgspec.msgpack.decode(body, type=Snapshot)
    except msgspec.DecodeError as error:
        raise JournalError(f"The snapshot cannot be read ({error}): was it written by another version?") from None
    if state.version != STATE_VERSION:
        age = "a newer" if state.version > STATE_VERSION else "an older"
        raise JournalError(
            f"The snapshot was written by {age} doorstep (version {state.version}; this one reads version "
            f"{STATE_VERSION}). Start that doorstep again: what the node kept is as it was."
        )
    return state


def reading(what: str, take: Callable[[bytes], None], body: bytes) -> None:
    """Take in a part of the journal that has passed its checksum. Whatever goes wrong then, another version wrote it,
    or a fault of this one did: raises JournalError."""
    try:
        take(body)
    except JournalError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise JournalError(f"{what} cannot be read ({why}). Did another doorstep write it? Start that one.") from error


def decode_following(body: bytes, last: int) -> Row:
    """The row after number `last`. Raises JournalError where it is missing, msgspec.DecodeError where it cannot be
    read."""
    row = decode_row(body)
    if row.number != last + 1:
        hint = "Restore the data directory from a backup, or move it away and start afresh."
        raise JournalError(f"The journal goes from row {last} to row {row.number}: rows are missing. {hint}")
    return row
