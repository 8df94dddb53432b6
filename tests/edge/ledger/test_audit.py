"""A ledger against a journal on disk: compared, and its counts kept."""

from datetime import UTC
from pathlib import Path

import pytest

from edge.journal.reader import FILE_NAME
from edge.ledger.audit import ShopUnknown, audit
from edge.ledger.entries import read_ledger
from edge.ledger.kept import read_counts
from tests.edge.district import T0, configured
from tests.edge.recorded import journal
from tests.edge.sold import DATE, GOOD, order, sell

LEDGER = read_ledger(GOOD.encode(), UTC)


def test_a_good_ledger_has_no_difference(tmp_path: Path) -> None:
    """The journal's one shop is the ledger's; the counts are kept, once however often it is compared."""
    sell(tmp_path)
    for at in (T0, T0 + 1):
        found = audit(tmp_path, LEDGER, "", UTC, at)
        assert found.differences == []
        (day,) = read_counts(tmp_path)
        assert (day.shop, day.date, day.at, day.here, day.there, day.missing_there) == ("shop-1", DATE, at, 5, 4, 0)


def test_whose_ledger_it_is_has_to_be_known(tmp_path: Path) -> None:
    """Where there are two shops, or none."""
    (tmp_path / "empty").mkdir()
    journal(tmp_path / "empty" / FILE_NAME, [(0, [configured()])])
    with pytest.raises(ShopUnknown, match="the journal has no order"):
        audit(tmp_path / "empty", LEDGER, "", UTC, T0)
    sell(tmp_path, (70, [order("t-1", 70, "shop-2")]))
    with pytest.raises(ShopUnknown, match="the journal has shop-1, shop-2"):
        audit(tmp_path, LEDGER, "", UTC, T0)
    assert audit(tmp_path, LEDGER, "shop-1", UTC, T0).differences == []
    assert {each.kind for each in audit(tmp_path, LEDGER, "shop-2", UTC, T0).differences} == {
        "missing_here",
        "missing_there",
    }
