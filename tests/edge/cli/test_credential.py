"""`doorstep credential`, as it is typed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.cli.credential import credential
from edge.errors import InputError
from edge.identity.credentials import Credentials


def test_the_command(tmp_path: Path):
    """`doorstep credential` adds, lists and removes; the token is all that goes to stdout."""
    run, path = CliRunner().invoke, tmp_path / "credentials"
    added = run(credential, ["add", "--file", str(path), "c1"])
    assert added.exit_code == 0
    assert Credentials.load(path).verify("c1", added.stdout.strip().encode())
    assert "only time" in added.stderr
    assert run(credential, ["list", "--file", str(path)]).stdout == "c1\n"
    assert run(credential, ["remove", "--file", str(path), "c1"]).exit_code == 0
    again = run(credential, ["remove", "--file", str(path), "c1"])
    assert isinstance(again.exception, InputError)
    assert "doorstep credential list" in str(again.exception)


@pytest.mark.parametrize("command", ["add", "remove", "list"])
def test_every_help_has_an_example(command: str):
    """Help shows a line that can be copied."""
    assert f"doorstep credential {command} --file" in CliRunner().invoke(credential, [command, "--help"]).stdout
