"""`doorstep backup` and `doorstep restore`, for a node and for a centre."""

import importlib
import time
from pathlib import Path
from typing import Final

import click

from .options import CONFIG

_CENTRE: Final = "central.backup"

_AFTER: Final = {
    "node": "A node that goes on from a backup reports that to its centre, and nothing counts twice. Look with "
    "doorstep check, then start it.",
    "centre": "Nodes send what it has not acknowledged yet. What it acknowledged after the backup is gone: alarms "
    "named batches_lost have the number of events. A node that was enrolled or renewed after it needs a new "
    "invitation; whom you revoked or retired after it, revoke or retire again before you start it.",
}


@click.command(short_help="Copy everything that a node, or a centre, needs, while it runs.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@CONFIG
@click.option(
    "--keep", type=click.IntRange(0, 10_000), default=0, help="Remove the oldest of this name beyond so many; 0: none."
)
def backup(folder: Path, config_path: Path, keep: int) -> None:
    """Copy configuration, credentials, tokens, certificates and keys, and the node's journal, or the centre's sums and
    its register of certificates, into a new folder below FOLDER, read the copy to its end, and print its name. The
    process goes on meanwhile. Sums in PostgreSQL are not taken: use pg_dump.

    A backup holds secrets and people's orders: keep it where only you may read it.

    \b
    doorstep backup /var/lib/doorstep-backup --config /etc/doorstep/edge.toml --keep 7
    doorstep backup /var/lib/doorstep-backup --config /etc/doorstep/central.toml --keep 7
    """
    from ..app.config import values
    from ..backup import node
    from ..backup.copy import back_up

    begin = time.monotonic()
    # The centre's module is named, not imported: it is above this.
    known = node if "node" in values(config_path) else importlib.import_module(_CENTRE)
    subject = known.subject(config_path)
    made = back_up(subject, config_path, folder, keep)
    size = sum(path.stat().st_size for path in made.iterdir())
    click.echo(f"{made} ({size / 1e6:.1f} MB, {time.monotonic() - begin:.1f} s)")
    if subject.left_out:
        click.echo(f"This is {subject.left_out}.", err=True)


@click.command(short_help="Put a backup back, here or on another box.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@CONFIG
@click.option("--replace", is_flag=True, help="Replace files that are there with other content; never a database.")
def restore(folder: Path, config_path: Path, replace: bool) -> None:
    """Write the files of the backup FOLDER to where they belong. What lay below the folder of the configuration comes
    below that of --config; everything else to its old path. The backup is checked first, to the byte.

    What a node decided after the backup is lost: warn the shops, since an order that was placed again gets a new
    decision. What a centre acknowledged after it is lost too, and is reported with its number of events.

    \b
    doorstep restore /var/lib/doorstep-backup/shop-1-20261130T031500.000000Z --config /etc/doorstep/edge.toml
    """
    from ..backup.restore import restore as put_back

    found, places = put_back(folder, config_path, replace=replace)
    for place in places:
        click.echo(str(place))
    click.echo(f"{found.name} as of {found.made_at}, {found.holds}. {_AFTER[found.role]}")
