"""One HTML page, whole in one file: no script, no font, nothing from elsewhere. It follows the reader's theme."""

import re
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from msgspec import Struct

from ..drawing import GRID, INK, PAPER, QUANTILE_COLOURS, SERIES
from ..load.lateness import sentence
from .figures import VIEWS, Report, Table, kind_of, view_of
from .targets import HEADINGS, TargetResult, cells, results

_DARK: Final = {
    INK: "#d8dde2",
    GRID: "#3a4047",
    "#ddd": "#3a4047",
    PAPER: "#171a1d",
    SERIES[0]: "#6fb3e3",
    SERIES[1]: "#e0964a",
    SERIES[2]: "#a2a8ae",
    SERIES[3]: "#8cc48b",
    SERIES[4]: "#c19ad4",
    SERIES[5]: "#f0766d",
    QUANTILE_COLOURS["p99"]: "#41779c",
    QUANTILE_COLOURS["p999"]: "#2b4a60",
    "#1c6dd0": "#6fb3e3",
    "#666666": "#a2a8ae",
    "#f4e3d3": "#3d3126",
    "#000000": "#ffffff",
}
"""What each colour of a drawing becomes in the dark."""

_NAMES: Final = {colour: f"--c{number}" for number, colour in enumerate(_DARK)}
_ATTRIBUTE: Final = re.compile(r'(fill|stroke)="([^"]+)"')


class Shown(Struct, frozen=True):
    """One report and the file that it came from."""

    file: str
    report: Report


def page(shown: Sequence[Shown], left_out: Sequence[tuple[str, str]]) -> str:
    """All of them, in the sequence of VIEWS; `left_out` are files with why they are not shown."""
    known = list(VIEWS)
    ordered = sorted(shown, key=lambda one: (known.index(k) if (k := kind_of(one.report)) in known else 99, one.file))
    sections = [_section(one, f"r{number}") for number, one in enumerate(ordered)]
    found = results(one.report for one in shown)
    if found:
        sections.insert(0, _targets(found))
    links = "".join(f'<a href="#r{number}">{escape(_title(one))}</a>' for number, one in enumerate(ordered))
    missing = "".join(f"<li>{escape(file)}: {escape(why)}</li>" for file, why in left_out)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>Doorstep, measured</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        f"<header><h1>Doorstep, measured</h1>\n<p>Compare figures of one machine only, and ratios rather than times. "
        f"Each section states where and with what it was measured.</p>\n<nav>{links}</nav></header>\n<main>\n"
        + "\n".join(sections)
        + (f"\n<section><h2>Not shown</h2><ul>{missing}</ul></section>" if missing else "")
        + "\n</main>\n</body>\n</html>\n"
    )


def dressed(svg: str) -> str:
    """A drawing whose colours follow the page's theme."""

    def themed(match: re.Match[str]) -> str:
        name = _NAMES.get(match.group(2))
        return match.group(0) if name is None else f'{match.group(1)}="var({name})"'

    inner = re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL)  # a style inside would be the whole page's
    return _ATTRIBUTE.sub(themed, inner)


def _title(one: Shown) -> str:
    view = view_of(kind_of(one.report))
    return view.title if view.load is None else f"{view.title}, {view.load(one.report)}"


def _section(one: Shown, anchor: str) -> str:
    view, report = view_of(kind_of(one.report)), one.report
    late = sentence(report["generator_late"]) if "generator_late" in report else ""
    parts = [f'<section id="{anchor}">\n<h2>{escape(_title(one))}</h2>']
    if view.question:
        parts.append(f'<p class="question">{escape(view.question)}</p>')
    parts += [_table(table) for table in view.tables(report)]
    parts += [f"<figure>{dressed(view.plot(report))}</figure>"] if view.plot else []
    if late:
        parts.append(f'<p class="late">{escape(late)}</p>')
    parts.append(f"<footer>{_where(one)}</footer>\n</section>")
    return "\n".join(parts)


