"""The plot of `whatif`: how many orders had arrived after so many minutes, and what the hours of the day were like."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Final

from ..plotting import MARKERS, SERIES, legend_above, panels
from .day import Order, Outcome
from .report import door_s

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Column = tuple[str, Mapping[str, Outcome]]
"""A title, and what became of each order."""

_COLOURS: Final = (SERIES[2], SERIES[0], SERIES[1])
_HOUR_MS: Final = 3_600_000
_TICKS_MAX: Final = 9


def whatif_plot(
    orders: Sequence[Order], columns: Sequence[Column], late_after_s: int, when: Callable[[int], str]
) -> "Figure":
    """At most three columns, the recorded day first; `when` writes a time (Unix ms) for people. What never arrives is
    what is missing at the right-hand end of the upper panel."""
    figure, (arrivals, hours) = panels(f"{len(orders):,} orders of the recorded day", [2.6, 2.2])
    late_min = late_after_s / 60
    last_min = late_min * 1.2
    for (title, outcomes), colour, marker in zip(columns, _COLOURS, MARKERS, strict=False):
        times = [(order, door_s(order, outcomes.get(order.name))) for order in orders]
        there = [(order, time / 60) for order, time in times if time is not None]
        minutes = sorted(minutes for _, minutes in there)
        last_min = max([last_min, *minutes])
        shares = [100 * number / len(orders) for number in range(len(minutes) + 1)]
        arrivals.plot([0.0, *minutes], shares, drawstyle="steps-post", color=colour, label=title)
        by_hour: dict[int, list[float]] = {}
        for order, minute in there:
            by_hour.setdefault(order.placed_ms // _HOUR_MS, []).append(minute)
        placed = sorted(by_hour)
        means = [fmean(by_hour[hour]) for hour in placed]
        hours.plot([hour + 0.5 for hour in placed], means, marker=marker, color=colour)
    arrivals.axvline(late_min, color=SERIES[5], linestyle="--", linewidth=1)
    arrivals.annotate(f"late: over {late_min:g} min", (late_min, 3), (4, 0), textcoords="offset points")
    arrivals.set(xlabel="minutes from the order to the door", ylabel="delivered, % of all orders")
    arrivals.set(xlim=(0, last_min), ylim=(0, 102))
    legend_above(arrivals)
    first = min((order.placed_ms for order in orders), default=0) // _HOUR_MS
    last = max((order.placed_ms for order in orders), default=0) // _HOUR_MS + 1
    ticks = range(first, last + 1, math.ceil((last - first) / _TICKS_MAX))
    hours.set(xlabel="hour in which the order was placed", ylabel="order to door,\nmean minutes", ylim=(0, None))
    hours.set(xlim=(first, last), xticks=ticks, xticklabels=[when(hour * _HOUR_MS) for hour in ticks])
    return figure
