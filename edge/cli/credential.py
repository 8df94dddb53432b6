"""`doorstep credential`: edits the file of clients that may connect."""

import click

from ..errors import InputError
from ..identity.credentials import Credentials, add, remove

_FILE = click.option(
    "--file", "path", required=True, type=click.Path(dir_okay=False), help="The credentials file of edge.toml."
)


@click.group(short_help="Add, remove and list the clients that may connect.")
def credential() -> None:
    """Add, remove and list the clients that may connect.

    A running node reads the file again at SIGHUP and disconnects whoever is not in it any more.

    \b
    doorstep credential add --file credentials rider-7
    doorstep credential list --file credentials
    doorstep credential remove --file credentials rider-7
    systemctl reload doorstep-edge
    """


@credential.command("add", short_help="Give a client a new token.")
@_FILE
@click.argument("client")
def add_client(path: str, client: str) -> None:
    """Give CLIENT a new token and print it. It is not kept anywhere: note it now. An older one stops working.

    \b
    doorstep credential add --file /etc/doorstep/credentials rider-7
    """
    token = add(path, client)
    click.echo(token)
    click.echo(f"This is the only time that the token of {client} is shown. User name: {client}.", err=True)


@credential.command("remove", short_help="Take a client out.")
@_FILE
@click.argument("client")
def remove_client(path: str, client: str) -> None:
    """Take CLIENT out of the file.

    \b
    doorstep credential remove --file /etc/doorstep/credentials rider-7
    """
    if not remove(path, client):
        raise InputError(path, None, f"{client!r} is not in it. See: doorstep credential list --file {path}")
    click.echo(f"{client} is removed. A running node notices at SIGHUP.", err=True)


@credential.command("list", short_help="Print the names of all clients.")
@_FILE
def list_clients(path: str) -> None:
    """Print the names of all clients, one in each line.

    \b
    doorstep credential list --file /etc/doorstep/credentials
    """
    for client in Credentials.load(path).clients():
        click.echo(client)
