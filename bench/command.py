"""`doorstep bench`: measurements, each loaded only when it is called."""

from importlib import import_module
from typing import Final

import click

QUESTIONS: Final = {
    "dispatch": ("dispatch", "How good dispatch is on the public meal-delivery instances."),
    "latency": ("load", "Time from an order to its rider, beside the machine's floor."),
    "throughput": ("load", "The highest rate without loss, and what it costs."),
    "labels": ("labels", "Time from a price to its shelf label."),
    "outage": ("outage", "The uplink goes for hours: what users notice, and how it drains."),
    "soak": ("soak", "Days of load with random faults: nothing may grow without end."),
    "phone": ("phone", "From a customer's tap to the rider's phone, over bad networks."),
    "scale": ("scale", "What more riders, orders and connections cost."),
    "footprint": ("footprint", "Start-up, memory, size on disk, wake-ups."),
    "peers": ("peers", "The same job done by Node-RED and by a plain script."),
    "size": ("size", "The structure of the code, and an order's way through it."),
    "compare": ("compare", "This tree against another revision, or two reports."),
    "report": ("pages", "One page of all reports in a folder."),
}
"""The package whose `command` has each measurement, and its line in `--help`, so that `--help` loads none of them."""


class Questions(click.Group):
    """A group that imports a measurement when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click gives its context to every method
        """In the sequence of QUESTIONS."""
        return list(QUESTIONS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now, or None where there is none of that name."""
        if cmd_name not in QUESTIONS:
            return None
        return getattr(import_module(f".{QUESTIONS[cmd_name][0]}.command", __package__), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """One line for each, without importing it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in QUESTIONS.items()])


@click.group(cls=Questions, short_help="Measure Doorstep.")
def bench() -> None:
    """Measure Doorstep, one command for each question.

    \b
    doorstep bench dispatch --instances mdrplib --json out.json
    """
