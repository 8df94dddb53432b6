"""`doorstep central alert`: who is notified, how that went, and a test message to each."""

import sys
from typing import TYPE_CHECKING

import click

from ..cli_options import CONFIG

if TYPE_CHECKING:
    from ..config import Config
    from .queue import State
    from .receivers import Receiver


@click.group(short_help="List who is notified of alarms, or send each a test.")
def alert() -> None:
    """Receivers of alerts: the tables [[alert]] of the centre's configuration.

    \b
    Examples:
      doorstep central alert list --config central.toml
      doorstep central alert test --config central.toml
    """


@alert.command("list", short_help="Check the receivers' settings, and list what became of their alerts.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@CONFIG
def list_(as_json: bool, config_path: str) -> None:
    """Check settings and secrets of each receiver, and list how many alerts it took, refused, and what waits. The
    centre may run meanwhile.

    \b
    Examples:
      doorstep central alert list --config central.toml
      doorstep central alert list --json --config central.toml

    Exit codes: 0 the settings can be used, 2 they cannot, 4 the store cannot be read.
    """
    import json

    from msgspec.structs import asdict

    from .target import Target

    config = _loaded(config_path)
    for each in config.alert:
        Target(config_path, each)
    state = _states(config_path, config)
    if as_json:
        found = [{"template": each.template, **asdict(state[each.name])} for each in config.alert]
        click.echo(json.dumps({"receivers": found}, indent=2))
        return
    for each in config.alert:
        click.echo("\t".join([each.name, each.template, *_words(each, state[each.name])]))


@alert.command(short_help="Send a test to each receiver, and print what came back.")
@click.option("--to", "names", multiple=True, metavar="NAME", help="Only this receiver; may be repeated.")
@CONFIG
def test(names: tuple[str, ...], config_path: str) -> None:
    """Send one message to each receiver, now, and print what it answered. Nothing is kept or sent again; the centre may
    run meanwhile.

    \b
    Examples:
      doorstep central alert test --config central.toml
      doorstep central alert test --to ops --config central.toml

    Exit codes: 0 each took it, 1 one did not, 2 the configuration cannot be used.
    """
    import asyncio

    config = _loaded(config_path)
    unknown = sorted(set(names) - {each.name for each in config.alert})
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is no receiver in {config_path}", param_hint="--to")
    receivers = [each for each in config.alert if not names or each.name in names]
    sys.exit(0 if asyncio.run(_sent(config_path, config, receivers)) else 1)


async def _sent(path: str, config: "Config", receivers: "list[Receiver]") -> bool:
    """Whether each receiver took the test."""
    import asyncio
    import secrets
    from datetime import UTC, datetime

    from ..config import now_ms
    from .alerts import style_of
    from .notice import Notice
    from .target import Target

    notice = Notice(config.name, now_ms(config), is_test=True)
    targets = [Target(path, each) for each in receivers]
    name = f"alert_test_{secrets.token_hex(8)}"
    pushes = [each.push(notice, style_of(config, each.receiver), name, datetime.now(UTC)) for each in targets]
    results = await asyncio.gather(*pushes)
    for target, result in zip(targets, results, strict=True):
        await target.close()
        click.echo(f"{target.receiver.name}\t{result.fate}{f': {result.why}' if result.why else ''}")
    return all(result.fate == "delivered" for result in results)


def _loaded(config_path: str) -> "Config":
    from edge.errors import InputError

    from ..config import load

    config = load(config_path)
    if not config.alert:
        hint = 'Nobody is notified. Write a table [[alert]] with name, url and secret_file, or template = "wecom".'
        raise InputError(config_path, None, f"It names no receiver of alerts. {hint}")
    return config


def _states(config_path: str, config: "Config") -> "dict[str, State]":
    """What the store has; a receiver of which it has nothing yet has zeros."""
    import random

    from ..config import store_of
    from .queue import Queue, State
    from .tables import open_tables

    where, password = store_of(config_path, config)
    queue = Queue(open_tables(where, password), "", random.random)
    try:
        known = {each.name: each for each in queue.states()}
    finally:
        queue.close()
    return {each.name: known.get(each.name, State(each.name, 0, 0, 0, 0, "", 0, 0)) for each in config.alert}


def _words(receiver: "Receiver", state: "State") -> list[str]:
    from datetime import UTC, datetime
    from urllib.parse import urlsplit

    words = [
        urlsplit(receiver.url).hostname or "",
        f"{state.delivered} delivered",
        f"{state.dead} given up",
        f"{state.waiting} waiting",
        f"{state.active} alarms now",
    ]
    if state.delivered_at:
        last = datetime.fromtimestamp(state.delivered_at / 1000, UTC).isoformat(timespec="seconds")
        words.append(f"last at {last.replace('+00:00', 'Z')}")
    return words + ([f"now: {state.error}"] if state.error else [])
