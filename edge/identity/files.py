"""Files that survive a power cut, written whole or not at all, and secrets that only their owner may read."""

import contextlib
import errno
import fcntl
import os
import re
import stat
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import ConfigError

_FRESH: Final = re.compile(r".+\.([1-9][0-9]{0,9})\.new")
"""A file of `write_atomic` before it has its name, with the number of its process."""

SECRET_BYTES_MAX: Final = 8 * 1024
"""A token file; signed tokens have about 1 kB."""


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replace a file, readable by its owner only: a reader never finds half a file, nor does the next start. Root
    leaves it to whoever owned the old one. Raises OSError, and then the old one stays."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    owner = path.stat() if os.geteuid() == 0 and path.exists() else None
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:  # noqa: PTH123
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
            if owner is not None:
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    sync_directory(path.parent)


def sweep(folder: Path, *, own: bool = False) -> None:
    """Remove what `write_atomic` has left in a folder in processes that were killed meanwhile. `own`: this process has
    written nothing yet, so a file of its number is of one before it, as in a container. Raises OSError."""
    for path in folder.glob("*.new"):
        found = _FRESH.fullmatch(path.name)
        if found and ((own and int(found[1]) == os.getpid()) or not Path("/proc", found[1]).exists()):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(path: Path) -> Generator[None]:
    """While this is entered no other process changes a file in the folder of `path` that asks as well: of two that read
    it, and write it with one line more, the first would be undone. Raises OSError."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        sweep(path.parent)
        yield
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable: a power cut takes a new file's name with it otherwise."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_secret(path: Path) -> BinaryIO:
    """Open a file that only its owner may read. Another user's link is not followed: it could lead to a file that this
    process may read and that user may not. Raises OSError, whose `strerror` has the reason."""
    own = path.lstat().st_uid in (0, os.geteuid())
    # Without waiting for the writer of a pipe.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if own else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise OSError(errno.ELOOP, "It is a link of another user; name the file itself") from None
    mode = os.fstat(descriptor).st_mode
    wrong = "It is not a file" if not stat.S_ISREG(mode) else ""
    if mode & 0o077 and not wrong:
        wrong = f"Others may read it (mode {stat.S_IMODE(mode):04o}): run chmod 600 {path}"
    if wrong:
        os.close(descriptor)
        raise OSError(errno.EPERM, wrong)
    return open(descriptor, "rb")  # noqa: PTH123


def numbered_lines(file: BinaryIO, bytes_max: int) -> Iterator[tuple[int, str]]:
    """The lines of a text that are neither empty nor comments (#), with their numbers. What is longer than `bytes_max`
    comes in pieces, so that no line of it is taken into memory whole; bytes that are no UTF-8 become U+FFFD."""
    for number, line in enumerate(iter(lambda: file.readline(bytes_max), b""), 1):
        text = line.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace").rstrip("\r\n")
        if (begin := text.lstrip()) and not begin.startswith("#"):
            yield number, text


def read_secret(config_path: str, option: str, path: str) -> str:
    """The secret in the file that an option names; empty where the option is empty.

    Raises:
        ConfigError: the file cannot be read, others can read it, it is empty and would protect nothing, or it is no
            text of one line.
    """
    if not path:
        return ""
    try:
        with open_secret(Path(path)) as file:
            found = file.read(SECRET_BYTES_MAX + 1).decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ConfigError(config_path, option, path, "It is not UTF-8. Write one line of text into it.") from None
    except FileNotFoundError:
        hint = "There is no such file. Write the secret into it, and let only its owner read it (chmod 600)."
        raise ConfigError(config_path, option, path, hint) from None
    except OSError as error:
        raise ConfigError(config_path, option, path, f"{error.strerror}.") from None
    if not found:
        raise ConfigError(config_path, option, path, "The file is empty. Write a long random token into it.")
    if len(found.splitlines()) > 1 or len(found) > SECRET_BYTES_MAX:
        hint = (
            f"It holds more than one line, or more than {SECRET_BYTES_MAX} bytes. Leave the token's line alone in it."
        )
        raise ConfigError(config_path, option, path, hint)
    return found
