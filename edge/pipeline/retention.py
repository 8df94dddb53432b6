"""Rows past their retention leave the journal when the core remembers nothing of them any more.

Age is the node's own, counted in rounds and monotonic time. A wall clock that starts years ahead deletes nothing; time
in which the node was switched off hardly counts, so rows stay for at least their retention, never less.
"""

from ..clock import Clock
from ..core.model import Configure
from ..journal.journal import Journal
from ..limits import AGE_STEP_MS_MAX, SNAPSHOT_SPACING_MS
from .pipeline import Pipeline


class Retention:
    """Call `check` every RETENTION_CHECK_S, and `bound` every few seconds."""

    def __init__(self, pipeline: Pipeline, journal: Journal, clock: Clock) -> None:
        self._pipeline, self._journal, self._clock = pipeline, journal, clock
        self._number, self._age_ms = pipeline.node.number, pipeline.node.age_ms

    def check(self) -> None:
        """A core that had nothing to do grows older by a round, and a quiet node keeps a snapshot now and then, because
        rows leave up to a snapshot. Then they leave."""
        pipeline = self._pipeline
        if pipeline.full or pipeline.broken or pipeline.node.rules is None:
            return
        if (self._clock.now().mono - pipeline.node.last.mono) * 2000 > AGE_STEP_MS_MAX:
            pipeline.post([Configure(pipeline.node.rules)])
        node = pipeline.node
        if node.number > self._number and node.age_ms - self._age_ms >= SNAPSHOT_SPACING_MS:
            self._number, self._age_ms = node.number, node.age_ms
            pipeline.snapshots.take()
        self._journal.prune(node.dedup.prunable)

    def bound(self, bytes_max: float) -> None:
        """While the journal holds more than `bytes_max` (0: no bound) no publish is taken. Only what is past its
        retention makes room: an answer that was promised stays for as long as was promised."""
        self._pipeline.ingest.closed = 0 < bytes_max <= self._journal.counters.used_bytes
