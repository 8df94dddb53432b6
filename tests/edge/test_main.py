"""The command line as a whole: what it lists, how fast, and how it ends in error. The commands have their own tests."""

import subprocess
import sys
from importlib.metadata import version

import click
import pytest

from edge.__main__ import COMMANDS, cli

DOORSTEP = [sys.executable, "-m", "edge"]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """One run to its end."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_version_is_the_distributions() -> None:
    """`doorstep --version` names what is installed."""
    done = run(*DOORSTEP, "--version")
    assert (done.returncode, done.stdout) == (0, f"doorstep {version('doorstep')}\n")


def test_help_lists_each_command_on_one_line() -> None:
    """Every installed command has its line, in the order of COMMANDS, and none is without words."""
    listed = run(*DOORSTEP, "--help").stdout.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert all(len(line.split(maxsplit=1)[1]) > 10 for line in listed)


def test_help_imports_no_command() -> None:
    """`--help` stays fast because it loads nothing heavy, however many commands there are."""
    script = "import sys; from edge.__main__ import cli\ntry: cli(['--help'])\nexcept SystemExit: print(*sys.modules)"
    loaded = run(sys.executable, "-c", script).stdout.splitlines()[-1].split()
    heavy = {"numpy", "msgspec", "apsw", "mqtt5", "rich", "starlette", "uvloop", "asyncio", "central", "bench"}
    assert not heavy & set(loaded)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_loads_and_has_help(name: str) -> None:
    """Each listed command can be imported, is called what it is listed as, and explains itself."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.help
    assert "doorstep " + name in run(*DOORSTEP, name, "--help").stdout


def test_an_unknown_command_is_a_usage_error() -> None:
    """A misspelt command ends with 2 and states where help is."""
    done = run(*DOORSTEP, "egde")
    assert done.returncode == 2
    assert "egde" in done.stderr
    assert "--help" in done.stderr


def test_errors_for_people_are_sentences() -> None:
    """A DoorstepError ends with its own exit code, its text on stderr, and no traceback."""
    done = run(*DOORSTEP, "edge", "--config", "/nowhere/edge.toml")
    assert done.returncode == 2
    assert done.stderr.startswith("doorstep: /nowhere/edge.toml: ")
    assert "Traceback" not in done.stderr
