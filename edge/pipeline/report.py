"""What the core and the disk report of themselves: gauges, queues, problems, and the map.

Stalls are detected by the queues of all stages: how many wait, and a growing count of those that were processed.

    stage     what waits                                        the fault that a stall shows
    decode    reads that wait for their turn of the loop        a turn that never comes
    decide    a deadline of the core that has passed            a lost timer
    commit    rounds that wait for the disk                     a disk that hangs, a writer that stopped
    publish   clients with answers waiting and room for them    answers that are not sent
    seal      a window that is past its end                     windows that stay open
    cut       sealed windows that could be numbered             an outbox that makes no batches

The uplink has two more (`uplink.sync`). `checks.STALL_CHECKS` defines when a stall is a fault, and whether a restart
helps.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from ..clock import Clock
from ..core.node import Node
from ..core.scenario import Dot
from ..health.status import Queue, Status, Value
from ..journal.journal import COMMIT_QUEUE_ROWS_MAX, Journal
from ..limits import ANSWERS_PENDING_MAX, CONNECTIONS_MAX, POOL_WINDOWS_MAX
from ..log.events import RECOVERY
from .pipeline import Pipeline

DEADLINE_LATE_S: Final = 1.0
"""A deadline of the core that passed this long ago without a round waits for a timer that will not come."""


class PipelineReport:
    """Reports of one pipeline and its journal. `unsent` is how many clients have answers waiting and room for them. The
    core is looked up at each reading, because a full disk replaces it."""

    def __init__(self, pipeline: Pipeline, journal: Journal, clock: Clock, unsent: Callable[[], int]) -> None:
        self._pipeline, self._journal, self._clock, self._unsent = pipeline, journal, clock, unsent

    @property
    def _node(self) -> Node:
        return self._pipeline.node

    def gauges(self) -> Mapping[str, Mapping[str, Value]]:
        """The outcomes of all durable events since the node's first start, across restarts; the journal; and what the
        scenarios report."""
        sections: dict[str, Mapping[str, Value]] = {"core": self._core(), "journal": self._of_journal()}
        for scenario in self._node.scenarios.values():
            sections.update(scenario.gauges())
        return sections

    def problems(self) -> dict[str, str]:
        """What is wrong from the scenarios' point of view."""
        now = self._clock.now()
        return {
            name: text for scenario in self._node.scenarios.values() for name, text in scenario.problems(now).items()
        }

    def layers(self) -> dict[str, list[Dot]]:
        """The map as it is now: for the node's own page only."""
        now = self._clock.now()
        return {name: dots for scenario in self._node.scenarios.values() for name, dots in scenario.view(now).items()}

    def queues(self) -> dict[str, Queue]:
        """Every stage but those of the uplink, the answers, and the scenarios' queues, which are only shown."""
        pipeline = self._pipeline
        number = lambda: self._node.number
        queues = {
            "decode": Queue(lambda: len(pipeline.ingest), lambda: pipeline.ingest.taken, CONNECTIONS_MAX),
            "decide": Queue(lambda: self._late(self._node.next_decision()), number, 1),
            "commit": Queue(lambda: pipeline.in_flight, lambda: pipeline.committed, COMMIT_QUEUE_ROWS_MAX),
            "publish": Queue(self._unsent, lambda: self._node.pending_answers.delivered, CONNECTIONS_MAX),
            "seal": Queue(
                lambda: self._late(self._node.windows.next_deadline()), lambda: self._node.outbox.events_sealed, 1
            ),
            "cut": Queue(self._uncut, lambda: self._node.outbox.numbered, POOL_WINDOWS_MAX),
        }
        for name, scenario in self._node.scenarios.items():
            for queue, (_, limit) in scenario.queues().items():
                queues[queue] = Queue(partial(self._waiting, name, queue), number, limit)
        answers = Queue(lambda: len(self._node.pending_answers), lambda: self._node.sequence, ANSWERS_PENDING_MAX)
        return {**queues, "answers": answers}

    def _core(self) -> dict[str, Value]:
        node = self._node
        return {
            "received": node.counts.received,
            "accepted": node.counts.accepted,
            "duplicate": node.counts.duplicate,
            "answers_expired": node.pending_answers.expired,
            "answers_overflowed": node.pending_answers.overflowed,
            "answers_outdated": node.pending_answers.outdated,
            "answers_delivered": node.pending_answers.delivered,
            "recovery_differences": node.recovery_differences,
            "repeats_dropped_early": node.dedup.dropped_early,
            **{f"refused_{reason}": count for reason, count in node.counts.refused.items()},
            **{f"shed_{reason}": count for reason, count in node.counts.shed.items()},
        }

    def _of_journal(self) -> dict[str, Value]:
        counters = self._journal.counters
        seconds = sorted(seconds for _, seconds in counters.groups)
        return {
            "rows": self._node.number,
            "bytes": self._journal.path.stat().st_size,
            "used_bytes": counters.used_bytes,
            "closed": self._pipeline.ingest.closed,
            "queued": self._journal.queued,
            "commits": counters.commits,
            "rows_per_commit": round(counters.rows / max(counters.commits, 1), 2),
            "commit_ms_p50": round(seconds[len(seconds) // 2] * 1000, 3) if seconds else 0.0,
        }

    def _late(self, deadline: float | None) -> int:
        """Whether a deadline has passed. While the disk is full none counts: that fault has an alarm of its own."""
        if deadline is None or self._pipeline.full or self._pipeline.broken:
            return 0
        return int(self._clock.real_s(self._clock.now().mono - deadline) > DEADLINE_LATE_S)

    def _uncut(self) -> int:
        """While a batch is in flight, the next one waits for the centre's acknowledgement."""
        outbox = self._node.outbox
        idle = outbox.epoch and not outbox.in_flight() and not self._pipeline.full
        return outbox.windows_waiting if idle else 0

    def _waiting(self, scenario: str, queue: str) -> int:
        return self._node.scenarios[scenario].queues()[queue][0]


def warn_recovered(status: Status, alarms: list[str], node: Node) -> None:
    """Report what recovery found, in the log and in the status."""
    if node.recovery_differences:
        text = (
            f"{node.recovery_differences} rows of the journal came out otherwise than recorded: another version of "
            "doorstep made them. What was promised stands; doorstep replay names the first difference."
        )
        alarms = [*alarms, text]
    for number, alarm in enumerate(alarms):
        RECOVERY.write(sentence=alarm)
        status.alarm(f"recovery-{number}", alarm)
