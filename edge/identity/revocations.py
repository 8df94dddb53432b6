"""Tokens that have to end before their time: a file of lines, `jti ID` or `client NAME UNIX_SECONDS`.

The second ends every token of a client that was signed until then. (Who is in the credentials file is removed there.)
"""

import os
import re
import time
from pathlib import Path
from typing import Final

from ..errors import InputError
from ..messages.grants import Grant
from .files import alone, numbered_lines, write_atomic

REVOCATIONS_MAX: Final = 100_000
"""Lines, about 100 bytes of memory each. Lines of tokens that have expired can be removed."""

_LINE_BYTES_MAX: Final = 256
_WORD: Final = re.compile(r"[!-~]{1,128}")


class Revocations:
    """The file as it was at the last look. One that is not there ends nothing. Raises InputError, with the line where
    one is wrong."""

    def __init__(self, path: str | os.PathLike[str] = "") -> None:
        self._path = Path(path) if path else None
        self._seen: object = None
        self._tokens: set[str] = set()
        self._clients: dict[str, int] = {}
        self.look()

    def look(self) -> bool:
        """Read the file again where it has changed; whether it has. Raises InputError: those of before stay, and the
        next look reads it again."""
        if self._path is None:
            return False
        try:
            found = self._path.stat()
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        except OSError:
            seen = None
        if seen == self._seen:
            return False
        self._tokens, self._clients = _read(self._path)
        self._seen = seen
        return True

    def __contains__(self, holder: tuple[str, Grant]) -> bool:
        """Whether a client's token has ended. `iat` is to the second: one signed in that of the end has ended."""
        client, grant = holder
        until = self._clients.get(client)
        return grant.token_id in self._tokens or (until is not None and grant.issued_at <= until)


def _read(target: Path) -> tuple[set[str], dict[str, int]]:
    tokens: set[str] = set()
    clients: dict[str, int] = {}
    try:
        with target.open("rb") as file:
            for number, text in numbered_lines(file, _LINE_BYTES_MAX):
                match text.split():
                    case ["jti", token_id]:
                        tokens.add(token_id)
                    case ["client", client, until] if until.isascii() and until.isdigit():
                        clients[client] = max(int(until), clients.get(client, 0))
                    case _:
                        hint = "Write `jti ID` or `client NAME UNIX_SECONDS`, as `doorstep credential revoke` does."
                        raise InputError(str(target), number, hint)
                if len(tokens) + len(clients) > REVOCATIONS_MAX:
                    hint = f"More than {REVOCATIONS_MAX} lines. Remove those of tokens that have expired."
                    raise InputError(str(target), number, hint)
    except FileNotFoundError:
        return set(), {}
    except OSError as error:
        raise InputError(str(target), None, f"It cannot be read: {error.strerror}.") from None
    return tokens, clients


def revoke(path: str | os.PathLike[str], *, client: str = "", token_id: str = "") -> None:
    """Add a line for the tokens of a client signed until now, or for one token. Raises InputError."""
    target = Path(path)
    if not _WORD.fullmatch(token_id or client):
        hint = "It would be a line that no node can read. A name has up to 128 characters, and no space."
        raise InputError(str(target), None, f"{token_id or client!r} cannot be written. {hint}")
    line = f"jti {token_id}\n" if token_id else f"client {client} {int(time.time())}\n"
    try:
        with alone(target):
            before = target.read_text(encoding="utf-8-sig") if target.exists() else ""
            ended = "\n" if before and not before.endswith("\n") else ""  # by whoever edited it
            write_atomic(target, f"{before}{ended}{line}")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(target), None, f"It cannot be changed: {error}.") from None
