"""Tests of edge.cli.options."""

from pathlib import Path

import click
from click.testing import CliRunner

from edge.cli.options import CONFIG


def test_a_configuration_is_named_or_lies_here() -> None:
    """Without the option it is edge.toml in this folder; with it the path that was given."""

    @click.command()
    @CONFIG
    def show(config_path: Path) -> None:
        click.echo(repr(config_path))

    assert CliRunner().invoke(show, []).output == f"{Path('edge.toml')!r}\n"
    assert CliRunner().invoke(show, ["--config", "/etc/x.toml"]).output == f"{Path('/etc/x.toml')!r}\n"
