"""What the uplink shows of itself in the status, and the report that it sends to the centre."""

from typing import TYPE_CHECKING

from ..core.node import Node
from ..health.status import Queue, Status, Value
from ..limits import BATCHES_IN_FLIGHT_MAX, WINDOW_GRACE_S
from ..log.writer import VERSION
from ..messages.sync.report import NodeReport, problem_names

if TYPE_CHECKING:
    from .sync import Sync


def gauges(sync: "Sync", node: Node) -> dict[str, dict[str, Value]]:
    """The section `sync` of the status: what was sent, what the centre has, what waits for it in the core."""
    outbox = node.outbox
    age_s = sync.last_ack_age_s
    values: dict[str, Value] = {
        **{f"refused_{reason}": count for reason, count in sync.refused.items()},
        "connected": sync.connected,
        "epoch": outbox.epoch,
        "batches_sent": sync.batches_sent,
        "batches_acked": sync.batches_acked,
        "batches_repeated": sync.batches_repeated,
        "bytes": sync.bytes,
        "in_flight": len(outbox.in_flight()),
        "pool_windows": outbox.windows_waiting,
        "backlog_bytes": outbox.backlog_bytes,
        "last_ack_age_s": None if age_s is None else round(age_s, 1),
        "events_at_node": node.counts.received,
        "events_acked": outbox.events_acked,
        "events_waiting": outbox.events_waiting + sum(window.events for window in node.windows.open()),
        "events_discarded": outbox.events_discarded,
        "gave_up": sync.gave_up,
        "protocol_errors": outbox.protocol_errors + sync.protocol_errors,
        "refused": sync.is_refused,
        "error": sync.error or None,
    }
    return {"sync": values}


def queues(sync: "Sync") -> dict[str, Queue]:
    """The last two stages: batches that could be sent (a stall: an uplink that does not send them), and those sent
    and not acknowledged (a centre that does not answer)."""
    return {
        "send": Queue(lambda: sync.unsent, lambda: sync.batches_sent, BATCHES_IN_FLIGHT_MAX),
        "sync": Queue(lambda: sync.in_flight, lambda: sync.batches_acked, BATCHES_IN_FLIGHT_MAX),
    }


def report_of(node: Node, status: Status, wall_ms: int) -> NodeReport:
    """How the node is at `wall_ms` (Unix ms): nothing in it names a person."""
    outbox, opened = node.outbox, node.windows.open()
    wall_ms = max(wall_ms, 0)
    sealed = max(wall_ms - WINDOW_GRACE_S * 1000, 0)
    return NodeReport(
        at=wall_ms,
        version=VERSION,
        complete_until=min([sealed, *(window.start for window in opened)]),
        epoch=outbox.epoch,
        numbered=outbox.through + len(outbox.in_flight()),
        pool=outbox.windows_waiting,
        waiting=outbox.events_waiting + sum(window.events for window in opened),
        problems=problem_names(status.open_problems),
    )
