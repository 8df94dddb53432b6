"""What pages show of the sums, as plain data: orders, latency, demand. Pure."""

from math import cos, radians
from typing import Any, Final

import h3.api.basic_int
from msgspec import Struct

from edge.messages.batches import quantiles

from ..store.rows import Sum
from .figures import Series

ORDERS: Final = ("order.placed", "order.delivered", "order.cancelled", "order.undeliverable")
"""What becomes of orders."""

COUNTED: Final = (*ORDERS, "order.late", "promise.kept", "promise.broken")
"""What a row of orders is made of."""

ROWS_MAX: Final = 500
"""Nodes in one table; the page shows how many there are."""

CELLS_DRAWN_MAX: Final = 2_000
"""Cells in one map, the busiest ones."""

_h3: Any = h3.api.basic_int


class Quantile(Struct, frozen=True):
    """One measure: milliseconds, over `count` values. Without values there are no quantiles."""

    count: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None


class Hexagon(Struct, frozen=True):
    """A cell as an SVG polygon, with a shade from 0 to 4."""

    cell: str
    points: str
    count: int
    shade: int


def counter(total: Sum | None, name: str) -> int:
    """A counter of a sum."""
    return total.counters.get(name, 0) if total is not None else 0


def orders_over_time(series: Series) -> dict[str, list[Any]]:
    """Periods (Unix ms), and beside them what was placed and delivered in each, and late."""
    sums = series.get("dispatch", {})
    names = ("order.placed", "order.delivered", "promise.broken")
    return {"at": list(sums), **{name: [counter(total, name) for total in sums.values()] for name in names}}


def orders_row(total: Sum | None) -> dict[str, Any]:
    """What became of orders; `kept` is the share of promises that were kept, None where none came due."""
    kept, broken = counter(total, "promise.kept"), counter(total, "promise.broken")
    row: dict[str, Any] = {name.partition(".")[2]: counter(total, name) for name in ORDERS}
    row |= {"late": counter(total, "order.late"), "broken": broken, "due": kept + broken}
    return row | {"kept": kept / (kept + broken) if kept + broken else None}


def orders_by_node(found: dict[str, Sum]) -> list[dict[str, Any]]:
    """A row for each node that has orders, where most promises are broken first."""
    rows = [{"node": node, **orders_row(total)} for node, total in found.items()]
    rows = [row for row in rows if any(row[key] for key in ("placed", "delivered", "due", "cancelled"))]
    return sorted(rows, key=lambda row: (row["kept"] if row["kept"] is not None else 2.0, -row["placed"], row["node"]))


def whole(series: Series, scenario: str) -> Sum:
    """The sum of all periods of a scenario."""
    total = Sum()
    for each in series.get(scenario, {}).values():
        total.add(each)
    return total


def quantile(count: int, total: int, digest: bytes) -> Quantile:
    """Of one measure."""
    if not count:
        return Quantile(0, None, None, None, None)
    p50, p90, p99 = quantiles(digest, (0.5, 0.9, 0.99))
    return Quantile(count, total / count, p50, p90, p99)


def latency(series: Series) -> list[dict[str, Any]]:
    """Each measure of each scenario: its quantiles over the whole stretch, and p50 and p99 of each period (ms)."""
    found: list[dict[str, Any]] = []
    for scenario, sums in series.items():
        merged = [(at, total.merged()) for at, total in sums.items()]
        for name, measure in sorted(whole(series, scenario).merged().items()):
            points = [quantile(*measures[name]) if name in measures else None for _, measures in merged]
            found.append(
                {
                    "scenario": scenario,
                    "name": name,
                    "whole": quantile(*measure),
                    "at": [at for at, _ in merged],
                    "p50": [point.p50 if point else None for point in points],
                    "p99": [point.p99 if point else None for point in points],
                }
            )
    return found


def cells(series: Series) -> dict[str, dict[int, int]]:
    """Counts by cell, for each name that has places."""
    found: dict[str, dict[int, int]] = {}
    for scenario in series:
        for (cell, name), (_, _, count) in whole(series, scenario).cells.items():
            counts = found.setdefault(name, {})
            counts[cell] = counts.get(cell, 0) + count
    return dict(sorted(found.items()))


def hexagons(counts: dict[int, int], width: float = 1000.0) -> tuple[list[Hexagon], float]:
    """The cells as a drawing `width` wide, the busiest last, with its height. Longitudes are narrowed by the middle's
    latitude: the drawing is of one town, or shows several small."""
    drawn = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:CELLS_DRAWN_MAX]
    if not drawn:
        return [], 0.0
    outlines = {cell: _h3.cell_to_boundary(cell) for cell, _ in drawn}
    lats = [lat for outline in outlines.values() for lat, _ in outline]
    lons = [lon for outline in outlines.values() for _, lon in outline]
    narrow = max(cos(radians((min(lats) + max(lats)) / 2)), 0.05)
    west, north = min(lons), max(lats)
    span_x, span_y = (max(lons) - west) * narrow, north - min(lats)
    scale = min(width / span_x, 0.75 * width / span_y) if span_x and span_y else 1.0
    left = (width - span_x * scale) / 2
    most = drawn[0][1]
    found = [
        Hexagon(
            f"{cell:x}",
            " ".join(
                f"{left + (lon - west) * narrow * scale:.1f},{(north - lat) * scale:.1f}" for lat, lon in outlines[cell]
            ),
            count,
            min(int(5 * count / most), 4),
        )
        for cell, count in reversed(drawn)
    ]
    return found, span_y * scale


def steps(drawn: list[Hexagon]) -> list[tuple[int, int]]:
    """From which count to which each shade is."""
    most = max((cell.count for cell in drawn), default=0)
    bounds = [-(-most * shade // 5) for shade in range(6)]
    return [(max(bounds[shade], 1), bounds[shade + 1] - (shade < 4)) for shade in range(5)] if most >= 5 else []
