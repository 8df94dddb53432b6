"""One HTML page, whole in one file: no script, no font, nothing from elsewhere. It follows the reader's theme.

Drawings are images within the page, on white in either theme.
"""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from msgspec import Struct

from ..plotting import drawn
from ..tables import Table
from .figures import VIEWS, Report, kind_of, view_of
from .targets import HEADINGS, results


class Shown(Struct, frozen=True):
    """One report as a section of the page, and the file that it came from."""

    file: str
    report: Report
    title: str
    html: str

    @property
    def anchor(self) -> str:
        """Of the section."""
        return f"of-{self.file.replace(' ', '-')}"


def section(file: str, report: Report) -> Shown:
    """Raises what a report of another version leads to: KeyError, TypeError and their like."""
    view = view_of(kind_of(report))
    title = view.title if view.load is None else f"{view.title}, {view.load(report)}"
    parts = [f"<h2>{escape(title)}</h2>"]
    if view.question:
        parts.append(f'<p class="question">{escape(view.question)}</p>')
    if "do_not_quote" in report:
        parts.append(f'<p class="late">Do not quote: {escape(report["do_not_quote"])}</p>')
    parts += [_table(table) for table in view.tables(report)]
    parts += [f"<p>{escape(line)}</p>" for line in view.lines(report) if line]
    if plot := view.plot:
        image = b64encode(drawn(lambda: plot(report))).decode()
        source = f"data:image/svg+xml;base64,{image}"
        parts.append(f'<figure><img alt="{escape(view.title)}, drawn" src="{source}"></figure>')
    parts.append(f"<footer>{_where(file, report)}</footer>")
    return Shown(file, report, title, "\n".join(parts))


def page(shown: Sequence[Shown], left_out: Sequence[tuple[str, str]]) -> str:
    """All of them, in the sequence of VIEWS; `left_out` are files with why they are not shown."""
    known = list(VIEWS)
    ordered = sorted(shown, key=lambda one: (known.index(k) if (k := kind_of(one.report)) in known else 99, one.file))
    sections = [f'<section id="{escape(one.anchor)}">\n{one.html}\n</section>' for one in ordered]
    found = results(one.report for one in shown)
    if found:
        sections.insert(0, _targets(found))
    links = "".join(f'<a href="#{escape(one.anchor)}">{escape(one.title)}</a>' for one in ordered)
    missing = "".join(f"<li>{escape(file)}: {escape(why)}</li>" for file, why in left_out)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>Doorstep, measured</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>Doorstep, measured</h1>\n<p>Compare figures of one machine only, and ratios rather than times. "
        f"Each section states where and with what it was measured.</p>\n<nav>{links}</nav></header>\n<main>\n"
        + "\n".join(sections)
        + (f"\n<section><h2>Not shown</h2><ul>{missing}</ul></section>" if missing else "")
        + "\n</main>\n</body>\n</html>\n"
    )


def _targets(found: list[tuple[str, ...]]) -> str:
    table = Table(HEADINGS[0], HEADINGS[1:], found)
    return (
        '<section id="targets">\n<h2>Targets</h2>\n'
        '<p class="question">What was to be reached, and what was? After the slash, from the same run, what a server '
        "reaches that exchanges the node's packets for each order and decides nothing.</p>\n"
        f"{_table(table)}\n</section>"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(words)}</th>" for words in (table.title, *table.headings))
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in table.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>'


def _where(file: str, report: Report) -> str:
    """The machine, the versions, and what was asked for."""
    machine, versions, plan = (report.get(name) or {} for name in ("machine", "versions", "plan"))
    if "machine_info" in report:
        machine, versions = _of_pytest(report)
    parts = [f"From {file}."]
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


_STYLE: Final = """\
:root{color-scheme:light dark;--back:#f3f4f5;--paper:#fff;--ink:#222;--line:#ddd;--soft:#5c646b;--warn:#8a4b00}
@media (prefers-color-scheme:dark){:root{--back:#0f1113;--paper:#171a1d;--ink:#d8dde2;--line:#3a4047;--soft:#9aa2a9;
--warn:#f0b46d}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
header,main{max-width:860px;margin:0 auto;padding:0 16px}
h1{margin:32px 0 4px;font-size:26px}
h2{margin:0;font-size:19px}
header p,.question,footer{color:var(--soft)}
header p,.question{margin:2px 0 12px}
nav{display:flex;flex-wrap:wrap;gap:6px 16px;margin-bottom:20px}
a{color:inherit}
section{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:18px 20px;margin-bottom:20px}
.late{color:var(--warn);margin:8px 0}
.wide{overflow-x:auto;margin:8px 0 16px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px;width:100%}
th{text-align:right;white-space:nowrap;font-weight:600;color:var(--soft);vertical-align:bottom}
td{text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;min-width:180px}
th,td{padding:4px 0 4px 14px;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{padding-left:0}
td:last-child:nth-child(2){white-space:normal}
figure{margin:0 0 12px}
figure img{display:block;max-width:100%;background:#fff;border-radius:6px}
footer{font-size:12.5px;line-height:1.45;overflow-wrap:anywhere}
"""
