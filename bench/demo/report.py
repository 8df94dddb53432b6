"""The run in figures: the JSON that `doorstep demo --json` writes, and the few lines that a person reads at the end.

Names that others rely on are in the README; every duration has its unit in its name. Latencies are real milliseconds
from the instant at which the event was due, so that a slow sender counts against the result and not for it; of the
assignment, only orders that the node offered at once count, those that had to wait for a rider are in `waited`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from .district.instance import Instance
from .proof import labels
from .proof.evidence import Evidence
from .proof.invariants import Case, InvariantResult
from .proof.records import Records

TROUBLE: Final = ("failed", "sent_again", "returned", "assigned", "held", "released", "breaks")
"""What went otherwise than planned, as the journal has it."""

STAGES: Final = ("queue", "decode", "decide", "commit", "publish", "total")
MINUTE_MS: Final = 60_000
FORGIVEN_MIN: Final = 5
"""Minutes late that most customers forgive."""


class Process(Struct):
    """What was seen of the node's process, all its incarnations together."""

    rss_mb: float = 0.0
    cpu_s: float = 0.0
    restarts: int = 0
    kills: int = 0
    ready_s_max: float = 0.0


class Ended(Struct, kw_only=True):
    """A run that is over: what it was, and what was checked on which evidence. `status` is the node's last account of
    itself, `dropped` its counts of what it could not answer and `sync` of what it sent to the centre, all incarnations
    together; `journal` and `folder` are where things are kept."""

    instance: Instance
    speed: float
    seed: int
    real_s: float
    case: Case
    results: list[InvariantResult]
    status: Mapping[str, Any]
    dropped: Mapping[str, int]
    sync: Mapping[str, int]
    process: Process
    journal: str
    folder: str

    @property
    def held(self) -> bool:
        """Whether every invariant held."""
        return all(result.held for result in self.results)


def build(ended: Ended) -> dict[str, Any]:
    """The report, ready for JSON."""
    case, records, evidence = ended.case, ended.case.records, ended.case.evidence
    return {
        "instance": {
            "name": ended.instance.name,
            "orders": len(ended.instance.orders),
            "riders": len(ended.instance.couriers),
            "shops": len(ended.instance.restaurants),
        },
        "speed": ended.speed,
        "seed": ended.seed,
        "mode": "broker" if case.broker else "endpoint",
        "real_s": round(ended.real_s, 1),
        "whole_day": not case.cut,
        "orders": _orders(records),
        "latency_ms": {
            "receipt": _latency(records.receipt_ms_real),
            "assignment": _latency(assignment_ms(records)),
            "stages": stages(ended.status, "total"),
        },
        "waited": _waited(records),
        "click_to_door_min": _click_to_door(records),
        "promise": _promise(evidence),
        "trouble": {
            **{name: evidence.hands.counts[name] for name in TROUBLE},
            "mute_kitchens": records.counts["mute_kitchens"],
            "slow_rides": records.counts["slow_rides"],
        },
        "labels": labels.section(evidence.labels, records, ended.status.get("labels", {})),
        "sync": {**ended.sync, "events_at_node": case.events_at_node, "events_at_centre": case.events_at_centre},
        "events": {
            "received": evidence.received,
            "accepted": evidence.accepted,
            "duplicate": evidence.duplicate,
            "refused": evidence.refused.total(),
            "shed": evidence.shed.total(),
            "positions_sent": records.counts["positions"],
            "repeats_sent": records.counts["repeats"] + records.counts["resent"],
        },
        "refused": dict(sorted(evidence.refused.items())),
        "dropped": {name: count for name, count in sorted(ended.dropped.items()) if count},
        "node": {"rss_mb": round(ended.process.rss_mb, 1), "cpu_s": round(ended.process.cpu_s, 2)},
        "restarts": {
            "count": ended.process.restarts,
            "killed": ended.process.kills,
            "ready_s_max": round(ended.process.ready_s_max, 2),
        },
        "demo": {"connects": records.counts["connects"], "loop_errors": records.counts["loop_errors"]},
        "journal": {"path": ended.journal, "rows": evidence.rows},
        "data": ended.folder,
        "invariants": {result.name: result.held for result in ended.results},
        "evidence": {result.name: result.evidence for result in ended.results if not result.held},
    }


