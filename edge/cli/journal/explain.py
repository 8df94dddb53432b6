"""`doorstep explain`: why an order went to its rider."""

import difflib
from pathlib import Path
from typing import Final

import click
import msgspec
from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...core.model import decode_row
from ...core.scenario import Moment, Scenario
from ...errors import DoorstepError, InputError, JournalError
from ...journal.reader import JournalReader
from ...messages.sentences import printable
from ...scenarios.dispatch.explain import Considered, DecisionView
from ...scenarios.loader import available, load
from .explain_for import bodies, clock, date, explain_for, minutes

NEAREST_SHOWN: Final = 5
"""Ids suggested where one is not in the journal."""


class Explanation(Struct, frozen=True):
    """Everything that the journal contains about one order, in the order in which it happened."""

    order: str
    choices: list[DecisionView]
    moments: list[Moment]


@click.command(short_help="Show why an order went to its rider.")
@click.argument("order", metavar="[ORDER_ID]", default="")
@click.option(
    "--for", "rider", default="", metavar="CLIENT", help="The decisions about this rider, for the rider to read."
)
@click.option("--journal", "path", required=True, metavar="PATH", help="The journal, or the node's data directory.")
@click.option(
    "--scenario-path", default="", metavar="FOLDER", help="Where scenarios are that are not installed, as in edge.toml."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object; times in Unix ms.")
def explain(order: str, rider: str, path: str, scenario_path: str, as_json: bool) -> None:
    """Show why an order went to its rider: who was considered, the parts of the cost, how old each rider's position
    was, which version of the rules, and what happened next. Times are those of this computer's time zone. Other
    scenarios explain their decisions by a name of their own, for example a price by its sku.

    With --for in place of an order it shows what a rider may know of the decisions about itself (PIPL, article 24): the
    place of its cost in each one, with its own figures, and what it sent and was sent. No other rider's name or
    figures, no place, no door, and no order that it was not offered.

    \b
    Examples:
      doorstep explain order-17 --journal /var/lib/doorstep
      doorstep explain --for rider-12 --journal /var/lib/doorstep
      doorstep explain order-17 --journal backup/journal.sqlite3 --json

    Exit codes: 0 explained; 1 the journal knows no such order or rider; 2 the journal cannot be read.
    """
    if bool(order) is bool(rider):
        raise click.UsageError("Give an order's id, or a rider's name with --for.")
    scenarios = [kind() for kind in load(available(scenario_path), scenario_path)]
    with JournalReader.open(Path(path)) as reader:
        try:
            if rider:
                explain_for(rider, scenarios, reader, as_json)
                return
            found = _explained(order, scenarios, reader)
            if not found.choices and not found.moments:
                raise _unknown(order, scenarios, reader)
        except (JournalError, ValueError) as error:
            raise InputError(str(reader.path), None, f"{error}. The journal cannot be explained.") from error
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        _show(found)


def _explained(order: str, scenarios: list[Scenario], reader: JournalReader) -> Explanation:
    found = Explanation(order, [], [])
    needle = order.encode()
    for body in bodies(reader):
        # An id is plain text in the row: most rows need not be decoded.
        if needle not in body:
            continue
        row = decode_row(body)
        for scenario in scenarios:
            for entry in scenario.explain(row, order, clock):
                if isinstance(entry, DecisionView):
                    found.choices.append(entry)
                else:
                    found.moments.append(entry)
    return found


def _unknown(order: str, scenarios: list[Scenario], reader: JournalReader) -> DoorstepError:
    """What to try instead."""
    first, last = reader.bounds()
    if last < first:
        return DoorstepError(f"The journal {reader.path} is empty: nothing happened yet.")
    known: dict[str, None] = {}
    for body in bodies(reader):
        row = decode_row(body)
        for scenario in scenarios:
            known.update(dict.fromkeys(scenario.subjects(row)))
    alike = difflib.get_close_matches(order, known, NEAREST_SHOWN, 0.7)
    begun, ended = (_rowclock(reader, number) for number in (first, last))
    hint = f"Did you mean {', '.join(alike)}?" if alike else "Older rows are deleted after retention_days."
    return DoorstepError(f"Nothing about {order!r} in rows {first} to {last} ({begun} to {ended}). {hint}")


def _rowclock(reader: JournalReader, number: int) -> str:
    body = reader.row(number)
    return date(decode_row(body).now.wall_ms) if body else "a time that is gone"


# -- for people --------------------------------------------------------------------------------------------------------


def _show(found: Explanation) -> None:
    console = Console(highlight=False)
    first = min(entry.at for entry in [*found.moments, *found.choices])
    console.print(Text.assemble((found.order, "bold"), f", from {date(first)}"))
    story = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    # In a round the events come first, then the decision, then the messages to clients: of updates only the last.
    last = {one.row: one for one in found.moments if one.what == "update"}
    shown = [one for one in found.moments if one.what != "update" or last[one.row] is one]
    entries: list[tuple[int, int, Moment | DecisionView]] = [(one.row, _place(one), one) for one in shown]
    entries += [(one.row, 1, one) for one in found.choices]
    for row, _, entry in sorted(entries, key=lambda item: item[:2]):
        what, text = (_headline(entry), entry.why) if isinstance(entry, DecisionView) else (entry.what, _line(entry))
        style = "bold" if isinstance(entry, DecisionView) else ""
        story.add_row(clock(entry.at), Text(f"row {row}", "dim"), Text(what, style), Text(text, style))
    console.print(story)
    for choice in found.choices:
        if choice.considered:
            console.print()
            console.print(_table(choice))


def _place(moment: Moment) -> int:
    return 2 if moment.what in ("offered", "accepted", "withdrawn", "update") else 0


def _line(moment: Moment) -> str:
    return printable(f"{moment.who}: {moment.text}" if moment.text else moment.who)


def _headline(choice: DecisionView) -> str:
    if not choice.rider:
        return "decided: nobody yet"
    return f"decided: {'offer to' if choice.offer else 'plan for'} {choice.rider}"


def _table(choice: DecisionView) -> Table:
    """The candidates of one decision, the cheapest first."""
    title = f"{clock(choice.at)}  {_headline(choice)}  (rules {choice.rule}, row {choice.row})"
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
        minutes(one.travel_s),
        "last door" if one.free_in_s else f"{minutes(one.age_s)} old",
        minutes(one.free_in_s) if one.free_in_s else "now",
        clock(one.pickup_at),
        clock(one.dropoff_at),
        f"{one.total} s",
        ", ".join(f"{part.replace('_', ' ')} {seconds}" for part, seconds in one.cost.items()),
    ]
