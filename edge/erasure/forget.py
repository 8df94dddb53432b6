"""Rewrites the journal of a stopped node without one client.

The state at the end becomes a new snapshot, from which node and replay begin: the rows before do not lead to it any
more. The old snapshots go, the rows are rewritten with their checksums, all in one transaction; then the file is packed
anew, so that neither a free page nor the WAL has what was there.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..app.config import Config
from ..core.model import Snapshot, decode_row, decode_snapshot, encode_row, encode_snapshot
from ..core.node import Node
from ..core.scenario import Scenario
from ..errors import DoorstepError, InputError, JournalError
from ..identity.credentials import remove
from ..journal.journal import Journal
from ..journal.maintenance import write_snapshot
from ..journal.reader import (
    FILE_NAME,
    FORGOTTEN,
    RowError,
    checksum,
    query,
    read_rows,
    read_snapshot,
    read_snapshots,
)
from ..ledger.kept import forget_counts
from ..limits import NAME_PATTERN
from ..messages.grants import EVERYBODY
from ..scenarios import files
from ..scenarios.loader import available, load
from ..service.datadir import DataDir
from ..uplink.pushed import state
from .rows import Erasure

CANARY_CHARACTERS_MIN: Final = 5
"""A shorter name stands in any file by chance, so that looking for it shows nothing."""

_PIECE_BYTES: Final = 1024 * 1024


class Forgotten(Struct, frozen=True):
    """What was done: rows that were changed, of how many, and the name that takes the place of the client's. `files`
    still have the letters of its name, as something else or a part of it."""

    changed: int
    rows: int
    stand_in: str
    files: list[str] = []


def forget(config: Config, client: str) -> Forgotten:
    """Forget a client of a stopped node, and take it out of the credentials. Raises DoorstepError: then the journal is
    as it was, unless the sentence has that the client is forgotten."""
    if not re.fullmatch(NAME_PATTERN, client):
        raise InputError(repr(client), None, "It is no client's name. See doorstep credential list.")
    with DataDir.open(config.data_dir) as data:
        path = data.path / FILE_NAME
        if not path.exists():
            raise InputError(str(path), None, "There is no journal. Name the configuration of the node.")
        _look_at_settings(data.path, client)
        erasure = Erasure(client, f"gone-{secrets.token_hex(6)}", _kinds(config))
        done, explained = _rewrite(path, erasure, _recovered(config, path, client))
        if Path(config.credentials).exists():
            remove(config.credentials, client)
        forget_counts(data.path, client)
        return replace(done, files=_look_for(data.path, client, explained))


def _look_at_settings(folder: Path, client: str) -> None:
    """Those that the centre has pushed are signed, and come again as they were. What became of an offer may have any of
    its values. Raises DoorstepError where they name the client."""
    kept = state.read(folder)
    if state.names(kept, client):
        hint = "Push a version without the name first (doorstep central rollout)."
        raise DoorstepError(f"{client!r} cannot be forgotten yet: the centre's settings name it. {hint}")
    if client in kept.detail:
        state.write(folder, replace(kept, detail=""))


def _kinds(config: Config) -> list[type[Scenario]]:
    """The scenarios that are on, and those that may have been: their rows and state are still there."""
    kinds = {kind.name: kind for kind in config.kinds}
    for name in available(config.scenario_path):
        if name not in kinds:
            with suppress(DoorstepError):  # a broken one; where it is needed, its first row is an error
                kinds |= {kind.name: kind for kind in load([name], config.scenario_path)}
    return [*kinds.values()]


def _recovered(config: Config, path: Path, client: str) -> Node:
    """The state at the end of the journal. Raises DoorstepError where it cannot do without the client."""
    node = Node(config.kinds)
    files.take_copies(path.parent, config.kinds)
    journal = Journal.open(path)
    try:
        recovery = journal.recover()
        node.recover(recovery.snapshot, recovery.rows)
    finally:
        journal.close()
    if node.rules is None:
        raise InputError(str(path), None, "Nothing was ever decided here, so nothing is kept.")
    for scenario in node.scenarios.values():
        names = [each.name for each in scenario.collections if scenario.items(each.name, client, EVERYBODY, node.last)]
        if why := scenario.holds(client) or (f"some of its {names[0]} are open" if names else ""):
            hint = "Let that end first: start the node, and stop it again later."
            raise DoorstepError(f"{client!r} cannot be forgotten yet: {why}. {hint}")
    return node


def _snapshot(node: Node, erasure: Erasure) -> bytes:
    """The state without the client. What waits for it, or for others about its things, is not sent any more. Raises
    DoorstepError where its door is left."""
    body = encode_snapshot(erasure.snapshot(msgspec.msgpack.decode(node.snapshot(), type=Snapshot)))
    if erasure.is_at_home(body):
        hint = "Start the node, and try again when riders have been elsewhere, or off their shifts."
        raise DoorstepError(
            f"It cannot be forgotten yet: a rider's last place is its door, or another has its door. {hint}"
        )
    return body


def _rewrite(path: Path, erasure: Erasure, node: Node) -> tuple[Forgotten, bool]:
    """What was done, and whether the letters of the name are in what is kept: as something else, since every place of
    a name is known."""
    needle = erasure.names.client.encode()
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        query(db, "PRAGMA secure_delete = ON")
        query(db, "PRAGMA synchronous = FULL")
        changed = rows = 0
        explained = False
        with db:
            for number, at, body, is_new in _rewritten(db, path, erasure):
                rows += 1
                explained = explained or needle in body
                if is_new:
                    changed += 1
                    crc = checksum(number, at, body)
                    query(db, "UPDATE row SET crc = ?, body = ? WHERE number = ?", (crc, body, number))
            before = node.snapshot()
            body = _snapshot(node, erasure)
            explained = explained or needle in body
            if changed or body != before or _in_snapshots(db, path, erasure):
                query(db, "DELETE FROM snapshot")
                query(db, "DELETE FROM piece")
                for _ in write_snapshot(db, node.number, node.last.wall_ms, body):
                    pass
                query(db, "INSERT OR REPLACE INTO meta VALUES (?, ?)", (FORGOTTEN, node.number))
        query(db, "VACUUM")
        query(db, "PRAGMA wal_checkpoint(TRUNCATE)")
    except msgspec.DecodeError as error:
        hint = "Was it written by another version, or with a scenario that is not installed? Nothing was changed."
        raise DoorstepError(f"{path} has something that cannot be read ({error}). {hint}") from None
    except apsw.Error as error:
        raise DoorstepError(f"{path} could not be rewritten ({error}). Look at the disk, and run this again.") from None
    finally:
        db.close()
    return Forgotten(changed, rows, erasure.names.stand_in), explained


def _in_snapshots(db: apsw.Connection, path: Path, erasure: Erasure) -> bool:
    """Whether an older state has the client, or cannot be read. Without it a replay begins where it did."""
    try:
        for kept in read_snapshots(db):
            body = read_snapshot(db, path, kept)
            if erasure.is_at_home(body) or encode_snapshot(erasure.snapshot(decode_snapshot(body))) != body:
                return True
    except (RowError, JournalError):
        return True
    return False


def _rewritten(db: apsw.Connection, path: Path, erasure: Erasure) -> Iterator[tuple[int, int, bytes, bool]]:
    """Every row: its number, its stamp, its body from now on, and whether that is another one than before."""
    first: Any = query(db, "SELECT min(number) FROM row")[0][0] or 1
    for number, body in read_rows(db, path, first - 1):
        (at,) = query(db, "SELECT wall_ms FROM row WHERE number = ?", (number,))[0]
        found = erasure.row(decode_row(body))
        yield number, at, body if found is None else encode_row(found), found is not None


def _look_for(folder: Path, client: str, explained: bool) -> list[str]:
    """The files of the data directory that have the letters of the name. Raises DoorstepError where nothing that is
    kept explains it."""
    if len(client) < CANARY_CHARACTERS_MIN:
        return []
    left = [path.name for path in folder.iterdir() if path.is_file() and _has(path, client.encode())]
    if left and not explained:
        raise DoorstepError(f"{client!r} is forgotten, but its name is still in {', '.join(left)}. Please report this.")
    return left


def _has(path: Path, needle: bytes) -> bool:
    # Not by mmap: in CPython 3.11 its search reads beyond a file that fills its last page, and ends the process.
    with path.open("rb") as file:
        end = b""
        while piece := file.read(_PIECE_BYTES):
            if needle in end + piece:
                return True
            end = piece[-len(needle) :]
    return False
