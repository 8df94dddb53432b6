"""The drawing of `footprint`: memory, and what the disk holds."""

from typing import Any, Final

from ..drawing import SERIES, WIDTH, Scale, across, bar, page, text

_LEFT: Final = 250


def footprint_plot(report: dict[str, Any]) -> str:
    """Two groups of bars, in MB."""
    plan, full, installed = report["plan"], report["full_house"], report["installed"]
    memory = [
        ("idle", report["idle"]["rss_mb"]),
        (f"after {plan['hours']:g} h, {report['after_hour']['orders']:,} orders", report["after_hour"]["rss_mb"]),
        (f"{full['riders']:,} riders, {full['orders_open']:,} orders open", full["rss_mb"]),
    ]
    rest = installed["total_mb"] - sum(installed["largest_mb"].values())
    disk = [*installed["largest_mb"].items(), ("the others", round(rest, 1))]
    parts: list[str] = []
    top = 0.0
    for title, rows, colour in (("resident memory, MB", memory, SERIES[0]), ("installed, MB", disk, SERIES[1])):
        bottom = top + 34 + 24 * len(rows)
        axis = Scale(max(size for _, size in rows), _LEFT, WIDTH - 60)
        parts += [text(10, top + 22, title, size=14), *across(axis, top + 32, bottom)]
        for number, (words, size) in enumerate(rows):
            y = top + 36 + 24 * number
            parts.append(text(10, y + 13, words))
            parts.append(bar(_LEFT, y, axis.at(size) - _LEFT, 16, colour, f"{words}: {size:g} MB"))
            parts.append(text(axis.at(size) + 5, y + 13, f"{size:g}", size=11))
        top = bottom + 40
    return page(top, parts)
