"""`doorstep bench labels`."""

from typing import Any

import click

from ..cli_options import ask, data_dir, json_file
from ..load.lateness import sentence
from ..tables import QUANTILES, Table, show, times


@click.command(short_help="Time from a price to its shelf label.")
@click.option(
    "--labels", type=click.IntRange(1, 20_000), default=500, show_default=True, help="Each with an article of its own."
)
@click.option("--rate", type=click.FloatRange(1, 100_000), default=50.0, show_default=True, help="Prices a second.")
@click.option("--seconds", type=click.FloatRange(0.5, 3_600), default=10.0, show_default=True, help="Of prices.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the arrival times.")
@data_dir
@json_file
def labels(data_dir: str | None, report_path: str | None, **asked: Any) -> None:
    """Measure from the instant at which a shop's price is due until the gateway has its `label.show`, which is on disk
    by then. The gateway confirms each one. The load is an open loop: prices come when they are due.

    \b
    Examples:
      doorstep bench labels --json labels.json
      doorstep bench labels --labels 5000 --rate 500 --seconds 30

    Exit code 1 where a price did not arrive, was refused, or was not confirmed.
    """
    from .measure import Plan, measure

    plan = Plan(**asked)
    report = ask(lambda *where: measure(plan, *where), 4, data_dir, report_path)
    show(labels_tables(report), labels_lines(report))
    if report["lost"] or report["refused"] or report["unconfirmed"]:
        raise SystemExit(1)


def labels_tables(report: dict[str, Any]) -> list[Table]:
    """One line."""
    title = f"{report['rate']:g} prices/s, {report['plan']['labels']} labels; milliseconds"
    row = ("price.set to label.show", *times(report["set_to_show_ms"], (*QUANTILES, "max"), digits=3))
    return [Table(title, ("p50", "p99", "p99.9", "max"), [row])]


def labels_lines(report: dict[str, Any]) -> list[str]:
    """What became of the prices."""
    counts = ", ".join(f"{name} {report[name]}" for name in ("sent", "shown", "lost", "refused"))
    return [f"{counts}, not confirmed {report['unconfirmed']}", sentence(report["generator_late"])]
