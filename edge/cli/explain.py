"""`doorstep explain`: why an order went to its rider."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..core.model import decode_row
from ..errors import DoorstepError, InputError, JournalError
from ..journal.reader import JournalReader
from ..scenarios.dispatch.explain import Considered, DecisionView, Explanation, Moment, nearest
from ..scenarios.dispatch.explain import explain as explained


@click.command(short_help="Say why an order went to its rider.")
@click.argument("order", metavar="ORDER_ID")
@click.option("--journal", "path", required=True, metavar="PATH", help="The journal, or the node's data directory.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object; times in Unix ms.")
def explain(order: str, path: str, as_json: bool) -> None:
    """Say why an order went to its rider: who was considered, the parts of the cost, how old each rider's position was,
    which version of the rules, and what happened next. Times are those of this computer's time zone.

    \b
    Examples:
      doorstep explain order-17 --journal /var/lib/doorstep
      doorstep explain order-17 --journal backup/journal.sqlite3 --json

    Exit codes: 0 explained; 1 the journal knows no such order; 2 the journal cannot be read.
    """
    with JournalReader.open(Path(path)) as reader:
        try:
            found = explained(order, _bodies(reader), _time)
            if found is None:
                raise _unknown(order, reader)
        except (JournalError, ValueError) as error:
            raise InputError(str(reader.path), None, f"{error}. Nothing can be said for sure.") from error
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        _show(found)


def _bodies(reader: JournalReader) -> Iterator[bytes]:
    first, last = reader.bounds()
    for number, body in reader.rows(first - 1):
        if number > last:
            return
        yield body


def _unknown(order: str, reader: JournalReader) -> DoorstepError:
    """What to try instead."""
    first, last = reader.bounds()
    if last < first:
        return DoorstepError(f"The journal {reader.path} is empty: it knows no order yet.")
    alike = nearest(order, _bodies(reader))
    begun, ended = (_row_time(reader, number) for number in (first, last))
    hint = f"Did you mean {', '.join(alike)}?" if alike else "Older rows are deleted after retention_days."
    return DoorstepError(f"No order {order!r} in rows {first} to {last} ({begun} to {ended}). {hint}")


def _row_time(reader: JournalReader, number: int) -> str:
    body = reader.row(number)
    return _date(decode_row(body).now.wall_ms) if body else "a time that is gone"


# -- for people --------------------------------------------------------------------------------------------------------


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000).astimezone()


def _date(ms: int) -> str:
    return f"{_local(ms):%Y-%m-%d %H:%M:%S %Z}"


def _time(ms: int) -> str:
    return f"{_local(ms):%H:%M:%S}"


def _show(found: Explanation) -> None:
    console = Console(highlight=False)
    first = min(entry.at for entry in [*found.moments, *found.choices])
    console.print(Text.assemble("Order ", (found.order, "bold"), f", from {_date(first)}"))
    story = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    # In a round the events come first, then the decision, then what people hear of it: of updates only the last.
    last = {one.row: one for one in found.moments if one.what == "update"}
    shown = [one for one in found.moments if one.what != "update" or last[one.row] is one]
    entries: list[tuple[int, int, Moment | DecisionView]] = [(one.row, _place(one), one) for one in shown]
    entries += [(one.row, 1, one) for one in found.choices]
    for row, _, entry in sorted(entries, key=lambda item: item[:2]):
        what, text = (_verdict(entry), entry.why) if isinstance(entry, DecisionView) else (entry.what, _line(entry))
        style = "bold" if isinstance(entry, DecisionView) else ""
        story.add_row(_time(entry.at), Text(f"row {row}", "dim"), Text(what, style), Text(text, style))
    console.print(story)
    for choice in found.choices:
        if choice.considered:
            console.print()
            console.print(_table(choice))


def _place(moment: Moment) -> int:
    return 2 if moment.what in ("offered", "withdrawn", "update") else 0


def _line(moment: Moment) -> str:
    return f"{moment.who}: {moment.text}" if moment.text else moment.who


def _verdict(choice: DecisionView) -> str:
    if not choice.rider:
        return "decided: nobody yet"
    return f"decided: {'offer to' if choice.offer else 'plan for'} {choice.rider}"


def _table(choice: DecisionView) -> Table:
    """The candidates of one decision, the cheapest first."""
    title = f"{_time(choice.at)}  {_verdict(choice)}  (rules {choice.rule}, row {choice.row})"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("rider", no_wrap=True)
    for name in ("travel", "position", "free in", "pickup", "drop-off", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("of which", style="dim")
    for one in choice.considered:
        table.add_row(*_cells(one), style="green" if one.chosen else "")
    return table


def _cells(one: Considered) -> list[str]:
    return [
        f"{'> ' if one.chosen else '  '}{one.rider}",
        _minutes(one.travel_s),
        "last door" if one.free_in_s else f"{_minutes(one.age_s)} old",
        _minutes(one.free_in_s) if one.free_in_s else "now",
        _time(one.pickup_at),
        _time(one.dropoff_at),
        f"{one.total} s",
        ", ".join(f"{part.replace('_', ' ')} {seconds}" for part, seconds in one.cost.items()),
    ]


def _minutes(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"
