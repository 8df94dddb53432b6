"""What the centre has not acknowledged: sealed windows in a pool, and numbered batches in flight.

Windows wait in the pool without a number and may still merge into coarser ones: minutes, ten minutes, hours, days, four
weeks. Totals stay exact whatever merges. `cut` numbers some of them for ever, newest first (live traffic goes before
backlog), and few at a time: only after windows were added or the centre has spoken, so that a round of events never
waits for a backlog. A batch in flight never changes. It is deleted when the centre acknowledged it, and only then.

What was numbered stays numbered: recovery does not cut again but takes the batches that stand in the journal
(`replay_cut`), so that another version, which would cut otherwise, goes on with the batches that the centre may hold.

Numbers count up from 1 within an *epoch*, which only the centre issues; before the first welcome nothing is cut. At
every connection the two sides compare where they stand. The centre sends a welcome, and the outbox does:

    the node enrols, or lost its disk    epoch 1, or a new one: begin to number.
    it reconnects                        the same epoch and `through`: delete up to there, send the rest.
    a welcome was lost                   the same welcome once more.
    the centre was restored from a       a new epoch, and an alarm with how many events are gone: what is in flight
      backup (it holds less than was     returns to the pool and is numbered anew. Where it holds something that this
      deleted here)                      node does not know as its own, also as in the next case.
    this node was restored from a        a new epoch with `old_through` and `discard_before`, and an alarm: delete up
      backup (the centre holds more      to `old_through`; the others return to the pool; what began before
      than was numbered here, or a       `discard_before` may be held under other numbers: it is discarded, and counted.
      number with another hash), or a
      clone of it has spoken first
    a second node with one identity      a refusal, and an alarm: keep everything, the operator must decide.

Whether the centre holds only what this node sent, both sides see from one hash for the whole history (`chain_hash`):
the centre's must be one of the last that the outbox has been through. So neither a clone nor a second restore can make
a window count twice.
"""

from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct, field

from ..limits import (
    BATCH_BYTES_MAX,
    BATCHES_IN_FLIGHT_MAX,
    CHAIN_KEPT,
    POOL_WINDOWS_MAX,
    WINDOW_AHEAD_S_MAX,
)
from ..messages.batches import (
    NO_BATCH,
    Hello,
    Window,
    chain_hash,
    decode_body,
    encode,
    encode_body,
    merge,
    read_body,
    split,
    withhold_cells,
)
from ..messages.sync.statement import Statements
from .model import Batch, Now, SyncStated, SyncWelcomed

POOL_CELLS_MAX: Final = 32_768
"""Cell counts waiting for the uplink, about 2 MB; what does not fit is counted as `withheld`."""

BATCH_BYTES_AIM: Final = 64 * 1024
"""Size up to which windows share a batch; one window alone may need more. Cutting, packing and committing it takes
about a millisecond, so that answers to clients do not wait behind a backlog."""

BATCHES_CUT_MAX: Final = 2
"""Batches numbered in one round, for the same reason: each acknowledgement makes room for two, so after a few of them
BATCHES_IN_FLIGHT_MAX are under way."""

COARSER: Final = ((60, 2 * 3600), (600, 24 * 3600), (3600, 7 * 86_400), (86_400, 90 * 86_400))
"""Up to this width (s), a window older than this (s) merges into the next width. A year of outage is 500 windows."""

WIDTH_S_MAX: Final = 28 * 86_400
"""The widest window that merging makes: four weeks."""

_HEADER_BYTES: Final = 5
"""MessagePack's longest array header."""


class _InFlight(Struct, frozen=True, array_like=True):
    batch: Batch
    events: int
    cut_at: float


class State(Struct, array_like=True):
    """The snapshot."""

    epoch: int
    through: int
    head: bytes
    newest_ms: int
    events_acked: int
    events_discarded: int
    protocol_errors: int
    in_flight: list[_InFlight]
    pool: list[Window]
    cuts: int
    history: list[bytes]
    statements: Statements = field(default_factory=Statements)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(State).decode

Key = tuple[int, int, str]


