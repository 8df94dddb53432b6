"""What a person sees: a bar while it runs, a table at the end."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

LATENCY_ROWS: Final = (
    ("floor_ms", "bare echo, no decision, no disk"),
    ("fsync_ms", "one fdatasync of a row"),
    ("mosquitto_ms", "echo through Mosquitto"),
    ("packets_ms", "the node's packets, on disk, nothing decided"),
    ("doorstep_ms", "Doorstep: decided, on disk, at the rider"),
)
LATENCY_RATIOS: Final = (
    ("ratio", "Doorstep over echo + fdatasync"),
    ("ratio_mosquitto", "Doorstep over Mosquitto"),
    ("ratio_packets", "Doorstep over its packets, on disk"),
)
THROUGHPUT_ROWS: Final = (
    ("doorstep", "Doorstep, durable"),
    ("mosquitto", "echo through Mosquitto"),
    ("floor", "bare echo"),
    ("packets", "the node's packets, nothing decided or kept"),
)
"""Fields of a report and what a person reads for them, here and on the page. Not every load has every one of them."""


@contextlib.contextmanager
def progress(steps: int) -> Iterator[Callable[[str], None]]:
    """A bar on stderr. It is drawn only when the returned function is called: a thread that draws would disturb the
    load generator beside it."""
    columns = (
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True) as bar:
        task = bar.add_task("starting", total=steps)

        def announce(what: str) -> None:
            bar.update(task, description=what, advance=1, refresh=True)

        yield announce


def latency_table(report: dict[str, Any]) -> None:
    """The medians, and the ratios under them."""
    table = Table(
        title=f"{report['rate']:g} orders/s, {report['plan']['mode']} mode; milliseconds, medians over rounds"
    )
    for name in ("", "p50", "p99", "p99.9"):
        table.add_column(name, justify="left" if not name else "right")
    for field, words in LATENCY_ROWS:
        if field in report:
            table.add_row(words, *(f"{report[field][name]:.3f}" for name in ("p50", "p99", "p999")))
    for field, words in LATENCY_RATIOS:
        if field in report:
            table.add_row(words, *(f"× {report[field][name]:.2f}" for name in ("p50", "p99")), "")
    console = Console()
    console.print(table)
    console.print(
        f"sent {report['sent']}, answered {report['answered']}, lost {report['lost']}, refused {report['refused']}, "
        f"twice {report['duplicates']}"
    )
    late = report["generator_late"]
    if late["too_late"]:
        console.print(
            f"[bold]The load generator was late:[/] {late['share']:.1%} of the sends of one round left more than "
            f"{late['over_ms']:g} ms after they were due (p99 {late['p99_ms']:.2f} ms). It is in every figure above."
        )


def throughput_table(report: dict[str, Any]) -> None:
    """The rates side by side."""
    table = Table(title="highest rate, nothing lost, p99 under 50 ms")
    for name in ("", "orders/s", "p99 ms", "CPU µs an order"):
        table.add_column(name, justify="left" if not name else "right")
    for field, words in THROUGHPUT_ROWS:
        best = report[field]["best"]
        if best is None:
            table.add_row(words, f"below {min(one['rate'] for one in report[field]['tried']):g}", "", "")
        else:
            table.add_row(words, f"{best['rate']:.0f}", f"{best['p99']:.2f}", f"{best['cpu_us']:.0f}")
    console = Console()
    console.print(table)
    if "ratio_cpu" in report:
        rates = f"× {report['ratio_mosquitto']:.2f} of Mosquitto's, × {report['ratio_packets']:.2f} of the same packets"
        costs = f"× {report['ratio_cpu']} of the echo's message, × {report['ratio_cpu_packets']} of the same packets"
        console.print(
            f"{report['durable_events_per_s']:,.0f} durable events/s, {report['orders_per_day']:,} orders a day; "
            f"rate {rates}; CPU for an order {costs}"
        )
    for mix in report["mix"]:
        console.print(
            f"1 order : 20 positions, {mix['points']} a message: {mix['events_per_s']:,.0f} events/s, "
            f"{mix['events_per_cpu_s']:,.0f} for each CPU second of the node, {mix['events_per_day']:,} a day, "
            f"{mix['lost']} messages lost"
        )
    for flood in report["positions"]:
        console.print(
            f"positions, {flood['points']} a message: {flood['points_per_s']:,.0f} points/s, "
            f"{flood['points_per_cpu_s']:,.0f} for each CPU second of the node, {flood['lost']} messages lost"
        )
