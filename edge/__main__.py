"""The command line: one group, whose commands are loaded only when they are called.

Commands are entry points of the group `doorstep.commands`, so that `central` and `bench` add theirs without the node
importing them, and `doorstep --help` starts nothing but this file.
"""

import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Final

import click

from .errors import DoorstepError

GROUP: Final = "doorstep.commands"

SUMMARIES: Final = {
    "edge": "Run the node: events in over MQTT, decisions out.",
    "central": "Run the centre: collect the aggregates of all nodes.",
    "demo": "Run a simulated district against a node and a centre.",
    "status": "Show the state of a running node.",
    "explain": "Show why an order went to its rider.",
    "replay": "Decide a recorded journal again, and compare.",
    "whatif": "Simulate a recorded day with something changed.",
    "credential": "Add, remove and list the clients that may connect.",
    "scenario": "Write a scenario of your own, and check it.",
    "bench": "Measure Doorstep, one command for each question.",
}
"""One line for each command, in the order in which a newcomer meets them. Here, so that `--help` loads none of them."""


class Commands(click.Group):
    """A group that finds its commands among the installed entry points and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of SUMMARIES; what other distributions add comes last, by name."""
        found = _installed()
        known = [name for name in SUMMARIES if name in found]
        return known + sorted(name for name in found if name not in SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now, or None where there is none of that name."""
        entry = _installed().get(cmd_name)
        return None if entry is None else entry.load()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line for each command, without importing it."""
        rows = [(name, SUMMARIES.get(name, "")) for name in self.list_commands(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="doorstep", message="%(prog)s %(version)s")
def cli() -> None:
    """Doorstep decides delivery events on a small box near their users, and answers over MQTT within milliseconds.

    \b
    A first look:     doorstep demo
    A node:           doorstep edge --config edge.toml
    How it is doing:  doorstep status --config edge.toml
    """


def main() -> None:
    """Run a command. Errors that a person can mend are sentences on stderr with their own exit code, no traceback."""
    if not _installed():
        click.echo(
            "doorstep is not installed in this Python: run `pip install -e .` in the project's folder.", err=True
        )
        sys.exit(1)
    try:
        cli.main(prog_name="doorstep")
    except DoorstepError as error:
        click.echo(f"doorstep: {error}", err=True)
        sys.exit(error.exit_code)


def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


if __name__ == "__main__":
    main()
