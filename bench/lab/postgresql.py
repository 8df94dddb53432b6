"""A PostgreSQL of one's own on a free port of loopback, with a password.

with Postgresql() as server:
    server.url, server.password     # of its own database
    server.kill(); server.start()   # the same port, the same data
    standby = server.add_standby()  # synchronous; from now on `server.url` has both
    server.kill(); standby.promote()
"""

import os
import pwd
import secrets
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

from .process import Died, Process
from .programs import SYSTEM_PATH, ProgramMissing, find_program, run
from .settings import free_port, write_private

ACCOUNT: Final = "postgres"
"""PostgreSQL does not run as root: there it runs as this account, which its package makes."""

READY: Final = "database system is ready to accept connections"
FOLLOWS: Final = "database system is ready to accept read-only connections"

USER: Final = "doorstep_writer"

STANDBY: Final = "standby"
"""What a synchronous standby calls itself."""

STANDBY_S_MAX: Final = 60.0


class Postgresql(Process):
    """Not yet started. `settings` are further ones of its configuration; of a `primary` it is a copy that follows it.
    Its data is in a folder of its own below /tmp, because another account has to reach it; `close` removes it."""

    def __init__(self, settings: Sequence[str] = (), primary: "Postgresql | None" = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="doorstep-postgresql-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.password = primary.password if primary else secrets.token_hex(16)
        self.standby: Postgresql | None = None
        programs = _programs()
        own = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", *settings]
        command = [*_as_account(), f"{programs / 'postgres'}", "-D", f"{self.data}"]
        super().__init__("postgresql", [*command, *(word for line in own for word in ("-c", line))], self.folder, READY)
        secret = self.folder / "password"
        write_private(secret, f"127.0.0.1:*:*:{USER}:{self.password}" if primary else self.password)
        if os.geteuid() == 0:
            for path in (self.folder, secret):
                shutil.chown(path, ACCOUNT)
        if primary:
            where = f"{primary.own_url('postgres')}?passfile={secret}&application_name={STANDBY}"
            words = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync")
            run(*_as_account(), f"{programs / 'pg_basebackup'}", f"--pgdata={self.data}", f"--dbname={where}", *words)
        else:
            words = ("--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--no-sync")
            run(*_as_account(), f"{programs / 'initdb'}", f"--pgdata={self.data}", f"--username={USER}", *words)

    def add_standby(self) -> "Postgresql":
        """A synchronous one, started: from now on a commit is on both."""
        self.standby = Postgresql(primary=self)
        self.standby.ready = FOLLOWS
        self.standby.start()
        self.sql(f"alter system set synchronous_standby_names = '{STANDBY}'")
        self.sql("select pg_reload_conf()")
        deadline = time.monotonic() + STANDBY_S_MAX
        while not self.sql("select pid from pg_stat_replication where sync_state = 'sync'"):
            if time.monotonic() > deadline:
                raise Died(self, f"had no synchronous standby within {STANDBY_S_MAX:.0f} s", None)
            time.sleep(0.05)
        return self.standby

    def promote(self) -> None:
        """Of a standby: it takes writes when this returns."""
        self.sql("select pg_promote()")

    def own_url(self, database: str) -> str:
        """Of a database on it, without the password, and without its standby."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def url(self, database: str = "postgres") -> str:
        """Of a database on it, or on its standby once that takes writes, without the password."""
        if self.standby is None:
            return self.own_url(database)
        hosts = f"127.0.0.1:{self.port},127.0.0.1:{self.standby.port}"
        return f"postgresql://{USER}@{hosts}/{database}?target_session_attrs=read-write"

    def make_database(self, name: str) -> str:
        """A new, empty database; its URL."""
        self.sql(f"create database {name}")
        return self.url(name)

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as its owner; what it returns."""
        import psycopg

        with psycopg.connect(self.own_url(database), password=self.password, autocommit=True) as db:
            cursor = db.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """End it and remove its data, and those of its standby."""
        if self.standby is not None:
            self.standby.close()
        if self.alive:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _programs() -> Path:
    """Where `postgres` and `initdb` are: Debian keeps them outside of PATH. Raises ProgramMissing."""
    if (found := shutil.which("initdb", path=SYSTEM_PATH)) is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not versions:
        raise ProgramMissing("postgres is not installed. Install its package; tests/setup.sh names all that are used.")
    return versions[-1].parent


def _as_account() -> list[str]:
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise ProgramMissing(f"There is no account {ACCOUNT}: PostgreSQL's package makes it.") from None
    return [find_program("setpriv"), f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"]
