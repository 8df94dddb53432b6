"""`doorstep bench report`."""

import json
from pathlib import Path
from typing import Any

import click

from edge.errors import InputError

from ..cli_options import check_writable


@click.command(short_help="One page of all reports in a folder.")
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--html", "page_path", type=click.Path(), metavar="FILE", help="Write the page here; DIR/report.html.")
@click.option(
    "--markdown", "table_path", type=click.Path(), metavar="FILE", help="Write the table of targets here, as Markdown."
)
def report(folder: str, page_path: str | None, table_path: str | None) -> None:
    """Make one HTML page of the JSON files in DIR: those that `doorstep bench NAME --json` wrote, and one of the inner
    pieces, from `make pieces`. The page is one file without anything from elsewhere; it may be sent and kept.

    \b
    Examples:
      doorstep bench report bench-data
      doorstep bench report bench-data --html page.html

    A file that is no report is named on the page and left out.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(folder, None, "there is no such folder. Name the one with the reports' JSON files.")
    target = page_path or str(path / "report.html")
    check_writable(target)
    if table_path is not None:
        check_writable(table_path)
    files = sorted(path.glob("*.json"))
    text, shown, left_out = collect(files)
    if not shown:
        raise InputError(folder, None, "it has no report. Write one there: doorstep bench latency --json FILE.")
    Path(target).write_text(text, encoding="utf-8")
    if table_path is not None:
        Path(table_path).write_text(table(files), encoding="utf-8")
    click.echo(
        f"{target}: {shown} report{'s' * (shown > 1)}"
        + (f", {len(left_out)} file{'s' * (len(left_out) > 1)} left out" if left_out else "")
    )


def table(files: list[Path]) -> str:
    """The targets that these reports measure, as Markdown."""
    from .targets import markdown, results

    return markdown(results(report for _, report in read(files, [])))


def read(files: list[Path], left_out: list[tuple[str, str]]) -> list[tuple[str, dict[str, Any]]]:
    """Names and contents of those that are reports; `left_out` gets the names of the others, and why."""
    from .figures import kind_of

    found: list[tuple[str, dict[str, Any]]] = []
    for file in files:
        try:
            report = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            left_out.append((file.name, f"it cannot be read: {error}"))
            continue
        if kind_of(report):
            found.append((file.name, report))
        else:
            left_out.append((file.name, "it is no report of a benchmark"))
    return found


def collect(files: list[Path]) -> tuple[str, int, list[tuple[str, str]]]:
    """The page of these files, how many reports it shows, and which files are left out, and why."""
    from .page import Shown, page, section

    shown: list[Shown] = []
    left_out: list[tuple[str, str]] = []
    for name, report in read(files, left_out):
        try:
            shown.append(section(name, report))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            left_out.append((name, f"another version wrote it: {error!r}"))
    left_out.sort()
    return page(shown, left_out), len(shown), left_out
