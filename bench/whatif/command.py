"""The half of `doorstep replay` that asks what would have been different: read, simulate, tell."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edge.core.model import decode_row
from edge.errors import InputError, JournalError
from edge.journal.reader import JournalReader

from .change import ChangeError, changed, parse
from .report import Figures, Moved, Report, compare, counted

if TYPE_CHECKING:
    from .day import Day, Outcome


def what_if(
    path: Path, texts: Sequence[str], policy: str, late_after_min: int, json_file: str | None, plot_file: str | None
) -> None:
    """Simulate the day in the journal at `path` as it was and with the changes, and report.

    Raises:
        InputError: the journal cannot be read, or has no day in it.
        click.BadParameter: a change that cannot be made.
    """
    try:
        changes = parse(texts)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            day = _read(path, progress)
            other = changed(day, changes)
            asked = bool(changes) or policy != "planned"
            before = _simulate(day, "planned", "the day as it was", progress)
            after = _simulate(other, policy, "the day as it would have been", progress) if asked else None
    except ChangeError as error:
        raise click.BadParameter(str(error), param_hint="--what-if") from None
    words = [str(change) for change in changes]
    report = compare(day, before, None if after is None else (other, after), policy, words, late_after_min * 60)
    if plot_file:
        from .whatif_plot import draw

        shown: list[tuple[str, dict[str, Outcome]]] = [("recorded", day.outcomes), ("simulated as it was", before)]
        if after is not None:
            shown.append((f"simulated: {_title(report)}", after))
        Path(plot_file).write_text(draw(counted(day), shown, late_after_min * 60, _clock), encoding="utf-8")
    if json_file:
        body = msgspec.json.format(msgspec.json.encode({"journal": str(path), **msgspec.to_builtins(report)}))
        if json_file == "-":
            click.echo(body)
            return
        Path(json_file).write_bytes(body + b"\n")
    _tell(report)


def _read(path: Path, progress: Progress) -> "Day":
    # The core comes with these: only this command pays for it.
    from edge.core.node import Node
    from edge.scenarios.dispatch import Dispatch

    from .recording import Recording

    with JournalReader.open(path) as reader:
        try:
            snapshot, start = reader.base()
            node = Node([Dispatch])
            node.recover(snapshot, ())
            recording = Recording(node.rules)
            _, last = reader.bounds()
            task = progress.add_task("reading", total=max(0, last - start))
            for number, body in reader.rows(start):
                if number > last:
                    break
                recording.feed(decode_row(body))
                progress.advance(task)
        except (JournalError, ValueError) as error:
            hint = f"{error}. A damaged row cannot be used; a row of a newer version needs that version."
            raise InputError(str(reader.path), None, hint) from error
        day = recording.day()
        if not counted(day):
            hint = "no order was placed and ended in this journal: there is no day to compare with. Name another one."
            raise InputError(str(reader.path), None, hint)
        return day


def _simulate(day: "Day", policy: str, what: str, progress: Progress) -> "dict[str, Outcome]":
    from .simulation import Simulation

    simulation = Simulation(day, policy)
    task = progress.add_task(f"simulating {what}", total=len(day.orders))
    while not simulation.over:
        simulation.step()
        progress.update(task, completed=simulation.ended)
    return simulation.outcomes


# -- for people --------------------------------------------------------------------------------------------------------


def _title(report: Report) -> str:
    policy = [f"policy {report.policy}"] if report.policy != "planned" else []
    return ", ".join([*report.changes, *policy])


def _tell(report: Report) -> None:
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
        f"median order is {_minutes(report.model.median_s)} off. Smaller differences say little."
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
