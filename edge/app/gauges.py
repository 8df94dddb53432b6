"""The gauges of the status report, and the live map of the operator's page."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from ..clock import Clock
from ..core.scenario import Dot
from ..health.status import Status, Value
from ..journal.journal import Journal
from ..mqtt.server.endpoint import Endpoint
from ..pipeline.pipeline import Pipeline
from ..web.live import LiveView

if TYPE_CHECKING:
    from ..mqtt.client.broker import Broker
    from ..uplink.sync import Sync


def register(
    status: Status,
    pipeline: Pipeline,
    journal: Journal,
    clock: Clock,
    endpoint: Endpoint | None,
    broker: "Broker | None",
    sync: "Sync | None",
) -> None:
    """Register every gauge. The core is looked up at each reading, because a full disk replaces it."""
    status.section("core", lambda: _core(pipeline))
    for name, scenario in pipeline.node.scenarios.items():
        for section in scenario.gauges():
            status.section(section, partial(_of_scenario, pipeline, name, section))
    status.problems(lambda: _problems(pipeline, clock))
    status.section("journal", lambda: _journal(journal, pipeline))
    status.section("link", lambda: _link(endpoint, broker))
    if sync is not None:
        status.section("sync", lambda: _sync(pipeline, sync))


def live(pipeline: Pipeline, clock: Clock) -> LiveView:
    """The layers of all scenarios, for the node's own page only."""
    now = clock.now()
    layers: dict[str, list[Dot]] = {}
    for scenario in pipeline.node.scenarios.values():
        layers.update(scenario.view(now))
    return LiveView(now.wall_ms, layers)


def _of_scenario(pipeline: Pipeline, scenario: str, section: str) -> Mapping[str, Value]:
    return pipeline.node.scenarios[scenario].gauges().get(section, {})


def _problems(pipeline: Pipeline, clock: Clock) -> dict[str, str]:
    now = clock.now()
    found: dict[str, str] = {}
    for scenario in pipeline.node.scenarios.values():
        found.update(scenario.problems(now))
    return found


def _core(pipeline: Pipeline) -> dict[str, Value]:
    """The outcomes of all durable events since the node's first start, across restarts."""
    node = pipeline.node
    values: dict[str, Value] = {
        "received": node.counts.received,
        "accepted": node.counts.accepted,
        "duplicate": node.counts.duplicate,
        "answers_expired": node.pending_answers.expired,
        "answers_overflowed": node.pending_answers.overflowed,
        "answers_delivered": node.pending_answers.delivered,
        "recovery_differences": node.recovery_differences,
        "repeats_dropped_early": node.dedup.dropped_early,
    }
    values.update({f"refused_{reason}": count for reason, count in node.counts.refused.items()})
    values.update({f"shed_{reason}": count for reason, count in node.counts.shed.items()})
    return values


def _journal(journal: Journal, pipeline: Pipeline) -> dict[str, Value]:
    counters = journal.counters
    return {
        "rows": pipeline.node.number,
        "bytes": journal.path.stat().st_size,
        "queued": journal.queued,
        "commits": counters.commits,
        "rows_per_commit": round(counters.rows / max(counters.commits, 1), 2),
        "commit_ms_p50": _median_ms([seconds for _, seconds in counters.groups]),
    }


def _median_ms(seconds: list[float]) -> float:
    return round(sorted(seconds)[len(seconds) // 2] * 1000, 3) if seconds else 0.0


def _link(endpoint: Endpoint | None, broker: "Broker | None") -> dict[str, Value]:
    values: dict[str, Value] = {}
    if endpoint is not None:
        values.update(
            connections=endpoint.connections,
            sessions=endpoint.sessions,
            takeovers=endpoint.takeovers,
            connects_refused=endpoint.connects_refused,
            connections_refused=endpoint.connections_refused,
            slow_readers=endpoint.slow_readers,
            answers_oversized=endpoint.answers_skipped,
            accept_pauses=endpoint.shortage.pauses,
            listeners_paused=endpoint.shortage.paused,
        )
    if broker is not None:
        values.update(
            connected=broker.connected,
            session_present=broker.session_present,
            sessions_lost=broker.sessions_lost,
            reconnects=broker.reconnects,
            answers_unheld=broker.unheld,
            answers_refused=broker.refused,
            answers_oversized=broker.oversized,
            error=broker.error or None,
        )
    return values


def _sync(pipeline: Pipeline, sync: "Sync") -> dict[str, Value]:
    outbox = pipeline.node.outbox
    refused = {f"refused_{reason}": count for reason, count in sync.refused.items()}
    return {
        **refused,
        "connected": sync.connected,
        "epoch": outbox.epoch,
        "batches_sent": sync.batches_sent,
        "batches_acked": sync.batches_acked,
        "batches_repeated": sync.batches_repeated,
        "bytes": sync.bytes,
        "in_flight": len(outbox.in_flight()),
        "pool_windows": outbox.windows_waiting,
        "backlog_bytes": outbox.backlog_bytes,
        "last_ack_age_s": None if sync.last_ack_age_s is None else round(sync.last_ack_age_s, 1),
        "events_at_node": pipeline.node.counts.received,
        "events_acked": outbox.events_acked,
        "events_waiting": outbox.events_waiting + sum(window.events for window in pipeline.node.windows.open()),
        "events_discarded": outbox.events_discarded,
        "gave_up": sync.gave_up,
        "protocol_errors": outbox.protocol_errors + sync.protocol_errors,
        "error": sync.error or None,
    }
