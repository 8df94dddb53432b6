"""The configuration of a start: the operator's file, and what the centre has pushed."""

from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigError
from ..health.status import Status
from ..log.events import SETTINGS_FAULT
from ..uplink.pushed import state
from ..uplink.pushed.state import Kept
from .config import Config, load


class Start(NamedTuple):
    """The configuration, what is kept of the pushed settings from here on, and a problem with them (empty: none)."""

    config: Config
    kept: Kept
    problem: str


def started(config_path: str) -> Start:
    """What was pushed never keeps a node from its start: where it cannot be used, the version before it counts, or
    none. Raises ConfigError where the operator's file cannot be used."""
    own = load(config_path)
    problem = ""
    try:
        kept = state.started(state.read(own.data_dir))
    except ConfigError as error:
        return Start(own, Kept(), str(error))
    while kept.in_force.options:
        try:
            return Start(load(config_path, kept.in_force.options), kept, problem)
        except ConfigError as error:
            problem = f"Version {kept.in_force.number} of the centre's settings cannot be used any more: {error}"
            kept = state.back(kept, "They do not fit the node's own configuration any more.") if kept.trial else Kept()
    return Start(own, kept, problem)


def keep(data_dir: Path, start: Start, status: Status) -> None:
    """Write down that the node has started, where that counts, and report the problem."""
    try:
        if start.kept != state.read(data_dir):
            state.write(data_dir, start.kept)
    except (ConfigError, OSError) as error:
        SETTINGS_FAULT.write(sentence=str(error))
    if start.problem:
        SETTINGS_FAULT.write(sentence=start.problem)
        status.alarm("settings", start.problem)
