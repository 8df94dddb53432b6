"""`doorstep bench central`."""

from typing import Any

import click

from ..cli_options import ask, data_dir, json_file
from ..tables import Table, show


@click.command(short_help="What a centre stores each second, its size, and a collector's death.")
@click.option(
    "--store", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True, help="The engine."
)
@click.option("--collectors", type=click.IntRange(1, 8), default=1, show_default=True, help="Several need PostgreSQL.")
@click.option("--nodes", type=click.IntRange(1, 20_000), default=500, show_default=True, help="With a batch a minute.")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 200),
    default=75.0,
    show_default=True,
    help="Of the nodes with a batch a minute.",
)
@click.option(
    "--drain",
    type=click.IntRange(0, 5_000),
    default=0,
    show_default=True,
    help="Instead: so many nodes that send what they merged in a day without a centre.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of counters and sketches.")
@data_dir
@json_file
def central(data_dir: str | None, report_path: str | None, **asked: Any) -> None:
    """Measure real collectors: first as many busy batches as they take, validated, stored and summed up to all tiers;
    then nodes with a batch a minute each. Of several collectors one is killed meanwhile. PostgreSQL is started for it:
    for the store, and for the bare COPY of the same counters that the rate is compared with.

    \b
    Examples:
      doorstep bench central --json central.json
      doorstep bench central --store postgresql --collectors 2 --nodes 2000
      doorstep bench central --drain 1000

    Exit code 1 where a batch was lost or counted twice.
    """
    from .drain import drain
    from .measure import Plan, measure

    plan = Plan(**asked)
    if plan.drain:
        report = ask(lambda *where: drain(plan, *where), 5, data_dir, report_path)
        show([], drain_lines(report))
    else:
        report = ask(lambda *where: measure(plan, *where), 7, data_dir, report_path)
        show(central_tables(report), central_lines(report))
    if report["lost"] or report["doubled"]:
        raise SystemExit(1)


def drain_lines(report: dict[str, Any]) -> list[str]:
    """How long it took, and what became of the minutes."""
    where = f"{report['store']}, {report['collectors']} collectors"
    return [
        f"{report['nodes']:,} nodes sent {report['windows']:,} windows of a day in {report['drain_s']:.1f} s ({where})",
        f"{report['live']:,} minutes that ended meanwhile: lag p99 {report['live_lag_p99_s']:.2f} s",
        f"of {report['sent']:,} batches lost {report['lost']}, counted twice {report['doubled']}",
    ]


def central_tables(report: dict[str, Any]) -> list[Table]:
    """Bytes of a node-day."""
    rows = [(tier, *(f"{size:,}" for size in sizes.values())) for tier, sizes in report["bytes_per_node_day"].items()]
    return [Table("bytes of a node-day", ("small", "busy"), rows)]


def central_lines(report: dict[str, Any]) -> list[str]:
    """The rates, and what became of the batches."""
    rate = f"{report['batches_per_s']:,} busy batches/s validated, stored and summed up ({report['store']}"
    copied = f"{report['counters_per_s']:,} counters/s, {report['stored_over_copy']:.2f} of a bare COPY"
    if "stored_over_copy_in_groups" in report:  # earlier reports have not
        copied += f", {report['stored_over_copy_in_groups']:.2f} of one in groups"
    pause = "" if report["ack_pause_s"] is None else f"; a collector's death: {report['ack_pause_s']:.1f} s of waiting"
    return [
        f"{rate}, {report['collectors']} collectors); {copied}",
        f"{report['nodes']:,} nodes with a batch a minute: lag p99 {report['lag_p99_s']:.2f} s{pause}",
        f"a summary of 30 days of 100 busy nodes: p99 {report['summary_p99_ms']:.0f} ms",
        f"of {report['sent']:,} batches lost {report['lost']}, counted twice {report['doubled']}",
    ]