def _targets(found: Sequence[TargetResult]) -> str:
    table = Table(HEADINGS, [cells(one) for one in found])
    return (
        '<section id="targets">\n<h2>Targets</h2>\n'
        '<p class="question">What was to be reached, and what was? Beside it, from the same run: a server that '
        "exchanges the node's packets for each order and decides nothing.</p>\n"
        f"{_table(table)}\n</section>"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(words)}</th>" for words in table.headings)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in table.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>'


def _where(one: Shown) -> str:
    """The machine, the versions, and what was asked for."""
    report = one.report
    machine, versions, plan = (report.get(name) or {} for name in ("machine", "versions", "plan"))
    if "machine_info" in report:
        machine, versions = _of_pytest(report)
    parts = [f"From {one.file}."]
    if machine:
        load = ", ".join(f"{value:g}" for value in machine.get("load_average", []))
        parts.append(
            f"{machine.get('processor', 'unknown processor')}, {machine.get('cores', '?')} cores, "
            f"Linux {machine.get('kernel', '?')}, disk {machine.get('file_system', 'unknown')}, "
            f"load before {load or 'unknown'}, a loop of Python {machine.get('python_loop_ms', '?')} ms; "
            f"{machine.get('measured_at', 'time unknown')}."
        )
    else:
        parts.append("The report does not name its machine.")
    if versions:
        parts.append(", ".join(f"{name} {version}" for name, version in versions.items()) + ".")
    if plan:
        parts.append("Asked for: " + ", ".join(f"{name} {_short(value)}" for name, value in plan.items()) + ".")
    return "<br>".join(escape(part) for part in parts)


def _of_pytest(report: Report) -> tuple[dict[str, Any], dict[str, str]]:
    """pytest-benchmark's account of the machine, in our words."""
    found, cpu = report["machine_info"], report["machine_info"].get("cpu", {})
    machine = {
        "processor": cpu.get("brand_raw", found.get("machine", "unknown")),
        "cores": cpu.get("count", "?"),
        "kernel": found.get("release", "?"),
        "measured_at": report.get("datetime", ""),
    }
    return machine, {"python": str(found.get("python_version", "unknown"))}


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "/".join(_short(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _style() -> str:
    light = "".join(f"{name}:{colour};" for colour, name in _NAMES.items())
    dark = "".join(f"{_NAMES[colour]}:{in_the_dark};" for colour, in_the_dark in _DARK.items())
    return (
        f":root{{color-scheme:light dark;--back:#f3f4f5;--soft:#5c646b;--warn:#8a4b00;{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{--back:#0f1113;--soft:#9aa2a9;--warn:#f0b46d;{dark}}}}}\n"
    ) + _RULES.replace("INK", f"var({_NAMES[INK]})").replace("GRID", f"var({_NAMES[GRID]})").replace(
        "PAPER", f"var({_NAMES[PAPER]})"
    )


_RULES: Final = """\
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:INK;font:15px/1.5 system-ui,sans-serif}
header,main{max-width:860px;margin:0 auto;padding:0 16px}
h1{margin:32px 0 4px;font-size:26px}
h2{margin:0;font-size:19px}
header p,.question,footer{color:var(--soft)}
header p,.question{margin:2px 0 12px}
nav{display:flex;flex-wrap:wrap;gap:6px 16px;margin-bottom:20px}
a{color:inherit}
section{background:PAPER;border:1px solid GRID;border-radius:8px;padding:18px 20px;margin-bottom:20px}
.late{color:var(--warn);margin:8px 0}
.wide{overflow-x:auto;margin:8px 0 16px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px;width:100%}
th{text-align:right;white-space:nowrap;font-weight:600;color:var(--soft);vertical-align:bottom}
td{text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;min-width:180px}
th,td{padding:4px 0 4px 14px;border-bottom:1px solid GRID}
th:first-child,td:first-child{padding-left:0}
td:last-child:nth-child(2){white-space:normal}
figure{margin:0 0 12px}
figure svg{display:block;max-width:100%;height:auto}
footer{font-size:12.5px;line-height:1.45;overflow-wrap:anywhere}
"""
