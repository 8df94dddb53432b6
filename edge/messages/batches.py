"""Windows and how they travel: what the node and the centre agree on.

A window sums up one scenario between `start` and `start + width_s`: sums, counters, sketches, cells. It
is always a *delta*: two windows of the same span add up, so that late events, coarsening and splitting all keep totals
exact. Nothing in here names a person or a place smaller than a cell; the schema is the fence, and the centre checks it.

Batches of windows travel as MQTT publishes between a node and its centre, under the topics of `wire`:

    up    sync.hello    who the node is, and where it believes the two sides stand (first message of every connection)
    down  sync.welcome  the epoch to number in and what the centre holds, or a refusal
    up    sync.batch    one `BatchMessage`
    down  sync.ack      the highest contiguous number, or a refusal with the number expected

`sync.report` has what travels beside them.
"""

import re
import struct
from collections.abc import Iterable
from functools import cache, lru_cache, reduce
from hashlib import sha256
from itertools import chain, pairwise
from math import inf, isfinite
from typing import Annotated, Any, Final, cast

import datasketches  # pyright: ignore[reportMissingTypeStubs]
import msgspec
from msgspec import Meta, Struct

from ..limits import (
    BATCH_BYTES_MAX,
    BATCHES_IN_FLIGHT_MAX,
    CELLS_PER_WINDOW_MAX,
    CHAIN_KEPT,
    COUNTERS_MAX,
    MEASURES_MAX,
)
from .envelope import Count, Cumulative, Identifier, Milliseconds, Text, Version
from .sync.report import NodeReport

NAME_PATTERN: Final = r"\A[a-z0-9][a-z0-9_.-]{0,95}\Z"
NAMES_KEPT: Final = 4_096
"""Names of counters and measures that were looked at before: a batch has tens, and they are the same all day."""

Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
Total = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
SKETCH_BYTES_MAX: Final = 16 * 1024
"""A t-digest of k = 100 stays below 4 kB; the centre refuses what could not have come from one."""

Sketch = Annotated[bytes, Meta(min_length=1, max_length=SKETCH_BYTES_MAX)]

SKETCH_K: Final = 100
"""Compression of the t-digests: about 2 kB each; the 99th percentile of 50,000 exponential values came out 3 % off."""

NO_BATCH: Final = bytes(32)
"""`previous` of the first batch of an epoch, and the head of a side that holds nothing of it."""

SYNC_HELLO: Final = "sync.hello"
SYNC_WELCOME: Final = "sync.welcome"
SYNC_BATCH: Final = "sync.batch"
SYNC_ACK: Final = "sync.ack"


class Measure(Struct, frozen=True, array_like=True):
    """Whole-numbered values: how many, their exact sum, and a t-digest of them (Apache DataSketches' format)."""

    count: Count
    total: Total
    digest: Sketch


class Cell(Struct, frozen=True, array_like=True):
    """`count` events called `name` in one H3 cell, between `start` and `end` (Unix ms, whole minutes), by at least
    as many distinct people as the node's threshold."""

    cell: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    name: Name
    start: Milliseconds
    end: Milliseconds
    count: Count


class Window(Struct, frozen=True, array_like=True):
    """What happened in `scenario` from `start` (Unix ms) for `width_s` seconds; a delta. Each key is a Name, which
    `decode_body` checks."""

    scenario: Identifier
    start: Milliseconds
    width_s: Annotated[int, Meta(ge=1, le=100 * 366 * 24 * 3600)]
    events: Count
    counters: dict[str, Count]
    measures: dict[str, Measure]
    cells: list[Cell]

    @property
    def end(self) -> int:
        """Unix ms at which the window ends."""
        return self.start + self.width_s * 1000


class Hello(Struct, frozen=True, kw_only=True):
    """The node's state, as it reports it. `instance` stays with the data directory, `boot` with the process;
    `in_flight` are the hashes of the batches after `through` that the node has numbered; `acked_events` is how many
    events the node knows the centre to hold, all epochs together. `history` is what the centre's `chain_hash` was after
    each of the last acknowledged batches, oldest first; NO_BATCH stands for a centre that holds none."""

    node: Identifier
    instance: Identifier
    boot: Identifier
    epoch: Count
    through: Count
    head: Digest
    in_flight: Annotated[list[Digest], Meta(max_length=BATCHES_IN_FLIGHT_MAX)]
    acked_events: Cumulative
    history: Annotated[list[Digest], Meta(min_length=1, max_length=CHAIN_KEPT)]
    v: Version = 2

    def before(self, seq: int) -> bytes:
        """The `chain_hash` of all that comes before the batch `seq` in flight."""
        return reduce(chain_hash, self.in_flight[: seq - self.through - 1], self.history[-1])


class SyncWelcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The centre's answer. `through` counts in `epoch`. Where `epoch` is new: `old_through` is what the centre holds of
    the hello's epoch, and windows that began before `discard_before` (Unix ms) must not be sent again. `history` is the
    centre's `chain_hash` at `through`. With `refused` (a reason) nothing else counts but `detail`: why. `takes` are the
    kinds of messages beside hello and batch that this centre understands."""

    epoch: Count = 0
    through: Count = 0
    old_through: Count = 0
    discard_before: Milliseconds = 0
    history: Digest = NO_BATCH
    reason: Text = ""
    refused: Text = ""
    detail: Text = ""
    takes: Annotated[list[Text], Meta(max_length=16)] = []


class BatchMessage(Struct, frozen=True, kw_only=True):
    """A batch on its way: `body` is the batch's body, compressed with zstd; the hashes are those of the batch.
    `history` is the `chain_hash` of all that came before it. `report` is how the node is as it sends this; it is no
    part of the batch, and older nodes have none."""

    epoch: Count
    seq: Annotated[int, Meta(ge=1, le=2**53)]
    sha256: Digest
    previous: Digest
    body: Annotated[bytes, Meta(max_length=2 * BATCH_BYTES_MAX)]
    history: Digest
    report: NodeReport | None = None


class SyncAck(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The centre holds every batch of `epoch` up to `through`. With `refused` (a reason) it did not take the last one
    and expects the number `expected`; `detail` is why and what to do, in sentences."""

    epoch: Count
    through: Count
    refused: Text = ""
    expected: Count = 0
    detail: Text = ""


_digest = cast(Any, datasketches).tdigest_double

# The form of a serialised t-digest; a single value stands without a second part.
_PREAMBLE: Final = struct.Struct("<BBBHBH")  # length in 8 bytes, version, family, k, flags, unused
_CONTENT: Final = struct.Struct("<IIdd")  # centroids, values not yet folded, the least and the greatest value
_CENTROID: Final = struct.Struct("<dQ")  # mean, weight
_VALUE: Final = struct.Struct("<d")
_IS_EMPTY: Final = 1  # in the flags
_ROUNDING: Final = 1e-9
"""Means that are equal may differ by this much, relatively."""

_encoder = msgspec.msgpack.Encoder(order="deterministic")
_windows = msgspec.msgpack.Decoder(list[Window])
_as_made = msgspec.msgpack.Decoder(
    list[tuple[str, int, int, int, dict[str, int], dict[str, tuple[int, int, bytes]], Any]]
).decode

encode = _encoder.encode
decode_hello = msgspec.msgpack.Decoder(Hello).decode
decode_welcome = msgspec.msgpack.Decoder(SyncWelcome).decode
decode_batch = msgspec.msgpack.Decoder(BatchMessage).decode
decode_ack = msgspec.msgpack.Decoder(SyncAck).decode


def chain_hash(history: bytes, digest: bytes) -> bytes:
    """The hash that stands for a whole history of batches, one more batch later. Both sides begin with NO_BATCH; epochs
    do not interrupt it. Equal hashes: the same batches, in the same order."""
    return sha256(history + digest).digest()


def encode_body(windows: list[Window]) -> bytes:
    """The body of a batch: the same windows give the same bytes."""
    return _encoder.encode(windows)


def read_body(body: bytes) -> list[Window]:
    """The windows of a batch, without their cells, as they were made: also where they break the schema. Raises
    msgspec.DecodeError."""
    return [
        Window(
            scenario, start, width_s, events, counters, {name: Measure(*each) for name, each in measures.items()}, []
        )
        for scenario, start, width_s, events, counters, measures, _ in _as_made(body)
    ]


def decode_body(body: bytes) -> list[Window]:
    """The windows of a batch. Raises msgspec.DecodeError (msgspec.ValidationError where a value is wrong) and
    ValueError where a window is larger than the limits or a sketch cannot be read."""
    windows = _windows.decode(body)
    for window in windows:
        if len(window.counters) > COUNTERS_MAX or len(window.measures) > MEASURES_MAX:
            raise ValueError(f"a window of {window.scenario} has too many counters or measures")
        if len(window.cells) > CELLS_PER_WINDOW_MAX:
            raise ValueError(f"a window of {window.scenario} has more than {CELLS_PER_WINDOW_MAX} cells")
        if not all(map(_is_name, chain(window.counters, window.measures))):
            raise ValueError(f"a counter or a measure of {window.scenario}: its characters are not those of a name")
        for name, measure in window.measures.items():
            if (wrong := sketch_fault(measure)) is not None:
                raise ValueError(f"the sketch {name} {wrong}")
    return windows


def merge(first: Window, second: Window, start: int, width_s: int) -> Window:
    """One window for the span from `start` (Unix ms), with the sums of two windows of the same scenario."""
    counters = dict(first.counters)
    for name, count in second.counters.items():
        counters[name] = counters.get(name, 0) + count
    measures = dict(first.measures)
    for name, measure in second.measures.items():
        measures[name] = _add(measures[name], measure) if name in measures else measure
    cells = {(cell.cell, cell.name): cell for cell in first.cells}
    for cell in second.cells:
        known = cells.get((cell.cell, cell.name))
        cells[cell.cell, cell.name] = cell if known is None else _span(known, cell)
    return Window(
        first.scenario,
        start,
        width_s,
        first.events + second.events,
        {name: counters[name] for name in sorted(counters)},
        {name: measures[name] for name in sorted(measures)},
        [cells[key] for key in sorted(cells)],
    )


