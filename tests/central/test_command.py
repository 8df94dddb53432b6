"""`doorstep central` as an operator meets it."""

from pathlib import Path

from click.testing import CliRunner

from central.command import central
from edge.errors import ConfigError


def test_help_shows_examples_and_exit_codes() -> None:
    """The help explains how to start it, how to ask it, and what its exit codes mean."""
    result = CliRunner().invoke(central, ["--help"])
    assert result.exit_code == 0
    assert "doorstep central --config central.toml" in result.output
    assert "Exit codes: 0" in result.output


def test_a_configuration_must_be_named() -> None:
    """Without --config it names what is missing."""
    result = CliRunner().invoke(central, [])
    assert result.exit_code == 2
    assert "--config" in result.output


def test_a_broken_configuration_reaches_the_command_line(tmp_path: Path) -> None:
    """What cannot be used comes out as a ConfigError, which the command line turns into exit code 2."""
    result = CliRunner().invoke(central, ["--config", str(tmp_path / "none.toml")])
    assert isinstance(result.exception, ConfigError)
    assert result.exception.exit_code == 2
