"""From what was seen to the figures of the report.

The p99 of a phase is the median over slices of SLICE_ORDERS orders of each slice's p99: what else the machine does for
a second disturbs one slice, not the figure. The ratio's interval comes from drawing slices anew (bootstrap). p99 over
all orders of a phase stands beside it. "Before" are the quiet times on both sides of the outages. A drain is over in
a fraction of a second, so each is one slice, together with the AFTER_S in which its rows are deleted; slices of as many
orders stand for the times before.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from .outages import Ended, Outage
from .proof import Proof
from .watch import Sample

SLICE_ORDERS: Final = 250
RESAMPLES: Final = 2_000
WELCOME_S: Final = 0.25
"""Between the node's connection and the first batch that the centre has stored, as far as it counts as drain: the wait
for the next attempt to connect does not."""

AFTER_S: Final = 1.0

KILL_MARGIN_S: Final = (0.5, 2.0)
"""Orders due from so long before a kill until so long after everybody is back are counted apart."""

HOUR_MS: Final = 3_600_000
Values = NDArray[np.float64]
Ratio = tuple[float, float, float]
"""The ratio, and both ends of its 90 % interval."""


def report(ended: Ended, proof: Proof) -> dict[str, Any]:
    """Everything but the machine."""
    orders, quiet = ended.orders, [o for o in ended.outages if not o.kills]
    measured = quiet or ended.outages
    before = [_calm(ended, o.quiet_at, o.cut_at) for o in ended.outages]
    before.append(_calm(ended, ended.outages[-1].drained_at + 1.0, ended.ended_at))
    during = [_calm(ended, o.cut_at + 1.0, o.restored_at) for o in measured]
    draining = [_calm(ended, o.connected_at - WELCOME_S, o.drained_at + AFTER_S) for o in measured]
    steady, cut, drain = np.concatenate(before), np.concatenate(during), np.concatenate(draining)
    local = ratio(slices_p99(cut), slices_p99(steady))
    whole = ended.status["sync"]
    first = measured[0]
    growth = growths(ended.watch.samples, first)
    drained = [values for values in map(_answered, draining) if len(values)]
    size = max(int(np.mean([len(values) for values in drained])), 1) if drained else SLICE_ORDERS
    live = ratio(np.array([_p99(values) for values in drained]), slices_p99(steady, size))
    return {
        "benchmark": "outage",
        "lost": proof.lost,
        "doubled": proof.doubled,
        "local_p99_ratio": local and local[0],
        "local_p99_ratio_90": local and local[1:],
        "backlog_bytes_max": max(sample.backlog_bytes for sample in ended.watch.samples),
        "outbox_disk_bytes_max": max(o.outbox_disk_bytes for o in ended.outages),
        "disk_bytes_max": max(sample.disk_bytes for sample in ended.watch.samples),
        "drain_s": round(max(o.drained_at - o.restored_at for o in ended.outages), 2),
        "drain_live_p99_ratio": live and live[0],
        "drain_live_p99_ratio_90": live and live[1:],
        "events_represented": max(o.events for o in ended.outages),
        "minutes_offline": ended.plan.minutes_offline,
        "local_ms": {"before": quantiles(steady), "cut": quantiles(cut), "drain": quantiles(drain)},
        "node_cpu_us_an_event": {
            "before": cpu_us(ended.watch.samples, [(o.quiet_at, o.cut_at) for o in measured]),
            "cut": cpu_us(ended.watch.samples, [(o.cut_at, o.restored_at) for o in measured]),
        },
        "backlog_growth": growth,
        "outages": [_outage(o) for o in ended.outages],
        "kills": [asdict(kill) for o in ended.outages for kill in o.kills],
        "restarts": _restarts(ended),
        "proof": asdict(proof),
        "events": {
            "told": ended.crowd.sent,
            "resent": ended.crowd.resent,
            "at_node": whole["events_at_node"],
            "at_centre": ended.summary["events"],
            "discarded": whole["events_discarded"],
        },
        "orders": {
            "sent": orders.count,
            "without_rider": orders.unanswered,
            "late_share": round(orders.late_share, 4),
        },
        "centre": {name: ended.centre.get(name) for name in ("batches", "repeats", "refused", "bytes", "alarms")},
        "plan": asdict(ended.plan),
        "timeline": timeline(ended),
    }


def slices_p99(values: Values, size: int = SLICE_ORDERS) -> Values:
    """The p99 of each slice of about so many orders."""
    answered = _answered(values)
    if not len(answered):
        return np.zeros(0)
    return np.array([_p99(part) for part in np.array_split(answered, max(len(answered) // size, 1))])


def ratio(ours: Values, theirs: Values) -> Ratio | None:
    """The median of our slices' p99 over that of theirs, with its 90 % interval; None where one has no orders."""
    if not len(ours) or not len(theirs):
        return None
    dice = np.random.default_rng(1)
    drawn = np.median(dice.choice(ours, (RESAMPLES, len(ours))), axis=1) / np.median(
        dice.choice(theirs, (RESAMPLES, len(theirs))), axis=1
    )
    low, high = np.quantile(drawn, [0.05, 0.95])
    return round(float(np.median(ours) / np.median(theirs)), 3), round(float(low), 3), round(float(high), 3)


