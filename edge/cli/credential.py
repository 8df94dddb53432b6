"""`doorstep credential`: edits the file of clients that may connect, and makes keys and tokens for phones."""

import csv
import re
from pathlib import Path
from typing import Final

import click

from ..errors import InputError
from ..identity.credentials import Credentials, Newcomer, add, remove
from ..messages.roles import ROLES

_FILE = click.option(
    "--file", "path", required=True, type=click.Path(dir_okay=False), help="The credentials file of edge.toml."
)
_ROLE = click.option(
    "--role", "roles", multiple=True, type=click.Choice(ROLES), help="What the client may be; can be given repeatedly."
)
_SHOP = click.option("--shop", default="", help="The shop that it acts for, where that has another name.")
_ENCODING = click.option(
    "--encoding", default="", help="Of its answers: json or msgpack; without it that of its events."
)
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
EXPIRES_S_MAX: Final = 366 * 86_400
"""A token that lasts longer belongs into the credentials file."""


@click.group(short_help="Set who may connect and as what; make tokens for phones.")
def credential() -> None:
    """Add, remove and list the clients that may connect, and make tokens for phones.

    A running node notices a change within half a second and disconnects whoever is not in the file any more.

    \b
    doorstep credential add --file credentials rider-7 --role rider
    doorstep credential list --file credentials
    doorstep credential remove --file credentials rider-7
    """


@credential.command("add", short_help="Give a client a token.")
@_FILE
@_ROLE
@_SHOP
@_ENCODING
@click.option("--replace", is_flag=True, help="Give a new token to a client that has one. The old one stops working.")
@click.option("--second", is_flag=True, help="Give it one more, while the old one stays good; its roles stay.")
@click.argument("client")
def add_client(
    path: str, roles: tuple[str, ...], shop: str, encoding: str, replace: bool, second: bool, client: str
) -> None:
    """Give CLIENT a token and print it. It is not kept anywhere: note it now. Without a role it can connect to a
    centre; on a node it can only listen.

    \b
    doorstep credential add --file /etc/doorstep/credentials rider-7 --role rider
    doorstep credential add --file /etc/doorstep/credentials till-2 --role shop --shop shop-4
    doorstep credential add --file /var/lib/doorstep-central/credentials shop-1 --second
    """
    if second and (replace or roles or shop or encoding):
        raise click.UsageError("--second keeps the old token and the roles: give it alone.")
    token = add(path, [Newcomer(client, roles, shop, encoding)], replace=replace, second=second)[client]
    click.echo(token)
    click.echo(f"This is the only time that the token of {client} is shown. User name: {client}.", err=True)


@credential.command("import", short_help="Give many clients a token each.")
@_FILE
@click.option("--replace", is_flag=True, help="Also to those that have one. Their old ones stop working.")
@click.argument("table", type=click.Path(dir_okay=False, path_type=Path))
def import_clients(path: str, replace: bool, table: Path) -> None:
    """Give each client of TABLE a token: lines of a client's name, its roles (spaces between them), and for the role
    shop the shop's name. Prints client and token, separated by a comma. All get theirs or, where a line is wrong,
    nobody.

    \b
    printf 'rider-7,rider\\ntill-2,shop customer,shop-4\\n' > clients.csv
    doorstep credential import --file credentials clients.csv > tokens.csv
    """
    newcomers: list[Newcomer] = []
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.reader(file), 1):
                if not row or row[0].startswith("#"):
                    continue
                if len(row) > 3:
                    raise InputError(str(table), number, "Write client,roles,shop: at most three fields.")
                client, roles, shop = (*(field.strip() for field in row), "", "")[:3]
                newcomers.append(Newcomer(client, roles.split(), shop))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(table), None, f"It cannot be read: {error}.") from None
    for client, token in add(path, newcomers, replace=replace).items():
        click.echo(f"{client},{token}")
    click.echo(f"{len(newcomers)} clients. This is the only time that their tokens are shown.", err=True)


