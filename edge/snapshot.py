"""A snapshot: everything about the core that a row can change. Pure.

Positions are no part of it. A snapshot of another format is refused with a hint.
"""

from typing import Final

import msgspec
from msgspec import Struct

from .errors import JournalError
from .model import Now, Rules

STATE_VERSION: Final = 1


class Counts(Struct, array_like=True):
    """What became of every durable input since the node's first start. `received` is the sum of the others."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: dict[str, int] = {}
    shed: dict[str, int] = {}


class State(Struct, array_like=True):
    """A snapshot: everything that a row can change."""

    version: int
    rules: Rules
    number: int
    sequence: int
    last: Now
    json_clients: list[str]
    counts: Counts
    outgoing: bytes
    repeats: bytes
    windows: bytes
    outbox: bytes
    dispatch: bytes
    age_ms: int = 0


encode_state = msgspec.msgpack.Encoder().encode


def decode_state(body: bytes) -> State:
    """The state in a snapshot. Raises JournalError where it is of another version, or none at all."""
    try:
        state = msgspec.msgpack.decode(body, type=State)
    except msgspec.DecodeError as error:
        raise JournalError(f"The snapshot cannot be read ({error}): was it written by another version?") from None
    if state.version != STATE_VERSION:
        raise JournalError(
            f"The snapshot has version {state.version}, this doorstep reads version {STATE_VERSION}. "
            f"Start the version that wrote it, stop it cleanly, and try again."
        )
    return state
