"""Rewrites the journal of a stopped node without one client.

The state at the end becomes a new snapshot, from which node and replay begin: the rows before do not lead to it any
more. The old snapshots go, the rows are rewritten with their checksums, all in one transaction; then the file is packed
anew, so that neither a free page nor the WAL has what was there.
"""

import mmap
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import apsw
import msgspec
from msgspec import Struct

from ..app.config import Config
from ..core.model import Snapshot, decode_row, encode_row, encode_snapshot
from ..core.node import Node
from ..core.scenario import Scenario
from ..errors import DoorstepError, InputError
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
from ..limits import NAME_PATTERN
from ..messages.grants import EVERYBODY
from ..scenarios.protocol.schema import contract
from ..service.datadir import DataDir
from .rows import Erasure

CANARY_CHARACTERS_MIN: Final = 4
"""A shorter name stands in any file by chance, so that looking for it shows nothing."""


class Forgotten(Struct, frozen=True):
    """What was done: rows that were changed, of how many, and the name that takes the place of the client's."""

    changed: int
    rows: int
    stand_in: str


def forget(config: Config, client: str) -> Forgotten:
    """Forget a client of a stopped node, and take it out of the credentials. Raises DoorstepError: then the journal is
    as it was, unless the sentence has that the client is forgotten."""
    if not re.fullmatch(NAME_PATTERN, client):
        raise InputError(repr(client), None, "It is no client's name. See doorstep credential list.")
    if client in _words(config.kinds):
        hint = "It cannot be known which of the two is meant. It goes with the rows, after retention_days."
        raise InputError(repr(client), None, f"It is also a word of the messages. {hint}")
    with DataDir.open(config.data_dir) as data:
        path = data.path / FILE_NAME
        if not path.exists():
            raise InputError(str(path), None, "There is no journal. Name the configuration of the node.")
        messages = [message for kind in config.kinds for message in kind.messages]
        erasure = Erasure(client, f"gone-{secrets.token_hex(6)}", messages)
        done = _rewrite(path, erasure, _recovered(config, path, client))
        if Path(config.credentials).exists():
            remove(config.credentials, client)
        _look_for(data.path, client)
        return done


def _words(kinds: Sequence[type[Scenario]]) -> set[str]:
    """Field names, kinds, states, reasons and counters: a client may be called like one of them."""
    found = {name for kind in kinds for name in (kind.name, *(each.name for each in kind.counters))}

    def walk(schema: Any) -> None:
        if isinstance(schema, dict):
            named = cast("dict[str, Any]", schema)
            for key in ("properties", "enum"):
                found.update(named.get(key, ()))
            found.add(named.get("const", ""))
            walk([*named.values()])
        elif isinstance(schema, list):
            for each in cast("list[Any]", schema):
                walk(each)

    walk(contract(kinds).schemas)
    return found


def _recovered(config: Config, path: Path, client: str) -> Node:
    """The state at the end of the journal. Raises DoorstepError where it cannot do without the client."""
    node = Node(config.kinds)
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
    DoorstepError where something of it is left."""
    waiting = node.pending_answers
    found = [answer for name in waiting.clients() for answer in waiting.of(name, 0)]
    waiting.acknowledged([answer.sequence for answer in found if erasure.goes(answer)])
    state = msgspec.msgpack.decode(node.snapshot(), type=Snapshot)
    body = encode_snapshot(
        msgspec.structs.replace(
            state,
            packed_clients=[erasure.name(each) for each in state.packed_clients],
            pending_answers=erasure.renamed(state.pending_answers),
            windows=erasure.renamed(state.windows),
            scenarios={name: erasure.renamed(part) for name, part in state.scenarios.items()},
        )
    )
    if erasure.is_in(body):
        hint = "Start the node, and try again when riders have been elsewhere, or off their shifts."
        raise DoorstepError(
            f"It cannot be forgotten yet: a rider's last place is its door, or another has its door. {hint}"
        )
    return body


def _rewrite(path: Path, erasure: Erasure, node: Node) -> Forgotten:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        query(db, "PRAGMA secure_delete = ON")
        query(db, "PRAGMA synchronous = FULL")
        changed = rows = 0
        with db:
            for number, at, body in _changed(db, path, erasure):
                rows += 1
                if body:
                    changed += 1
                    crc = checksum(number, at, body)
                    query(db, "UPDATE row SET crc = ?, body = ? WHERE number = ?", (crc, body, number))
            if erasure.namesake:
                hint = "so it cannot be known which of the two is meant. It goes with the rows, after retention_days."
                raise DoorstepError(f"Somebody else has the name too, as the {erasure.namesake} of an event, {hint}")
            before = node.snapshot()
            body = _snapshot(node, erasure)
            if changed or body != before or _in_snapshots(db, path, erasure):
                query(db, "DELETE FROM snapshot")
                query(db, "DELETE FROM piece")
                for _ in write_snapshot(db, node.number, node.last.wall_ms, body):
                    pass
                query(db, "INSERT OR REPLACE INTO meta VALUES (?, ?)", (FORGOTTEN, node.number))
        query(db, "VACUUM")
        query(db, "PRAGMA wal_checkpoint(TRUNCATE)")
    except apsw.Error as error:
        raise DoorstepError(f"{path} could not be rewritten ({error}). Look at the disk, and run this again.") from None
    finally:
        db.close()
    return Forgotten(changed, rows, erasure.stand_in)


def _in_snapshots(db: apsw.Connection, path: Path, erasure: Erasure) -> bool:
    """Whether an older state has the client, or cannot be read. Without it a replay begins where it did."""
    try:
        return any(erasure.is_in(read_snapshot(db, path, kept)) for kept in read_snapshots(db))
    except RowError:
        return True


def _changed(db: apsw.Connection, path: Path, erasure: Erasure) -> Iterator[tuple[int, int, bytes]]:
    """Every row: its number, its stamp, and its new body, empty where it stays."""
    first: Any = query(db, "SELECT min(number) FROM row")[0][0] or 1
    for number, body in read_rows(db, path, first - 1):
        row = decode_row(body)
        (at,) = query(db, "SELECT wall_ms FROM row WHERE number = ?", (number,))[0]
        found = erasure.row(row)
        yield number, at, encode_row(found) if found is not None else b""


def _look_for(folder: Path, client: str) -> None:
    """Raises DoorstepError where the name is left in a file of the data directory."""
    if len(client) < CANARY_CHARACTERS_MIN:
        return
    left = [path.name for path in folder.iterdir() if path.is_file() and _has(path, client.encode())]
    if left:
        hint = "Another name may contain it; else please report this."
        raise DoorstepError(f"{client!r} is forgotten, but its name is still in {', '.join(left)}. {hint}")


def _has(path: Path, needle: bytes) -> bool:
    with path.open("rb") as file:
        if not path.stat().st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:  # it may be larger than the memory
            return content.find(needle) >= 0
