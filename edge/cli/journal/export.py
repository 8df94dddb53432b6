"""`doorstep export`: what is kept of one person, for that person."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct

from ...core.model import Answer, RecordedEvent, Rejected, Row, decode_row
from ...core.scenario import Scenario
from ...errors import DoorstepError, InputError, JournalError
from ...identity.pseudonyms import PSEUDONYM, Pseudonyms
from ...journal.reader import JournalReader
from ...messages.envelope import is_json, loose
from ...scenarios.loader import available, load
from ...scenarios.names import Forms, Names


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
@click.option("--pseudonyms", "hide", is_flag=True, help="Write pseudonyms in place of clients' names; no free text.")
@click.option(
    "--scenario-path", default="", metavar="FOLDER", help="Where scenarios are that are not installed, as in edge.toml."
)
def export(client: str, path: str, hide: bool, scenario_path: str) -> None:
    """Write everything that the journal has of one client as JSON: the events it sent, which of them were refused, and
    the messages it was sent. (PIPL, article 45; GDPR, article 15.) The node may run meanwhile. Other people's messages
    that name the client are counted, not shown, since they are theirs too.

    With --pseudonyms every client's name is a keyed pseudonym, for whoever may see what happened and not to whom. In
    place of CLIENT a pseudonym does, too: at the node it leads to the name.

    \b
    doorstep export rider-12 --journal /var/lib/doorstep-edge/data > rider-12.json
    doorstep export rider-12 --journal /var/lib/doorstep-edge/data --pseudonyms

    Exit codes: 0 written; 1 the journal has nothing of this client; 2 the journal cannot be read.
    """
    encode = msgspec.json.Encoder().encode
    count = named = 0
    with JournalReader.open(Path(path)) as reader:
        first, last = reader.bounds()
        is_pseudonym = re.fullmatch(PSEUDONYM, client) is not None
        known = Pseudonyms.read(reader.path.parent) if hide or is_pseudonym else None
        try:
            if known is not None and is_pseudonym:
                client = _whose(client, known, reader)
            hidden = _Hidden(known, load(available(scenario_path), scenario_path)) if known and hide else None
            shown = known.of(client) if known and hide else client
            click.echo(f'{{"client": {encode(shown).decode()}, "messages": [')
            for row in _rows(reader, first, last, client.encode()):
                entries = list(_entries(row, client, hidden))
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


class _Hidden:
    """Messages with pseudonyms. Sentences and free texts, in which names may be, are left out."""

    def __init__(self, pseudonyms: Pseudonyms, kinds: Sequence[type[Scenario]]) -> None:
        self._forms = Forms(kinds)
        self._names = Names(pseudonyms.of, lambda _: "", lambda text, fixed: text if text in fixed else "")

    def up(self, item: RecordedEvent) -> dict[str, object]:
        """The fields of an event."""
        return self._fields(bytes(item.body), self._forms.up(item.kind))

    def down(self, answer: Answer) -> dict[str, object]:
        """The fields of a message to a client."""
        return self._fields(answer.payload, self._forms.down(answer.kind, answer.payload))

    def _fields(self, body: bytes, form: type[Struct]) -> dict[str, object]:
        codec: Any = msgspec.json if is_json(body) else msgspec.msgpack
        return msgspec.to_builtins(self._names.value(codec.decode(body, type=form), form))


def _whose(pseudonym: str, known: Pseudonyms, reader: JournalReader) -> str:
    """The name behind a pseudonym. Raises DoorstepError where no client in the journal has it."""
    first, last = reader.bounds()
    for row in _rows(reader, first, last, b""):
        names = [item.client for item in row.inputs if isinstance(item, RecordedEvent | Rejected)]
        names += [effect.client for effect in row.effects if isinstance(effect, Answer)]
        for name in names:
            if known.of(name) == pseudonym:
                return name
    hint = "It is of another node, or its rows are deleted."
    raise DoorstepError(f"No client in rows {first} to {last} has the pseudonym {pseudonym}. {hint}")


def _entries(row: Row, client: str, hidden: _Hidden | None) -> Iterator[Entry]:
    at = row.now.wall_ms
    for item in row.inputs:
        if isinstance(item, RecordedEvent) and item.client == client:
            fields = hidden.up(item) if hidden else msgspec.msgpack.decode(item.body)
            yield Entry(row.number, at, "up", item.kind, fields)
        elif isinstance(item, Rejected) and item.client == client:
            refusal: dict[str, object] = {"reason": item.reason, "field": item.field, "id": item.id}
            yield Entry(row.number, at, "up, refused", item.kind, refusal)
    for effect in row.effects:
        if isinstance(effect, Answer) and effect.client == client:
            fields = hidden.down(effect) if hidden else loose(effect.payload)
            yield Entry(row.number, at, "down", effect.kind, fields)
