"""The settings that a centre has pushed, as a node keeps them: `settings.json` in its data directory. What the operator
wrote, `edge.toml`, is never changed.

    good     the version that stood its trial
    trial    the version that is being tried: it counts, and `good` comes back where it fails
    starts   how often the node was started during the trial: settings that end the process are given up
"""

import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from ...errors import WHOLE_FILE, ConfigError
from ...identity.files import open_secret, write_atomic
from ...messages.sync.settings import Outcome

FILE: Final = "settings.json"
STARTS_MAX: Final = 2
"""Starts of the node during one trial; the next one goes back."""

_FILE_BYTES_MAX: Final = 256 * 1024


class Version(Struct, frozen=True):
    """A version of the settings; 0 is that nothing was pushed."""

    number: int = 0
    options: str = ""

    @property
    def sha256(self) -> str:
        """Of the options, in hexadecimal."""
        return sha256(self.options.encode()).hexdigest()


class Kept(Struct, frozen=True):
    """The file. `about`, `outcome` and `detail` are what the centre learns about the last version that it offered."""

    good: Version = Version()
    trial: Version | None = None
    starts: int = 0
    about: int = 0
    outcome: Outcome = "in_force"
    detail: str = ""

    @property
    def in_force(self) -> Version:
        """The version that counts."""
        return self.trial or self.good


def read(folder: str | Path) -> Kept:
    """What is kept; nothing where there is no such file. Raises ConfigError where it cannot be used."""
    path = Path(folder) / FILE
    try:
        with open_secret(path) as file:
            return msgspec.json.decode(file.read(_FILE_BYTES_MAX), type=Kept)
    except FileNotFoundError:
        return Kept()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        hint = "Remove the file: the node then begins with its own configuration, and the centre offers again."
        raise ConfigError(str(path), WHOLE_FILE, why, hint) from None


def write(folder: str | Path, kept: Kept) -> None:
    """Keep it. Raises OSError."""
    write_atomic(Path(folder) / FILE, msgspec.json.encode(kept).decode())


def names(kept: Kept, client: str) -> bool:
    """Whether the value of an option is, or has, the client's name."""
    versions = (kept.good, kept.trial) if kept.trial is not None else (kept.good,)
    options = (each for version in versions for each in tomllib.loads(version.options).values())
    return any(client in _texts(option, keys=False) for option in options)


def _texts(value: Any, *, keys: bool = True) -> Iterator[str]:
    """Every text in it; without `keys` not those of the outermost table, which are names of options."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            if isinstance(value, dict):
                yield from _texts(value[each])
            if keys or isinstance(value, list):
                yield from _texts(each)


def started(kept: Kept) -> Kept:
    """What counts after a start: a trial goes on, unless the node has ended too often in it."""
    if kept.trial is None:
        return kept
    if kept.starts >= STARTS_MAX:
        return back(kept, f"The node was started {kept.starts + 1} times during the trial.")
    return msgspec.structs.replace(kept, starts=kept.starts + 1)


def back(kept: Kept, detail: str) -> Kept:
    """The trial has failed."""
    number = kept.trial.number if kept.trial is not None else kept.about
    return Kept(good=kept.good, about=number, outcome="rolled_back", detail=detail)
