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


QUESTIONS: Final[dict[str, tuple[Callable[[], click.Command], str]]] = {
    "dispatch": (_dispatch, "How good dispatch is on the public meal-delivery instances."),
    "latency": (_latency, "Time from an order to its rider, beside the machine's floor."),
    "throughput": (_throughput, "The highest rate without loss, and what it costs."),
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
