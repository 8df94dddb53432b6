"""What a backup of a centre has: everything that it needs to go on elsewhere.

The sums of a centre on SQLite are in it. Those on PostgreSQL are not: that has tools of its own, which know more of
standbys and tablespaces; docs/operating.md has the commands.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import apsw

from edge.backup.copy import Database, Subject
from edge.errors import DoorstepError

from .config import Config, load
from .store.engine.sqlite import FILE as STORE

FILES: Final = "credentials tls_cert tls_key ca_cert ca_key store_password_file api_token_file".split()
"""Options that name a file which a centre needs."""

ENROLMENT: Final = "enrolment"
AUTHORITY: Final = ("ca.pem", "ca.key", "server.pem")
REGISTER: Final = "register.db"


def subject(config_path: Path) -> Subject:
    """The centre of this configuration. Raises DoorstepError where that cannot be used, or it has never run."""
    config = load(config_path)
    data = Path(config.data_dir)
    store, register = data / STORE, data / ENROLMENT / REGISTER
    if not config.store and not store.exists():
        raise DoorstepError(f"{store}: It is not there. Start the centre once, or mend data_dir in {config_path}.")
    # The register last: a node whose batches are in the copied store is in the copied register too.
    databases = [] if config.store else [Database(store, _sums)]
    databases += [Database(register, _enrolled)] if register.exists() else []
    left_out = "without the sums, which are in PostgreSQL: back them up with pg_dump" if config.store else ""
    return Subject("centre", config.name, _files(config_path, config, data), databases, left_out)


def _files(config_path: Path, config: Config, data: Path) -> Iterable[Path]:
    yield config_path
    yield from (Path(path) for option in FILES if (path := getattr(config, option)) and Path(path).exists())
    yield from (
        path for each in config.alert for name in (each.secret_file, each.ca) if name and (path := Path(name)).exists()
    )
    yield from (path for name in AUTHORITY if (path := data / ENROLMENT / name).exists())


def _sums(copy: Path) -> str:
    nodes, batches, events = _asked(
        copy, "select count(*), coalesce(sum(batches), 0), coalesce(sum(events), 0) from node"
    )
    return f"{batches} batches of {nodes} nodes with {events} events"


def _enrolled(copy: Path) -> str:
    (nodes,) = _asked(copy, "select count(distinct node) from certificate")
    return f"certificates of {nodes} nodes"


def _asked(copy: Path, sql: str) -> tuple[int, ...]:
    """Read a copy to its end, then ask it. Raises DoorstepError."""
    try:
        database = apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            wrong = [text for (text,) in database.execute("pragma integrity_check(1)") if text != "ok"]
            row: Any = database.execute(sql).fetchone()
        finally:
            database.close()
    except apsw.Error as error:
        wrong, row = [str(error)], ()
    if wrong:
        raise DoorstepError(f"{copy.name} is not whole ({wrong[0]}). Look at the disk, and restore an earlier backup.")
    return row
