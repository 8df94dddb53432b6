"""A ledger against the journal of this node, and its counts kept: what `doorstep ledger` and `POST /v1/ledger` do."""

from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path

import msgspec

from ..errors import InputError
from ..journal.reader import JournalReader
from .compare import TOLERANCE_S, Comparison, compare
from .entries import Line
from .kept import keep_counts
from .record import read_record


class ShopUnknown(ValueError):
    """It is not known whose ledger it is."""


def audit(
    folder: Path, ledger: Sequence[Line], shop: str, zone: tzinfo, at: int, tolerance_s: float = TOLERANCE_S
) -> Comparison:
    """Compare a ledger with the journal in `folder` (the data directory), and keep the counts there; the node may run.
    `shop` may be empty where the lines have it, or the journal has one shop only. Raises ShopUnknown and InputError."""
    with JournalReader.open(folder) as reader:
        first, _ = reader.bounds()
        try:
            record = read_record(reader.rows(first - 1))
        except msgspec.DecodeError as error:
            raise InputError(str(reader.path), None, f"{error}. Was it written by another version?") from None
    shops = sorted({order.shop for order in record.orders.values()})
    if not shop and any(not line.shop for line in ledger):
        if len(shops) != 1:
            known = f"the journal has {', '.join(shops[:8])}" if shops else "the journal has no order"
            raise ShopUnknown(f"Whose ledger is it? Name the shop; {known}.")
        shop = shops[0]
    found = compare(ledger, record, shop, zone, at, tolerance_s)
    keep_counts(folder, found.days)
    return found
