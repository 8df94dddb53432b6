"""`doorstep bench latency` and `doorstep bench throughput`: what is asked, and what is shown."""

from pathlib import Path
from typing import Any, Final

import click

from ..cli_options import ask, data_dir, json_file, plot_file
from ..tables import show

TRANSPORTS: Final = ("tcp", "tls", "ws")

_clients = click.option(
    "--clients", type=click.IntRange(1, 5_000), default=200, show_default=True, help="Connections that place orders."
)


@click.command(short_help="Time from an order to its rider, beside the machine's floor.")
@click.option("--rate", type=click.FloatRange(1, 100_000), default=500.0, show_default=True, help="Orders a second.")
@click.option(
    "--seconds", type=click.FloatRange(0.5, 3_600), default=10.0, show_default=True, help="Of load for each subject."
)
@click.option(
    "--mode",
    type=click.Choice(["endpoint", "broker"]),
    default="endpoint",
    show_default=True,
    help="How clients connect.",
)
@_clients
@click.option("--transport", type=click.Choice(TRANSPORTS), default="tcp", show_default=True, help="Under MQTT.")
@click.option("--rounds", type=click.IntRange(1, 100), default=5, show_default=True, help="Into which it is divided.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the arrival times.")
@click.option(
    "--spans",
    "spans_path",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write every order as OpenTelemetry spans here (OTLP in JSON).",
)
@data_dir
@json_file
@plot_file
def latency(
    data_dir: str | None, report_path: str | None, plot_path: str | None, spans_path: Path | None, **asked: Any
) -> None:
    """Measure from an order's due time until its rider has the assignment, which is on disk by then.

    In turns with it, in one run: a bare echo on the same codec (the floor), one fdatasync of the same bytes, and an
    echo through Mosquitto. The load is an open loop: orders come when they are due, whatever became of earlier ones.

    \b
    Examples:
      doorstep bench latency --rate 500 --seconds 20 --json latency.json --plot latency.svg
      doorstep bench latency --rate 200 --mode broker --transport ws

    Exit code 1 where an order was lost or refused.
    """
    from .client.spans import Spans
    from .latency_run import Plan, measure
    from .load_plot import latency_plot
    from .screen import latency_lines, latency_tables

    spans = Spans(spans_path) if spans_path is not None else None
    plan = Plan(**asked)
    steps = plan.rounds * 4 + 3
    report = ask(
        lambda *where: measure(plan, *where, spans=spans), steps, data_dir, report_path, plot_path, latency_plot
    )
    show(latency_tables(report), latency_lines(report))
    if report["lost"] or report["refused"]:
        raise SystemExit(1)


@click.command(short_help="The highest rate without loss, and what it costs.")
@click.option(
    "--seconds", type=click.FloatRange(0.5, 60), default=3.0, show_default=True, help="Of load at each rate tried."
)
@click.option(
    "--steps", type=click.IntRange(2, 30), default=12, show_default=True, help="Rates tried for each subject."
)
@click.option("--from", "start", type=click.FloatRange(1), default=200.0, show_default=True, help="The first rate.")
@_clients
@data_dir
@json_file
@plot_file
def throughput(data_dir: str | None, report_path: str | None, plot_path: str | None, **asked: Any) -> None:
    """Find the highest rate at which nothing is lost and p99 stays under 50 ms: orders at the node, the echo through
    Mosquitto, the bare echo, and a server that has the node's packets for each order but decides and keeps nothing.
    Then orders with 20 rider positions each, and positions alone, 1 and 10 points in a message.

    Rates double until one fails twice, then the gap is halved. Processor time is that of the process, from /proc.

    \b
    Examples:
      doorstep bench throughput --json throughput.json --plot throughput.svg
      doorstep bench throughput --seconds 2 --steps 6 --clients 50
    """
    from .load_plot import throughput_plot
    from .screen import throughput_lines, throughput_tables
    from .throughput_run import Search, measure

    search = Search(**asked)
    total = search.steps * 12 + 2
    report = ask(lambda *where: measure(search, *where), total, data_dir, report_path, plot_path, throughput_plot)
    show(
        throughput_tables(report),
        throughput_lines(report),
    )
