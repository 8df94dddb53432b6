"""`doorstep bench footprint`."""

from typing import Any

import click

from ..cli_options import ask, data_dir, json_file, plot_file
from ..tables import Table, show


@click.command(short_help="Start-up, memory, size on disk, wake-ups.")
@click.option("--starts", type=click.IntRange(1, 50), default=5, show_default=True, help="The median is reported.")
@click.option("--idle-s", type=click.FloatRange(1, 600), default=10.0, show_default=True, help="Seconds of watching.")
@click.option("--orders-per-hour", type=click.IntRange(10, 20_000), default=360, show_default=True, help="Of a day.")
@click.option("--hours", type=click.FloatRange(0.01, 24), default=1.0, show_default=True, help="By the node's clock.")
@click.option("--speed", type=click.FloatRange(1, 600), default=60.0, show_default=True, help="Faster than life.")
@click.option("--riders", type=click.IntRange(10, 5_000), default=1_000, show_default=True, help="At full load.")
@click.option(
    "--orders",
    type=click.IntRange(10, 5_000),
    default=1_000,
    show_default=True,
    help="Open in it, at most one a rider.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the arrival times.")
@data_dir
@json_file
@plot_file
def footprint(
    starts: int,
    idle_s: float,
    orders_per_hour: int,
    hours: float,
    speed: float,
    riders: int,
    orders: int,
    seed: int,
    data_dir: str | None,
    report_path: str | None,
    plot_path: str | None,
) -> None:
    """Measure what a node takes from its box: seconds from its start until it lets a client in, memory idle, after an
    hour of a day's load and at full load of connected riders and open orders, wake-ups a second when nobody sends
    anything, and the megabytes of an installation.

    The hour goes by on a scaled clock, 60 times faster than life by default: as many orders and positions in a minute.

    \b
    Examples:
      doorstep bench footprint --json footprint.json --plot footprint.svg
      doorstep bench footprint --speed 10 --starts 11
    """
    if orders > riders:
        raise click.BadParameter(f"{orders} orders need as many riders, and --riders is {riders}.")
    from .footprint_plot import footprint_plot
    from .measure import STEPS, Plan, measure

    plan = Plan(
        starts=starts,
        idle_s=idle_s,
        orders_per_hour=orders_per_hour,
        hours=hours,
        speed=speed,
        full_riders=riders,
        full_orders=orders,
        seed=seed,
    )
    report = ask(lambda *where: measure(plan, *where), STEPS, data_dir, report_path, plot_path, footprint_plot)
    show(footprint_tables(report))


def footprint_tables(report: dict[str, Any]) -> list[Table]:
    """One, of words."""
    return [Table("what a node takes", ("",), footprint_rows(report))]


def footprint_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """What was found, in words."""
    idle, hour, full, starts = (report[name] for name in ("idle", "after_hour", "full_house", "start_s"))
    plan, installed = report["plan"], report["installed"]
    load = f"{plan['hours']:g} h, {plan['speed']:g} times faster than life"
    largest = list(installed["largest_mb"].items())[:3]
    return [
        ("start until the first client is in, empty", f"{starts['empty']['median']:.2f} s"),
        (f"the same with a journal of {hour['rows']:,} rows", f"{starts['after_hour']['median']:.2f} s"),
        ("resident, idle", f"{idle['rss_mb']:.0f} MB"),
        (f"resident after {load}", f"{hour['rss_mb']:.0f} MB"),
        ("in it", f"{hour['orders']:,} orders, {hour['riders']} riders, {hour['positions']:,} positions"),
        (f"resident, {full['riders']:,} riders, {full['orders_open']:,} open orders", f"{full['rss_mb']:.0f} MB"),
        ("wake-ups, idle", f"{idle['wake_ups_per_s']:.1f} a second"),
        ("processor, idle", f"{idle['cpu_share']:.2%} of a core"),
        (f"installed, {installed['distributions']} distributions", f"{installed['total_mb']:.0f} MB"),
        ("of these the largest", ", ".join(f"{name} {size:.0f}" for name, size in largest)),
    ]