def growths(samples: Sequence[Sample], outage: Outage) -> dict[str, float]:
    """Bytes that the backlog grew by in an hour of the day: over the first tenth of an outage, and over its last half.
    Coarsening is what makes the second small. Source: straight lines by least squares."""
    cut = [s for s in samples if outage.cut_at <= s.at <= outage.restored_at]
    if len(cut) < 20:
        return {"first_tenth_bytes_per_h": 0.0, "last_half_bytes_per_h": 0.0}
    length = cut[-1].wall_ms - cut[0].wall_ms
    first = [s for s in cut if s.wall_ms <= cut[0].wall_ms + max(length / 10, cut[3].wall_ms - cut[0].wall_ms)]
    last = [s for s in cut if s.wall_ms >= cut[0].wall_ms + length / 2]
    return {"first_tenth_bytes_per_h": _line(first), "last_half_bytes_per_h": _line(last)}


def cpu_us(samples: Sequence[Sample], phases: Sequence[tuple[float, float]]) -> float:
    """Processor time of the node for each event that it received in these phases: what a busy machine cannot spoil.
    Phases must be free of kills; 0.0 where they hold no events."""
    cpu_s, events = 0.0, 0
    for begin, end in phases:
        inside = [s for s in samples if begin <= s.at <= end]
        if inside:
            cpu_s += inside[-1].cpu_s - inside[0].cpu_s
            events += inside[-1].events - inside[0].events
    return round(max(cpu_s, 0.0) / events * 1e6, 1) if events > 0 else 0.0


def quantiles(values: Values) -> dict[str, float | int]:
    """p50, p99 and the most, in ms, of the orders that were answered."""
    answered = _answered(values)
    if not len(answered):
        return {"orders": len(values), "p50": 0.0, "p99": 0.0, "max": 0.0, "p99_of_slices": 0.0}
    p50, p99, most = np.quantile(answered, [0.5, 0.99, 1.0], method="higher")
    return {
        "orders": len(values),
        "p50": round(float(p50), 3),
        "p99": round(float(p99), 3),
        "max": round(float(most), 3),
        "p99_of_slices": round(float(np.median(slices_p99(values))), 3),
    }


def timeline(ended: Ended) -> dict[str, list[Any]]:
    """Columns for a plot: real seconds from the first order, simulated hours, and what was waiting then."""
    begun, samples = ended.orders.begun, ended.watch.samples
    first = samples[0].wall_ms
    return {
        "s": [round(s.at - begun, 2) for s in samples],
        "hours": [round((s.wall_ms - first) / HOUR_MS, 3) for s in samples],
        "backlog_bytes": [s.backlog_bytes for s in samples],
        "windows": [s.windows for s in samples],
        "events_waiting": [s.events - s.events_acked for s in samples],
        "rss_mb": [s.rss_mb for s in samples],
        "disk_bytes": [s.disk_bytes for s in samples],
        "cuts": [[round(o.cut_at - begun, 2), round(o.restored_at - begun, 2)] for o in ended.outages],
        "drained": [round(o.drained_at - begun, 2) for o in ended.outages],
        "kills": [round(kill.at - begun, 2) for o in ended.outages for kill in o.kills],
        **_by_second(ended),
    }


def _by_second(ended: Ended) -> dict[str, list[float]]:
    """p99 of the orders due in each real second, where any were answered."""
    begun, seconds, p99s = ended.orders.begun, [], []
    for second in range(int(ended.ended_at - begun)):
        values = ended.orders.between(begun + second, begun + second + 1)
        answered = _answered(values)
        if len(answered):
            seconds.append(float(second))
            p99s.append(round(_p99(answered), 2))
    return {"p99_s": seconds, "p99_ms": p99s}


def _calm(ended: Ended, begin: float, end: float) -> Values:
    """Latencies of the orders due then, but for those about a kill."""
    values, due = ended.orders.between(begin, end), ended.orders.dues(begin, end)
    keep = np.ones(len(due), bool)
    for kill in [kill for o in ended.outages for kill in o.kills]:
        keep &= (due < kill.at - KILL_MARGIN_S[0]) | (due > kill.at + kill.everybody_s + KILL_MARGIN_S[1])
    return values[keep]


def _restarts(ended: Ended) -> dict[str, Any]:
    """How orders fared about the kills."""
    kills = [kill for o in ended.outages for kill in o.kills]
    about = [ended.orders.between(k.at - KILL_MARGIN_S[0], k.at + k.everybody_s + KILL_MARGIN_S[1]) for k in kills]
    return {
        "kills": len(kills),
        "ready_s_max": round(max((k.ready_s for k in kills), default=0.0), 2),
        "local_ms": quantiles(np.concatenate(about)) if about else quantiles(np.zeros(0)),
    }


def _outage(o: Outage) -> dict[str, Any]:
    drain_s = max(o.drained_at - o.connected_at, 0.001)
    return {
        "offline_s": round(o.restored_at - o.cut_at, 2),
        "windows": o.windows,
        "events": o.events,
        "backlog_bytes": o.backlog_bytes,
        "outbox_disk_bytes": o.outbox_disk_bytes,
        "batches": o.batches,
        "reconnect_s": round(o.connected_at - o.restored_at, 2),
        "drain_s": round(o.drained_at - o.restored_at, 2),
        "windows_per_s": round(o.windows / drain_s, 1),
        "events_per_s": round(o.events / drain_s, 1),
        "kills": len(o.kills),
    }


def _line(samples: Sequence[Sample]) -> float:
    hours = np.array([s.wall_ms for s in samples], float) / HOUR_MS
    return round(float(np.polyfit(hours - hours[0], [s.backlog_bytes for s in samples], 1)[0]), 1)


def _answered(values: Values) -> Values:
    """Without the orders that got no rider."""
    return values[~np.isnan(values)]


def _p99(values: Values) -> float:
    return float(np.quantile(values, 0.99, method="higher"))
