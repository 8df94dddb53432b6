"""What the centre keeps: each batch whole or not at all, sums exact, bounded; on both engines."""

import os
import signal
from collections.abc import Sequence
from typing import Any, NoReturn

import pytest
from msgspec.structs import replace

from central.ingest.verify import Alarm
from central.store import store as store_module
from central.store.engine.driver import StoreRefused
from central.store.reader import SUMMARY_CELLS_MAX
from central.store.store import ALARMS_PER_NODE_MAX, Store
from edge.messages.batches import Cell, Window
from edge.messages.sync.ledger import ShopDay
from tests.central.stores import CELL, START, Place, merge, record, roll_all, windows


class Dying:
    """A driver that dies before a statement: the process, or only its connection."""

    def __init__(self, store: Store, statement: int) -> None:
        self._driver: Any = store.driver
        self._left = statement
        store.driver = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Any:
        self._count()
        return self._driver.rows(sql, values)

    def run(self, sql: str, values: Sequence[Any] = ()) -> Any:
        self._count()
        return self._driver.run(sql, values)

    def run_many(self, sql: str, values: Sequence[Any]) -> Any:
        self._count()
        return self._driver.run_many(sql, values)

    def insert(self, table: str, columns: str, values: Sequence[Any]) -> Any:
        self._count()
        return self._driver.insert(table, columns, values)


def merge_until_killed(place: Place, statement: int, pipe: int) -> NoReturn:
    """Merge and sum up three batches, writing each one's number once it is stored, and die before the statement."""
    store = place.store()
    Dying(store, statement)
    for seq in range(1, 4):
        merge(store, seq, windows(seq))
        os.write(pipe, b"x")
        store.roll(0)
    os._exit(0)


@pytest.mark.parametrize("statement", range(1, 32, 2))
def test_a_crash_at_any_statement_leaves_whole_batches(place: Place, statement: int) -> None:
    """SIGKILL inside a transaction, of batches or of sums: what was acknowledged is there, everything there is whole,
    and counts once in every tier."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        merge_until_killed(place, statement, writing)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    acknowledged = len(os.read(reading, 100))
    os.close(reading)
    assert os.WIFSIGNALED(status), "there are fewer statements than the test believes"
    store = place.store()
    known = record(store)
    through = known.through if known else 0
    assert through in (acknowledged, acknowledged + 1)
    for seq in range(through + 1, 5):
        merge(store, seq, windows(seq))
    reader = place.reader()
    for _ in range(2):
        for until in (2 * START, START + 90 * 60_000):
            summary = reader.summary(0, until)
            assert summary["events"] == 4 * 6
            assert summary["counters"] == {"dispatch": {"x": 20, "y": 4}, "other": {"x": 4}}
            assert summary["measures"]["dispatch"]["ms"]["count"] == 8
            assert [cell["count"] for cell in summary["cells"]] == [20]
        roll_all(store)
    (row,) = reader.nodes()
    assert (row["batches"], row["events"], row["through"]) == (4, 24, 4)
    reader.close()
    store.close()


def test_a_batch_that_does_not_fit_changes_nothing(place: Place) -> None:
    """When a transaction fails in the middle nothing of it stays."""
    store = place.store()
    merge(store, 1, windows(1))
    with pytest.raises(StoreRefused):
        merge(store, 1, windows(1))
    reader = place.reader()
    assert reader.summary(0, 2 * START)["events"] == 6
    assert reader.nodes()[0]["batches"] == 1
    reader.close()
    store.close()


def test_sums_are_over_nodes_and_over_the_asked_time(place: Place) -> None:
    """A summary adds all nodes up, and disjoint ranges add up to the whole: before the sums are made, and after."""
    store = place.store()
    for node in ("n1", "n2", "n3"):
        for seq in range(1, 5):
            merge(store, seq, windows(seq), node)
    reader = place.reader()
    for _ in range(2):
        whole = reader.summary(START, START + 120_000)
        assert (whole["nodes"], whole["events"]) == (3, 72)
        assert whole["covers"] == {"from": START, "to": START + 660_000}
        halves = [reader.summary(START, START + 60_000), reader.summary(START + 60_000, START + 120_000)]
        assert sum(half["events"] for half in halves) == 72
        assert whole["measures"]["dispatch"]["ms"] == {
            "count": 24,
            "sum": 360,
            "mean": 15.0,
            "p50": pytest.approx(15, abs=5),
            "p90": pytest.approx(20, abs=1),
            "p99": pytest.approx(20, abs=1),
        }
        empty = reader.summary(0, 1)
        assert (empty["events"], empty["covers"], empty["counters"], empty["cells"]) == (0, None, {}, [])
        roll_all(store)
    reader.close()
    store.close()


def test_a_summary_names_only_so_many_cells_and_reports_it(place: Place) -> None:
    """The busiest cells come first, and an incomplete list is called incomplete."""
    store = place.store()
    for seq in range(1, 7):
        cells = [Cell(CELL - seq * 1000 - i, "x", START, START + 60_000, 5 + i) for i in range(400)]
        merge(store, seq, [Window("dispatch", START, 60, 0, {}, {}, cells)])
    reader = place.reader()
    summary = reader.summary(0, 2 * START)
    assert len(summary["cells"]) == SUMMARY_CELLS_MAX
    assert summary["cells_complete"] is False
    assert summary["cells"][0]["count"] == 404
    reader.close()
    store.close()


def test_alarms_are_bounded(place: Place) -> None:
    """A node that raises alarms without end keeps the latest ones; the same again counts on."""
    store = place.store()
    merge(store, 1, windows(1))
    for number in range(ALARMS_PER_NODE_MAX + 20):
        for _ in range(2):
            with store.group(["n1"]) as group:
                group.refused("n1", Alarm("mismatch", f"{number}", 3), START)
    reader = place.reader()
    (row,) = reader.nodes()
    assert len(row["alarms"]) == ALARMS_PER_NODE_MAX
    assert row["alarms"][0] == {"at": START, "kind": "mismatch", "detail": f"{ALARMS_PER_NODE_MAX + 19}", "events": 6}
    assert row["refused"] == 2 * (ALARMS_PER_NODE_MAX + 20)
    assert reader.totals()["alarms"] == [("mismatch", ALARMS_PER_NODE_MAX)]
    reader.close()
    store.close()


def test_work_that_somebody_else_has_done_is_not_done_twice(place: Place) -> None:
    """Two processes work out the same step: the second one's outcome is discarded."""
    store = place.store()
    merge(store, 1, windows(1))
    twice = [store.sums.work(0), store.sums.work(0)]
    assert [store.apply(work) for work in twice] == [2, 0]
    reader = place.reader()
    assert reader.summary(0, 2 * START)["events"] == 6
    reader.close()
    store.close()


