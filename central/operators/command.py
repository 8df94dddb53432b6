"""`doorstep central user` and `doorstep central token`: who may log in to the console, and which programs may ask."""

import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import click

from edge.limits import NAME_PATTERN

from ..cli_options import CONFIG, by_command, seconds_of
from ..config import load, store_of
from .operators import ROLES, SCOPES, Operators
from .tables import TABLES


@contextmanager
def _operators(config_path: str) -> Iterator[tuple[Operators, str]]:
    """The operators of a centre, and who changes them."""
    config = load(config_path)
    operators = Operators(TABLES.open(*store_of(config_path, config)))
    try:
        yield operators, by_command()
    finally:
        operators.close()


def _named(_: click.Context, __: click.Parameter, name: str) -> str:
    if not re.fullmatch(NAME_PATTERN, name):
        raise click.BadParameter(f"{name!r}: a letter or digit, then up to 63 letters, digits, dots, _ and -")
    return name


def _password(generate: bool) -> str:
    """A new one: made up and printed, asked for at a terminal, or the first line of standard input."""
    if generate:
        made = secrets.token_urlsafe(15)
        click.echo(f"Password, shown now or never: {made}")
        return made
    if sys.stdin.isatty():
        return click.prompt("New password", hide_input=True, confirmation_prompt=True)
    return sys.stdin.readline().rstrip("\n")


@click.group(short_help="Set who may log in to the console.")
def user() -> None:
    """Operators of the console: viewers look, operators settle what is kept aside, admins invite and revoke nodes and
    read the audit log. A running centre takes the change at once.

    \b
    Examples:
      doorstep central user add mei --role admin
      doorstep central user passwd mei --generate
      doorstep central user list
      doorstep central user remove mei
    """


@user.command(short_help="A new operator.")
@click.argument("name", callback=_named)
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the operator may do.")
@click.option("--generate", is_flag=True, help="Print a password instead of asking for one.")
@CONFIG
def add(name: str, role: str, generate: bool, config_path: str) -> None:
    """Let NAME log in. The password is asked for twice; from a script it is the first line of standard input.

    \b
    Example:
      doorstep central user add mei --role admin --config /etc/doorstep/central.toml
    """
    with _operators(config_path) as (operators, who):
        operators.add(name, role, _password(generate), who)
    click.echo(f"{name} may log in as {role}.", err=True)


@user.command(short_help="End an operator.")
@click.argument("name", callback=_named)
@CONFIG
def remove(name: str, config_path: str) -> None:
    """End NAME, with every session.

    \b
    Example:
      doorstep central user remove mei
    """
    with _operators(config_path) as (operators, who):
        operators.remove(name, who)
    click.echo(f"{name} is removed.", err=True)


@user.command(short_help="A new password.")
@click.argument("name", callback=_named)
@click.option("--generate", is_flag=True, help="Print a password instead of asking for one.")
@click.option("--no-totp", is_flag=True, help="Switch one-time codes off, too: the telephone is lost.")
@CONFIG
def passwd(name: str, generate: bool, no_totp: bool, config_path: str) -> None:
    """Give NAME a new password; every session ends.

    \b
    Example:
      doorstep central user passwd mei --generate
    """
    with _operators(config_path) as (operators, who):
        operators.set_password(name, _password(generate), who, totp_off=no_totp)
    click.echo(f"{name} has a new password, and every session has ended.", err=True)


@user.command("list", short_help="Who may log in.")
@CONFIG
def list_users(config_path: str) -> None:
    """List the operators: name, role, one-time codes, sessions.

    \b
    Example:
      doorstep central user list
    """
    with _operators(config_path) as (operators, _):
        for each in operators.everybody():
            codes = "one-time codes" if each["totp"] else "no one-time codes"
            click.echo(f"{each['name']}\t{each['role']}\t{codes}\t{each['sessions']} sessions")


@click.group(short_help="Set which programs may ask the API.")
def token() -> None:
    """Tokens for programs that ask `/v1` (Authorization: Bearer …), each with its scopes. Only their hashes are kept.

    \b
    Examples:
      doorstep central token add dashboard --scope read --expires 365d
      doorstep central token list
      doorstep central token remove dashboard
    """


@token.command("add", short_help="A new token.")
@click.argument("name", callback=_named)
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="May be repeated.")
@click.option("--expires", metavar="TIME", help="How long it is good: a number and m, h or d; without it for ever.")
@CONFIG
def add_token(name: str, scopes: tuple[str, ...], expires: str | None, config_path: str) -> None:
    """Print a token for the program NAME, now or never.

    \b
    Example:
      doorstep central token add dashboard --scope read --expires 365d
    """
    seconds = seconds_of(expires, "--expires", TOKEN_DAYS_MAX) if expires is not None else 0
    ends_at = time.time_ns() // 1_000_000 + seconds * 1000 if seconds else 0
    with _operators(config_path) as (operators, who):
        click.echo(operators.add_token(name, scopes, ends_at, who))


TOKEN_DAYS_MAX: Final = 3_660
"""Ten years; what is to be longer has no end."""


@token.command("remove", short_help="End a token.")
@click.argument("name", callback=_named)
@CONFIG
def remove_token(name: str, config_path: str) -> None:
    """End the token NAME.

    \b
    Example:
      doorstep central token remove dashboard
    """
    with _operators(config_path) as (operators, who):
        operators.remove_token(name, who)
    click.echo(f"The token {name} is removed.", err=True)


@token.command("list", short_help="Which tokens there are.")
@CONFIG
def list_tokens(config_path: str) -> None:
    """List the tokens: name, scopes, until when, last used (UTC).

    \b
    Example:
      doorstep central token list
    """
    with _operators(config_path) as (operators, _):
        for each in operators.tokens():
            until = f"until {_time(each['ends_at'])}" if each["ends_at"] else "without end"
            used = f"used {_time(each['used_at'])}" if each["used_at"] else "never used"
            click.echo(f"{each['name']}\t{' '.join(each['scopes'])}\t{until}\t{used}")


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M}"
