"""Options that several commands have."""

from pathlib import Path
from typing import Final

import click

CONFIG: Final = click.option(
    "--config",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("edge.toml"),
    show_default=True,
    help="The node's configuration.",
)
"""Of commands that need one, run in its folder or with its path."""
