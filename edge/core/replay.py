"""A recorded journal through the same core again: does it decide what it decided then, to the byte?

The inputs and what was seen of positions come from the rows; decisions and effects are made anew, and the row that
comes of it must equal the recorded one. The first difference is named down to the field.
"""

from collections.abc import Iterable
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from ..errors import JournalError
from .model import Commit, Effect, RecordedEvent, Row, decode_row

TEXT_CHARACTERS_SHOWN: Final = 200
"""A value in a difference is cut here: the place matters, and `explain` shows the rest."""


class Core(Protocol):
    """What is needed of `node.Node`."""

    decided: int
    """Decisions made so far."""

    def recover(self, snapshot: bytes | None, rows: Iterable[bytes]) -> None:
        """Begin at a snapshot."""
        ...

    def replay(self, row: Row) -> list[Effect]:
        """Decide a recorded row again; a Commit comes first."""
        ...


class Difference(Struct, frozen=True):
    """Where a replay first left the record: the row, its wall clock (Unix ms), the field, and both values as text."""

    row: int
    wall_ms: int
    part: str
    recorded: str
    replayed: str


class Replay:
    """One run. Feed it every row after the snapshot, in order, until there is a difference."""

    def __init__(self, core: Core, snapshot: bytes | None) -> None:
        core.recover(snapshot, ())
        self._core = core
        self.rows = self.events = 0

    @property
    def decisions(self) -> int:
        """Decisions made again."""
        return self._core.decided

    def feed(self, body: bytes) -> Difference | None:
        """Decide one row again. None where the outcome is the recorded one.

        Raises:
            msgspec.DecodeError: no row of this version.
            JournalError: a row of a scenario that is not here.
        """
        row = decode_row(body)
        self.rows += 1
        self.events += sum(isinstance(item, RecordedEvent) for item in row.inputs)
        try:
            commits = [effect for effect in self._core.replay(row) if isinstance(effect, Commit)]
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - a core that fails on its own record differs, whatever the error
            return _difference(row, "replay", "a row", f"{type(error).__name__}: {error}")
        if [commit.row for commit in commits] == [body]:
            return None
        if len(commits) != 1:
            return _difference(row, "effects", "1 commit", f"{len(commits)} commits")
        found = _first_difference("", row, decode_row(commits[0].row))
        return _difference(row, *(found or ("encoding", body.hex(), commits[0].row.hex())))


def _difference(row: Row, part: str, recorded: str, replayed: str) -> Difference:
    return Difference(row.number, row.now.wall_ms, part, _cut(recorded), _cut(replayed))


def _first_difference(part: str, recorded: Any, replayed: Any) -> tuple[str, str, str] | None:
    """The path to the first field that differs, and both values."""
    if type(recorded) is not type(replayed):
        return part, _shown(recorded), _shown(replayed)
    if isinstance(recorded, Struct):
        for name in recorded.__struct_fields__:
            path = f"{part}.{name}" if part else name
            found = _first_difference(path, getattr(recorded, name), getattr(replayed, name))
            if found:
                return found
        return None
    if isinstance(recorded, msgspec.Raw):
        recorded, replayed = bytes(recorded), bytes(replayed)
    if isinstance(recorded, bytes) and recorded != replayed:
        found = _first_difference(part, _opened(recorded), _opened(replayed))
        return found or (part, recorded.hex(), replayed.hex())
    if isinstance(recorded, dict):
        return _first_in_maps(part, recorded, replayed)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(recorded, list | tuple):
        return _first_in_lists(part, list(recorded), list(replayed))  # pyright: ignore[reportUnknownArgumentType]
    # repr distinguishes -0.0 from 0.0, as the bytes do.
    return None if repr(recorded) == repr(replayed) else (part, _shown(recorded), _shown(replayed))


def _first_in_maps(part: str, recorded: dict[Any, Any], replayed: dict[Any, Any]) -> tuple[str, str, str] | None:
    for key in [*recorded, *(key for key in replayed if key not in recorded)]:
        if key not in recorded or key not in replayed:
            here, there = (_shown(side[key]) if key in side else "nothing" for side in (recorded, replayed))
            return f"{part}.{key}", here, there
        found = _first_difference(f"{part}.{key}", recorded[key], replayed[key])
        if found:
            return found
    return None if list(recorded) == list(replayed) else (part, _shown(list(recorded)), _shown(list(replayed)))


def _first_in_lists(part: str, recorded: list[Any], replayed: list[Any]) -> tuple[str, str, str] | None:
    for index, (here, there) in enumerate(zip(recorded, replayed, strict=False)):
        found = _first_difference(f"{part}[{index}]", here, there)
        if found:
            return found
    shared = min(len(recorded), len(replayed))
    if len(recorded) == len(replayed):
        return None
    here, there = (_shown(side[shared]) if len(side) > shared else "nothing" for side in (recorded, replayed))
    return f"{part}[{shared}]", here, there


def _opened(payload: bytes) -> Any:
    """A message body as its fields; other bytes as they are, in hexadecimal."""
    try:
        return (msgspec.json if payload[:1] == b"{" else msgspec.msgpack).decode(payload)
    except ValueError:  # msgspec.DecodeError is one, a text that is not UTF-8 another
        return payload.hex()


def _shown(value: Any) -> str:
    """A value as JSON, messages inside it opened; what a struct is, before it."""
    if isinstance(value, Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return f"{type(value).__name__} {_shown(fields)}"
    if isinstance(value, bytes | msgspec.Raw):
        value = _opened(bytes(value))
    plain = msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=str)
    return msgspec.json.encode(plain, enc_hook=str).decode()


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARACTERS_SHOWN else f"{text[:TEXT_CHARACTERS_SHOWN]}…"
