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
@click.option("--shops", is_flag=True, help="Of each shop, in place of nodes.")
@click.option("--shop", default="", metavar="NAME", help="Of one shop.")
@click.option("--days", default=DAYS, show_default=True, type=click.IntRange(1, DAYS_MAX), help="Of so many days.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@CONFIG
def health(scenario: str, node: str, shops: bool, shop: str, days: int, as_json: bool, config_path: str) -> None:
    """Show the health index, the worst first: of each scenario over all nodes and at each node a score from 0 to 100,
    its parts, and whether to keep, mend or retire it. Or of each shop, where its node sends figures of shops. The
    centre may run meanwhile, or not.

    \b
    Examples:
      doorstep central health --config central.toml
      doorstep central health --scenario dispatch --node shop-7 --days 30
      doorstep central health --shops --node shop-7
      doorstep central health --json | jq '.[] | select(.advice == "mend")'

    Exit codes: 0 shown, 1 there is no such scenario, node or shop, 2 the configuration cannot be used, 4 the store
    cannot be read.
    """
    from msgspec import to_builtins

    from edge.errors import DoorstepError

    from ..config import load

    named = shops or bool(shop)
    found, unnamed = _read(config_path, load(config_path), days, node if named else None)
    chosen = [
        each
        for each in found
        if scenario in ("", each.scenario) and node in ("", each.node) and shop in ("", each.shop)
    ]
    if not chosen and (scenario or node or shop):
        what = "scenario, node or shop" if named else "scenario or node"
        raise DoorstepError(f"Nothing came of such a {what} in this time. Leave the options out to see all.")
    if as_json:
        click.echo(json.dumps(to_builtins(chosen), indent=1))
        return
    for each in chosen:
        score = "–" if each.score is None else each.score
        whose = f"{each.shop} at {each.node}" if each.shop else each.node or "all nodes"
        click.echo(f"{each.scenario}  {whose}  {score}  {each.sentence}")
        for part in each.parts:
            if part.score is not None:
                click.echo(f"    {part.name:<10} {part.score:3.0f}  {in_words(part, bool(each.shop))}")
    if unnamed:
        click.echo(f"{unnamed:,} orders more were at shops that have too few customers to be named.")
    if not found:
        click.echo("No node has named a shop in this time." if named else "Nothing was stored in this time.")


def in_words(part: "Part", of_shop: bool = False) -> str:
    """The value of a part, with its unit."""
    what = "orders" if of_shop else "events"
    value, count = part.value or 0.0, f"{part.count:,}"
    if part.name == "response":
        return f"9 of 10 within {value / 1000:,.1f} s, of {count}; the budget is {part.budget_ms / 1000:,.1f} s"
    if part.name == "quality":
        return f"{value:.1f} min beyond the earliest possible, of {count}"
    if part.name == "freshness":
        return f"{value:,.0f} s behind" if part.count == 1 else f"{value:.1%} of {count} nodes current"
    if part.name == "use":
        return f"{value:,.1f} orders a day" if of_shop else f"{value:,.0f} events a day and node"
    if part.name == "trend":
        return f"{value:.1%} of the {count} {what} of the time before"
    words = {"promise": "kept", "declines": "declined or lapsed", "refusals": "refused", "loss": "lost"}
    return f"{value:.1%} of {count} {words[part.name]}"


def _read(config_path: str, config: "Config", days: int, shops_of: str | None) -> "tuple[list[Health], int]":
    """Of scenarios; of shops where `shops_of` is a node, or empty for all: then also the orders at others."""
    from ..config import now_ms, store_of
    from ..figures.figures import Figures
    from ..fleet.command import known_fleet
    from ..store.open import open_driver
    from ..store.tiers import Calendar
    from .read import health_index
    from .shops import shop_health

    at = now_ms(config)
    fleet = known_fleet(config_path, config, at)
    figures = Figures(open_driver(*store_of(config_path, config), readonly=True), Calendar(config.timezone))
    try:
        if shops_of is None:
            return health_index(figures, fleet, days, at, config.health), 0
        found = shop_health(figures, fleet, days, at, config.health, shops_of)
        return found.rows, found.unnamed
    finally:
        figures.close()
