"""`doorstep central rollout start`, `status`, `stop` and `back`, and `doorstep central group`."""

import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from msgspec.structs import asdict

from edge.errors import DoorstepError, InputError
from edge.limits import IDENTIFIER_PATTERN
from edge.messages.sync.settings import SETTINGS_CHARACTERS_MAX, signed_bytes

from ..cli_options import CONFIG, by_command, seconds_of
from ..config import Config, load, now_ms, store_of
from ..enrolment.command import inviting
from ..store.engine.driver import Driver
from ..store.open import open_driver, open_store
from . import progress
from .plan import STAGES, stages_of
from .progress import Progress, counting, newest, places, running, withdraw
from .rollouts import ALL

DEADLINE_DAYS_MAX: Final = 90
"""A node that was away for a season is better invited anew."""
ROLLOUTS_SHOWN: Final = 10
NODES_SHOWN: Final = 10_000
"""Of each; the API has them by pages."""

_GROUP = click.option("--group", default=ALL, show_default=True, metavar="NAME", help="The group of nodes.")


@click.group(short_help="Push settings to nodes, in stages, and back where they do harm.")
def rollout() -> None:
    """Push settings to nodes, in stages. Only enrolled nodes take them: the centre's authority signs them.

    \b
    Examples:
      doorstep central rollout start evening.toml --config central.toml
      doorstep central rollout status --config central.toml
      doorstep central rollout stop --config central.toml
    """


