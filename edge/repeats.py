"""Which events were decided already, and in which row of the journal. Pure.

One event id gives one recorded decision for as long as the journal is kept. The answer itself stays in the journal;
here are 16 bytes for each event: a 64-bit BLAKE2b of (client, id) and the row number. Two different events with one
hash would make the younger one look like a repeat: with a million events kept, once in 10^13 events.

Recent events are in a dict, older ones in sorted numpy arrays, merged as in a log-structured merge tree, so that a
look-up searches a handful of arrays and the memory of a week's events stays at a few megabytes.
"""

from hashlib import blake2b
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .limits import REPEATS_KEPT_MAX

RECENT_MAX: Final = 8_192
"""Events in the dict before the oldest half is sealed into an array."""

SEGMENT_MAX: Final = 262_144
"""Arrays are merged up to this size: 4 MiB, few enough to search and small enough to expire by age."""

Keys = NDArray[np.uint64]


class _Segment(Struct, array_like=True):
    newest_ms: int
    keys: bytes
    rows: bytes


class Repeats:
    """The set of decided events, bounded by age and by `REPEATS_KEPT_MAX`."""

    def __init__(self) -> None:
        self._recent: dict[int, tuple[int, int]] = {}  # key -> (row, age in ms)
        self._segments: list[tuple[int, Keys, Keys]] = []  # newest age in ms, sorted keys, rows
        self.dropped_early = 0
        """Events forgotten before their age, because there were too many."""

    def __len__(self) -> int:
        return len(self._recent) + sum(len(keys) for _, keys, _ in self._segments)

    def row_of(self, client: str, id_: str) -> int | None:
        """The row that decided this event, or None for a new one."""
        key = _key(client, id_)
        known = self._recent.get(key)
        if known is not None:
            return known[0]
        for _, keys, rows in reversed(self._segments):
            at = int(np.searchsorted(keys, np.uint64(key)))
            if at < len(keys) and int(keys[at]) == key:
                return int(rows[at])
        return None

    def add(self, client: str, id_: str, row: int, age_ms: int) -> None:
        """Remember an event that `row` decides."""
        self._recent[_key(client, id_)] = (row, age_ms)
        if len(self._recent) > RECENT_MAX:
            self._seal(RECENT_MAX // 2)

    def forget(self, older_than_ms: int) -> None:
        """Drop the arrays whose newest event is older than this: their rows have left the journal too."""
        if self._segments and self._segments[0][0] < older_than_ms:
            self._segments = [segment for segment in self._segments if segment[0] >= older_than_ms]

    def _seal(self, count: int) -> None:
        items = [(key, *self._recent[key]) for key in list(self._recent)[:count]]
        for key, _, _ in items:
            del self._recent[key]
        keys = np.array([item[0] for item in items], dtype=np.uint64)
        rows = np.array([item[1] for item in items], dtype=np.uint64)
        self._push(max(item[2] for item in items), keys, rows)
        while len(self) > REPEATS_KEPT_MAX and len(self._segments) > 1:
            self.dropped_early += len(self._segments.pop(0)[1])

    def _push(self, newest_ms: int, keys: Keys, rows: Keys) -> None:
        while self._segments and len(self._segments[-1][1]) <= len(keys) and 2 * len(keys) <= SEGMENT_MAX:
            before_ms, more_keys, more_rows = self._segments.pop()
            newest_ms = max(newest_ms, before_ms)
            keys, rows = np.concatenate([more_keys, keys]), np.concatenate([more_rows, rows])
        order = np.argsort(keys, kind="stable")
        self._segments.append((newest_ms, keys[order], rows[order]))

    def snapshot(self) -> bytes:
        """Everything, as bytes."""
        segments = [_Segment(ms, keys.tobytes(), rows.tobytes()) for ms, keys, rows in self._segments]
        return msgspec.msgpack.encode((list(self._recent.items()), segments, self.dropped_early))

    @classmethod
    def restore(cls, body: bytes) -> "Repeats":
        """The same set again. Raises msgspec.DecodeError for bytes that `snapshot` did not make."""
        shape = tuple[list[tuple[int, tuple[int, int]]], list[_Segment], int]
        recent, segments, dropped = msgspec.msgpack.decode(body, type=shape)
        self = cls()
        self._recent = dict(recent)
        self._segments = [
            (s.newest_ms, np.frombuffer(s.keys, dtype=np.uint64), np.frombuffer(s.rows, dtype=np.uint64))
            for s in segments
        ]
        self.dropped_early = dropped
        return self


def _key(client: str, id_: str) -> int:
    return int.from_bytes(blake2b(f"{client}/{id_}".encode(), digest_size=8).digest(), "big")