@credential.command("remove", short_help="Take a client out.")
@_FILE
@click.option("--older", is_flag=True, help="Only the older one of its two tokens.")
@click.argument("client")
def remove_client(path: str, older: bool, client: str) -> None:
    """Take CLIENT out of the file, or end the older one of its two tokens.

    \b
    doorstep credential remove --file /etc/doorstep/credentials rider-7
    """
    if not remove(path, client, older=older):
        wrong = "has no second token" if older else "is not in it"
        raise InputError(path, None, f"{client!r} {wrong}. See: doorstep credential list --file {path}")
    click.echo(
        f"{f'The older token of {client}' if older else client} is removed. A running node notices in half a second.",
        err=True,
    )


@credential.command("list", short_help="Print the names of all clients, and what they may be.")
@_FILE
def list_clients(path: str) -> None:
    """Print the names of all clients, one in each line, with their roles and their shop.

    \b
    doorstep credential list --file /etc/doorstep/credentials
    """
    for client, grant in Credentials.load(path).clients().items():
        click.echo("\t".join([client, ",".join(grant.roles), grant.shop]).rstrip())


_KEY = click.option(
    "--key", default="token-key.json", show_default=True, type=click.Path(dir_okay=False), help="The private key."
)


@credential.command("key", short_help="Make a key that signs tokens for phones.")
@_KEY
@click.option(
    "--public",
    default="token-keys.json",
    show_default=True,
    type=click.Path(dir_okay=False),
    help="The JWKS file that token_keys of edge.toml names; its other keys stay.",
)
@click.option(
    "--algorithm", default="ES256", show_default=True, type=click.Choice(["ES256", "EdDSA"]), help="Its kind."
)
def make_key(key: str, public: str, algorithm: str) -> None:
    """Make a key that signs tokens for phones. The private half stays with whoever issues tokens (your shop's server),
    the public half goes to the nodes.

    \b
    doorstep credential key
    """
    from ..identity.tokens import make_key as make

    name = make(key, public, "EdDSA" if algorithm == "EdDSA" else "ES256")
    click.echo(f"Key {name}: {key} signs (keep it secret), {public} is for token_keys of edge.toml.", err=True)


@credential.command("token", short_help="Sign a token for a phone.")
@_KEY
@_ROLE
@_SHOP
@_ENCODING
@click.option("--expires", default="1d", show_default=True, help="How long it is good: a number and s, m, h or d.")
@click.option("--audience", default="doorstep", show_default=True, help="The value of token_audience in edge.toml.")
@click.argument("client")
def sign_token(
    key: str, roles: tuple[str, ...], shop: str, encoding: str, expires: str, audience: str, client: str
) -> None:
    """Sign a token for CLIENT and print it. It is the password of the user name CLIENT until it expires.

    \b
    doorstep credential token customer-17 --role customer --expires 1d
    """
    from ..identity.tokens import mint

    if not roles:
        raise click.UsageError(f"Give at least one --role: {', '.join(ROLES)}.")
    token, token_id = mint(key, Newcomer(client, roles, shop, encoding), audience, _seconds(expires))
    click.echo(token)
    click.echo(f"Good for {expires}. To end it before: its jti is {token_id}.", err=True)


@credential.command("revoke", short_help="End tokens of phones before their time.")
@click.option(
    "--file", "path", required=True, type=click.Path(dir_okay=False), help="The file that token_revoked names."
)
@click.option("--jti", default="", help="One token, by its jti; without it all that CLIENT has had until now.")
@click.argument("client", default="")
def revoke_tokens(path: str, jti: str, client: str) -> None:
    """End the tokens of CLIENT that were signed until now, or the one with --jti. A running node sees it within a few
    seconds and disconnects whoever uses one.

    \b
    doorstep credential revoke --file revoked customer-17
    """
    from ..identity.revocations import revoke

    if bool(jti) == bool(client) or not re.fullmatch(r"\S{1,128}", jti or client):
        raise click.UsageError("Give either a client's name, or --jti with the id of a token.")
    revoke(path, client=client, token_id=jti)


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d{1,9})([smhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= EXPIRES_S_MAX:
        raise click.BadParameter(
            f"{text!r} is not a time of up to 366d, for example 30m or 1d.", param_hint="--expires"
        )
    return seconds
