"""Tests of edge.cli.options."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from edge.cli.options import CONFIG, words_of


def test_a_configuration_is_named_or_lies_here() -> None:
    """Without the option it is edge.toml in this folder; with it the path that was given."""

    @click.command()
    @CONFIG
    def show(config_path: Path) -> None:
        click.echo(repr(config_path))

    assert CliRunner().invoke(show, []).output == f"{Path('edge.toml')!r}\n"
    assert CliRunner().invoke(show, ["--config", "/etc/x.toml"]).output == f"{Path('/etc/x.toml')!r}\n"


def test_the_language_is_the_configurations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """English where it has no `lang`, or one that is none; the environment's where there is no configuration."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    path = tmp_path / "edge.toml"
    assert (words_of(None).language, words_of(path).language) == ("zh-CN", "zh-CN")
    for text, language in (('lang = "zh-CN"', "zh-CN"), ('lang = "de"', "en"), ("lang = 3", "en"), ("", "en")):
        path.write_text(text)
        assert words_of(path).language == language
    path.write_text("= 3")
    assert words_of(path).language == "zh-CN"
