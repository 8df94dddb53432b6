"""`doorstep replay`: decides a recorded journal again, and compares."""

import time
from datetime import datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...core.replay import Difference, Replay
from ...errors import InputError, JournalError
from ...journal.reader import JournalReader


def _place(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Check before the work that the file can be written after it."""
    if value and value != "-" and not Path(value).parent.is_dir():
        raise click.BadParameter(f"{Path(value).parent} is no existing folder. Make it first, or name another one.")
    return value


@click.command(short_help="Decide a recorded journal again, and compare.")
@click.option("--journal", "path", required=True, metavar="PATH", help="The journal, or the node's data directory.")
@click.option(
    "--scenario-path", default="", metavar="FOLDER", help="Where scenarios are that are not installed, as in edge.toml."
)
@click.option(
    "--json",
    "json_file",
    is_flag=False,
    flag_value="-",
    callback=_place,
    metavar="[FILE]",
    help="Write the result as JSON to FILE; without one, print it instead of words.",
)
def replay(path: str, scenario_path: str, json_file: str | None) -> None:
    """Feed a recorded journal through the core and compare every row, byte for byte.

    Reads only: it may run while the node does, or on a copy (take the -wal file too). Where old rows have been deleted
    it begins at the oldest snapshot kept.

    \b
    Examples:
      doorstep replay --journal /var/lib/doorstep
      doorstep replay --journal backup/journal.sqlite3 --json

    Exit codes: 0 no difference; 1 a difference (the first one is named); 2 the journal cannot be read.
    """
    _compare(Path(path), scenario_path, json_file)


def _compare(path: Path, scenario_path: str, json_file: str | None) -> None:
    """Replay every row up to the first difference, and report."""
    with JournalReader.open(path) as reader:
        began = time.perf_counter()
        try:
            run, difference, start, last = _run(reader, scenario_path)
        except (JournalError, ValueError) as error:
            hint = f"{error}. A damaged row cannot be compared; a row of a newer version needs that version."
            raise InputError(str(reader.path), None, hint) from error
        seconds = time.perf_counter() - began
    if json_file:
        result = {
            "journal": str(reader.path),
            "after_row": start,
            "last_row": last,
            "rows": run.rows,
            "events": run.events,
            "decisions": run.decisions,
            "seconds": round(seconds, 3),
            "differences": int(difference is not None),
            "difference": difference,
        }
        body = msgspec.json.encode(result)
        if json_file == "-":
            click.echo(body)
        else:
            Path(json_file).write_bytes(body + b"\n")
    if json_file != "-":
        _show(run, difference, start, seconds)
    raise SystemExit(0 if difference is None else 1)


def _run(reader: JournalReader, scenario_path: str) -> tuple[Replay, Difference | None, int, int]:
    # Imported here, because Node imports the whole core.
    from ...core.node import Node
    from ...scenarios.files import missing, take_copies
    from ...scenarios.loader import available, load

    snapshot, start = reader.base()
    _, last = reader.bounds()
    kinds = load(available(scenario_path), scenario_path)
    take_copies(reader.path.parent, kinds)
    node, rules = Node(kinds), None
    run = Replay(node, snapshot)
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("replaying", total=last - start)
        for number, body in reader.rows(start):
            if number > last:
                break
            difference = run.feed(body)
            new = node.rules if node.rules is not rules else None
            if new is not None and (lost := missing(reader.path.parent, kinds, new.scenarios)):
                hint = f"From row {number} on it was decided with {lost[0]}, which is not beside it. Put it there"
                raise InputError(str(reader.path), None, f"{hint}: the file whose checksum begins so.")
            rules = node.rules
            if difference is not None:
                return run, difference, start, last
            progress.advance(task)
    return run, None, start, last


def _show(run: Replay, difference: Difference | None, start: int, seconds: float) -> None:
    origin = f"after the snapshot at row {start}" if start else "from the first row"
    click.echo(
        f"{run.rows} rows ({origin}), {run.events} events, {run.decisions} decisions, replayed in {seconds:.1f} s."
    )
    if difference is None:
        click.echo("No difference.")
        return
    at = datetime.fromtimestamp(difference.wall_ms / 1000).astimezone()
    click.echo(f"The first difference is in row {difference.row} of {at:%Y-%m-%d %H:%M:%S %Z}, in {difference.part}:")
    click.echo(f"  recorded  {difference.recorded}")
    click.echo(f"  replayed  {difference.replayed}")
