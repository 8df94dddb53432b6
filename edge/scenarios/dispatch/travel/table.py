"""Seconds from cell to cell, measured on a street network: what rides take where a straight line knows little.

A table is named by its checksum, which stands in the rules of a node: whoever replays needs the same one. Files are
read by the shell, which hands the tables over (`keep`); what is kept depends on nothing but its name.
"""

import struct
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .cells import cell_at

MAGIC: Final = b"DSTRAVL1"
CELLS_MAX: Final = 5_000
"""Cells of a table: 50 MB, a district of 500 square kilometres in cells of resolution 9."""

RESOLUTION_MAX: Final = 10
"""Cells of 130 m: what lies within one is walked."""

UNKNOWN: Final = 65_535
"""No way is known."""

SECONDS_MAX: Final = 65_000
"""Eighteen hours, the most that fits beside the two marks."""

_HEAD: Final = struct.Struct("<8sBI")
_SUM_BYTES: Final = 32

Seconds = NDArray[np.uint16]


class TravelTable:
    """`seconds[i, j]` from the i-th cell to the j-th one. `found` and `missed` count rides that were in it, or not."""

    def __init__(self, resolution: int, cells: Sequence[int], seconds: Seconds, digest: str) -> None:
        self.resolution = resolution
        self.digest = digest
        self.cells = list(cells)
        self.seconds = seconds
        self.found = self.missed = 0
        self._row = {cell: row for row, cell in enumerate(cells)}

    def ride_s(self, lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> int | None:
        """Seconds from one point to another; None where the table does not know, or both are in one cell."""
        start, end = self._row_at(lat_a, lon_a), self._row_at(lat_b, lon_b)
        found = UNKNOWN if start < 0 or end < 0 or start == end else int(self.seconds[start, end])
        self.found += found != UNKNOWN
        self.missed += found == UNKNOWN
        return None if found == UNKNOWN else found

    def rides_s(
        self, starts: Sequence[tuple[float, float]], ends: Sequence[tuple[float, float]]
    ) -> NDArray[np.float64]:
        """(starts x ends) The same of many at once; NaN where it does not know."""
        rows = np.array([self._row_at(*place) for place in starts], np.int64)[:, None]
        columns = np.array([self._row_at(*place) for place in ends], np.int64)[None, :]
        found = self.seconds[rows, columns].astype(np.float64)
        missed = (rows < 0) | (columns < 0) | (rows == columns) | (found == UNKNOWN)
        found[missed] = np.nan
        count = int(missed.sum())
        self.missed += count
        self.found += found.size - count
        return found

    def _row_at(self, lat: float, lon: float) -> int:
        return self._row.get(cell_at(lat, lon, self.resolution), -1)


def packed(resolution: int, cells: Sequence[int], seconds: Seconds) -> bytes:
    """A table as a file. `cells` are sorted."""
    names = np.array(cells, "<u8").tobytes()
    body = _HEAD.pack(MAGIC, resolution, len(cells)) + names + np.ascontiguousarray(seconds, "<u2").tobytes()
    return body + sha256(body).digest()


def unpacked(body: bytes) -> TravelTable:
    """The inverse. Raises ValueError, with what is wrong, for bytes that are no whole table."""
    if len(body) < _HEAD.size + _SUM_BYTES or body[: len(MAGIC)] != MAGIC:
        raise ValueError("it is no table of travel times")
    _, resolution, count = _HEAD.unpack_from(body)
    if not 0 < count <= CELLS_MAX or resolution > RESOLUTION_MAX:
        raise ValueError(f"it has {count} cells of resolution {resolution}; at most {CELLS_MAX} of {RESOLUTION_MAX}")
    if len(body) != _HEAD.size + 8 * count + 2 * count * count + _SUM_BYTES:
        raise ValueError("it is cut off, or has something behind its end")
    if sha256(body[:-_SUM_BYTES]).digest() != body[-_SUM_BYTES:]:
        raise ValueError("its checksum is wrong")
    cells: list[int] = np.frombuffer(body, "<u8", count, _HEAD.size).tolist()
    if cells != sorted(set(cells)):
        raise ValueError("its cells are not sorted")
    seconds = np.frombuffer(body, "<u2", count * count, _HEAD.size + 8 * count).reshape(count, count)
    return TravelTable(resolution, cells, seconds, body[-_SUM_BYTES:].hex())


_kept: dict[str, TravelTable] = {}


def keep(table: TravelTable) -> None:
    """Rules may name the table from now on."""
    _kept.setdefault(table.digest, table)


def taken(body: bytes) -> str:
    """The checksum of a file, whose table rules may name from now on. Raises ValueError as `unpacked`."""
    table = unpacked(body)
    keep(table)
    return table.digest


def kept(digest: str) -> TravelTable | None:
    """The table of this name; None where nobody has handed it over."""
    return _kept.get(digest)
