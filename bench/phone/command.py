"""`doorstep bench phone`."""

from typing import Any

import click

from ..cli_options import ask, data_dir, json_file, plot_file
from ..load.lateness import sentence
from ..tables import Table, show, times


@click.command(short_help="From a customer's tap to the rider's phone, over bad networks.")
@click.option("--rtt", "rtts", type=click.FloatRange(1, 10_000), multiple=True, help="Round trip, ms; 50, 300, 1000.")
@click.option("--stalls", type=click.FloatRange(0, 100), multiple=True, help="Percent of reads that stall; 0, 1, 5.")
@click.option("--stall-s", type=click.FloatRange(0.01, 60), default=1.0, show_default=True, help="How long each does.")
@click.option("--dead-spot", type=click.FloatRange(0, 60), default=10.0, show_default=True, help="Seconds; 0: none.")
@click.option("--rate", type=click.FloatRange(0.1, 1000), default=10.0, show_default=True, help="Taps/s per network.")
@click.option("--seconds", type=click.FloatRange(1, 3600), default=60.0, show_default=True, help="Of taps.")
@click.option("--customers", type=click.IntRange(1, 500), default=20, show_default=True, help="Of each network.")
@click.option("--riders", type=click.IntRange(1, 500), default=40, show_default=True, help="Of each network.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of taps, jitter and stalls.")
@data_dir
@json_file
@plot_file
def phone(
    rtts: tuple[float, ...],
    stalls: tuple[float, ...],
    stall_s: float,
    dead_spot: float,
    rate: float,
    seconds: float,
    customers: int,
    riders: int,
    seed: int,
    data_dir: str | None,
    report_path: str | None,
    plot_path: str | None,
) -> None:
    """Measure from a customer's tap until the rider's phone shows the order, both behind a network as phones have it:
    a round trip with jitter, reads that stall and hold up all behind them, and one network with a dead spot.

    All networks at once, against one node. Phones keep each event until its receipt, connect again when nothing is
    acknowledged for six seconds, and send again with the same id. The waterfall shows where the time went.

    \b
    Examples:
      doorstep bench phone --json phone.json --plot phone.svg
      doorstep bench phone --rtt 300 --stalls 1 --dead-spot 0 --seconds 300 --json phone.json

    Exit code 1 where an order did not arrive.
    """
    from .measure import Plan, measure, networks
    from .phone_plot import phone_plot

    standard = Plan()
    plan = Plan(
        rtts=rtts or standard.rtts,
        stalls=stalls or standard.stalls,
        stall_s=stall_s,
        dead_spot_s=dead_spot,
        rate=rate,
        seconds=seconds,
        customers=customers,
        riders=riders,
        seed=seed,
    )
    total = len(networks(plan)) + 3
    report = ask(lambda *where: measure(plan, *where), total, data_dir, report_path, plot_path, phone_plot)
    show(phone_tables(report), [sentence(report["generator_late"])])
    if any(one["lost"] for one in report["networks"]):
        raise SystemExit(1)


def phone_tables(report: dict[str, Any]) -> list[Table]:
    """One line for each network."""
    rows = [
        (
            one["name"],
            f"{one['orders']:,}",
            *times(one["phone_ms"], digits=0),
            f"{one['within_8_s']:.2%}",
            str(one["lost"]),
            str(one["reconnects"]),
        )
        for one in report["networks"]
    ]
    headings = ("orders", "p50", "p99", "p99.9", "within 8 s", "lost", "reconnects")
    return [Table("from the tap to the rider's phone, milliseconds", headings, rows)]
