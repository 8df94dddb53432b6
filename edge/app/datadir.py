"""The data directory: everything that a node stores, for one node at a time and readable by its user only.

lock              held while a node runs; holds its process number
journal.sqlite3   the journal (with -wal and -shm beside it), and its ballast
drops             counts of dropped messages that are in no row of the journal yet
instance          an id of this directory, made once: by it the centre distinguishes a replaced disk from a restart
status.token      the token of the status page
ports.json        the ports of the running node: {option: port}
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
from pathlib import Path
from typing import Final, Self

from ..errors import BusyError, InputError
from ..journal.files import write_atomic
from ..journal.reader import FILE_NAME

_PRIVATE: Final = 0o077
_INSTANCE: Final = re.compile(r"[0-9a-f]{32}")


class DataDir:
    """An opened data directory. Close it, or use it in a `with`, to release the lock."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Lock the directory for this process. It is created with mode 0700, or restricted to it.

        Raises:
            BusyError: another node holds it.
            InputError: it cannot be made or entered.
        """
        path = Path(path)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.stat().st_mode & _PRIVATE:
                path.chmod(0o700)
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise InputError(
                str(path), None, f"cannot be the data directory ({error.strerror}). Name one that this user owns."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
            os.close(lock)
            raise BusyError(
                f"The data directory {path} is in use by {f'process {holder}' if holder else 'another node'}. "
                "Stop that node, or give this one a data_dir of its own."
            ) from error
        os.ftruncate(lock, 0)
        with contextlib.suppress(OSError):  # a full disk; the lock itself needs no space
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        return cls(path, lock)

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.path / FILE_NAME

    def instance(self) -> str:
        """32 hexadecimal digits, made at the first call for this directory."""
        path = self.path / "instance"
        if path.exists() and _INSTANCE.fullmatch(found := path.read_text(encoding="ascii").strip()):
            return found
        made = secrets.token_hex(16)
        write_atomic(path, made + "\n")
        return made

    def status_token(self) -> str:
        """The token that the status page asks for."""
        from ..web.guard import keep_token

        return keep_token(self.path)

    def write_ports(self, ports: dict[str, int]) -> None:
        """Write the node's ports to a file: option name -> port. `close` removes it."""
        write_atomic(self.path / "ports.json", json.dumps(ports) + "\n")

    def close(self) -> None:
        """Release the directory for another node."""
        (self.path / "ports.json").unlink(missing_ok=True)
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
