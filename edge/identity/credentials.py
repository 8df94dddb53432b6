"""Who may connect, and as what: a file with one line for each client, `client:roles:salt:hash`, the last two in
hexadecimal. Roles are separated by commas; `shop=NAME` is the role of a shop of another name than the client's, and
`encoding=NAME` beside them the encoding of the client's answers. While a client changes its token it has two lines, the
older one first.

Tokens are made here, from 32 random bytes: nobody can guess one, or find it from its hash by trying. So one salted
SHA-256 is enough; a slow hash protects passwords that people choose, and would hold up the loop when every client of a
node comes back at once.
"""

import hmac
import os
import re
import secrets
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import InputError
from ..limits import NAME_PATTERN
from ..messages.grants import ENCODINGS, Grant
from ..messages.roles import ROLES, Role
from .files import alone, numbered_lines, open_secret, write_atomic

CREDENTIALS_MAX: Final = 200_000
"""Lines in the credentials file; about 200 bytes of memory each."""

TOKEN_BYTES: Final = 32
SALT_BYTES: Final = 16
_LINE_BYTES_MAX: Final = 64 + 1 + 128 + 1 + 2 * SALT_BYTES + 1 + 64 + 2
_LINE: Final = re.compile(rf"([^:]*):([^:]*):([0-9a-f]{{{2 * SALT_BYTES}}}):([0-9a-f]{{64}})")
_NAME: Final = re.compile(NAME_PATTERN)


class Entry(NamedTuple):
    """One client: salt and SHA-256 of salt and token, for each of its tokens, and what it may be."""

    tokens: tuple[tuple[bytes, bytes], ...]
    grant: Grant


_NOBODY: Final = Entry(((b"\0" * SALT_BYTES, b"\0" * 32),), Grant())


class Credentials:
    """The file as it was when loaded. Immutable: a reload makes a new one."""

    def __init__(self, entries: dict[str, Entry]) -> None:
        self._entries = entries

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Credentials":
        """Read the file. Raises InputError, with the line where one is wrong, and where others could read it."""
        return cls(_read(Path(path)))

    def __len__(self) -> int:
        return len(self._entries)

    def clients(self) -> dict[str, Grant]:
        """What each client may be, sorted by name."""
        return {client: entry.grant for client, entry in sorted(self._entries.items())}

    @property
    def shops(self) -> frozenset[str]:
        """Every shop that somebody here acts for."""
        return frozenset(entry.grant.shop for entry in self._entries.values() if entry.grant.shop)

    def grant(self, client: str) -> Grant | None:
        """What a client may be that somebody else has authenticated."""
        entry = self._entries.get(client)
        return entry.grant if entry is not None else None

    def verify(self, client: str, token: bytes) -> Grant | None:
        """What the client may be, where the token is its own. An unknown name takes as long as a wrong token."""
        entry = self._entries.get(client)
        tokens, grant = entry or _NOBODY
        same = [hmac.compare_digest(sha256(salt + token).digest(), expected) for salt, expected in tokens]
        return grant if any(same) and entry is not None else None


class Newcomer(NamedTuple):
    """A client that is to get a token."""

    client: str
    roles: Sequence[str]
    shop: str = ""
    encoding: str = ""


def add(
    path: str | os.PathLike[str], newcomers: Iterable[Newcomer], *, replace: bool = False, second: bool = False
) -> dict[str, str]:
    """Give clients a token each: it is shown now or never. All of them or, where one is wrong or is in the file already
    (without `replace`), none. With `second` they have one, which stays good, as do their roles. Makes the file where
    there is none. Raises InputError."""
    with _changing(Path(path)) as (target, entries):
        return _added(target, entries, newcomers, replace=replace, second=second)


def _added(
    target: Path, entries: dict[str, Entry], newcomers: Iterable[Newcomer], *, replace: bool, second: bool
) -> dict[str, str]:
    tokens: dict[str, str] = {}
    for newcomer in newcomers:
        client = newcomer.client
        known = entries.get(client)
        grant = checked(target, None, newcomer)
        if second:
            if known is None or len(known.tokens) > 1:
                many = "no token" if known is None else "two tokens already: end the older one with remove --older"
                raise InputError(str(target), None, f"A second token is for who has one; {client!r} has {many}.")
            grant = known.grant
        elif client in tokens or (known is not None and not replace):
            hint = f"{client!r} has a token already. A new one ends the old one: ask for that with --replace."
            raise InputError(str(target), None, hint)
        if known is None and len(entries) >= CREDENTIALS_MAX:
            raise InputError(str(target), None, f"It holds {CREDENTIALS_MAX} clients already. Remove some first.")
        tokens[client] = token = secrets.token_urlsafe(TOKEN_BYTES)
        salt = secrets.token_bytes(SALT_BYTES)
        kept = known.tokens if known is not None and second else ()
        entries[client] = Entry((*kept, (salt, sha256(salt + token.encode()).digest())), grant)
    _write(target, entries)
    return tokens


