"""Options that several commands have, and the language of what they print."""

import os
import tomllib
from pathlib import Path
from typing import Final

import click

from ..words.words import Words, known, of_environment, words

CONFIG: Final = click.option(
    "--config",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("edge.toml"),
    show_default=True,
    help="The node's configuration.",
)
"""Of commands that need one, run in its folder or with its path."""


def words_of(config_path: str | Path | None) -> Words:
    """The words of the language for what a command prints: the configuration's option `lang`, English where it has
    none; where no configuration can be read, that of the environment (LC_ALL, LC_MESSAGES, LANG). It need not be right
    otherwise: `doorstep check` names what is wrong with it."""
    if config_path is not None:
        try:
            given = tomllib.loads(Path(config_path).read_text(encoding="utf-8-sig")).get("lang", "en")
        except (OSError, ValueError):
            pass
        else:
            return words(known(str(given)) or "en")
    return words(of_environment(os.environ))
