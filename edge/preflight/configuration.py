"""Every wrong option at once: each is named, then left out, and the rest is looked at."""

from pathlib import Path
from typing import Any, Final

from ..app.config import Config, made, values
from ..errors import WHOLE_FILE, ConfigError
from ..mqtt.address import is_loopback
from ..service.options import addresses
from .finding import Report

FINDINGS_MAX: Final = 100
"""A file with more wrong options than there are is not one of ours."""

_SOME_NAME: Final = "to-be-named"
_WRITABLE: Final = 0o022


def examine(path: Path, report: Report) -> Config | None:
    """The configuration with the defaults of options that are wrong; None where nothing can be made of the file."""
    try:
        found = values(path)
    except ConfigError as error:
        report.error("config_file", error)
        return None
    for _ in range(FINDINGS_MAX):
        try:
            config = made(path, found)
        except ConfigError as error:
            report.error("option", error)
            report.left_out.append(error.field)
            if not _leave_out(found, error.field):
                return None
        else:
            _habits(path, config, report)
            return config
    return None


def _leave_out(found: dict[str, Any], field: str) -> bool:
    """Take an option out, or give the one that has no default; whether that changed anything."""
    if field == WHOLE_FILE:
        return False
    if field.startswith("["):
        section, _, name = field[1:].partition("] ")
        if name:
            return found.get(section, {}).pop(name, None) is not None
        return found.pop(section.rstrip("]"), None) is not None
    if field in found and field != "node":
        del found[field]
        return True
    if found.get("node") == _SOME_NAME:
        return False
    found["node"] = _SOME_NAME
    return True


def _habits(path: Path, config: Config, report: Report) -> None:
    """What is allowed, and rarely meant."""
    for option in ("listen", "listen_ws"):
        outside = [each for each in addresses(config, option) if not is_loopback(each)]
        if outside:
            report.warning(
                "plain_beyond_loopback",
                f"{option} = {', '.join(outside)} is reached by other machines without TLS: tokens and places can be "
                f"read on the way. Use {'listen_wss' if option == 'listen_ws' else 'listen_tls'}, or 127.0.0.1.",
            )
    if config.anonymous:
        report.warning("anonymous", "anonymous = true: whoever reaches this machine is everybody. For trying out only.")
    if config.clock_speed != 1:
        report.warning("clock_speed", f"clock_speed = {config.clock_speed:g}: for rehearsals only. Remove the option.")
    if not config.status_listen:
        text = 'status_listen = "": neither doorstep status nor metrics work. Set "127.0.0.1:8080".'
        report.warning("no_status", text)
    if not config.uplink:  # and the node is not enrolled: `files.enrolment`
        report.facts["uplink"] = "none: nothing leaves this node"
    for option, place in (("the configuration", path), ("scenario_path", config.scenario_path)):
        if place and Path(place).exists() and Path(place).stat().st_mode & _WRITABLE:
            report.error(
                "writable_by_others",
                f"Others may write to {place} ({option}), and so decide what this node does. Run chmod go-w {place}.",
            )
