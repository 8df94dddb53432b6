"""`doorstep times`: what a node has learned about time."""

from datetime import datetime
from itertools import takewhile
from pathlib import Path

import click
import msgspec

from ...app.config import load as load_config
from ...errors import InputError, JournalError
from ...journal.reader import JournalReader
from ...scenarios.dispatch.messages.catalog import NAME
from ...scenarios.dispatch.scenario import Dispatch
from ...scenarios.dispatch.times import words
from ...scenarios.dispatch.times.times import Times

UNKNOWN_SHOP = 1


@click.command(short_help="Show what the node has learned about time.")
@click.argument("shop", required=False, metavar="[SHOP]")
@click.option("--config", "config_path", type=click.Path(dir_okay=False), help="The node's configuration (edge.toml).")
@click.option("--journal", "path", metavar="PATH", help="The journal, or the data directory, instead of --config.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object; times in seconds.")
def times(shop: str | None, config_path: str | None, path: str | None, as_json: bool) -> None:
    """Show what the node has learned about time: preparation by shop and hours, the pace of rides, handovers, and how
    far drop-offs are from what was predicted. Hours are those of this computer's time zone.

    Reads the journal only: the node may run or not. Without options it uses edge.toml in this folder. A shop, or a
    dispatcher, makes the node forget a shop with a message times.reset.

    \b
    Examples:
      doorstep times --config /etc/doorstep/edge.toml
      doorstep times noodle-bar --journal data --json

    Exit codes: 0 shown; 1 nothing was learned of this shop; 2 the journal or the configuration cannot be read.
    """
    if config_path is not None and path is not None:
        raise click.UsageError("--config and --journal exclude each other: give one of them.")
    scenario_path = ""
    if path is None:
        config = load_config(config_path or "edge.toml")
        path, scenario_path = config.data_dir, config.scenario_path
    with JournalReader.open(Path(path)) as reader:
        try:
            found = words.report(_learned(reader, scenario_path), _zone_min())
        except (JournalError, ValueError) as error:
            raise InputError(str(reader.path), None, f"{error}. Read it with the doorstep that wrote it.") from error
    if shop is not None:
        found = found.of(shop)
    sentences = list(words.lines(found))
    if as_json:
        click.echo(msgspec.json.encode(found))
    elif sentences:
        click.echo("\n".join(sentences))
    else:
        of = f" of {shop!r}" if shop is not None else ""
        click.echo(f"Nothing was learned{of} yet: it begins with the first pickup.", err=shop is not None)
    raise SystemExit(UNKNOWN_SHOP if shop is not None and not sentences else 0)


def _learned(reader: JournalReader, scenario_path: str) -> Times:
    """As of the last row: from the newest whole snapshot, and the rows after it."""
    from ...core.node import Node
    from ...scenarios.files import take_copies
    from ...scenarios.loader import available, load

    kinds = load(available(scenario_path), scenario_path)
    take_copies(reader.path.parent, kinds)
    node = Node(kinds)
    snapshot, start = reader.newest()
    _, last = reader.bounds()
    node.recover(snapshot, (body for _, body in takewhile(lambda row: row[0] <= last, reader.rows(start))))
    scenario = node.scenarios[NAME]
    assert isinstance(scenario, Dispatch), "the scenario of this name"
    learned = scenario.state.times
    learned.wall_ms = node.last.wall_ms
    return learned


def _zone_min() -> int:
    """Minutes by which this computer's time is ahead of UTC."""
    offset = datetime.now().astimezone().utcoffset()
    return 0 if offset is None else round(offset.total_seconds() / 60)
