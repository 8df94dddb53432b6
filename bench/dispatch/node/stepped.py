"""Starts `doorstep edge` on the time of a benchmark: `python -m bench.dispatch.node.stepped CONFIG SEAM`.

Its clock stands still until its launcher moves it, and what arrives waits until a round is complete, so that the node
handles at one instant and in one piece what the benchmark did. Nothing else of the node is different.
"""

import mmap
import sys
from pathlib import Path
from struct import Struct as Layout
from typing import Any, Final

from edge.app import run as node
from edge.clock import Clock
from edge.core.model import Now
from edge.mqtt.seam import Publish, Source
from edge.pipeline.pipeline import Pipeline

ASKING: Final = "asking"
"""The client whose question ends each round: its answer comes when the round is on disk and published. It makes a round
also where nothing but a deadline has come."""

LONG_S: Final = 3600.0
"""Real seconds: longer than a run."""

_LAYOUT: Final = Layout("<dqq")
_COUNT: Final = Layout("<q")
_COUNT_AT: Final = 16


class Seam:
    """A file in the memory of both processes: the instant, which the launcher writes, and how many messages the node
    has read, which the node writes."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_LAYOUT.size))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _LAYOUT.size)

    @property
    def now(self) -> Now:
        """The instant of the next round."""
        mono, wall_ms, _ = _LAYOUT.unpack_from(self._shared)
        return Now(mono, wall_ms)

    @now.setter
    def now(self, now: Now) -> None:
        self._shared[:_COUNT_AT] = _LAYOUT.pack(now.mono, now.wall_ms, 0)[:_COUNT_AT]

    @property
    def read(self) -> int:
        """Messages that the node has read."""
        return _COUNT.unpack_from(self._shared, _COUNT_AT)[0]

    @read.setter
    def read(self, count: int) -> None:
        self._shared[_COUNT_AT:] = _COUNT.pack(count)


class SteppedClock(Clock):
    """The instant of the round that was complete last."""

    def __init__(self, seam: Seam) -> None:
        super().__init__()
        self.instant = seam.now

    def now(self) -> Now:
        """It does not move by itself."""
        return self.instant

    def mono(self) -> float:
        """Its monotonic half."""
        return self.instant.mono

    def real_s(self, seconds: float) -> float:  # noqa: ARG002 only the launcher knows
        """No timer of the core goes off within one run: what is due comes with a round."""
        return LONG_S


def main() -> int:
    """The node as it always runs, but for its time."""
    config, path = sys.argv[1:]
    seam = Seam(Path(path))
    clock = SteppedClock(seam)

    held: list[tuple[Source, list[Publish], float]] = []

    class SteppedPipeline(Pipeline):
        """Keeps what was read until the question that ends the round."""

        def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
            held.append((source, publishes, read_at))
            if any(each.client == ASKING for each in publishes):
                clock.instant = seam.now
                for read in held:
                    super().received(*read)
                held.clear()
            seam.read += len(publishes)

        def _flush(self) -> None:
            """Counts and deliveries go along with the next round: one of their own, at a moment of real time, might
            decide what the benchmark decides in its next one."""

    stepped: Any = node
    stepped.Clock, stepped.Pipeline = lambda *_: clock, SteppedPipeline
    return node.run(config)


if __name__ == "__main__":
    sys.exit(main())
