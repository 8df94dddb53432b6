"""Who may connect: a file with one line for each client, `client:salt:hash`, both in hexadecimal.

Tokens are made here, from 32 random bytes: nobody can guess one, or find it from its hash by trying. So one salted
SHA-256 is enough; a slow hash protects passwords that people choose, and would hold up the loop when every client of a
node comes back at once.
"""

import hmac
import os
import re
import secrets
import stat
from hashlib import sha256
from pathlib import Path
from typing import Final

from ..errors import InputError
from ..files import write_atomic
from ..limits import NAME_PATTERN

CREDENTIALS_MAX: Final = 200_000
"""Lines in the credentials file; about 200 bytes of memory each."""

TOKEN_BYTES: Final = 32
SALT_BYTES: Final = 16
_LINE_BYTES_MAX: Final = 64 + 1 + 2 * SALT_BYTES + 1 + 64 + 2
_LINE: Final = re.compile(rf"([^:]*):([0-9a-f]{{{2 * SALT_BYTES}}}):([0-9a-f]{{64}})")
_CLIENT: Final = re.compile(NAME_PATTERN)
_NOBODY: Final = (b"\0" * SALT_BYTES, b"\0" * 32)

TokenHash = tuple[bytes, bytes]
"""Salt, and SHA-256 of salt and token."""


class Credentials:
    """The file as it was when loaded. Immutable: a reload makes a new one."""

    def __init__(self, entries: dict[str, TokenHash]) -> None:
        self._entries = entries

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Credentials":
        """Read the file. Raises InputError, with the line where one is wrong, and where others could read it."""
        return cls(_read(Path(path)))

    def __len__(self) -> int:
        return len(self._entries)

    def clients(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)

    def verify(self, client: str, token: bytes) -> bool:
        """Whether the token is the client's. An unknown name takes as long as a wrong token."""
        entry = self._entries.get(client)
        salt, expected = entry or _NOBODY
        same = hmac.compare_digest(sha256(salt + token).digest(), expected)
        return same and entry is not None


def add(path: str | os.PathLike[str], client: str) -> str:
    """Give a client a new token, which replaces an older one. The token: it is shown now or never. Makes the file where
    there is none. Raises InputError."""
    target = Path(path)
    if not _CLIENT.fullmatch(client):
        raise InputError(str(target), None, f"{client!r} is not a client's name. {_NAMES}")
    entries = _read(target) if target.exists() else {}
    if client not in entries and len(entries) >= CREDENTIALS_MAX:
        raise InputError(str(target), None, f"It holds {CREDENTIALS_MAX} clients already. Remove some first.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    salt = secrets.token_bytes(SALT_BYTES)
    entries[client] = (salt, sha256(salt + token.encode()).digest())
    _write(target, entries)
    return token


def remove(path: str | os.PathLike[str], client: str) -> bool:
    """Take a client out; False where it was not in. Raises InputError."""
    target = Path(path)
    entries = _read(target)
    if entries.pop(client, None) is None:
        return False
    _write(target, entries)
    return True


_NAMES: Final = "Use a letter or digit, then up to 63 letters, digits, dots, underscores and hyphens."


def _read(path: Path) -> dict[str, TokenHash]:
    entries: dict[str, TokenHash] = {}
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                hint = f"Its mode is {mode:04o}, so others can read it. Run: chmod 600 {path}"
                raise InputError(str(path), None, hint)
            number = 0
            while line := file.readline(_LINE_BYTES_MAX):
                number += 1
                text = line.decode("ascii", errors="replace").rstrip("\r\n")
                if text and not text.startswith("#"):
                    client, entry = _parse(path, number, text)
                    if client in entries:
                        raise InputError(str(path), number, f"{client!r} is in an earlier line. Remove one of the two.")
                    if len(entries) >= CREDENTIALS_MAX:
                        raise InputError(str(path), number, f"More than {CREDENTIALS_MAX} clients. Remove some.")
                    entries[client] = entry
    except FileNotFoundError:
        hint = f"There is no such file. Make it with: doorstep credential add --file {path} CLIENT"
        raise InputError(str(path), None, hint) from None
    except OSError as error:
        raise InputError(
            str(path), None, f"It cannot be read: {error.strerror}. Check the path and its owner."
        ) from None
    return entries


def _parse(path: Path, number: int, text: str) -> tuple[str, TokenHash]:
    found = _LINE.fullmatch(text)
    if found is None:
        hint = "This is not client:salt:hash. Write lines with `doorstep credential add` only."
        raise InputError(str(path), number, hint)
    client, salt, hashed = found.groups()
    if not _CLIENT.fullmatch(client):
        raise InputError(str(path), number, f"{client!r} is not a client's name. {_NAMES}")
    return client, (bytes.fromhex(salt), bytes.fromhex(hashed))


def _write(path: Path, entries: dict[str, TokenHash]) -> None:
    lines = [f"{client}:{salt.hex()}:{hashed.hex()}\n" for client, (salt, hashed) in sorted(entries.items())]
    try:
        write_atomic(path, "".join(lines))
    except OSError as error:
        raise InputError(str(path), None, f"It cannot be written: {error.strerror}. Check its folder.") from None
