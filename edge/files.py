"""Files that survive a power cut, written whole or not at all, and secrets that only their owner may read."""

import contextlib
import os
from pathlib import Path

from .errors import ConfigError


def write_atomic(path: Path, text: str) -> None:
    """Replace a file, readable by its owner only: a reader never finds half a file, nor does the next start. Root
    leaves it to whoever owned the old one. Raises OSError, and then the old one stays."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    owner = path.stat() if os.geteuid() == 0 and path.exists() else None
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:  # noqa: PTH123
            file.write(text.encode())
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


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable: a power cut takes a new file's name with it otherwise."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_secret(config_path: str, option: str, path: str) -> str:
    """The secret in the file that an option names; empty where the option is empty.

    Raises:
        ConfigError: the file cannot be read, others can read it, or it is empty and would protect nothing.
    """
    if not path:
        return ""
    try:
        if Path(path).stat().st_mode & 0o077:
            raise ConfigError(config_path, option, path, f"Others may read it: run chmod 600 {path}.")
        found = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(config_path, option, path, f"{error.strerror}.") from None
    if not found:
        raise ConfigError(config_path, option, path, "The file is empty. Write a long random token into it.")
    return found
