"""`doorstep ledger`: a shop's own ledger against what the node recorded."""

import sys
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import msgspec

from ...app.config import load
from ...clock import Clock
from ...errors import InputError
from ...ledger.audit import ShopUnknown, audit
from ...ledger.compare import TOLERANCE_S, Comparison, Difference
from ...ledger.entries import COLUMNS, LEDGER_BYTES_MAX, LedgerError, read_ledger

SHOWN_MAX: Final = 1_000
"""Differences that are printed; with --json all are."""

_WORDS: Final = {
    "missing_here": "missing here: the node accepted no such order of this shop",
    "missing_there": "missing there: the ledger does not have it",
    "other_amount": "other amount",
    "other_time": "other time",
    "cancelled_here": "cancelled here, and in the ledger",
    "repeated": "twice in the ledger",
}


@click.command(short_help="Compare a shop's own ledger with what the node recorded.")
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--config", "config_path", required=True, metavar="FILE", help="The node's configuration.")
@click.option("--shop", default="", metavar="NAME", help="Whose ledger it is, where it has no column for that.")
@click.option("--timezone", default="", metavar="NAME", help="Of its times and days; by default that of this machine.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 86_400),
    default=TOLERANCE_S,
    show_default=True,
    metavar="SECONDS",
    help="Between the times of one order.",
)
@click.option("--columns", default="", metavar="ORDER=NAME,…", help="What the columns order, time, amount are called.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def ledger(
    file: Path, config_path: str, shop: str, timezone: str, tolerance: float, columns: str, as_json: bool
) -> None:
    """Compare the CSV in FILE (order, time, amount) with the orders in the node's journal. The node may run. Names of
    orders stay on this box: the centre gets how many differ, by shop and day.

    \b
    Examples:
      doorstep ledger --config edge.toml till.csv
      doorstep ledger --config edge.toml --shop noodle-bar --columns order=Beleg,amount=Betrag till.csv

    Exit codes: 0 no difference, 1 there are some, 2 the file, the configuration or the journal cannot be used.
    """
    config = load(config_path)
    at = Clock(config.clock_speed, config.clock_wall_anchor_ms, config.clock_real_anchor_ms).now().wall_ms
    try:
        with file.open("rb") as opened:
            data = opened.read(LEDGER_BYTES_MAX + 1)
        zone = _zone(timezone)
        found = audit(Path(config.data_dir), read_ledger(data, zone, _columns(columns)), shop, zone, at, tolerance)
    except LedgerError as error:
        raise InputError(str(file), error.line or None, str(error)) from None
    except ShopUnknown as error:
        raise click.BadParameter(str(error), param_hint="--shop") from None
    except OSError as error:
        raise InputError(str(file), None, f"It cannot be read ({error.strerror}).") from None
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        _show(found)
    sys.exit(1 if found.differences else 0)


def _zone(name: str) -> tzinfo:
    if not name:
        zone = datetime.now().astimezone().tzinfo
        assert zone is not None
        return zone
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "Write a name such as Asia/Shanghai; Debian: apt install tzdata."
        raise click.BadParameter(f"{name!r} is no time zone of this machine. {hint}", param_hint="--timezone") from None


def _columns(text: str) -> dict[str, str]:
    pairs = [each.partition("=") for each in text.split(",") if each]
    for what, _, name in pairs:
        if what not in COLUMNS or not name:
            hint = f"Write NAME=COLUMN, with a NAME of {', '.join(COLUMNS)}."
            raise click.BadParameter(f"{what!r}: {hint}", param_hint="--columns")
    return {what: name for what, _, name in pairs}


def _show(found: Comparison) -> None:
    for each in found.differences[:SHOWN_MAX]:
        line = f"line {each.line}: " if each.line else ""
        click.echo(f"{each.date} {each.shop} {each.order}: {line}{_WORDS[each.kind]}{_sides(each)}")
    if len(found.differences) > SHOWN_MAX:
        click.echo(f"… {len(found.differences)} in all; --json has every one.")
    for day in found.days:
        counts = {name: getattr(day, name) for name in _WORDS if getattr(day, name)}
        words = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no difference"
        click.echo(f"{day.date} {day.shop}: {day.here} orders here, {day.there} lines there: {words}")
    if found.before:
        click.echo(f"{found.before} lines are older than the journal: nothing is known of them.")
    if found.unpriced:
        click.echo(f"{found.unpriced} orders have an amount on one side only.")


def _sides(each: Difference) -> str:
    if each.kind in ("missing_there", "repeated") or (each.here is None and each.there is None):
        return ""
    here, there = ("nothing" if side is None else side for side in (each.here, each.there))
    return f" (here {here}, there {there})"
