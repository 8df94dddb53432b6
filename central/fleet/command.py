"""`doorstep central nodes`: how every node is, and until when it may come."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..cli_options import CONFIG

if TYPE_CHECKING:
    from ..config import Config
    from .health import NodeFacts, NodeHealth


@click.command(short_help="List how every node is, and who is invited, enrolled, revoked and retired.")
@click.option("--json", "as_json", is_flag=True, help="Times in Unix ms, for scripts.")
@CONFIG
def nodes(as_json: bool, config_path: str) -> None:
    """List every node that ever connected or was invited, the worst first: its state, what that means, and its
    invitation or certificate. The centre need not run.

    \b
    Examples:
      doorstep central nodes --config /etc/doorstep/central.toml
      doorstep central nodes --json --config central.toml
    """
    import json

    from msgspec.structs import asdict

    from ..config import load, now_ms
    from ..enrolment.command import in_words
    from .health import fleet_health

    config = load(config_path)
    real_ms = time.time_ns() // 1_000_000
    states = _states(config_path, config, real_ms)
    fleet = fleet_health(_facts(config_path, config), states, now_ms(config))
    if as_json:
        click.echo(json.dumps({each.node: {**states.get(each.node, {}), **asdict(each)} for each in fleet}, indent=2))
        return
    for each in fleet:
        words = [each.state, each.sentence, in_words(states.get(each.node, {}), real_ms)]
        click.echo("\t".join([each.node, *filter(None, words)]))
    green = sum(each.is_green for each in fleet)
    click.echo(f"{green} of {len(fleet)} nodes are current and report no problem.", err=True)


def _states(config_path: str, config: "Config", real_ms: int) -> dict[str, dict[str, int]]:
    """Those of the register; where nobody is invited there is none."""
    if not config.advertised_address:
        return {}
    from ..enrolment.files import prepare

    _, _, register = prepare(config_path, config)
    try:
        return register.states(real_ms)
    finally:
        register.close()


def _facts(config_path: str, config: "Config") -> "list[NodeFacts]":
    """Those of the store; before its first start a centre has none. Raises DoorstepError."""
    from ..config import store_of
    from ..store.engine.sqlite import FILE
    from ..store.open import open_reader

    if not config.store and not (Path(config.data_dir) / FILE).exists():
        return []
    where, password = store_of(config_path, config)
    reader = open_reader(where, config.timezone, password)
    try:
        return reader.facts()
    finally:
        reader.close()


def known_fleet(config_path: str, config: "Config", at: int) -> "list[NodeHealth]":
    """How every node is at `at` (Unix ms, by the centre's clock), from what is on disk. Raises DoorstepError."""
    from .health import fleet_health

    states = _states(config_path, config, time.time_ns() // 1_000_000)
    return fleet_health(_facts(config_path, config), states, at)