class Outbox:
    """Of the node called `node`. `protocol_errors` counts acknowledgements that cannot be true; they change nothing."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.epoch = 0
        self.through = 0
        self.events_acked = 0
        self.events_discarded = 0
        self.protocol_errors = 0
        self.statements = Statements()
        """What the centre has acknowledged, by day."""
        self._head = NO_BATCH
        self._chain = [NO_BATCH]
        self._newest_ms = 0
        self._in_flight: list[_InFlight] = []
        self._pool: dict[Key, Window] = {}
        self._sizes: dict[Key, int] = {}
        self._pool_bytes = 0
        self.may_cut = 0
        """Batches that may be numbered before the centre has answered; `cut` has nothing to do while it is 0."""

    # -- from the node ---------------------------------------------------------------------------------------------

    def add(self, windows: list[Window]) -> None:
        """Sealed windows. What has grown old in the pool becomes coarser."""
        for window in windows:
            self._put(window)
        if windows:
            # Not of all that ever came: after a clock that jumped ahead and back everything would be old for years.
            self._newest_ms = max(window.end for window in windows)
            self.may_cut = BATCHES_CUT_MAX
            self._coarsen()

    def cut(self, now: Now) -> list[Batch]:
        """Number what there is room for: at most BATCHES_CUT_MAX since the last word of the centre or the last windows,
        at most BATCHES_IN_FLIGHT_MAX in flight. The new batches, in order."""
        batches: list[Batch] = []
        while self.may_cut and self.epoch and self._pool and len(self._in_flight) < BATCHES_IN_FLIGHT_MAX:
            self.may_cut -= 1
            windows = self._take()
            body = encode_body(windows)
            previous = self._in_flight[-1].batch.sha256 if self._in_flight else self._head
            seq = self.through + len(self._in_flight) + 1
            batch = Batch(self.node, self.epoch, seq, sha256(body).digest(), previous, body)
            self._in_flight.append(_InFlight(batch, sum(window.events for window in windows), now.mono))
            batches.append(batch)
        self.may_cut = 0
        return batches

    def replay_cut(self, batches: list[Batch], now: Now) -> None:
        """In recovery: these were cut in this round then. Their windows leave the pool."""
        self.may_cut = 0
        for batch in batches:
            windows = decode_body(batch.body)
            for window in windows:
                known = self._pool.get(_key(window))
                if known is not None and (left := known.cells[len(window.cells) :]):
                    self._keep(Window(known.scenario, known.start, known.width_s, 0, {}, {}, left))
                elif known is not None:
                    self._drop(_key(window))
            self._in_flight.append(_InFlight(batch, sum(window.events for window in windows), now.mono))

    # -- from the centre -------------------------------------------------------------------------------------------

    def welcome(self, welcome: SyncWelcomed) -> None:
        """The centre's welcome, as in the table above. Stale and impossible ones are counted and ignored."""
        if welcome.epoch <= self.epoch:
            self.stored(welcome.epoch, welcome.through)
            return
        if welcome.through:
            self.protocol_errors += 1
            return
        if self.through < welcome.old_through:
            self.stored(self.epoch, welcome.old_through)
        self.may_cut = BATCHES_CUT_MAX
        back = [window for item in self._in_flight for window in decode_body(item.batch.body)]
        self._in_flight = []
        self.epoch, self.through, self._head = welcome.epoch, 0, NO_BATCH
        if welcome.history != self._chain[-1]:
            self._link(welcome.history)
        for window in back:
            self._put(window)
        for key in [key for key in self._pool if key[0] < welcome.discard_before]:
            self.events_discarded += self._drop(key).events
        self._coarsen()

    def stored(self, epoch: int, through: int) -> None:
        """The centre holds everything up to `through`. Never deletes what was not numbered."""
        if epoch != self.epoch or not self.epoch or through > self.through + len(self._in_flight):
            self.protocol_errors += 1
            return
        self.may_cut = BATCHES_CUT_MAX
        while self.through < through:
            item = self._in_flight.pop(0)
            self.through, self._head = item.batch.seq, item.batch.sha256
            self.events_acked += item.events
            self.statements.add(read_body(item.batch.body))
            self._link(chain_hash(self._chain[-1], self._head))

    def stated(self, item: SyncStated, now: Now) -> None:
        """The centre holds some of the statements; or there are days to be stated."""
        self.statements.stored(item.through)
        if item.close:
            self.statements.close(self.node, now.wall_ms, self.epoch, self.through, self._chain[-1])

    # -- for the uplink and the status page ------------------------------------------------------------------------

    def in_flight(self) -> list[Batch]:
        """Numbered and not acknowledged, in order."""
        return [item.batch for item in self._in_flight]

    def hello(self, instance: str, boot: str) -> Hello:
        """Where this side stands."""
        return Hello(
            node=self.node,
            instance=instance,
            boot=boot,
            epoch=self.epoch,
            through=self.through,
            head=self._head,
            in_flight=[item.batch.sha256 for item in self._in_flight],
            acked_events=self.events_acked,
            history=self._chain[-CHAIN_KEPT:],
        )

    @property
    def events_waiting(self) -> int:
        """Events of windows that the centre has not acknowledged."""
        pooled = sum(window.events for window in self._pool.values())
        return pooled + sum(item.events for item in self._in_flight)

    @property
    def events_sealed(self) -> int:
        """Events of all windows that ever came here."""
        return self.events_acked + self.events_discarded + self.events_waiting

    @property
    def numbered(self) -> int:
        """Grows with every batch that is cut, over all epochs."""
        return (self.epoch << 32) + self.through + len(self._in_flight)

    @property
    def windows_waiting(self) -> int:
        """Windows in the pool."""
        return len(self._pool)

    @property
    def backlog_bytes(self) -> int:
        """Uncompressed size of what the centre has not acknowledged."""
        return self._pool_bytes + sum(len(item.batch.body) for item in self._in_flight)

    # -- recovery --------------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything, for `restore`."""
        state = State(
            self.epoch,
            self.through,
            self._head,
            self._newest_ms,
            self.events_acked,
            self.events_discarded,
            self.protocol_errors,
            self._in_flight,
            list(self._pool.values()),
            self.may_cut,
            self._chain,
            self.statements,
        )
        return _encode(state)

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot, as if never stopped."""
        state = _decode(snapshot)
        self.epoch, self.through, self._head = state.epoch, state.through, state.head
        self._newest_ms, self.protocol_errors = state.newest_ms, state.protocol_errors
        self.events_acked, self.events_discarded = state.events_acked, state.events_discarded
        self._in_flight, self.may_cut, self._chain = state.in_flight, state.cuts, state.history
        self.statements = state.statements
        self._pool, self._sizes, self._pool_bytes = {}, {}, 0
        for window in state.pool:
            self._keep(window)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _link(self, history: bytes) -> None:
        """What the centre holds now is all sent, or given up, by this node."""
        self._chain.append(history)
        del self._chain[:-CHAIN_KEPT]

    def _put(self, window: Window) -> None:
        known = self._pool.get(_key(window))
        self._keep(window if known is None else merge(known, window, window.start, window.width_s))

    def _keep(self, window: Window) -> None:
        """In the pool, in place of what has its key."""
        key, size = _key(window), len(encode(window))
        self._pool_bytes += size - self._sizes.get(key, 0)
        self._pool[key], self._sizes[key] = window, size

    def _drop(self, key: Key) -> Window:
        """Out of the pool."""
        self._pool_bytes -= self._sizes.pop(key)
        return self._pool.pop(key)

    def _take(self) -> list[Window]:
        """The newest windows that fit one batch, out of the pool."""
        taken: list[Window] = []
        room = min(BATCH_BYTES_AIM, BATCH_BYTES_MAX) - _HEADER_BYTES
        for key in sorted(self._pool, reverse=True):
            rest: Window | None = self._pool[key]
            while rest is not None:
                piece, left = split(rest)
                room -= self._sizes[key] if piece is self._pool[key] else len(encode(piece))
                if taken and room < 0:
                    self._keep(rest)
                    return taken
                taken.append(piece)
                rest = left
            self._drop(key)
        return taken

    def _coarsen(self) -> None:
        """Merge what is old; while the pool is still beyond its bounds, call younger windows old."""
        urgency = 1
        self._merge_older(urgency)
        while urgency < 2**24 and self._over_limit():
            urgency *= 4
            self._merge_older(urgency)
        while len(self._pool) > POOL_WINDOWS_MAX:
            self._merge_oldest()
        for key in sorted(self._pool):
            if not self._over_limit():
                break
            self._keep(withhold_cells(self._pool[key]))

    def _over_limit(self) -> bool:
        cells = sum(len(window.cells) for window in self._pool.values())
        return len(self._pool) > POOL_WINDOWS_MAX or cells > POOL_CELLS_MAX

    def _merge_older(self, urgency: int) -> None:
        for key in sorted(self._pool):
            window = self._pool[key]
            age_s = (self._newest_ms - window.end) // 1000 * urgency
            width_s = window.width_s
            for narrow_s, keep_s in COARSER:
                wider_s = next((wider for wider, _ in COARSER if wider > narrow_s), WIDTH_S_MAX)
                if width_s <= narrow_s and age_s > keep_s and self._is_over(window.start, wider_s):
                    width_s = wider_s
            if width_s != window.width_s:
                self._drop(key)
                start = window.start - window.start % (width_s * 1000)
                self._put(msgspec.structs.replace(window, start=start, width_s=width_s))

    def _is_over(self, start: int, width_s: int) -> bool:
        """Whether the time that `start` (Unix ms) is in, at this width, ends not far after the newest window: the
        centre takes none that lies ahead."""
        end = start - start % (width_s * 1000) + width_s * 1000
        return end <= self._newest_ms + WINDOW_AHEAD_S_MAX * 500

    def _merge_oldest(self) -> None:
        """Four weeks wide and still too many: the two oldest of one scenario become one, whatever its width."""
        earlier: dict[str, Key] = {}
        for key in sorted(self._pool):
            if key[2] in earlier:
                old, young = self._drop(earlier[key[2]]), self._drop(key)
                end = max(old.end, young.end)
                self._put(merge(old, young, old.start, (end - old.start) // 1000))
                return
            earlier[key[2]] = key
        raise AssertionError(f"{len(self._pool)} windows wait, all of different scenarios, which come from the code")


def _key(window: Window) -> Key:
    return (window.start, window.width_s, window.scenario)
