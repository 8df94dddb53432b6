"""`doorstep privacy`: what is kept of whom, and what leaves."""

from itertools import groupby
from pathlib import Path

import click
import msgspec

from .options import CONFIG

WHERE = {"journal": "in the journal", "memory": "in memory only", "nowhere": "not kept once it is sent"}

WHAT = {
    "name": "names of clients",
    "number": "numbers of orders, events, articles",
    "door": "doors",
    "shop": "places of shops",
    "position": "riders' positions",
    "zone": "areas that riders work in",
    "words": "words of a person",
}


@click.command(short_help="Show what is kept of whom, and what leaves.")
@CONFIG
@click.option("--all", "everything", is_flag=True, help="Also the fields without information about a person.")
@click.option("--json", "as_json", is_flag=True, help="Print every field and every figure as JSON.")
def privacy(config_path: Path, everything: bool, as_json: bool) -> None:
    """Show field by field what this node keeps of people, where and for how long, and what goes to the centre. It is
    read from the schemas of the scenarios that are switched on, and from the configuration.

    \b
    doorstep privacy --config /etc/doorstep/edge.toml
    doorstep privacy --json
    """
    from ..app.config import load
    from ..scenarios.privacy import SENT, STAYS, kept_fields, leaving_figures

    config = load(config_path)
    fields = kept_fields(config.kinds, config.retention_days, config.keep_free_text)
    figures = leaving_figures(config.kinds, config.k_anonymity)
    if as_json:
        body = {
            "node": config.node,
            "fields": fields,
            "places": STAYS,
            "to_the_centre": figures if config.uplink else [],
            "messages_to_the_centre": SENT if config.uplink else [],
        }
        click.echo(msgspec.json.format(msgspec.json.encode(body)).decode())
        return
    click.echo(
        f"Node {config.node}. Every row of the journal has the sender's name and the event's id; rows go after "
        f"{config.retention_days:g} days, from the file and its WAL. The log names clients that are refused."
    )
    shown = [field for field in fields if everything or field.personal]
    for kind, group in groupby(shown, key=lambda field: (field.scenario, field.kind, field.direction, field.readers)):
        scenario, name, direction, roles = kind
        people = ", ".join(roles) or "everybody"
        click.echo(click.style(f"\n{name} ({scenario}, {'from' if direction == 'up' else 'to'} {people})", bold=True))
        for field in group:
            days = f", {field.days:g} days" if field.days is not None else ""
            click.echo(f"  {field.field}: {WHERE[field.kept]}{days}. {field.meaning}".rstrip())
    click.echo(click.style("\nPlaces, and what may be there", bold=True))
    for stay in STAYS:
        click.echo(f"  {stay.where}: {', '.join(WHAT[each] for each in stay.what)}; {stay.until}. Why: {stay.why}")
    click.echo(click.style("\nTo the centre", bold=True))
    if not config.uplink:
        click.echo("  nothing: uplink is empty")
        return
    for figure in figures:
        place = f", by H3 cell of at least {figure.people_min} people" if figure.people_min else ""
        click.echo(f"  {figure.name}: {figure.form}, by the minute{place}")
    for sent in SENT:
        click.echo(f"  {sent.kind}: {sent.meaning}")
