"""`doorstep bench flood`."""

from typing import Any

import click

from ..cli_options import ask, data_dir, json_file, plot_file
from ..load.lateness import sentence
from ..tables import Table, show


@click.command(short_help="What others notice while one client sends all it can.")
@click.option("--flood", "floods", multiple=True, metavar="NAME", help="Only this one; repeat it for several.")
@click.option("--rate", type=click.FloatRange(1, 10_000), default=100.0, show_default=True, help="Orders a second.")
@click.option("--seconds", type=click.FloatRange(0.5, 600), default=10.0, show_default=True, help="Of each phase.")
@click.option("--turns", type=click.IntRange(1, 100), default=5, show_default=True, help="Into which it is divided.")
@click.option("--clients", type=click.IntRange(1, 1_000), default=50, show_default=True, help="Tills, and riders.")
@click.option(
    "--megabytes-per-s", type=click.FloatRange(0.01, 1_000), default=100.0, show_default=True, help="Sent at most."
)
@click.option(
    "--connects-per-s", type=click.FloatRange(1, 50_000), default=7_000.0, show_default=True, help="Made at most."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the arrival times.")
@data_dir
@json_file
@plot_file
def flood(
    floods: tuple[str, ...], data_dir: str | None, report_path: str | None, plot_path: str | None, **asked: Any
) -> None:
    """Measure p99 from an order's due time until its rider has it, at the node's standard quotas: calm, while one
    client floods the node, and while the same flood goes into a sink. The sink shows what the flood's sender takes from
    the machine.

    ratio = p99 during / the higher one of calm and sink. It should be at most 2.

    \b
    Examples:
      doorstep bench flood --json flood.json --plot flood.svg
      doorstep bench flood --flood pingreq --flood churn --seconds 30

    Exit code 1 where an order was lost or refused, or a ratio is over 2.
    """
    from .flood_plot import flood_plot
    from .floods import FLOODS
    from .measure import PHASES, RATIO_MAX, Plan, measure

    if unknown := set(floods) - set(FLOODS):
        raise click.BadParameter(f"{min(unknown)!r} is none of {', '.join(FLOODS)}.", param_hint="--flood")
    plan = Plan(floods=floods or tuple(FLOODS), **asked)
    steps = len(plan.floods) * plan.turns * len(PHASES) + 1
    report = ask(lambda *where: measure(plan, *where), steps, data_dir, report_path, plot_path, flood_plot)
    show(flood_tables(report), flood_lines(report), width_min=110)
    if report["lost"] or report["refused"] or report["ratio_max"] > RATIO_MAX:
        raise SystemExit(1)


def flood_tables(report: dict[str, Any]) -> list[Table]:
    """One line for each flood."""
    rows = [
        (
            name,
            *(f"{one[f'p99_{phase}_ms']:,.2f}" for phase in ("before", "during", "sink")),
            f"× {one['ratio']:.2f}",
            f"{one['megabytes']:,.1f} of {one['sink_megabytes']:,.1f}",
            f"{one['connections']:,} of {one['sink_connections']:,}",
            f"{one['node_cores']:.2f}",
        )
        for name, one in report["floods"].items()
    ]
    plan = report["plan"]
    title = f"{plan['rate']:g} orders/s beside one client's flood; p99 in milliseconds, medians of {plan['turns']}"
    headings = ("calm", "flood", "sink", "ratio", "MB taken", "connections", "node's cores")
    return [Table(title, headings, rows)]


def flood_lines(report: dict[str, Any]) -> list[str]:
    """What the node noted of each flood, and what became of the orders."""
    noted = [
        f"{name}: " + ", ".join(f"{reason} {count:,}" for reason, count in one["noted"].items())
        for name, one in report["floods"].items()
        if one["noted"]
    ]
    counts = ", ".join(f"{name} {report[name]:,}" for name in ("sent", "lost", "refused"))
    return [*noted, f"orders: {counts}", sentence(report["generator_late"])]
