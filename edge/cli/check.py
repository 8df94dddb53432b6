"""`doorstep check`: everything that can be known before a node starts, at once."""

from pathlib import Path

import click
import msgspec

from ..preflight.finding import Report
from ..preflight.preflight import Wishes, look
from ..words.words import Words
from .options import CONFIG, words_of

ORDERS_PER_DAY = 2_000
"""A shop or a district of some shops."""


@click.command(short_help="Find what is wrong before a node starts.")
@CONFIG
@click.option(
    "--orders-per-day",
    type=click.IntRange(1, 10_000_000),
    default=ORDERS_PER_DAY,
    show_default=True,
    help="For the room on the disk.",
)
@click.option("--public", multiple=True, metavar="URL", help="What phones connect to: wss://shop.example. Repeatable.")
@click.option(
    "--public-ca",
    type=click.Path(dir_okay=False),
    default="",
    help="A PEM file of authorities for --public, instead of the system's.",
)
@click.option("--offline", is_flag=True, help="Do not try the centre, the broker and the public names.")
@click.option("--json", "as_json", is_flag=True, help="Print findings and facts as JSON.")
def check(
    config_path: Path, orders_per_day: int, public: tuple[str, ...], public_ca: str, offline: bool, as_json: bool
) -> None:
    """Look at everything that a start needs, and list all findings at once, each with what to do: options, files and
    their modes, credentials, certificates, ports, the data directory and its disk, the clock, the centre, the broker,
    and the way that phones take.

    It may run beside the node, with a changed configuration before a reload. Run it as the node's user.

    Exit codes: 0 a node can start with this (there may be warnings); 1 it cannot, or would not do what is asked.

    \b
    doorstep check --config /etc/doorstep/edge.toml
    doorstep check --config edge.toml --public wss://shop.example --json
    """
    report = look(
        config_path, Wishes(orders_per_day=orders_per_day, public=public, public_ca=public_ca, offline=offline)
    )
    if as_json:
        body = {"ok": report.ok, "findings": report.findings, "facts": report.facts}
        click.echo(msgspec.json.format(msgspec.json.encode(body)).decode())
    else:
        _show(report, words_of(config_path))
    raise SystemExit(0 if report.ok else 1)


def _show(report: Report, words: Words) -> None:
    colon = words.word("page.colon")
    for finding in sorted(report.findings, key=lambda each: each.severity):
        severity = click.style(
            words.word(f"check.{finding.severity}"), fg="red" if finding.severity == "error" else "yellow"
        )
        click.echo(f"{severity}{colon}{words.sentence(finding.text)}")
    for name, fact in report.facts.items():
        click.echo(click.style(f"{words.word(f'fact.{name}')}{colon}{words.sentence(str(fact))}", dim=True))
    errors = sum(each.severity == "error" for each in report.findings)
    click.echo(words.word("check.ok") if report.ok else words.word("check.to_mend", count=errors))
