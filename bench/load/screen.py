"""What a person sees: a bar while it runs, tables at the end."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from ..tables import Table, times
from .lateness import sentence
from .search import ended, highest

Report = dict[str, Any]

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
"""Fields of a report and what a person reads for them. Not every load has every one of them."""


@contextlib.contextmanager
def progress(steps: int) -> Iterator[Callable[[str], None]]:
    """A bar on stderr. It is drawn only when the returned function is called: a thread that draws would disturb the
    load generator beside it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

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


def latency_tables(report: Report) -> list[Table]:
    """The medians, and the ratios under them."""
    plan = report["plan"]
    title = f"{report['rate']:g} orders/s, {plan['clients']} clients, {plan['mode']}, {plan['transport']}: ms, medians"
    rows = [(words, *times(report[field], digits=3)) for field, words in LATENCY_ROWS if field in report]
    for field, words in LATENCY_RATIOS:
        if field in report:
            rows.append((words, *(f"× {report[field][name]:.2f}" for name in ("p50", "p99")), ""))
    return [Table(title, ("p50", "p99", "p99.9"), rows)]


def latency_lines(report: Report) -> list[str]:
    """What became of the orders, and whether the generator was late."""
    names = ("sent", "answered", "lost", "refused")
    counts = [*(f"{name} {report[name]:,}" for name in names if name in report), f"twice {report['duplicates']:,}"]
    return [", ".join(counts), sentence(report["generator_late"])]


def throughput_tables(report: Report) -> list[Table]:
    """The rates side by side, then what the node takes with positions."""
    rows: list[tuple[str, ...]] = []
    for field, words in THROUGHPUT_ROWS:
        best = report[field]["best"]
        cells = (f"{best['p99']:.2f}", f"{best['cpu_us']:.0f}") if best else ("", "")
        rows.append((words, highest(report[field]), *cells))
    more = [
        (
            f"{words}, {one['points']} a message",
            f"{one[f'{unit}_per_s']:,.0f} {unit}",
            f"{one[f'{unit}_per_cpu_s']:,.0f}",
            f"{one['lost']:,}",
        )
        for field, words, unit in (("mix", "1 order : 20 positions", "events"), ("positions", "positions", "points"))
        for one in report[field]
    ]
    return [
        Table("highest rate, nothing lost, p99 under 50 ms", ("orders/s", "p99 ms", "CPU µs an order"), rows),
        Table("with positions", ("a second", "per CPU second", "messages lost"), more),
    ]


def throughput_lines(report: Report) -> list[str]:
    """The node over the others; nothing where one of them held no rate."""
    if "ratio_cpu" not in report:
        return []
    ours, theirs = (highest(report[name]) for name in ("doorstep", "packets"))
    both = all(ended(report[name]) for name in ("doorstep", "packets"))
    rates = (
        f"highest lossless rate of durable orders over that of a server that decides nothing: {ours} over {theirs} = "
        f"× {report['ratio_packets']:.2f} ({'both' if both else 'not both'} searched to their end); over Mosquitto's "
        f"echo × {report['ratio_mosquitto']:.2f}"
    )
    costs = f"× {report['ratio_cpu']} of the echo's message, × {report['ratio_cpu_packets']} of the same packets"
    events = f"{report['durable_events_per_s']:,.0f} durable events/s, {report['orders_per_day']:,} orders a day"
    return [rates, f"{events}; CPU for an order {costs}"]
