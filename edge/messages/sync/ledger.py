"""How a shop's ledgers differ from the node's record, counted by day. No order and no person is named.

    up    sync.ledger   one `LedgerCounts`; its PUBACK means that the centre has it on disk

A later comparison of the same shop and day replaces the earlier one: the same ledger twice counts once.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from ..envelope import Count, Identifier, Milliseconds

SYNC_LEDGER: Final = "sync.ledger"

DAYS_MAX: Final = 512
"""Days of shops in one message, and kept at the node: a year and more of one shop."""

KINDS: Final = ("missing_here", "missing_there", "other_amount", "other_time", "cancelled_here", "repeated")
"""The differences, as fields of `ShopDay`."""

Date = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z")]


class ShopDay(Struct, frozen=True, kw_only=True):
    """One shop's day: `here` orders the node accepted, `there` lines the ledger has. `at` is when they were compared
    (Unix ms)."""

    shop: Identifier
    date: Date
    at: Milliseconds
    here: Count = 0
    there: Count = 0
    missing_here: Count = 0
    missing_there: Count = 0
    other_amount: Count = 0
    other_time: Count = 0
    cancelled_here: Count = 0
    repeated: Count = 0


class LedgerCounts(Struct, frozen=True, kw_only=True):
    """What was compared lately."""

    days: Annotated[list[ShopDay], Meta(max_length=DAYS_MAX)]


encode = msgspec.msgpack.Encoder().encode
decode_counts = msgspec.msgpack.Decoder(LedgerCounts).decode
