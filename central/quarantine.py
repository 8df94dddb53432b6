"""`doorstep central quarantine`: the batches that could not be stored, and what becomes of them."""

import json
import sys
from datetime import UTC, datetime
from typing import Any, Final

import click
import msgspec

from edge.errors import DoorstepError
from edge.messages.batches import BatchMessage, Window

from .cli_options import CONFIG
from .config import Config, load, now_ms, store_of
from .ingest.admit import Bounds, admit
from .ingest.verify import Alarm, BatchError, NodeRecord, unpack
from .store.open import Where, open_reader, open_store

_ALARM: Final = "quarantine_settled"


@click.command(short_help="List, store or discard the batches that are kept aside.")
@CONFIG
@click.option("--retry", "retried", multiple=True, metavar="BATCH", help="Store it, after an update or a new setting.")
@click.option(
    "--discard", "discarded", multiple=True, metavar="BATCH", help="Give it up; its node has deleted it, too."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def quarantine(config_path: str, retried: tuple[str, ...], discarded: tuple[str, ...], as_json: bool) -> None:
    """List the batches that the centre could not store, each with its reason; or settle some of them. A BATCH is
    written as the list shows it, NODE/EPOCH/NUMBER. The centre may run meanwhile.

    \b
    Examples:
      doorstep central quarantine --config central.toml
      doorstep central quarantine --config central.toml --retry shop-7/1/4711
      doorstep central quarantine --config central.toml --discard shop-7/1/4711

    Exit codes: 0 done, 1 a batch cannot be stored now either, or is not there, 2 the configuration cannot be used,
    4 the store cannot be read or written.
    """
    config = load(config_path)
    where, password = store_of(config_path, config)
    found = _listed(where, password, config)
    left = 0
    for name, retry in [*((name, True) for name in retried), *((name, False) for name in discarded)]:
        if name not in found:
            click.echo(f"{name} is not among the batches that are kept aside. See: doorstep central quarantine")
            left += 1
        else:
            sentence, settled = settle(where, password, config, found[name], retry)
            click.echo(f"{name}: {sentence}")
            left += not settled
    if not retried and not discarded:
        _show(found, as_json)
    sys.exit(1 if left else 0)


def _listed(where: Where, password: str, config: Config) -> dict[str, dict[str, Any]]:
    reader = open_reader(where, config.timezone, password)
    try:
        return {f"{item['node']}/{item['epoch']}/{item['seq']}": item for item in reader.quarantine()}
    finally:
        reader.close()


def _show(found: dict[str, dict[str, Any]], as_json: bool) -> None:
    if as_json:
        kept = {name: {key: item[key] for key in ("at", "reason", "detail")} for name, item in found.items()}
        click.echo(json.dumps(kept, indent=1))
        return
    for name, item in found.items():
        at = datetime.fromtimestamp(item["at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        click.echo(f"{name}  {at}  {item['reason']}: {item['detail']}")
    count = {0: "No batch is", 1: "1 batch is"}.get(len(found), f"{len(found)} batches are")
    click.echo(f"{count} kept aside.")
    if found:
        click.echo(
            "To store one once its reason is mended: --retry NODE/EPOCH/NUMBER. To give it up: --discard.", err=True
        )


def settle(where: Where, password: str, config: Config, item: dict[str, Any], retry: bool) -> tuple[str, bool]:
    """What became of a batch of `Reader.quarantine`, and whether it is settled. From any thread or process."""
    node, batch, at = item["node"], item["message"], now_ms(config)
    key = (node, item["epoch"], item["seq"])
    store = open_store(where, config.timezone, password, beside=True)
    try:
        with store.group([node]) as group:
            record = group.record(node)
            if record is None:
                raise DoorstepError(f"The store knows nothing of {node}. Restore it from a backup.")
            windows, record = _again(record, batch, config, at) if retry else ([], record)
            events = sum(window.events for window in windows)
            word = f"is stored, with {events} events" if retry else "is discarded"
            alarm = Alarm(_ALARM, f"Batch {item['epoch']}/{item['seq']} {word}.", events)
            group.settle(record, key, windows, alarm, at)
    except BatchError as error:
        return f"It cannot be stored now either. {error}", False
    finally:
        store.close()
    return f"It {word}.", True


def _again(record: NodeRecord, batch: BatchMessage, config: Config, at: int) -> tuple[list[Window], NodeRecord]:
    """The windows of a batch, and the node's record with them. Raises BatchError."""
    windows = unpack(batch)
    bounds = Bounds(k_anonymity=config.k_anonymity, rows_per_day_max=config.rows_per_day_max)
    admitted = admit(record, windows, bounds, at)
    events = record.events + sum(window.events for window in admitted.windows)
    until = max([record.seen_until, *(window.end for window in admitted.windows)])
    return admitted.windows, msgspec.structs.replace(admitted.record, events=events, seen_until=until)
