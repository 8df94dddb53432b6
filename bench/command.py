"""`doorstep bench`: measurements, each loaded only when it is called."""

from typing import Final

import click

from edge.__main__ import Commands, Entry

QUESTIONS: Final = {
    "dispatch": Entry("bench.dispatch.command:dispatch", "How good dispatch is on the public meal-delivery instances."),
    "latency": Entry("bench.load.command:latency", "Time from an order to its rider, beside the machine's floor."),
    "throughput": Entry("bench.load.command:throughput", "The highest rate without loss, and what it costs."),
    "flood": Entry("bench.flood.command:flood", "What others notice while one client sends all it can."),
    "labels": Entry("bench.labels.command:labels", "Time from a price to its shelf label."),
    "central": Entry("bench.central.command:central", "What a centre stores each second, and what that takes on disk."),
    "outage": Entry("bench.outage.command:outage", "The uplink goes for hours: what users notice, and how it drains."),
    "soak": Entry("bench.soak.command:soak", "Days of load with random faults: nothing may grow without end."),
    "phone": Entry("bench.phone.command:phone", "From a customer's tap to the rider's phone, over bad networks."),
    "scale": Entry("bench.scale.command:scale", "What more riders, orders and connections cost."),
    "footprint": Entry("bench.footprint.command:footprint", "Start-up, memory, size on disk, wake-ups."),
    "revoke": Entry("bench.revoke.command:revoke", "How long a revoked client, or node, is still there."),
    "peers": Entry("bench.peers.command:peers", "The same job done by Node-RED and by a plain script."),
    "size": Entry("bench.size.command:size", "The structure of the code, and an order's way through it."),
    "compare": Entry("bench.compare.command:compare", "This tree against another revision, or two reports."),
    "report": Entry("bench.pages.command:report", "One page of all reports in a folder."),
}


@click.command(cls=Commands, entries=QUESTIONS, short_help="Measure Doorstep.")
def bench() -> None:
    """Measure Doorstep, one command for each question.

    \b
    doorstep bench dispatch --instances mdrplib --json out.json
    """
