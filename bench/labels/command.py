"""`doorstep bench labels`."""

from typing import Any

import click

from ..cli_options import ask, data_dir, json_file


@click.command(short_help="Time from a price to its shelf label.")
@click.option(
    "--labels", type=click.IntRange(1, 20_000), default=500, show_default=True, help="Each with an article of its own."
)
@click.option("--rate", type=click.FloatRange(1, 100_000), default=50.0, show_default=True, help="Prices a second.")
@click.option("--seconds", type=click.FloatRange(0.5, 3_600), default=10.0, show_default=True, help="Of prices.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the arrival times.")
@data_dir
@json_file
def labels(labels: int, rate: float, seconds: float, seed: int, data_dir: str | None, report_path: str | None) -> None:
    """Measure from the instant at which a shop's price is due until the gateway has its `label.show`, which is on disk
    by then. The gateway confirms each one. The load is an open loop: prices come when they are due.

    \b
    Examples:
      doorstep bench labels --json labels.json
      doorstep bench labels --labels 5000 --rate 500 --seconds 30

    Exit code 1 where a price did not arrive, was refused, or was not confirmed.
    """
    from .measure import Plan, measure

    plan = Plan(labels=labels, rate=rate, seconds=seconds, seed=seed)
    report = ask(lambda *where: measure(plan, *where), 4, data_dir, report_path)
    labels_table(report)
    if report["lost"] or report["refused"] or report["unconfirmed"]:
        raise SystemExit(1)


def labels_table(report: dict[str, Any]) -> None:
    """One line, and what became of the prices."""
    from rich.console import Console
    from rich.table import Table

    from ..load.lateness import sentence

    table = Table(title=f"{report['rate']:g} prices/s, {report['plan']['labels']} labels; milliseconds")
    for name in ("", "p50", "p99", "p99.9", "max"):
        table.add_column(name, justify="left" if not name else "right")
    figures = report["set_to_show_ms"]
    table.add_row("price.set to label.show", *(f"{figures[name]:.3f}" for name in ("p50", "p99", "p999", "max")))
    console = Console()
    console.print(table)
    console.print(
        f"sent {report['sent']}, shown {report['shown']}, lost {report['lost']}, refused {report['refused']}, "
        f"not confirmed {report['unconfirmed']}"
    )
    if late := sentence(report["generator_late"]):
        console.print(late)
