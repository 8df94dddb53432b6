"""`doorstep forget`: what is kept of one person goes."""

from pathlib import Path

import click


@click.command(short_help="Delete what is kept of one person.")
@click.argument("client")
@click.option("--config", "config_path", default="edge.toml", metavar="FILE", help="The node's configuration.")
def forget(client: str, config_path: str) -> None:
    """Delete CLIENT from the journal of a stopped node: its events, its answers, the doors and texts that it sent, its
    name. (PIPL, article 47; GDPR, article 17.) What others did stays, under a stand-in for the name. Its line in the
    credentials goes too. It may not have anything open: an order, a shift.

    A replay begins behind the rows that were changed. Backups, logs and the app's own records are not touched.

    \b
    Example:
      systemctl stop doorstep-edge
      doorstep forget alice --config /etc/doorstep/edge.toml
      systemctl start doorstep-edge

    Exit codes: 0 forgotten, 1 something is open, 2 the configuration or the journal cannot be used, 3 the node runs.
    """
    from ...app.config import load
    from ...erasure.forget import forget as forgotten
    from ...identity.credentials import remove

    config = load(config_path)
    done = forgotten(config, client)
    if Path(config.credentials).exists():
        remove(config.credentials, client)
    click.echo(
        f"{client} is forgotten: {done.changed} of {done.rows} rows were changed, where {done.stand_in} stands for it."
    )
