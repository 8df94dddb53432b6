"""`doorstep explain --for`: the decisions about one rider, for that rider to read."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import click
import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...core.model import decode_row
from ...core.scenario import Scenario
from ...errors import DoorstepError
from ...journal.reader import JournalReader
from ...messages.sentences import printable
from ...scenarios.dispatch.explain import OwnDecision


class OwnStory(Struct, frozen=True):
    """Everything that the journal contains about decisions on one client, in the order in which it happened."""

    client: str
    entries: list[Any]


def explain_for(client: str, scenarios: Sequence[Scenario], reader: JournalReader, as_json: bool) -> None:
    """Print it. Raises DoorstepError where there is nothing."""
    needle = client.encode()
    rows = (decode_row(body) for body in bodies(reader) if needle in body)
    entries = [entry for row in rows for each in scenarios for entry in each.explain_to(row, client, clock)]
    if not entries:
        first, last = reader.bounds()
        hint = "Is it a rider, and spelt so? Older rows are deleted after retention_days."
        raise DoorstepError(f"No decision about {client!r} in rows {first} to {last}. {hint}")
    if as_json:
        click.echo(msgspec.json.encode(OwnStory(client, entries)))
        return
    console = Console(highlight=False)
    console.print(
        Text.assemble((client, "bold"), f", from {date(entries[0].at)}. Costs are in seconds: less is better.")
    )
    story = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for entry in entries:
        text, style = _text(entry), "bold" if isinstance(entry, OwnDecision) else ""
        story.add_row(clock(entry.at), Text(f"row {entry.row}", "dim"), Text(entry.what, style), Text(text))
    console.print(story)


def _text(entry: Any) -> str:
    if not isinstance(entry, OwnDecision):
        return printable(entry.text)
    own = entry.own
    where = (
        f"free at the last door in {minutes(own.free_in_s)}" if own.free_in_s else f"position {minutes(own.age_s)} old"
    )
    parts = ", ".join(f"{part.replace('_', ' ')} {seconds}" for part, seconds in own.cost.items())
    figures = (
        f"{minutes(own.travel_s)} to the shop, {where}, pickup {clock(own.pickup_at)}, drop-off "
        f"{clock(own.dropoff_at)}, cost {own.total} ({parts}), rules {entry.rule}"
    )
    return printable(f"{entry.order or 'an order'}: {entry.text}. {figures}")


def bodies(reader: JournalReader) -> Iterator[bytes]:
    """The rows that the journal holds now."""
    first, last = reader.bounds()
    for number, body in reader.rows(first - 1):
        if number > last:
            return
        yield body


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000).astimezone()


def date(ms: int) -> str:
    """In this computer's time zone."""
    return f"{_local(ms):%Y-%m-%d %H:%M:%S %Z}"


def clock(ms: int) -> str:
    """The time of the day."""
    return f"{_local(ms):%H:%M:%S}"


def minutes(seconds: int) -> str:
    """As on a stopwatch."""
    return f"{seconds // 60}:{seconds % 60:02}"
