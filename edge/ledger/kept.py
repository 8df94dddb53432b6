"""The counts of what was compared, in `ledger.json` of the data directory: whoever compares writes them, the uplink
sends them. The latest of a shop and day takes the place of the one before."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from ..errors import InputError
from ..identity.files import alone, open_secret, write_atomic
from ..messages.sync.ledger import DAYS_MAX, LedgerCounts, ShopDay

FILE: Final = "ledger.json"

BYTES_MAX: Final = 512 * 1024
"""Of the file: DAYS_MAX days take half of it."""

_decode = msgspec.json.Decoder(LedgerCounts).decode


def read_counts(folder: Path) -> list[ShopDay]:
    """What was compared, the oldest day first; nothing where nobody has. Raises InputError."""
    path = folder / FILE
    try:
        with open_secret(path) as file:
            return _decode(file.read(BYTES_MAX)).days
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        hint = "Remove it, then compare the ledgers again."
        raise InputError(str(path), None, f"It cannot be read ({why}). {hint}") from None


def keep_counts(folder: Path, days: Sequence[ShopDay]) -> None:
    """Add these, in place of the same shops and days; the oldest beyond DAYS_MAX go. Raises InputError."""
    path = folder / FILE
    try:
        with alone(path):
            known = {(each.date, each.shop): each for each in [*read_counts(folder), *days]}
            _write(path, [known[key] for key in sorted(known)][-DAYS_MAX:])
    except OSError as error:
        hint = "Run this as the node's user, and look whether there is room."
        raise InputError(str(path), None, f"It cannot be written ({error.strerror}). {hint}") from None


def forget_counts(folder: Path, shop: str) -> None:
    """Remove every day of a shop. Raises InputError."""
    path = folder / FILE
    try:
        with alone(path):
            days = read_counts(folder)
            if (kept := [each for each in days if each.shop != shop]) != days:
                _write(path, kept)
    except OSError as error:
        raise InputError(str(path), None, f"It cannot be written ({error.strerror}). Run this again.") from None


def _write(path: Path, days: list[ShopDay]) -> None:
    write_atomic(path, msgspec.json.encode(LedgerCounts(days=days)).decode())
