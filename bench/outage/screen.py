"""What a person reads at the end of an outage."""

from typing import Any

from rich.console import Console
from rich.table import Table


def outage_table(report: dict[str, Any]) -> None:
    """The figures, round by round, and the sums."""
    console = Console()
    rounds = Table(
        title=f"{report['minutes_offline']:g} minutes of the day offline, {report['plan']['rate']:g} orders/s"
    )
    for name in ("", "windows", "events", "backlog kB", "back after s", "drained after s", "windows/s", "events/s"):
        rounds.add_column(name, justify="left" if not name else "right")
    for number, one in enumerate(report["outages"], 1):
        words = f"{number}, {one['kills']} kills" if one["kills"] else f"{number}"
        rounds.add_row(
            words,
            f"{one['windows']}",
            f"{one['events']:,}",
            f"{one['backlog_bytes'] / 1000:,.0f}",
            f"{one['reconnect_s']:.1f}",
            f"{one['drain_s']:.1f}",
            f"{one['windows_per_s']:,.0f}",
            f"{one['events_per_s']:,.0f}",
        )
    console.print(rounds)
    local = Table(title="from an order's due time to its rider, on disk by then; ms")
    for name in ("", "orders", "p50", "p99", "p99 of slices"):
        local.add_column(name, justify="left" if not name else "right")
    for name, row in report["local_ms"].items():
        local.add_row(name, f"{row['orders']}", f"{row['p50']:.2f}", f"{row['p99']:.2f}", f"{row['p99_of_slices']:.2f}")
    console.print(local)
    for name, words in (("local_p99_ratio", "cut over before"), ("drain_live_p99_ratio", "drain over before")):
        if report[name] is None:
            console.print(f"p99, {words}: not measured, no order was due then that was clear of a kill")
        else:
            low, high = report[f"{name}_90"]
            console.print(f"p99, {words}: × {report[name]:.2f} (90 %: {low:.2f} to {high:.2f})")
    cpu = report["node_cpu_us_an_event"]
    console.print(
        f"processor time of the node for an event: {cpu['before']:.0f} µs before, {cpu['cut']:.0f} µs during the cut"
    )
    console.print(
        f"lost {report['lost']}, doubled {report['doubled']}; {report['events']['at_node']:,} events at the node, "
        f"{report['events']['at_centre']:,} at the centre; on disk for the outage at most "
        f"{report['outbox_disk_bytes_max'] / 1e6:.1f} MB"
    )
    for sentence in report["proof"]["sentences"]:
        console.print(f"[bold]{sentence}[/]")
