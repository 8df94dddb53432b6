"""The queues of all stages, by which stalls are detected: the depth, and a growing count of processed items.

    stage     what waits                                        the fault that a stall shows
    decode    reads that wait for their turn of the loop        a turn that never comes
    decide    a deadline of the core that has passed            a lost timer
    commit    rounds that wait for the disk                     a disk that hangs, a writer that stopped
    publish   clients with answers waiting and room for them    answers that are not sent
    seal      a window that is past its end                     windows that stay open
    cut       sealed windows that could be numbered             an outbox that makes no batches
    send      batches that could be sent                        an uplink that does not send them
    sync      batches sent and not acknowledged                 a centre that does not answer

`status` samples them; `checks.STALL_CHECKS` defines when a stall is a fault, and whether a restart helps.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from ..clock import Clock
from ..core.node import Node
from ..health.status import Status
from ..limits import (
    ANSWERS_PENDING_MAX,
    BATCHES_IN_FLIGHT_MAX,
    COMMIT_QUEUE_ROWS_MAX,
    CONNECTIONS_MAX,
    POOL_WINDOWS_MAX,
)
from ..mqtt.server.endpoint import Endpoint
from ..pipeline.pipeline import Pipeline

if TYPE_CHECKING:
    from ..mqtt.client.broker import Broker
    from ..uplink.sync import Sync

DEADLINE_LATE_S: Final = 1.0
"""A deadline of the core that passed this long ago without a round waits for a timer that will not come."""


def watch(
    status: Status,
    pipeline: Pipeline,
    clock: Clock,
    endpoint: Endpoint | None,
    broker: "Broker | None",
    sync: "Sync | None",
) -> None:
    """Register every stage. While the disk is full no deadline counts: that fault has an alarm of its own."""

    def late(deadline: float | None) -> int:
        serving = not (pipeline.full or pipeline.broken)
        return int(serving and deadline is not None and clock.real_s(clock.now().mono - deadline) > DEADLINE_LATE_S)

    def unsent() -> int:
        return (endpoint.unsent if endpoint else 0) + (broker.waiting if broker else 0)

    def node() -> Node:  # looked up at each reading: a full disk replaces it
        return pipeline.node

    def uncut() -> int:
        outbox = node().outbox
        # While a batch is in flight, the next one waits for the centre's acknowledgement.
        idle = outbox.epoch and not outbox.in_flight()
        return outbox.windows_waiting if idle and not pipeline.full else 0

    status.queue("decode", lambda: pipeline.reads_waiting, lambda: pipeline.reads, CONNECTIONS_MAX)
    status.queue("decide", lambda: late(node().next_decision()), lambda: node().number, 1)
    status.queue("commit", lambda: pipeline.in_flight, lambda: pipeline.committed, COMMIT_QUEUE_ROWS_MAX)
    status.queue("publish", unsent, lambda: node().pending_answers.delivered, CONNECTIONS_MAX)
    status.queue("seal", lambda: late(node().windows.next_deadline()), lambda: node().outbox.events_sealed, 1)
    status.queue("cut", uncut, lambda: node().outbox.numbered, POOL_WINDOWS_MAX)
    for name, scenario in node().scenarios.items():
        for queue, (_, limit) in scenario.queues().items():
            status.queue(queue, partial(_depth, node, name, queue), lambda: node().number, limit)
    status.queue("answers", lambda: len(node().pending_answers), lambda: node().sequence, ANSWERS_PENDING_MAX)
    if sync is not None:
        status.queue("send", lambda: sync.unsent, lambda: sync.batches_sent, BATCHES_IN_FLIGHT_MAX)
        status.queue("sync", lambda: sync.in_flight, lambda: sync.batches_acked, BATCHES_IN_FLIGHT_MAX)


def _depth(node: Callable[[], Node], scenario: str, queue: str) -> int:
    return node().scenarios[scenario].queues()[queue][0]
