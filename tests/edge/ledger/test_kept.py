"""The counts that are kept: the latest of each shop and day, bounded, readable by the node only."""

from pathlib import Path

import msgspec
import pytest

from edge.errors import InputError
from edge.ledger.kept import FILE, forget_counts, keep_counts, read_counts
from edge.messages.sync.ledger import DAYS_MAX, LedgerCounts, ShopDay, decode_counts, encode

DAY = ShopDay(shop="noodle-bar", date="2026-01-31", at=5, here=3, there=2, missing_there=1)


def test_the_latest_comparison_counts(tmp_path: Path) -> None:
    """The same ledger twice is once; a corrected one takes its place; other days stay."""
    assert read_counts(tmp_path) == []
    other = msgspec.structs.replace(DAY, date="2026-01-30")
    keep_counts(tmp_path, [DAY, other])
    keep_counts(tmp_path, [DAY])
    assert read_counts(tmp_path) == [other, DAY]
    better = msgspec.structs.replace(DAY, at=6, there=3, missing_there=0)
    keep_counts(tmp_path, [better])
    assert read_counts(tmp_path) == [other, better]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_the_oldest_go(tmp_path: Path) -> None:
    """Beyond so many days; what is left fits a message."""
    days = [msgspec.structs.replace(DAY, date=f"{year}-01-31") for year in range(1000, 1000 + DAYS_MAX + 2)]
    keep_counts(tmp_path, days)
    kept = read_counts(tmp_path)
    assert (len(kept), kept[0].date) == (DAYS_MAX, "1002-01-31")
    assert decode_counts(encode(LedgerCounts(days=kept))).days == kept


def test_a_forgotten_shop_has_no_day(tmp_path: Path) -> None:
    """Those of others stay; where nobody has compared there is nothing to do."""
    forget_counts(tmp_path, "noodle-bar")
    other = msgspec.structs.replace(DAY, shop="noodle-bar-2")
    keep_counts(tmp_path, [DAY, other])
    forget_counts(tmp_path, "noodle-bar")
    assert read_counts(tmp_path) == [other]


def test_what_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / FILE).write_text("{")
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(InputError, match="Remove it, then compare the ledgers again"):
        read_counts(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        keep_counts(tmp_path / "nowhere", [DAY])
