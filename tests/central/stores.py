"""Stores for tests: how they are opened, and windows and batches to put into them."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import zstandard
from msgspec import Struct

from central.ingest.admit import Bounds
from central.ingest.validate import BatchOutcome, store_all
from central.ingest.verify import NodeRecord, taken
from central.store.open import open_reader, open_store
from central.store.reader import Reader
from central.store.store import Store
from central.store.tiers import BUCKETS
from edge.messages.batches import (
    NO_BATCH,
    SYNC_HELLO,
    BatchMessage,
    Cell,
    Hello,
    Measure,
    Window,
    encode,
    encode_body,
    fold,
)
from edge.mqtt.seam import Publish

START = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""

CELL = 613344508561588223
HOUR_MS = 3_600_000
BOUNDS = Bounds(k_anonymity=2, rows_per_day_max=1_000_000)


class Place(Struct, frozen=True):
    """Where a store is: a folder, or a URL with its password."""

    where: Path | str
    password: str = ""

    def store(self, timezone: str = "UTC", *, sums_beside: bool = False) -> Store:
        """Opened to write."""
        return open_store(self.where, timezone, self.password, sums_beside=sums_beside)

    def reader(self, timezone: str = "UTC") -> Reader:
        """Opened to read."""
        return open_reader(self.where, timezone, self.password)


def windows(seq: int) -> list[Window]:
    """Two scenarios, with everything that a window may have."""
    start = START + seq % 2 * 60_000
    measures = {"ms": Measure(2, 30, fold(b"", [10, 20]))}
    cells = [Cell(CELL, "x", start, start + 60_000, 5)]
    return [
        Window("dispatch", start, 60, 5, {"x": 5, "y": 1}, measures, cells),
        Window("other", start, 600, 1, {"x": 1}, {}, []),
    ]


def merge(store: Store, seq: int, items: list[Window], node: str = "n1", at: int = START) -> None:
    """Store `items` as the next batch of `node`."""
    with store.group([node], [node]) as group:
        record = group.record(node) or NodeRecord(node=node, instance="i1", boot="b1", epoch=1)
        body = encode_body(items)
        batch = BatchMessage(
            epoch=1,
            seq=seq,
            sha256=sha256(body).digest(),
            previous=NO_BATCH,
            body=zstandard.compress(body),
            history=record.history,
        )
        group.merge(taken(record, batch, items), batch, items, at)


def record(store: Store, node: str = "n1") -> NodeRecord | None:
    """What a store knows of a node."""
    with store.group([node]) as group:
        return group.record(node)


def hash_of(store: Store, node: str, epoch: int, seq: int) -> bytes | None:
    """The hash that a store has of a batch."""
    with store.group([node]) as group:
        return group.hash_of(node, epoch, seq)


def roll_all(store: Store) -> int:
    """Sum up everything; how many windows that were."""
    done = 0
    for bucket in range(BUCKETS):
        while step := store.roll(bucket):
            done += step
    return done


def ask(
    store: Store, publish: Publish, wall_ms: Callable[[], int] = lambda: START, bounds: Bounds = BOUNDS
) -> BatchOutcome:
    """What becomes of one publish."""
    return store_all(store, [publish], wall_ms, bounds)[0]


def first_hello(node: str) -> Hello:
    """Of a node that was never there."""
    return Hello(
        node=node,
        instance="i1",
        boot="b1",
        epoch=0,
        through=0,
        head=NO_BATCH,
        in_flight=[],
        acked_events=0,
        history=[NO_BATCH],
    )


def hello(node: str) -> Publish:
    """The same, as it is published."""
    return Publish(node, SYNC_HELLO, encode(first_hello(node)), 0, 0)
