"""How sums stand in a row: the counters in one column, sketches and cells beside them, each as MessagePack.

Windows are deltas, and so are rows: whatever is added up, in whatever sequence, the totals are the same.
"""

from typing import Any, Final

import msgspec
import zstandard
from msgspec import Struct

from edge.messages.batches import Window, combine

from .engine.driver import Row

MINUTE_COLUMNS: Final = "node, number, at, start, width_s, scenario, events, counters, measures, cells"
"""`number` counts the windows of a node, without gaps; `at` is when it came (Unix ms)."""

SUM_MAX: Final = 2**62
"""No stored sum is beyond it. Honest nodes come nowhere near, and every engine's integer holds it."""

DIGESTS_AT_ONCE: Final = 256
"""Sketches of one sum that wait to be merged, so that a year of them is never in memory at once."""

_BYTES_MAX: Final = 64 * 1024 * 1024  # what one packed column may unpack to
_LEVEL: Final = 1  # zstd's: sketches become a quarter; higher levels cost more than they save

Measures = dict[str, tuple[int, int, bytes]]
Cells = list[tuple[int, str, int, int, int]]
Parts = tuple[dict[str, int], Measures, Cells]

_encode = msgspec.msgpack.Encoder().encode
_decode_counters = msgspec.msgpack.Decoder(dict[str, int]).decode
_decode_measures = msgspec.msgpack.Decoder(Measures).decode
_decode_cells = msgspec.msgpack.Decoder(Cells).decode


class Codec:
    """Packs and unpacks columns. For one thread."""

    def __init__(self) -> None:
        self._packer = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False)
        self._unpacker = zstandard.ZstdDecompressor()

    def columns(self, window: Window) -> tuple[bytes, bytes, bytes]:
        """Counters, measures and cells of a window."""
        measures = self._pack(window.measures) if window.measures else b""
        cells = self._pack(window.cells) if window.cells else b""
        return _encode(window.counters), measures, cells

    def sums(self, total: "Sum") -> tuple[bytes, bytes, bytes]:
        """The same of a sum."""
        measures = {name: (_held(n), _held(whole), digest) for name, (n, whole, digest) in total.merged().items()}
        cells = [(*key, first, until, _held(count)) for key, (first, until, count) in total.cells.items()]
        counters = {name: _held(count) for name, count in total.counters.items()}
        return _encode(counters), self._pack(measures) if measures else b"", self._pack(cells) if cells else b""

    def unpack(self, counters: bytes, measures: bytes, cells: bytes) -> Parts:
        """What such columns hold."""
        return (
            _decode_counters(counters),
            _decode_measures(self._unpack(measures)) if measures else {},
            _decode_cells(self._unpack(cells)) if cells else [],
        )

    def _pack(self, value: object) -> bytes:
        return self._packer.compress(_encode(value))

    def _unpack(self, packed: bytes) -> bytes:
        return self._unpacker.decompress(packed, max_output_size=_BYTES_MAX)


class Sum(Struct):
    """Windows added up: `first` and `until` (Unix ms) are where they begin and end; `nodes` has a bit for each node of
    a bucket that contributed."""

    first: int = 2**62
    until: int = 0
    nodes: int = 0
    events: int = 0
    counters: dict[str, int] = {}
    measures: dict[str, list[Any]] = {}
    cells: dict[tuple[int, str], tuple[int, int, int]] = {}

    def reach(self, first: int, until: int, nodes: int, events: int) -> None:
        """Everything but the columns."""
        self.first, self.until = min(self.first, first), max(self.until, until)
        self.nodes |= nodes
        self.events += events

    def add_counters(self, counters: dict[str, int]) -> None:
        """More of them."""
        mine = self.counters
        for name, count in counters.items():
            mine[name] = mine.get(name, 0) + count

    def add_measures(self, measures: Measures) -> None:
        """More of them; their sketches are merged later, all at once."""
        for name, (count, total, digest) in measures.items():
            known = self.measures.get(name)
            if known is None:
                self.measures[name] = [count, total, [digest]]
                continue
            known[0] += count
            known[1] += total
            known[2].append(digest)
            if len(known[2]) >= DIGESTS_AT_ONCE:
                known[2] = [combine(known[2])]

    def add_cells(self, cells: Cells) -> None:
        """More of them."""
        for cell, name, start, end, count in cells:
            known = self.cells.get((cell, name))
            if known is not None:
                start, end = min(start, known[0]), max(end, known[1])
                count += known[2]
            self.cells[cell, name] = (start, end, count)

    def add_parts(self, parts: Parts) -> None:
        """More of all of them."""
        counters, measures, cells = parts
        self.add_counters(counters)
        if measures:
            self.add_measures(measures)
        if cells:
            self.add_cells(cells)

    def add(self, other: "Sum") -> None:
        """Another sum; its sketches are merged first."""
        self.reach(other.first, other.until, other.nodes, other.events)
        self.add_counters(other.counters)
        self.add_measures(other.merged())
        self.add_cells([(*key, *value) for key, value in other.cells.items()])

    def merged(self) -> Measures:
        """The measures, each with one sketch."""
        for measure in self.measures.values():
            if len(measure[2]) > 1:
                measure[2] = [combine(measure[2])]
        return {name: (count, total, digests[0]) for name, (count, total, digests) in self.measures.items()}


def _held(count: int) -> int:
    """What of a sum an engine's integer holds."""
    return max(min(count, SUM_MAX), -SUM_MAX)


def window_rows(codec: Codec, node: int, number: int, at: int, windows: list[Window]) -> list[Row]:
    """Rows of `minute`, the first of them numbered `number`."""
    numbered = enumerate(windows, number)
    return [(node, n, at, w.start, w.width_s, w.scenario, w.events, *codec.columns(w)) for n, w in numbered]
