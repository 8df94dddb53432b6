"""`doorstep bench`: measurements, each loaded only when it is called."""

from collections.abc import Callable
from typing import Final

import click


def _dispatch() -> click.Command:
    from .dispatch.command import dispatch

    return dispatch


def _latency() -> click.Command:
    from .load.command import latency

    return latency


def _throughput() -> click.Command:
    from .load.command import throughput

    return throughput


def _peers() -> click.Command:
    from .peers.command import peers

    return peers


def _phone() -> click.Command:
    from .phone.command import phone

    return phone


def _scale() -> click.Command:
    from .scale.command import scale

    return scale


def _footprint() -> click.Command:
    from .footprint.command import footprint

    return footprint


def _compare() -> click.Command:
    from .compare.command import compare

    return compare


def _report() -> click.Command:
    from .pages.command import report

    return report


def _outage() -> click.Command:
    from .outage.command import outage

    return outage


def _labels() -> click.Command:
    from .labels.command import labels

    return labels


def _soak() -> click.Command:
    from .soak.command import soak

    return soak


def _size() -> click.Command:
    from .size.command import size

    return size


QUESTIONS: Final[dict[str, tuple[Callable[[], click.Command], str]]] = {
    "dispatch": (_dispatch, "How good dispatch is on the public meal-delivery instances."),
    "latency": (_latency, "Time from an order to its rider, beside the machine's floor."),
    "throughput": (_throughput, "The highest rate without loss, and what it costs."),
    "labels": (_labels, "Time from a price to its shelf label."),
    "outage": (_outage, "The uplink goes for hours: what users notice, and how it drains."),
    "soak": (_soak, "Days of load with random faults: nothing may grow without end."),
    "phone": (_phone, "From a customer's tap to the rider's phone, over bad networks."),
    "scale": (_scale, "What more riders, orders and connections cost."),
    "footprint": (_footprint, "Start-up, memory, size on disk, wake-ups."),
    "peers": (_peers, "The same job done by Node-RED and by a plain script."),
    "size": (_size, "The structure of the code, and an order's way through it."),
    "compare": (_compare, "This tree against another revision, or two reports."),
    "report": (_report, "One page of all reports in a folder."),
}
"""What loads each measurement, and its line in `--help`, so that `--help` loads none of them."""


class Questions(click.Group):
    """A group that imports a measurement when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click gives its context to every method
        """In the sequence of QUESTIONS."""
        return list(QUESTIONS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now, or None where there is none of that name."""
        return QUESTIONS[cmd_name][0]() if cmd_name in QUESTIONS else None

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
