"""Put a backup back: on this box after its disk was lost, or on another one."""

import grp
import os
import pwd
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import BusyError, InputError
from ..identity.files import sync_directory
from . import manifest
from .manifest import DATABASES, Item, Manifest

_PRIVATE = 0o700


def restore(backup: Path, config_path: Path, *, replace: bool) -> tuple[Manifest, list[Path]]:
    """Write every file of a backup to where it belongs, the configuration to `config_path`: what was below its folder
    comes below its new one. Nothing is written before all of it is found whole and there is room for it: a
    database is never replaced, another file only with `replace`. Returns the manifest, and what was written.

    Raises:
        InputError: the backup is damaged, a file is in the way, or one cannot be written.
        BusyError: a database is there.
    """
    found = manifest.read(backup)
    home = config_path.resolve().parent
    places = [(item, home / item.path) for item in found.items]
    config, *_ = places
    places[0] = (config[0], config_path)
    for item, place in places:
        database = item.name in DATABASES
        if not place.exists() and not (database and place.with_name(f"{place.name}-wal").exists()):
            continue
        if database:
            hint = f"One is there. Stop its {found.role} and move its data directory away, then restore again."
            raise BusyError(f"{place}: {hint}")
        if not replace and manifest.digest(place) != item.sha256:
            raise InputError(
                str(place), None, "It is there, with other content. Replace it with --replace, or move it."
            )
    for item, place in sorted(places, key=lambda each: each[0].name in DATABASES):  # they come last
        try:
            _put(backup / item.name, place, item)
        except OSError as error:
            raise InputError(str(place), None, f"It cannot be written: {error.strerror}.") from None
    return found, [place for _, place in places]


def _put(source: Path, place: Path, item: Item) -> None:
    made = [folder for folder in (place.parent, *place.parent.parents) if not folder.exists()]
    for folder in reversed(made):
        folder.mkdir(mode=_PRIVATE)
        _give(folder, item)
    fresh = place.with_name(f"{place.name}.restored")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file, source.open("rb") as read:  # noqa: PTH123
        shutil.copyfileobj(read, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(item.mode)
    _give(fresh, item)
    fresh.replace(place)
    sync_directory(place.parent)


def _give(path: Path, item: Item) -> None:
    """Root gives a file to whom it belonged, where this box has that user."""
    if os.geteuid() == 0:
        user, group = _number(pwd.getpwnam, item.owner), _number(grp.getgrnam, item.group)
        os.chown(path, user, group)


def _number(look_up: Callable[[str], Any], name: str) -> int:
    """Of a user or a group; -1 (as it is) where there is none of this name."""
    try:
        return look_up(name)[2]
    except KeyError:
        return -1
