"""From samples to the result: a slope with its interval for everything that must not grow.

Checked are memory and descriptors of node and centre, and the node's disk. A process begins small: without any fault a
node of 63 MB was at 74.0 MB after five minutes and at 74.1 twelve minutes later, with faults that takes longer. So
memory and descriptors are checked within the lives of the process, each life with a level of its own, without their
first YOUNG_S; the schedule leaves two thirds of the run to one life. The disk outlives its process and is checked over
the whole run. The first WARM_UP share of the run is left out. The centre's disk is shown and not checked: it keeps
every window for a year, and the scaled clock makes a day's windows in minutes.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from msgspec.structs import asdict

from .sampler import Series
from .slope import Slope, blocks, slope
from .soak import Ended

Block = tuple[float, Callable[[list[float]], Any]]

WARM_UP: Final = 0.25
YOUNG_S: Final = 600.0
"""Or a quarter of a run that is too short for it. In a life of 22 minutes under faults a node grew by 0.8 MB
from its 6th to its 12th minute and by 0.4 in the next ten: each cut longer than any before marks the allocator."""

LEVEL_MINUTES: Final = 40.0
"""A shorter run sees memory on its way to its level."""

YOUNG_FDS_S: Final = 60.0
"""Descriptors have no caches to fill."""

TOLERATED_A_DAY: Final = {"rss_mb": 0.5, "fds": 0.1, "disk_mb": 1.0}
"""Growth in a day of the node's clock that is none: a hundred days of it are less than half of what a unit may have."""

BLOCK_MEDIAN: Final[Block] = (15.0, np.median)
BLOCK: Final[dict[str, Block]] = {"fds": (60.0, max)}
"""Seconds in a block, and what stands for it. Descriptors: the most, for while the uplink is cut there is one less, and
cuts are shorter than a minute; a leak raises the most."""

CHECKED: Final = (
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
        f"{name}_{what}": check_trend(ended.sampler.series[name], what, seconds, ended.plan.speed)
        for name, what in (*CHECKED, ("centre", "disk_mb"))
    }
    at_node, at_centre = int(ended.status["sync"]["events_at_node"]), int(ended.summary["events"])
    waiting = ended.crowd.waiting
    upward = [
        name
        for name, found in slopes.items()
        if name != "centre_disk_mb" and found["over_all" if name.endswith("disk_mb") else "within_lives"]["upward"]
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
        "centre": {name: ended.nodes[0][name] for name in ("batches", "repeats", "refused", "bytes", "alarms")},
        "judged_from_s": seconds * WARM_UP,
        "plan": asdict(ended.plan),
        "timeline": {name: thinned(series) for name, series in ended.sampler.series.items()},
        "schedule": [[fault.at_s, fault.name, fault.length_s] for fault in ended.faults],
    }


def check_trend(series: Series, what: str, seconds: float, speed: float) -> dict[str, dict[str, Any]]:
    """The slopes of one column, per real hour."""
    begin, young_s = seconds * WARM_UP, min(YOUNG_FDS_S if what == "fds" else YOUNG_S, seconds / 4)
    tolerated = TOLERATED_A_DAY[what] * speed / 24
    rows = [
        (second, value, life)
        for second, value, life, age in zip(
            series.seconds, getattr(series, what), series.life, series.age_s, strict=True
        )
        if second >= begin and (age >= young_s or what == "disk_mb")
    ]
    found = blocks([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], *BLOCK.get(what, BLOCK_MEDIAN))
    lines = {"over_all": slope(found.seconds, found.values)}
    if what != "disk_mb":
        lines["within_lives"] = slope(found.seconds, found.values, found.groups)
    return {name: _line(line, tolerated) for name, line in lines.items()}


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


def _line(line: Slope, tolerated: float) -> dict[str, Any]:
    numbers = {name: round(value, 4) for name, value in asdict(line).items()}
    return {**numbers, "tolerated": tolerated, "upward": line.upward(tolerated)}
