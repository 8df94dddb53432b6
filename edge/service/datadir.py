"""The data directory: what one process stores, node or centre, for itself alone and readable by its user only.

lock           held while the process runs; holds its number
ports.json     the ports of the running process: {option: port}

A node's has also:

journal.sqlite3   the journal (with -wal and -shm beside it), and its ballast
drops             counts of dropped messages that are in no row of the journal yet
webhooks          how far webhooks are pushed
instance          an id of this directory, made once: by it the centre distinguishes a replaced disk from a restart
status.token      the token of the status page
pseudonyms.key    the key of the pseudonyms in exports, made once
uplink.pem        the key and the certificate of an enrolled node (uplink.key: a key that waits for its certificate)
uplink.json       where its centre is, and by which authority that is known
"""

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from ..errors import BusyError, InputError
from ..identity.files import sweep, write_atomic

PORTS: Final = "ports.json"
_OTHERS: Final = 0o077


def holder(path: Path) -> str:
    """The number of the process that holds a data directory ("?" where it left none); empty where none does."""
    with contextlib.suppress(OSError), (path / "lock").open(encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return lock.read(32).strip() or "?"
    return ""


class DataDir:
    """An opened data directory. Close it, or use it in a `with`, to release the lock."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Lock the directory for this process. It is created with mode 0700.

        Raises:
            BusyError: another process holds it.
            InputError: it cannot be made or entered, or it is not this user's alone: what others may have read or
                changed is for a person to look at.
        """
        path = Path(path)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = path.stat()
            if found.st_uid != os.geteuid():
                hint = f"It belongs to the user with number {found.st_uid}. Start this as that user, or run chown."
                raise InputError(str(path), None, hint)
            if found.st_mode & _OTHERS:
                hint = f"Others may enter this data directory: look what is in it, then run chmod 700 {path}."
                raise InputError(str(path), None, hint)
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
                f"The data directory {path} is in use by {f'process {holder}' if holder else 'another process'}. "
                "Stop that one, or give this one a data_dir of its own."
            ) from error
        os.ftruncate(lock, 0)
        with contextlib.suppress(OSError):
            sweep(path, own=True)
        with contextlib.suppress(OSError):  # a full disk; the lock itself needs no space
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        return cls(path, lock)

    def kept(self, name: str, form: str, make: Callable[[], str]) -> str:
        """The word in the file `name`, made at the first call for this directory, and where it does not match `form`
        any more."""
        path = self.path / name
        try:
            found = path.read_text(encoding="ascii").strip()
            if re.fullmatch(form, found):
                path.chmod(0o600)
                return found
        except (FileNotFoundError, UnicodeDecodeError):
            pass
        made = make()
        write_atomic(path, made + "\n")
        return made

    def write_ports(self, ports: dict[str, int]) -> None:
        """Write the ports to a file: option name -> port. `close` removes it."""
        write_atomic(self.path / PORTS, json.dumps(ports) + "\n")

    def close(self) -> None:
        """Release the directory for another process."""
        (self.path / PORTS).unlink(missing_ok=True)
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