def remove(path: str | os.PathLike[str], client: str, *, older: bool = False) -> bool:
    """Take a client out, or, with `older`, the first of its two tokens; False where it was not in. Raises
    InputError."""
    with _changing(Path(path), made=True) as (target, entries):
        found = entries.pop(client, None)
        if found is None or (older and len(found.tokens) == 1):
            return False
        if older:
            entries[client] = Entry(found.tokens[1:], found.grant)
        _write(target, entries)
        return True


@contextmanager
def _changing(target: Path, *, made: bool = False) -> Generator[tuple[Path, dict[str, Entry]]]:
    """The file as it is, for as long as nobody else changes it; `made`: it has to be there. Raises InputError."""
    with ExitStack() as held:
        try:
            held.enter_context(alone(target))
        except OSError as error:
            raise InputError(str(target), None, f"It cannot be written: {error.strerror}. Check its folder.") from None
        yield target, _read(target) if made or target.exists() else {}


_NAMES: Final = "Use a letter or digit, then up to 63 letters, digits, dots, underscores and hyphens."


def _read(path: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    try:
        with open_secret(path) as file:
            for number, text in numbered_lines(file, _LINE_BYTES_MAX):
                client, entry = _parse(path, number, text)
                if client in entries:
                    entry = _second(path, number, client, entries[client], entry)
                elif len(entries) >= CREDENTIALS_MAX:
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


def faults(path: str | os.PathLike[str], most: int) -> list[InputError]:
    """Everything for which `Credentials.load` refuses the file, line by line, up to `most`."""
    target, found = Path(path), list[InputError]()
    try:
        with open_secret(target) as file:
            for number, text in numbered_lines(file, _LINE_BYTES_MAX):
                try:
                    _parse(target, number, text)
                except InputError as error:
                    found.append(error)
                if len(found) >= most:
                    break
    except OSError:
        pass  # `_read` names it
    try:
        _read(target)
    except InputError as error:
        return found or [error]
    return found


def _second(path: Path, number: int, client: str, older: Entry, newer: Entry) -> Entry:
    """A client with two tokens. Raises InputError."""
    if len(older.tokens) > 1 or older.grant != newer.grant:
        hint = f"{client!r} is in an earlier line: two lines of a client have the same roles, and three are too many."
        raise InputError(str(path), number, f"{hint} Remove one.")
    return Entry((*older.tokens, *newer.tokens), newer.grant)


def _parse(path: Path, number: int, text: str) -> tuple[str, Entry]:
    found = _LINE.fullmatch(text)
    if found is None:
        hint = "This is not client:roles:salt:hash. Write lines with `doorstep credential add` only."
        raise InputError(str(path), number, hint)
    client, written, salt, hashed = found.groups()
    parts = [each.partition("=") for each in written.split(",") if each]
    pairs = {name: value for name, _, value in parts}
    encoding = pairs.pop("encoding", "")
    grant = checked(path, number, Newcomer(client, list(pairs), pairs.get("shop", ""), encoding))
    return client, Entry(((bytes.fromhex(salt), bytes.fromhex(hashed)),), grant)


def checked(path: Path, number: int | None, newcomer: Newcomer) -> Grant:
    """What a client may be. A shop is named like its client where nothing else is written. Raises InputError."""
    client, roles, shop, encoding = newcomer
    for what, name in (("client", client), ("shop", shop or client)):
        if not _NAME.fullmatch(name):
            raise InputError(str(path), number, f"{name!r} is not a {what}'s name. {_NAMES}")
    wrong = [role for role in roles if role not in ROLES]
    if wrong:
        raise InputError(str(path), number, f"{wrong[0]!r} is not a role. Roles are {', '.join(ROLES)}.")
    if shop and "shop" not in roles:
        raise InputError(str(path), number, f"{client!r} names the shop {shop!r} without the role shop. Add that role.")
    if encoding and encoding not in ENCODINGS:
        raise InputError(str(path), number, f"{encoding!r} is no encoding. Write one of {', '.join(ENCODINGS)}.")
    held: tuple[Role, ...] = tuple(role for role in ROLES if role in roles)
    return Grant(held, (shop or client) if "shop" in held else "", encoding=encoding)


def _written(client: str, grant: Grant) -> str:
    """The roles, and the encoding of answers, as they stand in the file."""
    own = f"shop={grant.shop}" if grant.shop != client else "shop"
    roles = [own if role == "shop" else role for role in grant.roles]
    return ",".join([*roles, f"encoding={grant.encoding}"] if grant.encoding else roles)


def _write(path: Path, entries: dict[str, Entry]) -> None:
    lines = [
        f"{client}:{_written(client, entry.grant)}:{salt.hex()}:{hashed.hex()}\n"
        for client, entry in sorted(entries.items())
        for salt, hashed in entry.tokens
    ]
    try:
        write_atomic(path, "".join(lines))
    except OSError as error:
        raise InputError(str(path), None, f"It cannot be written: {error.strerror}. Check its folder.") from None
