"""What a person reads at the end of an outage, and on the page of all reports."""

from typing import Any

from ..tables import Table, times


def outage_tables(report: dict[str, Any]) -> list[Table]:
    """The figures, round by round, and what users noticed."""
    rounds = [
        (
            f"{number}, {one['kills']} kills" if one["kills"] else f"{number}",
            f"{one['windows']:,}",
            f"{one['events']:,}",
            f"{one['backlog_bytes'] / 1000:,.0f}",
            *times(one, ("reconnect_s", "drain_s"), 1),
            *times(one, ("windows_per_s", "events_per_s"), 0),
        )
        for number, one in enumerate(report["outages"], 1)
    ]
    title = f"{report['minutes_offline']:g} minutes of the day offline, {report['plan']['rate']:g} orders/s"
    headings = ("windows", "events", "backlog kB", "back after s", "drained after s", "windows/s", "events/s")
    local = [
        (name, f"{row['orders']:,}", *times(row, ("p50", "p99", "p99_of_slices")))
        for name, row in report["local_ms"].items()
    ]
    noticed = "from an order's due time to its rider, on disk by then; ms"
    return [Table(title, headings, rounds), Table(noticed, ("orders", "p50", "p99", "p99 of slices"), local)]


def outage_lines(report: dict[str, Any]) -> list[str]:
    """The ratios, the sums, and what the proof found."""
    found: list[str] = []
    for name, words in (("local_p99_ratio", "cut over before"), ("drain_live_p99_ratio", "drain over before")):
        if report[name] is None:
            found.append(f"p99, {words}: not measured, no order was due then that was clear of a kill")
        else:
            low, high = report[f"{name}_90"]
            found.append(f"p99, {words}: × {report[name]:.2f} (90 %: {low:.2f} to {high:.2f})")
    cpu, events = report["node_cpu_us_an_event"], report["events"]
    found.append(
        f"processor time of the node for an event: {cpu['before']:.0f} µs before, {cpu['cut']:.0f} µs during the cut"
    )
    found.append(
        f"lost {report['lost']}, doubled {report['doubled']}; {events['at_node']:,} events at the node, "
        f"{events['at_centre']:,} at the centre; on disk for the outage at most "
        f"{report['outbox_disk_bytes_max'] / 1e6:.1f} MB"
    )
    return [*found, *report["proof"]["sentences"]]
