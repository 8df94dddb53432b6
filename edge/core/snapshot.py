"""A snapshot: everything about the core that a row can change. Pure.

Positions are no part of it. A snapshot of another format is refused with a hint.
"""

from typing import Final

import msgspec
from msgspec import Struct

from ..errors import JournalError
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
    pending_answers: bytes
    dedup: bytes
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
        age = "a newer" if state.version > STATE_VERSION else "an older"
        raise JournalError(
            f"The snapshot was written by {age} doorstep (version {state.version}; this one reads version "
            f"{STATE_VERSION}). Start that doorstep again: what the node kept is as it was."
        )
    return state