def test_statements_and_ledgers_are_kept_and_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that comes again is the same, a later comparison of a shop's day takes the place of an earlier one, never the
    other way round; of a node the newest stay, and of another node all."""
    monkeypatch.setattr(store_module, "STATEMENTS_PER_NODE_MAX", 3)
    monkeypatch.setattr(store_module, "LEDGER_DAYS_PER_NODE_MAX", 3)
    store = place.store()
    merge(store, 1, windows(1))
    merge(store, 1, windows(1), "n2")
    days = [ShopDay(shop="s", date=f"2026-01-0{number}", at=START + number, here=number) for number in range(1, 6)]
    for number in (1, 2, 2, 3, 4, 5, 1):
        with store.group(["n1", "n2"]) as group:
            group.keep("n1", number, bytes([number]), b"statement", START + number)
            group.compare("n1", [days[number - 1]], START)
            if number == 1:
                group.keep("n2", 1, b"1", b"statement", START)
                group.compare("n2", days[:1], START)
    with store.group(["n1"]) as group:
        group.compare("n1", [replace(days[4], here=50, at=START + 60), replace(days[3], here=40, at=START)], START)
    rows = store.driver.rows("select node, day, at from statement order by node, day")
    assert rows == [("n1", number, START + number) for number in (3, 4, 5)] + [("n2", 1, START)]
    reader = place.reader()
    found = [(row["node"], row["date"], row["here"]) for row in reader.ledger("2026-01-01", "2026-01-31")]
    assert found == [
        ("n1", "2026-01-05", 50),
        ("n1", "2026-01-04", 4),
        ("n1", "2026-01-03", 3),
        ("n2", "2026-01-01", 1),
    ]
    reader.close()
    store.close()
