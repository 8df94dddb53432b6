"""`doorstep central health`: how well each scenario does, and what to do about it."""

import json
from typing import TYPE_CHECKING

import click

from ..cli_options import CONFIG
from . import DAYS, DAYS_MAX

if TYPE_CHECKING:
    from ..config import Config
    from .index import Health
    from .parts import Part


@click.command(short_help="Show how well each scenario does, and what to mend or retire.")
@click.option("--scenario", default="", metavar="NAME", help="Of one scenario.")
@click.option("--node", default="", metavar="NAME", help="Of one node.")
@click.option("--days", default=DAYS, show_default=True, type=click.IntRange(1, DAYS_MAX), help="Of so many days.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@CONFIG
def health(scenario: str, node: str, days: int, as_json: bool, config_path: str) -> None:
    """Show the health index, the worst first: of each scenario over all nodes and at each node a score from 0 to 100,
    its parts, and whether to keep, mend or retire it. The centre may run meanwhile, or not.

    \b
    Examples:
      doorstep central health --config central.toml
      doorstep central health --scenario dispatch --node shop-7 --days 30
      doorstep central health --json | jq '.[] | select(.advice == "mend")'

    Exit codes: 0 shown, 1 there is no such scenario or node, 2 the configuration cannot be used, 4 the store cannot be
    read.
    """
    from msgspec import to_builtins

    from edge.errors import DoorstepError

    from ..config import load

    found = _read(config_path, load(config_path), days)
    chosen = [each for each in found if scenario in ("", each.scenario) and node in ("", each.node)]
    if not chosen and (scenario or node):
        raise DoorstepError("Nothing came of such a scenario or node in this time. Leave the options out to see all.")
    if as_json:
        click.echo(json.dumps(to_builtins(chosen), indent=1))
        return
    for each in chosen:
        score = "–" if each.score is None else each.score
        click.echo(f"{each.scenario}  {each.node or 'all nodes'}  {score}  {each.sentence}")
        for part in each.parts:
            if part.score is not None:
                click.echo(f"    {part.name:<10} {part.score:3.0f}  {in_words(part)}")
    if not found:
        click.echo("Nothing was stored in this time.")


def in_words(part: "Part") -> str:
    """The value of a part, with its unit."""
    value, count = part.value or 0.0, f"{part.count:,}"
    if part.name == "response":
        return f"9 of 10 within {value / 1000:,.1f} s, of {count}; the budget is {part.budget_ms / 1000:,.1f} s"
    if part.name == "quality":
        return f"{value:.1f} min beyond the earliest possible, of {count}"
    if part.name == "freshness":
        return f"{value:,.0f} s behind" if part.count == 1 else f"{value:.1%} of {count} nodes current"
    if part.name == "use":
        return f"{value:,.0f} events a day and node"
    if part.name == "trend":
        return f"{value:.1%} of the {count} events of the time before"
    words = {"promise": "kept", "declines": "declined or lapsed", "refusals": "refused", "loss": "lost"}
    return f"{value:.1%} of {count} {words[part.name]}"


def _read(config_path: str, config: "Config", days: int) -> "list[Health]":
    from ..config import now_ms, store_of
    from ..figures.figures import Figures
    from ..fleet.command import known_fleet
    from ..store.open import open_driver
    from ..store.tiers import Calendar
    from .read import health_index

    at = now_ms(config)
    fleet = known_fleet(config_path, config, at)
    figures = Figures(open_driver(*store_of(config_path, config), readonly=True), Calendar(config.timezone))
    try:
        return health_index(figures, fleet, days, at, config.health)
    finally:
        figures.close()
