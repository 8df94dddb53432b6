"""`doorstep bench scale`."""

from typing import Any, Final

import click

from ..cli_options import ask, data_dir, json_file, plot_file
from ..load.lateness import sentence
from ..tables import Table, show, times


@click.command(short_help="What more riders, orders and connections cost.")
@click.option("--riders", type=click.IntRange(100, 100_000), multiple=True, help="On the map; 100 to 100,000.")
@click.option("--orders", type=click.IntRange(1, 5_000), multiple=True, help="Open; 10, 100, 1,000.")
@click.option("--clients", type=click.IntRange(1, 9_000), multiple=True, help="Connected; 10, 1,000, 5,000.")
@click.option("--count", type=click.IntRange(10, 10_000), default=200, show_default=True, help="Orders timed at each.")
@click.option("--rate", type=click.FloatRange(1), default=100.0, show_default=True, help="Orders/s over connections.")
@click.option("--seconds", type=click.FloatRange(0.5, 600), default=6.0, show_default=True, help="Of that load.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of places and arrival times.")
@data_dir
@json_file
@plot_file
def scale(
    riders: tuple[int, ...],
    orders: tuple[int, ...],
    clients: tuple[int, ...],
    count: int,
    rate: float,
    seconds: float,
    seed: int,
    data_dir: str | None,
    report_path: str | None,
    plot_path: str | None,
) -> None:
    """Measure how time and memory grow. Riders and open orders in the core alone: the round in which one more order is
    placed. Connections at a whole node: order to rider at the same rate in all.

    Open orders are either under way or wait where no rider can take them, which every decision then considers again.
    The exponent is that of n in cost ~ n^e, fitted to the medians: 0 is flat, 1 proportional.

    \b
    Examples:
      doorstep bench scale --json scale.json --plot scale.svg
      doorstep bench scale --riders 100 --riders 10000 --orders 10 --clients 10 --count 50
    """
    from .measure import Plan, measure, points
    from .scale_plot import scale_plot

    standard = Plan()
    plan = Plan(
        riders=riders or standard.riders,
        orders=orders or standard.orders,
        clients=clients or standard.clients,
        count=count,
        rate=rate,
        seconds=seconds,
        seed=seed,
    )
    total = len(points(plan)) + len(plan.clients)
    report = ask(lambda *where: measure(plan, *where), total, data_dir, report_path, plot_path, scale_plot)
    show(scale_tables(report), [sentence(report["generator_late"])])


GROWN: Final = (
    ("riders", "decide_ms", "riders on the map"),
    ("carried", "decide_ms", "orders under way"),
    ("waiting", "decide_ms", "orders waiting in vain"),
    ("clients", "ms", "connections"),
)
"""What grows, where its times are, and how it is called."""


def scale_tables(report: dict[str, Any]) -> list[Table]:
    """Every point, and the exponents under each group."""
    rows: list[tuple[str, ...]] = []
    for what, field, words in GROWN:
        for row in report[what]:
            rows.append((words, f"{row['size']:,}", *times(row[field], ("p50", "p99")), f"{row['memory_mb']:.1f}"))
        slopes = [report["exponents"][f"{what}_{name}"] for name in ("p50", "memory")]
        shown = ["" if slope is None else f"n^{slope:.2f}" for slope in slopes]
        rows.append(("grows as", "", shown[0], "", shown[1]))
    return [Table("cost against size", ("size", "p50 ms", "p99 ms", "MB added"), rows)]