def lines(report: Mapping[str, Any]) -> list[str]:
    """The end of a run for a person: what happened, how fast, whether the promise was kept, and where things are."""
    orders, latency = report["orders"], report["latency_ms"]
    broken = [name for name, held in report["invariants"].items() if not held]
    sync, waited = report["sync"], report["waited"]["count"]
    text = [
        "{placed} orders placed, {delivered} delivered, {returned} returned, {cancelled} cancelled, {refused} refused, "
        "{undelivered} undelivered, in {real_s:.0f} s.".format(real_s=report["real_s"], **orders),
        "{failed} deliveries failed, {sent_again} were sent out again. The dispatcher assigned {assigned} orders, held "
        "{held}, released {released}. {mute_kitchens} kitchens reported nothing, {slow_rides} rides were slow.".format(
            **report["trouble"]
        ),
        f"Order to receipt: {_pair(latency['receipt'])}.",
        f"Order to the rider's phone: {_pair(latency['assignment'])}; {waited} orders had to wait for a rider.",
        "{bound} shelf labels, {prices_set} prices set, {confirmed} versions confirmed, {resent} sent again.".format(
            **report["labels"]
        ),
        f"{sync['events_at_node']} events at the node, {sync['events_at_centre']} at the centre.",
    ]
    if report["restarts"]["count"]:
        text.append(
            "The node was restarted {count} times; the slowest took {ready_s_max} s.".format(**report["restarts"])
        )
    if broken:
        text.append(f"{len(broken)} of {len(report['invariants'])} invariants DID NOT HOLD:")
        text += [f"  {name}: {report['evidence'][name]}" for name in broken]
    else:
        text.append(f"All {len(report['invariants'])} invariants held.")
    return text


def assignment_ms(records: Records) -> list[float]:
    """Real milliseconds from the due placing to the offer in the rider's hand, of orders offered at once."""
    return [order.offer_ms_real for order in records.orders.values() if order.offered_at_once]


def stages(status: Mapping[str, Any], span: str) -> dict[str, dict[str, float]]:
    """p50 and p99 of the node's stages, ms; `span` is "recent" or "total"."""
    measured = status.get("latency_ms", {}).get(span, {})
    return {
        stage: {"p50": measured[stage].get("p50") or 0.0, "p99": measured[stage].get("p99") or 0.0}
        for stage in STAGES
        if stage in measured
    }


def quantiles(values: Sequence[float], *ranks: float) -> list[float]:
    """By linear interpolation; zeros where there is nothing."""
    if not values:
        return [0.0] * len(ranks)
    return [round(float(value), 3) for value in np.quantile(np.asarray(values), ranks)]


def _orders(records: Records) -> dict[str, int]:
    states = records.order_states()
    orders = records.orders.values()
    accepted = sum(order.receipt is not None and order.receipt.status == "accepted" for order in orders)
    return {
        "placed": records.counts["placed"],
        "accepted": accepted,
        "refused": states["refused"],
        "assigned": sum(bool(order.accepted_by) for order in orders),
        "delivered": states["delivered"],
        "cancelled": states["cancelled"],
        "returned": states["returned"],
        "undelivered": accepted - states["delivered"] - states["cancelled"] - states["returned"],
    }


def _latency(values: Sequence[float]) -> dict[str, float]:
    p50, p99 = quantiles(values, 0.5, 0.99)
    return {"p50": p50, "p99": p99, "max": round(max(values, default=0.0), 3), "count": len(values)}


def _waited(records: Records) -> dict[str, float]:
    """Orders that no rider was free for at once: simulated minutes from placing to the first offer."""
    waits = [
        (order.first_offer_at - order.placed_at) / MINUTE_MS
        for order in records.orders.values()
        if order.first_offer_at and not order.offered_at_once
    ]
    p50, p90 = quantiles(waits, 0.5, 0.9)
    return {"count": len(waits), "min_p50": p50, "min_p90": p90}


def _click_to_door(records: Records) -> dict[str, float]:
    minutes = [
        (order.delivered_at - order.placed_at) / MINUTE_MS
        for order in records.orders.values()
        if order.state == "delivered" and order.delivered_at
    ]
    (p90,) = quantiles(minutes, 0.9)
    return {"mean": round(float(np.mean(minutes)), 2) if minutes else 0.0, "p90": p90}


def _promise(evidence: Evidence) -> dict[str, float]:
    """Promises in receipts against deliveries: how many were given, how many kept, and by how much they were off.
    Errors and shares are those of delivered orders, positive where they came late: a demo ends with some under way."""
    late_min = [
        (evidence.delivered_at[order] - promised) / MINUTE_MS
        for order, promised in evidence.promised.items()
        if promised and order in evidence.delivered_at
    ]
    p50, p90 = quantiles([abs(minutes) for minutes in late_min], 0.5, 0.9)
    measured = max(1, len(late_min))
    return {
        "given": sum(promised > 0 for promised in evidence.promised.values()),
        "kept": sum(minutes <= 0 for minutes in late_min),
        "missed": sum(minutes > 0 for minutes in late_min),
        "error_min_p50": p50,
        "error_min_p90": p90,
        "mean_error_min": round(sum(late_min) / measured, 2),
        "mean_abs_error_min": round(sum(map(abs, late_min)) / measured, 2),
        "late_share": round(sum(minutes > 0 for minutes in late_min) / measured, 3),
        "late_5_share": round(sum(minutes > FORGIVEN_MIN for minutes in late_min) / measured, 3),
    }


def _pair(latency: Mapping[str, float]) -> str:
    return f"p50 {latency['p50']:.1f} ms, p99 {latency['p99']:.1f} ms"
