"""Back up a node, or a centre, while it runs, or not: configuration, identities, secrets, databases.

A database is copied in one read transaction (SQLite's online backup), which neither stops commits nor misses one that
was committed before it began; the copy is then read to its end. A backup has its name only when it is whole.
"""

import grp
import os
import pwd
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

from ..errors import DoorstepError, InputError
from ..identity.files import sync_directory
from ..journal.reader import query
from ..log.writer import VERSION
from . import manifest
from .manifest import Item, Manifest, Role

UNFINISHED: Final = ".unfinished"
UNFINISHED_KEPT_S: Final = 86_400.0
"""No backup takes a day."""


class Database(NamedTuple):
    """A database of SQLite. `check` reads a copy of it to its end, and gives what it holds in a few words. It raises
    DoorstepError where the copy is not whole."""

    path: Path
    check: Callable[[Path], str]


class Subject(NamedTuple):
    """What is backed up: a node's or a centre's files, its configuration first, and its databases."""

    role: Role
    name: str
    files: Iterable[Path]
    databases: Sequence[Database]
    left_out: str = ""
    """A sentence about what is elsewhere, and is not taken."""


def back_up(subject: Subject, config_path: Path, into: Path, keep: int) -> Path:
    """Make a backup in a new folder below `into`, and remove the oldest ones of this name beyond `keep` (0: none is).
    Returns the new folder.

    Raises:
        DoorstepError: a file cannot be read or written, or a copied database is not whole. Then nothing stays.
    """
    at = datetime.now(UTC)
    target = into / f"{subject.name}-{at:%Y%m%dT%H%M%S.%f}Z"
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.mkdir(mode=0o700)
        items = [_copied(path, unfinished, config_path) for path in subject.files]
        holds = [_database(each, unfinished, config_path, items) for each in subject.databases]
        words = ", ".join(filter(None, [*holds, subject.left_out]))
        made_at = at.isoformat(timespec="seconds")
        made = Manifest(subject.name, VERSION, made_at, items, subject.role, words)
        manifest.write(unfinished, made)
        for path in unfinished.iterdir():
            _sync(path)
        sync_directory(unfinished)
        unfinished.rename(target)
        sync_directory(into)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        place = error.filename or into
        hint = f"The backup failed: {error.strerror}. Run it as the {subject.role}'s user."
        raise InputError(str(place), None, hint) from None
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _drop_old(into, subject.name, keep)
    return target


def _copied(path: Path, folder: Path, config_path: Path) -> Item:
    name = path.name
    while (folder / name).exists():  # two files of one name, from two folders
        name = f"other-{name}"
    shutil.copyfile(path, folder / name)
    (folder / name).chmod(0o600)
    return _item(path, name, folder, config_path)


def _item(path: Path, name: str, folder: Path, config_path: Path) -> Item:
    found, home = path.stat(), config_path.resolve().parent
    real = path.resolve() if not path.is_absolute() else path
    where = str(real.relative_to(home)) if real.is_relative_to(home) else str(real)
    owner, group = _name(pwd.getpwuid, found.st_uid), _name(grp.getgrgid, found.st_gid)
    return Item(name, where, stat.S_IMODE(found.st_mode), owner, group, manifest.digest(folder / name))


def _name(look_up: Callable[[int], Any], number: int) -> str:
    """Of a user or a group; its number where it has none."""
    try:
        return look_up(number)[0]
    except KeyError:
        return str(number)


def _database(database: Database, folder: Path, config_path: Path, items: list[Item]) -> str:
    """Copy a database, read the copy to its end, and add its item; what it holds."""
    source = database.path
    target = folder / source.name
    try:
        read = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
        written = apsw.Connection(str(target))
        try:
            with written.backup("main", read, "main") as backup:
                backup.step()
            query(written, "PRAGMA journal_mode = DELETE")  # one file, without a WAL beside it
        finally:
            written.close()
            read.close()
    except apsw.Error as error:
        raise DoorstepError(f"{source} could not be copied ({error}). Look at both disks.") from None
    target.chmod(0o600)
    holds = database.check(target)
    items.append(_item(source, target.name, folder, config_path))
    return holds


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _drop_old(into: Path, name: str, keep: int) -> None:
    """The names sort by time. What was left half done, by a run that was killed, goes too."""
    for path in into.glob(f"{name}-2*Z{UNFINISHED}"):
        if time.time() - path.stat().st_mtime > UNFINISHED_KEPT_S:
            shutil.rmtree(path)
    if keep:
        found = sorted(path for path in into.glob(f"{name}-2*Z") if (path / manifest.FILE_NAME).exists())
        for path in found[:-keep]:
            shutil.rmtree(path)
