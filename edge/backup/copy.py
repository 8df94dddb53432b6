"""Back a node up while it runs, or not: configuration, identities, secrets, the journal.

The journal is copied in one read transaction (SQLite's online backup), which neither stops commits nor misses one that
was committed before it began; the copy is then read to its end. A backup has its name only when it is whole.
"""

import grp
import os
import pwd
import shutil
import stat
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import apsw

from ..app.config import Config, load
from ..errors import DoorstepError, InputError
from ..identity.files import sync_directory
from ..journal.reader import FILE_NAME as JOURNAL
from ..journal.reader import JournalReader, query
from . import manifest
from .manifest import Item, Manifest

FILES: Final = (
    "credentials token_keys token_revoked tls_cert tls_key link_token_file link_ca uplink_token_file uplink_ca "
    "webhook_secret_file webhook_ca metrics_token_file".split()
)
"""Options that name a file which a node needs. (`scenario_path` has programs, which come with their packages.)"""

BESIDE: Final = ("instance", "drops", "status.token", "pseudonyms.key", "webhooks", "uplink.pem", "uplink.json")
"""Files of the data directory beside the journal."""

UNFINISHED: Final = ".unfinished"


def back_up(config_path: Path, into: Path, keep: int) -> Path:
    """Make a backup in a new folder below `into`, and remove the oldest ones of this node beyond `keep` (0: none is).
    Returns the new folder.

    Raises:
        DoorstepError: a file cannot be read or written, or the copied journal is not whole. Then nothing stays.
    """
    config = load(config_path)
    at = datetime.now(UTC)
    target = into / f"{config.node}-{at:%Y%m%dT%H%M%S.%f}Z"
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.mkdir(mode=0o700)
        items = [_copied(path, unfinished, config_path) for path in _files(config_path, config)]
        journal = Path(config.data_dir) / JOURNAL
        rows = _journal(journal, unfinished / JOURNAL)
        items.append(_item(journal, JOURNAL, unfinished, config_path))
        made = Manifest(config.node, version("doorstep"), at.isoformat(timespec="seconds"), rows, items)
        manifest.write(unfinished, made)
        for path in unfinished.iterdir():
            _sync(path)
        sync_directory(unfinished)
        unfinished.rename(target)
        sync_directory(into)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        place = error.filename or into
        raise InputError(str(place), None, f"The backup failed: {error.strerror}. Run it as the node's user.") from None
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _drop_old(into, config.node, keep)
    return target


def _files(config_path: Path, config: Config) -> Iterable[Path]:
    """Everything but the journal, in this sequence."""
    yield config_path
    yield from (Path(path) for option in FILES if (path := getattr(config, option)) and Path(path).exists())
    yield from (path for name in BESIDE if (path := Path(config.data_dir) / name).exists())


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


def _journal(source: Path, target: Path) -> tuple[int, int]:
    """Copy the journal and read the copy to its end: the numbers of its first and last row."""
    with JournalReader.open(source):
        pass  # which refuses what is no journal
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
        raise DoorstepError(f"The journal {source} could not be copied ({error}). Look at both disks.") from None
    target.chmod(0o600)
    with JournalReader.open(target) as reader:
        for kept in reader.snapshots():
            reader.snapshot(kept)
        _, base = reader.base()
        for _ in reader.rows(base):
            pass
        return reader.bounds()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _drop_old(into: Path, node: str, keep: int) -> None:
    """The names sort by time. What was left half done goes too, where it is of another run of long ago."""
    if keep:
        found = sorted(path for path in into.glob(f"{node}-2*Z") if (path / manifest.FILE_NAME).exists())
        for path in found[:-keep]:
            shutil.rmtree(path)
