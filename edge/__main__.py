"""The command line: one group, whose commands are imported only when they are called, so that `doorstep --help` loads
nothing but this file.
"""

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import click

from .errors import DoorstepError


class Entry(NamedTuple):
    """A command: where it is, as `module:function`, and its line in `--help`."""

    target: str
    summary: str

    def is_installed(self) -> bool:
        """Whether its top package is here; a Debian node has no `bench`."""
        return importlib.util.find_spec(self.target.partition(".")[0]) is not None


COMMANDS: Final = {
    "edge": Entry("edge.cli.edge:edge", "Run the node: events in over MQTT, decisions out."),
    "central": Entry("central.command:central", "Run the centre: collect the aggregates of all nodes."),
    "enroll": Entry("edge.cli.enroll:enroll", "Get this node's certificate from its centre."),
    "reconcile": Entry("central.fleet.reconcile_command:reconcile", "Compare what node and centre have of one day."),
    "size": Entry("central.size:size", "Estimate what a centre needs for so many nodes."),
    "check": Entry("edge.cli.check:check", "Find what is wrong before a node starts."),
    "demo": Entry("bench.demo.command:demo", "Run a simulated district against a node and a centre."),
    "dev": Entry("bench.dev.command:dev", "A node, riders and the pages of an app, to write a client."),
    "status": Entry("edge.cli.status:status", "Show the state of a running node."),
    "explain": Entry("edge.cli.journal.explain:explain", "Show why an order went to its rider."),
    "times": Entry("edge.cli.journal.times:times", "Show what the node has learned about time."),
    "travel": Entry("edge.cli.travel.command:travel", "Make a table of travel times for dispatch."),
    "ledger": Entry("edge.cli.journal.ledger:ledger", "Compare a shop's own ledger with what the node recorded."),
    "replay": Entry("edge.cli.journal.replay:replay", "Decide a recorded journal again, and compare."),
    "whatif": Entry("bench.whatif.command:whatif", "Simulate a recorded day with something changed."),
    "credential": Entry("edge.cli.credential:credential", "Set who may connect and as what; make tokens for phones."),
    "revoke": Entry("edge.cli.revoke:revoke", "End a client at once, or a node at its centre."),
    "backup": Entry("edge.cli.backup:backup", "Copy everything that a node needs, while it runs."),
    "restore": Entry("edge.cli.backup:restore", "Put a backup back, here or on another box."),
    "privacy": Entry("edge.cli.privacy:privacy", "Show what is kept of whom, and what leaves."),
    "export": Entry("edge.cli.journal.export:export", "Write down what is kept of one person."),
    "forget": Entry("edge.cli.journal.forget:forget", "Delete what is kept of one person."),
    "scenario": Entry("edge.cli.scenario:scenario", "Write a scenario of your own, and check it."),
    "bench": Entry("bench.command:bench", "Measure Doorstep, one command for each question."),
}
"""In the order in which a newcomer meets them. `central` and `bench` are named, not imported."""


class Commands(click.Group):
    """A group that imports a command when it is called. `bench` is another one."""

    def __init__(self, entries: Mapping[str, Entry] = COMMANDS, **settings: Any) -> None:
        super().__init__(**settings)
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of those that are installed, in the order of the entries."""
        return [name for name, entry in self._entries.items() if entry.is_installed()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now, or None where there is none of that name."""
        if cmd_name not in self._entries:
            return None
        if not self._entries[cmd_name].is_installed():
            raise DoorstepError(
                f"`{ctx.command_path} {cmd_name}` is not installed. It is in the package doorstep-bench."
            )
        module, _, name = self._entries[cmd_name].target.partition(":")
        return getattr(importlib.import_module(module), name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line for each command, without importing it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._entries[name].summary) for name in self.list_commands(ctx)])


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
    try:
        cli.main(prog_name="doorstep")
    except DoorstepError as error:
        click.echo(f"doorstep: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
