"""What the commands of `doorstep bench` share: where a report and a drawing go, the folder to measure in, the bar."""

import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.errors import InputError

from . import plotting
from .source import compile_code

if TYPE_CHECKING:
    from matplotlib.figure import Figure

json_file = click.option("--json", "report_path", type=click.Path(), metavar="FILE", help="Write the report here.")
plot_file = click.option("--plot", "plot_path", type=click.Path(), metavar="FILE", help="Draw it here: .svg or .png.")
data_dir = click.option(
    "--data-dir", type=click.Path(), metavar="DIR", help="A folder on the disk to measure; the system's temporary one."
)

Progress = Callable[[str], None]
"""Called between steps, with what comes next: nothing is drawn while something is measured."""

Measure = Callable[[Path, Progress], Awaitable[dict[str, Any]]]
"""A measurement in a folder of its own."""

Plot = Callable[[dict[str, Any]], "Figure"]
"""The drawing of a report."""


def ask(
    measure: Measure,
    steps: int,
    data_dir: str | None,
    report_path: str | None,
    plot_path: str | None = None,
    plot: Plot | None = None,
) -> dict[str, Any]:
    """The measurement in a folder of its own, which is gone afterwards. The report, with the machine and the versions,
    is written, drawn and returned. Raises InputError before anything runs where it could not be written, DoorstepError
    where it could not be drawn."""
    import uvloop

    from .load.machine import machine, versions
    from .load.quotable import OtherProcesses, reasons
    from .load.screen import progress

    check_writable(report_path, plot_path)
    if plot_path:
        plotting.check_installed()
    if data_dir and not Path(data_dir).is_dir():
        raise InputError(data_dir, None, "there is no such folder. Name an existing one on the disk to measure.")
    compile_code()
    folder = Path(tempfile.mkdtemp(prefix="doorstep-bench-", dir=data_dir))
    try:
        found: dict[str, Any] = {"machine": machine(folder), "versions": versions()}
        others = OtherProcesses()
        with progress(steps) as announce:

            async def main() -> dict[str, Any]:
                return await measure(folder, announce)

            report = {"others_cores": None, **uvloop.run(main()), **found}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report["others_cores"] = others.cores()
    if why := reasons(report):
        report = {"do_not_quote": ", ".join(why), **report}
        click.echo(f"Do not quote: {report['do_not_quote']}.")
    write_report(report_path, report)
    if plot_path and plot:
        plotting.write(plot_path, lambda: plot(report))
    return report


def write_report(path: str | None, report: dict[str, Any]) -> None:
    """As JSON, where a file is asked for."""
    if path:
        Path(path).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, where that is a terminal. The function gets how many of `total` are done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def check_writable(*paths: str | None) -> None:
    """Raises InputError where a file could not be written: checked before the measurement, not after it."""
    for path in paths:
        if path and (Path(path).is_dir() or not Path(path).absolute().parent.is_dir()):
            raise InputError(path, None, "the report cannot be written there. Name a file in an existing folder.")
