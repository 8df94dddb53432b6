"""From samples to the verdict: a slope with its interval for everything that must not grow.

Judged are memory and descriptors of node and centre, and the node's disk. Each is looked at twice: over the whole run,
and within the lives of the process, each life with a level of its own. The first WARM_UP share of the run and the
first YOUNG_S of each life are left out. The centre's disk is shown and not judged: it keeps every window for a year,
and the scaled clock makes a day's windows in minutes.
"""

from typing import Any, Final

import numpy as np
from msgspec.structs import asdict

from .run import Ended
from .sampler import Series
from .slope import Slope, blocks, slope

WARM_UP: Final = 0.25
YOUNG_S: Final = 30.0
BLOCK_S: Final = 15.0
JUDGED: Final = (
    ("node", "rss_mb"),
    ("node", "fds"),
    ("node", "disk_mb"),
    ("centre", "rss_mb"),
    ("centre", "fds"),
)
SHOWN_EVERY_S: Final = 5.0


def report(ended: Ended) -> dict[str, Any]:
    """Everything but the machine."""
    seconds = ended.plan.minutes * 60
    slopes = {
        f"{name}_{what}": judge(ended.sampler.series[name], what, seconds)
        for name, what in (*JUDGED, ("centre", "disk_mb"))
    }
    at_node, at_centre = int(ended.status["sync"]["events_at_node"]), int(ended.summary["events"])
    waiting = ended.crowd.waiting
    upward = [
        f"{name}, {how}"
        for name, found in slopes.items()
        if name != "centre_disk_mb"
        for how, line in found.items()
        if line["upward"]
    ]
    return {
        "benchmark": "soak",
        "minutes": ended.plan.minutes,
        "upward": upward,
        "lost": waiting + max(at_node - at_centre, 0),
        "doubled": max(at_centre - at_node, 0),
        "events": at_node,
        "days": round(seconds * ended.plan.speed / 86_400, 2),
        "slopes": slopes,
        "faults": ended.driven,
        "restarts": ended.restarts,
        "died_unordered": ended.unordered,
        "orders": {
            "sent": ended.orders.count,
            "without_rider": ended.orders.unanswered,
            "late_share": round(ended.orders.late_share, 4),
            **latency(ended),
        },
        "refused": ended.status["core"],
        "problems": [problem["sentence"] for problem in ended.status["problems"]],
        "centre": {
            name: ended.nodes["nodes"][0][name] for name in ("batches", "repeats", "refused", "bytes", "alarms")
        },
        "judged_from_s": seconds * WARM_UP,
        "plan": asdict(ended.plan),
        "timeline": {name: thinned(series) for name, series in ended.sampler.series.items()},
        "schedule": [[fault.at_s, fault.name, fault.length_s] for fault in ended.faults],
    }


def judge(series: Series, what: str, seconds: float) -> dict[str, dict[str, Any]]:
    """The slopes of one column, per real hour."""
    begin = seconds * WARM_UP
    rows = [
        (second, value, life)
        for second, value, life, age in zip(
            series.seconds, getattr(series, what), series.life, series.age_s, strict=True
        )
        if second >= begin and (age >= YOUNG_S or what == "disk_mb")
    ]
    found = blocks([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], BLOCK_S)
    lines = {"over_all": slope(found.seconds, found.values)}
    if what != "disk_mb":
        lines["within_lives"] = slope(found.seconds, found.values, found.groups)
    return {name: _line(line) for name, line in lines.items()}


def latency(ended: Ended) -> dict[str, float]:
    """p50 and p99 of all orders, in ms, restarts included."""
    values = ended.orders.between(0.0, float("inf"))
    answered = values[~np.isnan(values)]
    if not len(answered):
        return {"p50_ms": 0.0, "p99_ms": 0.0}
    p50, p99 = np.quantile(answered, [0.5, 0.99], method="higher")
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2)}


def thinned(series: Series) -> dict[str, list[float]]:
    """A sample each SHOWN_EVERY_S, for the plot."""
    kept: list[int] = []
    last = -SHOWN_EVERY_S
    for index, second in enumerate(series.seconds):
        if second - last >= SHOWN_EVERY_S:
            kept.append(index)
            last = second
    columns = ("seconds", "life", "rss_mb", "fds", "disk_mb")
    return {name: [getattr(series, name)[index] for index in kept] for name in columns}


def _line(line: Slope) -> dict[str, Any]:
    numbers = {name: round(value, 4) for name, value in asdict(line).items()}
    return {**numbers, "upward": line.upward}
