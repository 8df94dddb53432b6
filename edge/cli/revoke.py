"""`doorstep revoke`: a client of a node, or a node of a centre, is out at once."""

import importlib
from pathlib import Path
from typing import Final

import click

from ..errors import ConfigError, DoorstepError, InputError

_CENTRE: Final = "central.enrolment.command"


@click.command(short_help="End a client at once, or a node at its centre.")
@click.argument("name")
@click.option(
    "--config", "config_path", required=True, metavar="FILE", help="edge.toml: a client; central.toml: a node."
)
def revoke(name: str, config_path: str) -> None:
    """End the sessions of NAME, also those that only listen, and keep it out. With a node's configuration NAME is a
    client: its line in the credentials goes, and every token that was signed for it ends. With a centre's it is a node:
    its certificate, invitation and token end. A running process notices within a second.

    \b
    Examples:
      doorstep revoke rider-12 --config /etc/doorstep/edge.toml
      doorstep revoke shop-7 --config /etc/doorstep/central.toml

    Exit codes: 0 revoked, 1 there is nobody of that name, 2 the configuration or a file cannot be used.
    """
    from ..app.config import values

    if "node" in values(Path(config_path)):
        _client(name, config_path)
    else:
        importlib.import_module(_CENTRE).revoke(name, config_path)  # named, not imported: it is above this


def _client(name: str, config_path: str) -> None:
    from ..app.config import load
    from ..identity.credentials import remove
    from ..identity.revocations import revoke as end_tokens

    config = load(config_path)
    if config.anonymous:
        hint = "Every client may connect, and so nobody can be revoked. Set it to false."
        raise ConfigError(config_path, "anonymous", True, hint)
    try:
        removed = remove(config.credentials, name)
    except OSError as error:
        raise InputError(config.credentials, None, f"It cannot be changed: {error.strerror}.") from None
    if config.token_revoked:
        end_tokens(config.token_revoked, client=name)
        if not removed:
            hint = f"Where it was signed no token, see doorstep credential list --file {config.credentials}."
            click.echo(f"{name!r} is not in {config.credentials}; signed tokens of that name end. {hint}", err=True)
    elif config.token_keys:
        done = f"{name}'s line in {config.credentials} is removed, but signed tokens" if removed else "Signed tokens"
        hint = f'{done} cannot be ended without it. Set token_revoked = "revoked", reload, and run this again.'
        raise ConfigError(config_path, "token_revoked", "", hint)
    elif not removed:
        raise DoorstepError(f"{name!r} is not in {config.credentials}. See doorstep credential list.")
    click.echo(f"{name} is revoked: a running node ends its sessions within a second.", err=True)
    if config.link:
        click.echo("Clients of the broker have their sessions there: remove it from the broker's users too.", err=True)
