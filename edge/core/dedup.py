"""Which events were decided already, and in which row of the journal. Pure.

One event id gives one recorded decision for as long as the journal is kept. The answer itself stays in the journal;
here are 20 bytes for each event at most: a 64-bit BLAKE2b of (client, id), the row number, and bits of a Bloom filter.
Two different events with one hash would make the younger one look like a repeat: with a million events kept, once in
10^13 events.

Recent events are in a dict, older ones in sorted numpy arrays, merged as in a log-structured merge tree, so that a
look-up searches a handful of arrays and the memory of a week's events stays at a few megabytes. Nearly all events are
new: a Bloom filter with one hash before each array spares them all but one in 16 to 32 searches of 4 us each.

The journal is pruned from here too (`prunable`): a row leaves only when none of its events is remembered any more, so
that a repeat is either answered with its recorded receipt or decided as a new event, never lost between the two. Both
go by the node's own age. A wall clock that starts years ahead makes nothing older.
"""

from hashlib import blake2b
from itertools import islice, takewhile
from typing import Final, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

REPEATS_KEPT_MAX: Final = 4_000_000
"""Decided events remembered within the retention, at most 20 bytes each. Beyond it the oldest go early, counted."""


RECENT_MAX: Final = 4_096
"""Events in the dict before the oldest of them are sealed into an array."""

SEALED_AT_ONCE: Final = 512
"""Events of one array when it is made: 0.3 ms. (4,096 held up a round by 10 ms, which a client noticed as its p99.)"""

RUN_MAX: Final = 131_072
"""Arrays are merged up to this size: 2 MiB, few enough to search and small enough to expire by age. The largest merge
takes 8 ms, once in so many events."""

MERGED_RATIO: Final = 4
"""Arrays are merged where the older one is at most so many times as large: half as many to search as with 1."""

SPANS: Final = 8
"""An array holds events of at most this part of the retention, so that one late event keeps no more than that alive."""

Keys = NDArray[np.uint64]


class _StoredRun(Struct, array_like=True):
    oldest_ms: int
    newest_ms: int
    keys: bytes
    rows: bytes


class _State(Struct, array_like=True):
    recent: list[tuple[int, tuple[int, int]]]
    runs: list[_StoredRun]
    dropped_early: int
    watermarks: list[tuple[int, int]]
    span_ms: int


class _Run(NamedTuple):
    """Sealed events: their ages (ms), their sorted keys, the row of each, and a bit for each key's lowest digits."""

    oldest_ms: int
    newest_ms: int
    keys: Keys
    rows: Keys
    bloom: bytes

    @classmethod
    def of(cls, oldest_ms: int, newest_ms: int, keys: Keys, rows: Keys) -> "_Run":
        """With its Bloom filter: 16 to 32 bits for each key."""
        bits = 16 << max(len(keys) - 1, 0).bit_length()
        watermarks = np.zeros(bits, dtype=np.bool_)
        watermarks[keys & np.uint64(bits - 1)] = True
        return cls(oldest_ms, newest_ms, keys, rows, np.packbits(watermarks, bitorder="little").tobytes())

    def row_of(self, key: int) -> int | None:
        """The row of this key, or None; for a key that passed the filter."""
        wanted, keys = np.uint64(key), self.keys
        at = keys.searchsorted(wanted)
        return int(self.rows[at]) if at < len(keys) and keys[at] == wanted else None


_decode = msgspec.msgpack.Decoder(_State).decode


