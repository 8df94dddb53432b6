"""`doorstep forget`: what is kept of one person goes."""

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

    Exit codes: 0 forgotten, 1 something is open, or the journal is of another version, 2 the name, the configuration
    or the journal cannot be used, 3 the node runs.
    """
    from ...app.config import load
    from ...erasure.forget import forget as forgotten

    done = forgotten(load(config_path), client)
    if not done.changed:
        click.echo(f"Nothing of {client} is in the {done.rows} rows: is it spelt so, or forgotten already?")
        return
    click.echo(
        f"{client} is forgotten: {done.changed} of {done.rows} rows were changed, where {done.stand_in} stands for it."
    )
    if done.files:
        click.echo(
            f"The letters of its name are still in {', '.join(done.files)}, in something else: in another client's "
            f"name, in an order's, or in a word of the messages."
        )
