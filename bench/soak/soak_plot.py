"""The soak drawn: memory, descriptors and disk of both processes over the minutes, with what went wrong meanwhile."""

from typing import Any, Final

from ..drawing import GRID, SERIES, WIDTH, Scale, line, page, text, up

_LEFT: Final = 70
_RIGHT: Final = 20
_PANEL: Final = 120
_GAP: Final = 42
_TOP: Final = 84
_PANELS: Final = (("rss_mb", "resident memory, MB"), ("fds", "open descriptors"), ("disk_mb", "data folder, MB"))
_COLOURS: Final = {"node": SERIES[0], "centre": SERIES[1]}
_FAULTS: Final = {"kill_node": SERIES[0], "kill_centre": SERIES[1], "storm": SERIES[4], "nonsense": SERIES[2]}
_CUT: Final = "#f4e3d3"


def soak_plot(report: dict[str, Any]) -> str:
    """Three panels over one time axis, a line for each process, broken where it was killed. Above them the faults."""
    minutes = report["minutes"]
    width = WIDTH - _LEFT - _RIGHT

    def at(second: float) -> float:
        return round(_LEFT + second / 60 / minutes * width, 1)

    height = _TOP + len(_PANELS) * (_PANEL + _GAP) + 14
    bottom = _TOP + len(_PANELS) * (_PANEL + _GAP) - _GAP + 14
    words = (
        f"{minutes:g} minutes ({report['days']:g} days of the node's clock), {sum(report['faults'].values())} faults"
    )
    parts = [text(10, 22, words, size=14), text(_LEFT, 44, "node", colour=_COLOURS["node"])]
    parts += [text(_LEFT + 50, 44, "centre", colour=_COLOURS["centre"]), text(_LEFT + 110, 44, "shaded: uplink cut;")]
    parts += [text(_LEFT + 225, 44, "marks: kills, storms of reconnects, malformed; grey: warm-up", colour="#666666")]
    for second, name, length_s in report["schedule"]:
        if name == "cut":
            parts.append(
                f'<rect x="{at(second)}" y="{_TOP}" width="{max(at(second + length_s) - at(second), 1):.1f}" '
                f'height="{bottom - _TOP}" fill="{_CUT}"/>'
            )
        else:
            mark = at(second)
            parts.append(f'<path d="M{mark} 66 l-3 -8 h6 z" fill="{_FAULTS[name]}"><title>{name}</title></path>')
    parts.append(
        f'<rect x="{_LEFT}" y="{_TOP}" width="{at(report["judged_from_s"]) - _LEFT:.1f}" height="{bottom - _TOP}" '
        'fill="#000000" opacity="0.06"/>'
    )
    for number, (what, title) in enumerate(_PANELS):
        top = _TOP + number * (_PANEL + _GAP) + 14
        seen = report["timeline"]
        most = max([value for series in seen.values() for value in series[what]] or [1.0])
        axis = Scale(most, top + _PANEL, top)
        parts += up(axis, _LEFT, WIDTH - _RIGHT)
        parts.append(text(_LEFT, top - 5, title))
        for name, series in seen.items():
            parts += _curves(series, what, axis, at, _COLOURS[name])
    for tick in Scale(minutes, _LEFT, WIDTH - _RIGHT).ticks():
        parts.append(line(at(tick * 60), bottom, at(tick * 60), bottom + 4, GRID))
        parts.append(text(at(tick * 60), bottom + 18, f"{tick:g} min", anchor="middle"))
    return page(height, parts)


def _curves(series: dict[str, list[float]], what: str, axis: Scale, at: Any, colour: str) -> list[str]:
    """One line for each life of the process."""
    lives: dict[float, list[str]] = {}
    for second, life, value in zip(series["seconds"], series["life"], series[what], strict=True):
        lives.setdefault(life, []).append(f"{at(second)},{axis.at(value)}")
    return [
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="1.3"/>'
        for points in lives.values()
    ]