class DedupIndex:
    """The set of decided events, bounded by age and by `REPEATS_KEPT_MAX`."""

    def __init__(self) -> None:
        self._recent: dict[int, tuple[int, int]] = {}  # key -> (row, age in ms), oldest first
        self._arrays: list[_Run] = []  # oldest first
        self._marks: list[tuple[int, int]] = []  # (age in ms, the last row at that age), oldest first
        self._span_ms = 0
        self._past = 0
        self.dropped_early = 0
        """Events forgotten before their age, because there were too many."""

    def __len__(self) -> int:
        return len(self._recent) + sum(len(array.keys) for array in self._arrays)

    def row_of(self, client: str, id_: str) -> int | None:
        """The row that decided this event, or None for a new one."""
        key = _key(client, id_)
        known = self._recent.get(key)
        return self._sealed(key) if known is None else known[0]

    def insert_or_get(self, client: str, id_: str, row: int, age_ms: int) -> int | None:
        """The row that decided this event; None where it is new, and from now on decided by `row`."""
        key = _key(client, id_)
        recent = self._recent
        entry = recent.get(key)
        if entry is not None:
            return entry[0]
        known = self._sealed(key)
        if known is None:
            recent[key] = (row, age_ms)
            if len(recent) > RECENT_MAX:
                self._seal(SEALED_AT_ONCE)
        return known

    def remove(self, client: str, id_: str) -> None:
        """Forget an event of the round under way (so it is still among the recent ones): it is new when it comes
        again."""
        self._recent.pop(_key(client, id_), None)

    def _sealed(self, key: int) -> int | None:
        for array in reversed(self._arrays):
            bloom = array.bloom
            bit = key & (len(bloom) << 3) - 1
            if bloom[bit >> 3] >> (bit & 7) & 1 and (row := array.row_of(key)) is not None:
                return row
        return None

    def forget(self, age_ms: int, retention_ms: int, row: int) -> None:
        """The node is `age_ms` old and has come to `row`: let go of what is past the retention."""
        self._span_ms = retention_ms // SPANS
        if not self._marks or age_ms - self._marks[-1][0] >= self._span_ms:
            self._marks.append((age_ms, row))
        limit_ms = age_ms - retention_ms
        while len(self._marks) > 1 and self._marks[1][0] < limit_ms:
            del self._marks[0]
        self._past = self._marks[0][1] if self._marks[0][0] < limit_ms else 0
        if self._arrays and self._arrays[0].newest_ms < limit_ms:
            self._arrays = [array for array in self._arrays if array.newest_ms >= limit_ms]
        for key in [key for key, _ in takewhile(lambda item: item[1][1] < limit_ms, self._recent.items())]:
            del self._recent[key]

    @property
    def prunable(self) -> int:
        """Rows up to this number may leave the journal: past the retention, or with events that were dropped early, and
        none of their events is remembered. 0: none may."""
        if self._arrays:
            oldest = int(self._arrays[0].rows.min())
        elif self._recent:
            oldest = next(iter(self._recent.values()))[0]
        else:
            return self._past
        return oldest - 1 if self.dropped_early else min(self._past, oldest - 1)

    def _seal(self, count: int) -> None:
        recent = self._recent
        oldest = list(islice(recent, count))
        entries = [recent.pop(key) for key in oldest]
        keys = np.array(oldest, dtype=np.uint64)
        rows = np.array([row for row, _ in entries], dtype=np.uint64)
        self._push(entries[0][1], entries[-1][1], keys, rows)
        while len(self) > REPEATS_KEPT_MAX and len(self._arrays) > 1:
            self.dropped_early += len(self._arrays.pop(0).keys)

    def _push(self, oldest_ms: int, newest_ms: int, keys: Keys, rows: Keys) -> None:
        if self._arrays and self._span_ms and newest_ms - self._arrays[-1].oldest_ms > self._span_ms:
            self._compact()
        order = np.argsort(keys, kind="stable")
        self._arrays.append(_Run.of(oldest_ms, newest_ms, keys[order], rows[order]))
        # One merge for each new array, of the youngest two that are near in size: no more are ever due on average, and
        # no round waits for a whole cascade of them.
        for at in range(len(self._arrays) - 1, 0, -1):
            if len(self._arrays[at - 1].keys) <= MERGED_RATIO * len(self._arrays[at].keys) and self._join(at - 1):
                return

    def _compact(self) -> None:
        """A span is over: what is left of it in small arrays becomes as few as fit."""
        while len(self._arrays) > 1 and self._join(len(self._arrays) - 2):
            pass

    def _join(self, at: int) -> bool:
        """Whether the arrays `at` and after it could become one."""
        first, second = self._arrays[at : at + 2]
        oldest_ms, newest_ms = first.oldest_ms, second.newest_ms
        size = len(first.keys) + len(second.keys)
        if size > RUN_MAX or (self._span_ms and newest_ms - oldest_ms > self._span_ms):
            return False
        keys, rows = np.concatenate([first.keys, second.keys]), np.concatenate([first.rows, second.rows])
        order = np.argsort(keys, kind="stable")
        self._arrays[at : at + 2] = [_Run.of(oldest_ms, newest_ms, keys[order], rows[order])]
        return True

    def snapshot(self) -> bytes:
        """Everything, as bytes."""
        runs = [_StoredRun(a.oldest_ms, a.newest_ms, a.keys.tobytes(), a.rows.tobytes()) for a in self._arrays]
        state = _State(list(self._recent.items()), runs, self.dropped_early, self._marks, self._span_ms)
        return msgspec.msgpack.encode(state)

    @classmethod
    def restore(cls, body: bytes) -> "DedupIndex":
        """The same set again. Raises msgspec.DecodeError for bytes that `snapshot` did not make."""
        state = _decode(body)
        self = cls()
        self._recent = dict(state.recent)
        self._arrays = [
            _Run.of(s.oldest_ms, s.newest_ms, np.frombuffer(s.keys, np.uint64), np.frombuffer(s.rows, np.uint64))
            for s in state.runs
        ]
        self.dropped_early, self._marks, self._span_ms = state.dropped_early, state.watermarks, state.span_ms
        return self


def _key(client: str, id_: str) -> int:
    return int.from_bytes(blake2b(f"{client}/{id_}".encode(), digest_size=8).digest(), "big")
