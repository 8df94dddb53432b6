"""`doorstep central invite` and `retire`, and the centre's half of `doorstep revoke`."""

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge.errors import ConfigError, DoorstepError, InputError
from edge.limits import IDENTIFIER_PATTERN

from ..cli_options import CONFIG, seconds_of

if TYPE_CHECKING:
    from ..config import Config

COUNT_MAX: Final = 1_000
"""Invitations of one call: as many as somebody hands out in a day."""

EXPIRES_DAYS_MAX: Final = 30
"""An invitation is a secret that lies about until it is used."""


@click.command(short_help="Print an invitation for a node, or for many.")
@click.argument("name")
@click.option("--count", type=click.IntRange(1, COUNT_MAX), help="So many nodes, named NAME-1, NAME-2 and so on.")
@click.option(
    "--expires", required=True, metavar="TIME", help="How long it is good: a number and m, h or d; at most 30d."
)
@click.option("--replace", is_flag=True, help="Also to nodes that are invited or enrolled already: that ends with it.")
@CONFIG
def invite(name: str, count: int | None, expires: str, replace: bool, config_path: str) -> None:
    """Invite the node NAME: print the one string with which `doorstep enroll` on the node gets its certificate. It is
    good once, and shown now or never.

    \b
    Examples:
      doorstep central invite shop-7 --expires 7d
      doorstep central invite shop --count 40 --expires 7d --config /etc/doorstep/central.toml > invitations
    """
    config = inviting(config_path)
    seconds = seconds_of(expires, "--expires", EXPIRES_DAYS_MAX)
    names = [name] if count is None else [f"{name}-{number}" for number in range(1, count + 1)]
    for each in names:
        if not re.fullmatch(IDENTIFIER_PATTERN, each):
            hint = "A node's name has up to 64 lower-case letters, digits and dashes, and begins with no dash."
            raise click.BadParameter(f"{each!r}: {hint}", param_hint="NAME")
    at = time.time_ns() // 1_000_000
    for made in invitations(config_path, config, names, at, at + seconds * 1000, replace=replace):
        click.echo(made)
    until = datetime.fromtimestamp(at / 1000 + seconds, UTC)
    click.echo(f"Good once, until {until:%Y-%m-%d %H:%M} UTC. On the node: doorstep enroll STRING", err=True)


def invitations(
    config_path: str, config: "Config", names: Sequence[str], at: int, ends_at: int, *, replace: bool = False
) -> list[str]:
    """A string for each node, all or none; times in Unix ms. Raises DoorstepError."""
    from edge.identity.invitation import Invitation, new_code

    from .files import fingerprint, prepare, top

    _, authority, register = prepare(config_path, config)
    known_by = fingerprint(top(config_path, config, authority))
    codes = {each: new_code() for each in names}
    try:
        register.invite(codes, at, ends_at, replace=replace)
    finally:
        register.close()
    made = [Invitation(each, config.advertised_address, config.name, known_by, code) for each, code in codes.items()]
    return [str(each) for each in made]


def in_words(state: Mapping[str, int], at: int) -> str:
    """What `Register.states` has of a node; a new invitation beside what the node is."""
    ends_at, invited = state.get("certificate_until", 0), state.get("invited_until", 0)
    words = [f"retired {_day(state['retired_at'])}"] if "retired_at" in state else []
    if ends_at and not words:
        words.append(f"enrolled, certificate until {_day(ends_at)}" if ends_at > at else f"ended {_day(ends_at)}")
    if "revoked_at" in state and not words:
        words.append(f"revoked {_day(state['revoked_at'])}")
    if invited:
        words.append(f"invited until {_day(invited)}")
    return ", ".join(words)


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


@click.command(short_help="Take a node out of service for good.")
@click.argument("name")
@CONFIG
def retire(name: str, config_path: str) -> None:
    """End the node NAME for good: its certificate, invitation and token end, and nobody is enrolled under its name
    again. What it has sent stays in the centre's sums; `GET /api/nodes` has since when it is retired.

    \b
    Example:
      doorstep central retire shop-7 --config /etc/doorstep/central.toml
    """
    from .files import prepare

    config = inviting(config_path)
    _, _, register = prepare(config_path, config)
    at = time.time_ns() // 1_000_000
    try:
        if name not in register.states(at) and not _has_token(config, name):
            hint = "It cannot be undone, so check the name: doorstep central nodes."
            raise DoorstepError(f"{name!r} has no certificate, invitation or token at this centre. {hint}")
        register.retire(name, at)
    finally:
        register.close()
    _remove_token(config, name)
    click.echo(f"{name} is retired. What it has sent stays; wipe its box, which still has its journal.", err=True)


def revoke(name: str, config_path: str) -> None:
    """End a node, and write that on the terminal. Raises DoorstepError."""
    from ..config import load

    config = load(config_path)
    end_node(name, config_path, config)
    click.echo(f"{name} is revoked: a running centre ends its session within a second.", err=True)
    if config.advertised_address:
        click.echo(f"To let it in again: doorstep central invite {name} --expires 7d", err=True)


def end_node(name: str, config_path: str, config: "Config") -> None:
    """End the sessions of a node, its certificate, invitation and token. Raises DoorstepError."""
    ended = False
    if config.advertised_address:
        from .files import prepare

        _, _, register = prepare(config_path, config)
        try:
            ended = register.revoke(name, time.time_ns() // 1_000_000)
        finally:
            register.close()
    if not (_remove_token(config, name) or ended):
        raise DoorstepError(f"{name!r} has no certificate, invitation or token at this centre. Check the name.")


def inviting(config_path: str) -> "Config":
    """The configuration of a centre that invites. Raises ConfigError where it does not."""
    from ..config import load

    config = load(config_path)
    if not config.advertised_address:
        hint = 'Set the name and port by which nodes reach listen_tls, for example "centre.example:8884".'
        raise ConfigError(config_path, "advertised_address", "", hint)
    return config


def _remove_token(config: "Config", name: str) -> bool:
    """Whether the node had one in the credentials file."""
    from edge.identity.credentials import remove

    if config.anonymous or not Path(config.credentials).exists():
        return False
    try:
        return remove(config.credentials, name)
    except OSError as error:
        raise InputError(config.credentials, None, f"It cannot be changed: {error.strerror}.") from None


def _has_token(config: "Config", name: str) -> bool:
    from edge.identity.credentials import Credentials

    return Path(config.credentials).exists() and Credentials.load(config.credentials).grant(name) is not None
