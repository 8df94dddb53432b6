"""`doorstep backup` and `doorstep restore`."""

import time
from pathlib import Path

import click

from .options import CONFIG


@click.command(short_help="Copy everything that a node needs, while it runs.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@CONFIG
@click.option(
    "--keep", type=click.IntRange(0, 10_000), default=0, help="Remove this node's oldest beyond so many; 0: none."
)
def backup(folder: Path, config_path: Path, keep: int) -> None:
    """Copy configuration, credentials, tokens, certificate and key, and the journal into a new folder below FOLDER,
    read the copy to its end, and print its name. The node goes on meanwhile.

    A backup holds secrets and people's orders: keep it where only you may read it.

    \b
    doorstep backup /var/lib/doorstep-backup --config /etc/doorstep/edge.toml --keep 7
    """
    from ..backup.copy import back_up

    begin = time.monotonic()
    made = back_up(config_path, folder, keep)
    size = sum(path.stat().st_size for path in made.iterdir())
    click.echo(f"{made} ({size / 1e6:.1f} MB, {time.monotonic() - begin:.1f} s)")


@click.command(short_help="Put a backup back, here or on another box.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@CONFIG
@click.option("--replace", is_flag=True, help="Replace files that are there with other content; never a journal.")
def restore(folder: Path, config_path: Path, replace: bool) -> None:
    """Write the files of the backup FOLDER to where they belong. What lay below the folder of the configuration comes
    below that of --config; everything else to its old path. The backup is checked first, to the byte.

    A node that goes on from a backup reports that to its centre, and nothing counts twice. What it decided after the
    backup is lost: warn the shops, since an order that was placed again gets a new decision.

    \b
    doorstep restore /var/lib/doorstep-backup/shop-1-20261130T031500.000000Z --config /etc/doorstep/edge.toml
    """
    from ..backup.restore import restore as put_back

    found, places = put_back(folder, config_path, replace=replace)
    for place in places:
        click.echo(str(place))
    first, last = found.rows
    click.echo(f"{found.node} as of {found.made_at}, rows {first} to {last}. Look with doorstep check, then start it.")