@rollout.command(short_help="Begin a roll-out.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_GROUP
@click.option(
    "--stages", default=STAGES, show_default=True, metavar="LIST", help="Nodes after each stage: 1, 10%, all."
)
@click.option(
    "--deadline", default="24h", show_default=True, metavar="TIME", help="A node without an answer so long is silent."
)
@CONFIG
def start(file: Path, group: str, stages: str, deadline: str, config_path: str) -> None:
    """Push the options in FILE (TOML, as in a node's configuration; empty: nothing any more) to a group. The newest
    roll-out of a group takes the place of an older one that still runs.

    \b
    Examples:
      doorstep central rollout start evening.toml --config central.toml
      doorstep central rollout start evening.toml --group cafes --stages 1,5,all --deadline 2h

    Exit codes: 0 begun, 2 the file or an option cannot be used, 4 the store cannot be written.
    """
    options, config = _options(file), inviting(config_path)
    try:
        parts = stages_of(stages)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--stages") from None
    number = _begin(
        config_path,
        config,
        group,
        options,
        ",".join(parts),
        seconds_of(deadline, "--deadline", DEADLINE_DAYS_MAX) * 1000,
    )
    click.echo(f"Roll-out {number} to {group} has begun, in stages {', '.join(parts)}.")
    click.echo("How it goes: doorstep central rollout status", err=True)


def _options(file: Path) -> str:
    """What is pushed. Nodes know which options may be; here it only has to be TOML of a size that travels."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InputError(str(file), None, f"{why}. Write options in TOML, as in a node's edge.toml.") from None
    if len(text) > SETTINGS_CHARACTERS_MAX:
        hint = f"It has {len(text)} characters; {SETTINGS_CHARACTERS_MAX} travel. Leave comments out."
        raise InputError(str(file), None, hint)
    return text if text.strip() else ""


def _begin(config_path: str, config: Config, group: str, options: str, stages: str, deadline_ms: int) -> int:
    """The number of the new version."""
    from ..enrolment.authority import der
    from ..enrolment.files import prepare

    _, authority, register = prepare(config_path, config)
    register.close()
    signer, at = der(authority.certificate), now_ms(config)
    with _changing(config_path, config) as driver:
        number = int(driver.rows("select coalesce(max(id), 0) from rollout")[0][0]) + 1
        insert = (
            "insert into rollout(id, fleet, options, signature, signer, stages, deadline_ms, at, state, why, stage,"
            " changed_at, started_by) values(?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, ?, ?) on conflict do nothing"
        )
        empty = authority.sign(signed_bytes(config.name, 0, ""))
        driver.run(insert, (0, "", "", empty, signer, "all", 0, at, "done", at, ""))
        driver.run(
            "update rollout set state = 'replaced', why = ?, changed_at = ? where fleet = ? and state = 'running'",
            (f"roll-out {number} took its place", at, group),
        )
        signature = authority.sign(signed_bytes(config.name, number, options))
        values = (number, group, options, signature, signer, stages, deadline_ms, at, "running", at, by_command())
        if not driver.run(insert, values):
            raise DoorstepError("Another roll-out began at the same instant. Look at both, then try again.")
    return number


@rollout.command(short_help="Show how roll-outs go.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs; times in Unix ms.")
@CONFIG
def status(as_json: bool, config_path: str) -> None:
    """Show the newest roll-outs, and of each node how it stands: healthy (it stood its trial), waiting, failed (it
    refused, or went back), silent (no answer within the deadline), left (it has another version since).

    \b
    Example:
      doorstep central rollout status --config central.toml

    Exit codes: 0 shown, 2 the configuration cannot be used, 4 the store cannot be read.
    """
    config = load(config_path)
    driver = open_driver(*store_of(config_path, config), readonly=True)
    try:
        with driver.reading():
            now = now_ms(config)
            found = [_described(driver, each, now) for each in newest(driver, now, ROLLOUTS_SHOWN)]
    finally:
        driver.close()
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    if not found:
        click.echo("Nothing was rolled out. Begin: doorstep central rollout start FILE")
    for each in found:
        at = datetime.fromtimestamp(each["at"] / 1000, UTC)
        by = f" by {each['started_by']}" if each["started_by"] else ""
        begun = f"{each['id']}  {each['group']}  {at:%Y-%m-%d %H:%M} UTC{by}"
        why = f": {each['why']}" if each["why"] else ""
        where = f", stage {each['stage'] + 1} of {len(each['stages'])}" if each["state"] == "running" else ""
        click.echo(f"{begun}  {each['state']}{where}{why}")
        for node, found in each["nodes"].items():
            detail = f" ({found['detail']})" if found["detail"] else ""
            click.echo(f"    {node}  {found['state']}{detail}")


def _described(driver: Driver, each: Progress, now: int) -> dict[str, Any]:
    nodes = {place.node: asdict(place) for place in places(driver, now, each.id, NODES_SHOWN)}
    return {**asdict(each), "nodes": nodes}


@rollout.command(short_help="Stop what runs in a group, and go back.")
@_GROUP
@CONFIG
def stop(group: str, config_path: str) -> None:
    """End the roll-out that runs in a group. Its nodes get the version back that the group had before.

    \b
    Example:
      doorstep central rollout stop --group cafes --config central.toml

    Exit codes: 0 stopped, 1 none runs there, 2 the configuration cannot be used, 4 the store cannot be written.
    """
    config = load(config_path)
    with _changing(config_path, config) as driver:
        number = running(driver, group)
        if not number:
            raise DoorstepError(f"No roll-out runs in the group {group}.")
        progress.stop(driver, number, by_command(), now_ms(config))
    click.echo("Stopped. Its nodes go back to what they had before.")


@rollout.command(short_help="Take the version back that counts for a group.")
@_GROUP
@CONFIG
def back(group: str, config_path: str) -> None:
    """Let the newest version of a group count no more, after its roll-out is done. Its nodes get the version back that
    the group had before.

    \b
    Example:
      doorstep central rollout back --group cafes --config central.toml

    Exit codes: 0 taken back, 1 none counts there, or one runs, 2 the configuration cannot be used, 4 the store cannot
    be written.
    """
    config = load(config_path)
    with _changing(config_path, config) as driver:
        number = counting(driver, group)
        if not number:
            raise DoorstepError(f"Nothing was rolled out to the whole group {group}.")
        withdraw(driver, number, by_command(), now_ms(config))
    click.echo(f"Version {number} counts no more. Its nodes go back to what they had before.")


@click.command(short_help="Put nodes into a group, or list the groups.")
@click.argument("nodes", nargs=-1)
@click.option("--to", "group", metavar="NAME", help="The group; it is made by its first node.")
@CONFIG
def group(nodes: tuple[str, ...], group: str | None, config_path: str) -> None:
    """Put NODES into a group, which gets its roll-outs together; without nodes list all groups. Who comes into a group
    gets the group's version. A node that nobody has put anywhere is in the group "all".

    \b
    Examples:
      doorstep central group cafe-1 cafe-2 --to cafes --config central.toml
      doorstep central group --config central.toml

    Exit codes: 0 done, 1 a node has not reported its settings yet, 2 a name or the configuration cannot be used, 4 the
    store cannot be read or written.
    """
    if bool(nodes) is not bool(group):
        raise click.UsageError("Name nodes and --to, or neither.")
    if group is not None and not re.fullmatch(IDENTIFIER_PATTERN, group):
        raise click.BadParameter(f"{group!r}: lower-case letters, digits and dashes.", param_hint="--to")
    with _changing(config_path, load(config_path)) as driver:
        unknown = [
            node for node in nodes if not driver.run("update node_settings set fleet = ? where node = ?", (group, node))
        ]
        if unknown:
            hint = "Only nodes that are enrolled and were connected can be put into one: doorstep central nodes."
            raise DoorstepError(f"{', '.join(unknown)}: the centre knows no settings of it. {hint}")
        rows = driver.rows("select fleet, node from node_settings order by fleet, node")
    groups: dict[str, list[str]] = {}
    for name, node in rows:
        groups.setdefault(name, []).append(node)
    for name, members in groups.items():
        click.echo(f"{name}: {' '.join(members)}")


@contextmanager
def _changing(config_path: str, config: Config) -> Iterator[Driver]:
    """One transaction on the store, beside a centre that may run."""
    where, password = store_of(config_path, config)
    store = open_store(where, config.timezone, password, beside=True)
    try:
        with store.driver.transaction():
            yield store.driver
    finally:
        store.close()
