"""`doorstep export`: what is kept of one person, for that person."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from ...core.model import Answer, RecordedEvent, Rejected, Row, decode_row
from ...errors import DoorstepError, InputError, JournalError
from ...journal.reader import JournalReader
from ...messages.envelope import loose


class Entry(Struct, frozen=True, omit_defaults=True):
    """One message of the person: an event (`up`), its refusal, or what it was sent (`down`). `at` is the node's clock,
    Unix ms, `row` the row of the journal."""

    row: int
    at: int
    direction: str
    kind: str
    fields: dict[str, object]


@click.command(short_help="Write down what is kept of one person.")
@click.argument("client", metavar="CLIENT")
@click.option("--journal", "path", required=True, metavar="PATH", help="The journal, or the node's data directory.")
def export(client: str, path: str) -> None:
    """Write everything that the journal has of one client as JSON: the events it sent, which of them were refused, and
    the messages it was sent. (PIPL, article 45; GDPR, article 15.) The node may run meanwhile. Other people's messages
    that name the client are counted, not shown, since they are theirs too.

    \b
    doorstep export rider-12 --journal /var/lib/doorstep-edge/data > rider-12.json

    Exit codes: 0 written; 1 the journal has nothing of this client; 2 the journal cannot be read.
    """
    encode = msgspec.json.Encoder().encode
    count = named = 0
    with JournalReader.open(Path(path)) as reader:
        first, last = reader.bounds()
        click.echo(f'{{"client": {encode(client).decode()}, "messages": [')
        try:
            for row in _rows(reader, first, last, client.encode()):
                entries = list(_entries(row, client))
                for entry in entries:
                    click.echo(f"{', ' if count else '  '}{encode(entry).decode()}")
                    count += 1
                named += not entries
        except (JournalError, ValueError) as error:
            raise InputError(str(reader.path), None, f"{error}. The rest of the journal is not exported.") from error
        click.echo(f'], "rows_that_name_it_otherwise": {named}, "rows": [{first}, {last}]}}')
    if not count and not named:
        raise DoorstepError(
            f"Nothing of {client!r} in rows {first} to {last}. Older ones are deleted after retention_days."
        )


def _rows(reader: JournalReader, first: int, last: int, needle: bytes) -> Iterator[Row]:
    """The rows with the name in them."""
    for number, body in reader.rows(first - 1):
        if number > last:
            return
        if needle in body:  # a name is plain text in the row: most rows need not be decoded
            yield decode_row(body)


def _entries(row: Row, client: str) -> Iterator[Entry]:
    at = row.now.wall_ms
    for item in row.inputs:
        if isinstance(item, RecordedEvent) and item.client == client:
            yield Entry(row.number, at, "up", item.kind, msgspec.msgpack.decode(item.body))
        elif isinstance(item, Rejected) and item.client == client:
            refusal: dict[str, object] = {"reason": item.reason, "field": item.field, "id": item.id}
            yield Entry(row.number, at, "up, refused", item.kind, refusal)
    for effect in row.effects:
        if isinstance(effect, Answer) and effect.client == client:
            yield Entry(row.number, at, "down", effect.kind, loose(effect.payload))
