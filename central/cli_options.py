"""What several of the centre's commands have: the option `--config`, lengths of time as they are typed, who calls."""

import getpass
import re
from typing import Final

import click

CONFIG: Final = click.option(
    "--config", "config_path", default="central.toml", metavar="FILE", help="The centre's configuration."
)

_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400}


def seconds_of(text: str, option: str, days_max: int) -> int:
    """A time like 7d or 12h in seconds. Raises click.BadParameter where it is none, or longer than `days_max`."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= days_max * 86_400:
        hint = f"{text!r} is not a number and m, h or d, of at most {days_max}d: 7d"
        raise click.BadParameter(hint, param_hint=option)
    return seconds


def by_command() -> str:
    """Who calls a command, as audit log and roll-outs name it."""
    return f"{getpass.getuser()} (command)"
