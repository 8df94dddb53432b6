"""`doorstep whatif`: reads a recorded day, simulates it with and without a change, and compares."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from edge.core.model import decode_row, decode_snapshot
from edge.errors import InputError, JournalError
from edge.journal.reader import JournalReader

from ..cli_options import check_writable, counting
from ..plotting import check_installed, write
from ..source import source
from .change import ChangeError, changed, parse
from .day import Day, Outcome
from .recording import Recording
from .report import Figures, Moved, Report, compare, counted
from .simulation import POLICIES, Simulation

LATE_MINUTES_MAX: Final = 24 * 60
"""Click-to-door from which an order may be called late: what takes longer than a day was not ordered for this one."""

LATE_MIN: Final = 40
"""The target for click-to-door of the public meal-delivery instances (Reyes et al., 2018)."""


@click.command(short_help="Simulate a recorded day with something changed.")
@click.option("--journal", "path", required=True, metavar="PATH", help="The journal, or the node's data directory.")
@click.option(
    "--what-if", "texts", multiple=True, metavar="CHANGE", help="riders=+2, riders=-2, kitchen=+20%; one of each."
)
@click.option(
    "--policy",
    type=click.Choice(list(POLICIES)),
    help="Which policy decides: the node's planner, or each order to the nearest idle rider.",
)
@click.option(
    "--late-after",
    "late_after_min",
    type=click.IntRange(1, LATE_MINUTES_MAX),
    default=LATE_MIN,
    show_default=True,
    metavar="MINUTES",
    help="Orders that take longer from click to door count as late.",
)
@click.option(
    "--json",
    "json_file",
    is_flag=False,
    flag_value="-",
    metavar="[FILE]",
    help="Write the result as JSON to FILE; without one, print it instead of words.",
)
@click.option("--plot", "plot_file", metavar="FILE", help="Draw it here: .svg or .png.")
def whatif(
    path: str,
    texts: tuple[str, ...],
    policy: str | None,
    late_after_min: int,
    json_file: str | None,
    plot_file: str | None,
) -> None:
    """Simulate a recorded day as it was and with a change, by the node's own dispatch, and show both beside what was
    recorded.

    Reads only: it may run while the node does, or on a copy (take the -wal file too). Where old rows have been deleted
    it begins at the oldest snapshot kept.

    \b
    Examples:
      doorstep whatif --journal /var/lib/doorstep --what-if riders=+2 --plot riders.svg
      doorstep whatif --journal data --what-if riders=-1 --what-if kitchen=+20% --json worse.json
      doorstep whatif --journal data --policy nearest

    Exit codes: 0 it was simulated; 2 the journal cannot be read, or the change cannot be made.
    """
    if not texts and policy is None:
        raise click.UsageError(
            "Nothing is to be different. Add --what-if riders=+2 (or riders=-2, kitchen=+20%), or --policy nearest."
        )
    check_writable(json_file, plot_file)
    if plot_file:
        check_installed()
    _simulate_both(Path(path), texts, policy or "planned", late_after_min, json_file, plot_file)


def _simulate_both(
    path: Path, texts: Sequence[str], policy: str, late_after_min: int, json_file: str | None, plot_file: str | None
) -> None:
    """The day in the journal at `path` as it was and with the changes."""
    try:
        changes = parse(texts)
        day = _read(path)
        other = changed(day, changes)
        asked = bool(changes) or policy != "planned"
        before = _simulate(day, "planned", "the day as it was")
        after = _simulate(other, policy, "the day as it would have been") if asked else None
    except ChangeError as error:
        raise click.BadParameter(str(error), param_hint="--what-if") from None
    words = [str(change) for change in changes]
    report = compare(day, before, None if after is None else (other, after), policy, words, late_after_min * 60)
    if plot_file:
        from .whatif_plot import whatif_plot

        shown: list[tuple[str, dict[str, Outcome]]] = [("recorded", day.outcomes), ("simulated as it was", before)]
        if after is not None:
            shown.append((f"simulated: {_title(report)}", after))
        write(plot_file, lambda: whatif_plot(counted(day), shown, late_after_min * 60, _clock))
    if json_file:
        body = msgspec.json.format(
            msgspec.json.encode({"journal": str(path), **msgspec.to_builtins(report), "versions": source()})
        )
        if json_file == "-":
            click.echo(body)
            return
        Path(json_file).write_bytes(body + b"\n")
    _show(report)


def _read(path: Path) -> Day:
    with JournalReader.open(path) as reader:
        try:
            snapshot, start = reader.base()
            recording = Recording(None if snapshot is None else decode_snapshot(snapshot).rules)
            _, last = reader.bounds()
            with counting("reading", max(0, last - start)) as show:
                for number, body in reader.rows(start):
                    if number > last:
                        break
                    recording.feed(decode_row(body))
                    show(number - start)
        except (JournalError, ValueError) as error:
            hint = f"{error}. A damaged row cannot be used; a row of a newer version needs that version."
            raise InputError(str(reader.path), None, hint) from error
        day = recording.day()
        if not counted(day):
            hint = "no order was placed and ended in this journal: there is no day to compare with. Name another one."
            raise InputError(str(reader.path), None, hint)
        return day


def _simulate(day: Day, policy: str, what: str) -> dict[str, Outcome]:
    simulation = Simulation(day, policy)
    with counting(f"simulating {what}", len(day.orders)) as show:
        while not simulation.over:
            simulation.step()
            show(simulation.ended)
    return simulation.outcomes


# -- for people --------------------------------------------------------------------------------------------------------


def _title(report: Report) -> str:
    policy = [f"policy {report.policy}"] if report.policy != "planned" else []
    return ", ".join([*report.changes, *policy])


def _show(report: Report) -> None:
    console = Console(highlight=False)
    columns = [report.recorded, report.simulated, *([report.changed] if report.changed else [])]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("")
    table.add_column("recorded", justify="right")
    table.add_column("simulated\nas it was", justify="right")
    if report.changed:
        table.add_column(f"simulated\n{_title(report)}", justify="right", style="bold")
    for name, cells in _lines(columns, report.late_after_s):
        table.add_row(name, *cells)
    console.print(table)
    if report.change:
        console.print(f"What changes: of the orders delivered both times, {_shares(report.change)}.")
    console.print(
        f"How far the model can be trusted: the same of recorded and simulated as it was, {_shares(report.model)}; the "
        f"median order is {_minutes(report.model.median_s)} off. Smaller differences mean little."
    )
    measured = f"{report.pace:.2f}, of {report.rides_measured} rides" if report.rides_measured else "not measured: 1.00"
    console.print(f"Riders: {report.riders} on the day, {report.riders_changed} simulated. Pace: {measured}.")
    if report.begun_before:
        console.print(f"{report.begun_before} riders were on shift before the journal begins; their terms are guessed.")
    if report.open_orders:
        console.print(f"{report.open_orders} orders were still open where it ends: not counted.")
    for note in report.notes:
        console.print(f"- {note}", style="dim")


def _lines(columns: Sequence[Figures], late_after_s: int) -> list[tuple[str, list[str]]]:
    return [
        ("orders", [f"{one.orders}" for one in columns]),
        ("delivered", [f"{one.delivered}" for one in columns]),
        ("cancelled", [f"{one.cancelled}" for one in columns]),
        ("undelivered", [f"{one.undelivered}" for one in columns]),
        (f"late (over {late_after_s // 60} min)", [f"{one.late}" for one in columns]),
        ("click to door, mean", [_minutes(one.click_to_door_mean_s) for one in columns]),
        ("  median", [_minutes(one.click_to_door_p50_s) for one in columns]),
        ("  p90", [_minutes(one.click_to_door_p90_s) for one in columns]),
        ("promises kept", [f"{one.promises_kept} of {one.promised}" for one in columns]),
    ]


def _shares(moved: Moved) -> str:
    return f"{moved.earlier} came over a minute earlier, {moved.later} later, {moved.same} about the same"


def _minutes(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / 60:.1f} min"


def _clock(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000).astimezone():%H:%M}"
