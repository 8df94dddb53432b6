"""A PostgreSQL of one's own on a free port of loopback, with a password.

with Postgresql() as server:
    server.url, server.password     # of its own database
    server.kill(); server.start()   # the same port, the same data
"""

import os
import pwd
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

from .process import Process
from .programs import SYSTEM_PATH, ProgramMissing, find_program, run
from .settings import free_port, write_private

ACCOUNT: Final = "postgres"
"""PostgreSQL does not run as root: there it runs as this account, which its package makes."""

READY: Final = "database system is ready to accept connections"

USER: Final = "doorstep_writer"


class Postgresql(Process):
    """Not yet started. `settings` are further ones of its configuration. Its data is in a folder of its own below /tmp,
    because another account has to reach it; `close` removes it."""

    def __init__(self, settings: Sequence[str] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="doorstep-postgresql-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.password = secrets.token_hex(16)
        programs = _programs()
        own = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", *settings]
        command = [*_as_account(), f"{programs / 'postgres'}", "-D", f"{self.data}"]
        super().__init__("postgresql", [*command, *(word for line in own for word in ("-c", line))], self.folder, READY)
        write_private(self.folder / "password", self.password)
        if os.geteuid() == 0:
            for path in (self.folder, self.folder / "password"):
                shutil.chown(path, ACCOUNT)
        words = ("--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}", "--encoding=UTF8", "--no-sync")
        run(*_as_account(), f"{programs / 'initdb'}", f"--pgdata={self.data}", f"--username={USER}", *words)

    def url(self, database: str = "postgres") -> str:
        """Of a database on it, without the password."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def make_database(self, name: str) -> str:
        """A new, empty database; its URL."""
        self.sql(f"create database {name}")
        return self.url(name)

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as its owner; what it returns."""
        import psycopg

        with psycopg.connect(self.url(database), password=self.password, autocommit=True) as db:
            cursor = db.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """End it and remove its data."""
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