def split(window: Window) -> tuple[Window, Window | None]:
    """The same delta as a window that fits a batch, and the cells that are left over, if any."""
    if len(window.cells) <= CELLS_PER_WINDOW_MAX:
        return window, None
    rest = Window(window.scenario, window.start, window.width_s, 0, {}, {}, window.cells[CELLS_PER_WINDOW_MAX:])
    return msgspec.structs.replace(window, cells=window.cells[:CELLS_PER_WINDOW_MAX]), rest


def withhold_cells(window: Window, least: float = inf) -> Window:
    """The same window without the cells whose count is below `least`: their counts become `withheld.<name>`."""
    counters = dict(window.counters)
    for cell in window.cells:
        if cell.count < least:
            name = f"withheld.{cell.name}"
            counters[name] = counters.get(name, 0) + cell.count
    cells = [cell for cell in window.cells if cell.count >= least]
    return msgspec.structs.replace(window, counters={name: counters[name] for name in sorted(counters)}, cells=cells)


def fold(digest: bytes, values: Iterable[int]) -> bytes:
    """A t-digest (empty: none yet) with further values. Sketches are kept as bytes between folds, because serialising
    compresses: only so is the sketch after a restart the very one that it would have been without."""
    sketch = _digest.deserialize(digest) if digest else _digest(SKETCH_K)
    for value in values:
        sketch.update(float(value))
    return sketch.serialize()


def combine(digests: Iterable[bytes]) -> bytes:
    """One t-digest for the values of all."""
    sketch = _digest(SKETCH_K)
    for digest in digests:
        sketch.merge(_digest.deserialize(digest))
    return sketch.serialize()


def quantiles(digest: bytes, ranks: Iterable[float]) -> list[float]:
    """For each rank (0 to 1) the value below which that share of the values lies."""
    sketch = _digest.deserialize(digest)
    return [sketch.get_quantile(rank) for rank in ranks]


def sketch_fault(measure: Measure) -> str | None:
    """Why a t-digest is not one that `fold` or `combine` makes from `count` whole numbers with this sum, None where it
    may be. The library itself takes infinities, and centroids in any order."""
    count, total, digest = measure.count, measure.total, measure.digest
    try:
        _digest.deserialize(digest)
        longs, _, _, k, flags, _ = _PREAMBLE.unpack_from(digest)
        if longs == 1:
            values = [] if flags & _IS_EMPTY else list(_VALUE.unpack_from(digest, _PREAMBLE.size))
            size, weights = _PREAMBLE.size + _VALUE.size * len(values), [1] * len(values)
        else:
            centroids, buffered, least, greatest = _CONTENT.unpack_from(digest, _PREAMBLE.size)
            begin = _PREAMBLE.size + _CONTENT.size
            size = begin + _CENTROID.size * centroids
            flat = _centroids(centroids).unpack_from(digest, begin)
            values, weights = [least, *flat[::2], greatest], flat[1::2]
            k = -1 if buffered else k
    except (ValueError, IndexError, RuntimeError, MemoryError, struct.error):
        return "is not a t-digest"
    if k != SKETCH_K or size != len(digest):
        return f"is not a t-digest of k = {SKETCH_K}"
    # The centre checks thousands of sketches a second: first what the interpreter need not look at one by one.
    if isfinite(sum(values)) and values == sorted(values):
        least, greatest = (values[0], values[-1]) if values else (0.0, 0.0)
    elif not all(isfinite(value) for value in values) or any(b < a - abs(a) * _ROUNDING for a, b in pairwise(values)):
        return "is not finite, or not in order"
    else:
        least, greatest = min(values), max(values)
    if sum(weights) != count or not all(weights):
        return f"does not stand for its {count} values"
    if not count * least <= total <= count * greatest:
        return f"cannot have the sum {total}"
    return None


@lru_cache(NAMES_KEPT)
def _is_name(text: str) -> bool:
    return re.match(NAME_PATTERN, text) is not None


@cache
def _centroids(count: int) -> struct.Struct:
    """So many means, each with its weight. Raises struct.error where no sketch may have so many."""
    if count > SKETCH_BYTES_MAX // _CENTROID.size:
        raise struct.error
    return struct.Struct("<" + "dQ" * count)


def _add(first: Measure, second: Measure) -> Measure:
    return Measure(first.count + second.count, first.total + second.total, combine((first.digest, second.digest)))


def _span(first: Cell, second: Cell) -> Cell:
    start, end = min(first.start, second.start), max(first.end, second.end)
    return Cell(first.cell, first.name, start, end, first.count + second.count)
