"""Batches as nodes send them: a busy one has 2 windows of 25 counters and 4 sketches, a small one 1 of 5 and 1."""

import random
from hashlib import sha256
from typing import Final

import zstandard
from msgspec import Struct

from edge.messages.batches import NO_BATCH, BatchMessage, Measure, Window, chain_hash, encode_body, fold
from edge.uplink.sync import COMPRESSION_LEVEL

MARK: Final = "bench.batches"
"""A counter that is 1 in each batch: its sum is how many batches are stored, in whatever tier."""

VARIANTS: Final = 64


class Shape(Struct, frozen=True):
    """What a batch has. `values` are those of each sketch: at 500 its centroids are all in use."""

    scenarios: tuple[str, ...]
    counters: int
    sketches: int
    values: int


BUSY: Final = Shape(("dispatch", "labels"), 25, 4, 500)
SMALL: Final = Shape(("dispatch",), 5, 1, 20)


class Maker:
    """Makes the windows of a shape: VARIANTS different ones in turn, so that making them costs little."""

    def __init__(self, shape: Shape, seed: int = 1) -> None:
        chance = random.Random(seed)
        self._shape = shape
        self._compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL)
        names = [f"accepted.order.kind_{number}" for number in range(shape.counters)]
        self._counters = [{name: chance.randrange(1, 500) for name in names} for _ in range(VARIANTS)]
        self._measures = [self._sketches(chance) for _ in range(VARIANTS)]

    def _sketches(self, chance: random.Random) -> dict[str, Measure]:
        found: dict[str, Measure] = {}
        for number in range(self._shape.sketches):
            values = [int(chance.lognormvariate(3, 1)) for _ in range(self._shape.values)]
            found[f"measure_{number}_ms"] = Measure(len(values), sum(values), fold(b"", values))
        return found

    def windows(self, start: int, variant: int) -> list[Window]:
        """The windows of the minute that begins at `start` (Unix ms)."""
        made: list[Window] = []
        for number, scenario in enumerate(self._shape.scenarios):
            chosen = (variant + number) % VARIANTS
            counters = dict(self._counters[chosen])
            if number == 0:
                counters.popitem()
                counters[MARK] = 1
            measures = self._measures[(variant * 7 + number) % VARIANTS]
            made.append(Window(scenario, start, 60, 500, dict(sorted(counters.items())), measures, []))
        return made

    def batch(self, chain: "Chain", start: int) -> BatchMessage:
        """The next batch of a chain."""
        body = encode_body(self.windows(start, chain.seq))
        return chain.append(sha256(body).digest(), self._compressor.compress(body))


class Chain(Struct):
    """Where a node stands: the hash after each of its batches, from the acknowledged one on."""

    epoch: int = 1
    seq: int = 0
    head: bytes = NO_BATCH
    history: bytes = NO_BATCH

    def append(self, digest: bytes, body: bytes) -> BatchMessage:
        """One batch more."""
        self.seq += 1
        message = BatchMessage(
            epoch=self.epoch, seq=self.seq, sha256=digest, previous=self.head, body=body, history=self.history
        )
        self.head, self.history = digest, chain_hash(self.history, digest)
        return message
