"""What the centre keeps: each batch whole or not at all, sums exact, bounded."""

import os
import signal
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import apsw
import pytest
import zstandard

from central.ingest.verify import Alarm, NodeRecord, taken
from central.store import ALARMS_PER_NODE_MAX, FILE, SCHEMA_VERSION, SUMMARY_CELLS_MAX, Reader, Store
from edge.errors import JournalError
from edge.limits import BATCHES_IN_FLIGHT_MAX
from edge.messages.batches import NO_BATCH, BatchMessage, Cell, Measure, Window, encode_body, fold

START = 1_767_225_600_000
CELL = 613344508561588223
HOUR_MS = 3_600_000


def windows(seq: int) -> list[Window]:
    """Two scenarios, with everything that a window may have."""
    start = START + seq % 2 * 60_000
    measures = {"ms": Measure(2, 30, fold(b"", [10, 20]))}
    cells = [Cell(CELL, "x", start, start + 60_000, 5)]
    return [
        Window("dispatch", start, 60, 5, {"x": 5, "y": 1}, measures, cells),
        Window("other", start, 600, 1, {"x": 1}, {}, []),
    ]


def merge(store: Store, seq: int, items: list[Window], node: str = "n1", at: int = START) -> None:
    """Merge `items` as the next batch of `node`."""
    record = store.record(node) or NodeRecord(node=node, instance="i1", boot="b1", epoch=1)
    body = encode_body(items)
    batch = BatchMessage(
        epoch=1,
        seq=seq,
        sha256=sha256(body).digest(),
        previous=NO_BATCH,
        body=zstandard.compress(body),
        history=record.history,
    )
    store.merge(taken(record, batch, items), batch, items, at)


def merge_until_killed(folder: Path, statement: int, pipe: int) -> NoReturn:
    """Merge three batches, writing each one's number once it is stored, and die before the given statement."""
    store = Store(folder)
    left = statement

    def count(*_: object) -> bool:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    store._db.exec_trace = count
    for seq in range(1, 4):
        merge(store, seq, windows(seq))
        os.write(pipe, b"x")
    os._exit(0)


@pytest.mark.parametrize("statement", range(1, 43, 2))
def test_a_crash_at_any_statement_leaves_whole_batches(tmp_path: Path, statement: int) -> None:
    """SIGKILL inside a batch's transaction: what was acknowledged is there, and everything there is whole."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        merge_until_killed(tmp_path, statement, writing)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    acknowledged = len(os.read(reading, 100))
    os.close(reading)
    assert os.WIFSIGNALED(status), "there are fewer statements than the test believes"
    store = Store(tmp_path)
    record = store.record("n1")
    through = record.through if record else 0
    assert through in (acknowledged, acknowledged + 1)
    for seq in range(through + 1, 5):
        merge(store, seq, windows(seq))
    reader = Reader(tmp_path)
    summary = reader.summary(0, 2 * START)
    assert summary["events"] == 4 * 6
    assert summary["counters"] == {"dispatch": {"x": 20, "y": 4}, "other": {"x": 4}}
    assert summary["measures"]["dispatch"]["ms"]["count"] == 8
    assert [cell["count"] for cell in summary["cells"]] == [20]
    (row,) = reader.nodes()
    assert (row["batches"], row["events"], row["through"]) == (4, 24, 4)
    reader.close()
    store.close()


def test_a_batch_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    """When a transaction fails in the middle nothing of it stays."""
    store = Store(tmp_path)
    merge(store, 1, windows(1))
    with pytest.raises(apsw.ConstraintError):
        merge(store, 1, windows(1))
    reader = Reader(tmp_path)
    assert reader.summary(0, 2 * START)["events"] == 6
    assert reader.nodes()[0]["batches"] == 1
    reader.close()
    store.close()


def test_sums_are_over_nodes_and_over_the_asked_time(tmp_path: Path) -> None:
    """A summary adds all nodes up, and disjoint ranges add up to the whole."""
    store = Store(tmp_path)
    for node in ("n1", "n2", "n3"):
        for seq in range(1, 5):
            merge(store, seq, windows(seq), node)
    reader = Reader(tmp_path)
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
    reader.close()
    store.close()


def test_a_summary_names_only_so_many_cells_and_reports_it(tmp_path: Path) -> None:
    """The busiest cells come first, and an incomplete list is called incomplete."""
    store = Store(tmp_path)
    for seq in range(1, 7):
        cells = [Cell(CELL - seq * 1000 - i, "x", START, START + 60_000, 5 + i) for i in range(400)]
        merge(store, seq, [Window("dispatch", START, 60, 0, {}, {}, cells)])
    reader = Reader(tmp_path)
    summary = reader.summary(0, 2 * START)
    assert len(summary["cells"]) == SUMMARY_CELLS_MAX
    assert summary["cells_complete"] is False
    assert summary["cells"][0]["count"] == 404
    reader.close()
    store.close()


def test_old_windows_go_and_what_recognises_a_node_stays(tmp_path: Path) -> None:
    """Retention forgets windows and most hashes, but not a node's record, its sums and its latest batches."""
    store = Store(tmp_path)
    for seq in range(1, 101):
        merge(store, seq, windows(seq), at=START + seq)
    store.save_hello("n1", None, Alarm("cloned", "detail"), START)
    store.prune(START, 0, HOUR_MS)
    assert store.prune(START + HOUR_MS + 200_000, HOUR_MS, HOUR_MS) == START
    assert store.prune(START + 2 * HOUR_MS, HOUR_MS, HOUR_MS) == START + HOUR_MS
    reader = Reader(tmp_path)
    assert reader.summary(0, 2 * START)["events"] == 0
    (row,) = reader.nodes()
    assert (row["events"], row["batches"], row["through"], row["alarms"]) == (600, 100, 100, [])
    kept = [seq for seq in range(1, 101) if store.hash_of("n1", 1, seq) is not None]
    assert kept == list(range(101 - 8 * BATCHES_IN_FLIGHT_MAX, 101))
    reader.close()
    store.close()


def test_a_clock_that_jumps_deletes_nothing(tmp_path: Path) -> None:
    """Ten years ahead, and back: what is younger than the retention by the centre's own life stays, over restarts too;
    what is older goes, and one pause is not a life."""
    store = Store(tmp_path)
    merge(store, 1, windows(1))
    decade_ms = 10 * 365 * 24 * HOUR_MS
    reader = Reader(tmp_path)
    for hour in range(10):
        store.prune(START + hour * HOUR_MS + (decade_ms if hour in (2, 3, 4) else 0), HOUR_MS, 12 * HOUR_MS)
        store.close()
        store = Store(tmp_path)
        assert reader.summary(0, 2 * START)["events"] == 6
    for hour in range(10, 18):
        merge(store, hour, windows(2), at=START + hour * HOUR_MS)
        store.prune(START + hour * HOUR_MS + decade_ms, HOUR_MS, 12 * HOUR_MS)
    assert reader.summary(0, 2 * START)["events"] == 0, "what is older by both accounts went"
    later = START + 100 * HOUR_MS
    merge(store, 30, [Window("dispatch", later, 60, 7, {}, {}, [])], at=later)
    store.prune(later + decade_ms, 1000 * HOUR_MS, 12 * HOUR_MS)
    assert reader.summary(0, 2 * later)["events"] == 7, "one step of life is bounded"
    reader.close()
    store.close()


def test_alarms_are_bounded(tmp_path: Path) -> None:
    """A node that raises alarms without end keeps the latest ones."""
    store = Store(tmp_path)
    merge(store, 1, windows(1))
    for number in range(ALARMS_PER_NODE_MAX + 20):
        store.refused("n1", Alarm("mismatch", f"{number}"), START)
    reader = Reader(tmp_path)
    (row,) = reader.nodes()
    assert len(row["alarms"]) == ALARMS_PER_NODE_MAX
    assert row["alarms"][0]["detail"] == str(ALARMS_PER_NODE_MAX + 19)
    assert row["refused"] == ALARMS_PER_NODE_MAX + 20
    assert reader.totals()["alarms"] == [("mismatch", ALARMS_PER_NODE_MAX)]
    reader.close()
    store.close()


def test_a_file_of_another_version_is_left_alone(tmp_path: Path) -> None:
    """A database that this version cannot read is refused with what to do, and so is a broken file."""
    Store(tmp_path).close()
    for version, age in ((SCHEMA_VERSION - 1, "an older"), (SCHEMA_VERSION + 1, "a newer")):
        other = apsw.Connection(str(tmp_path / FILE))
        other.pragma("user_version", version)
        other.close()
        with pytest.raises(JournalError, match=rf"{age} doorstep \(schema {version}; this one reads"):
            Store(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(JournalError, match="cannot be opened"):
        Store(tmp_path / "broken")


def test_the_store_is_safe_by_its_settings(tmp_path: Path) -> None:
    """Write-ahead log and full synchronisation; readers cannot write."""
    store = Store(tmp_path)
    assert store._db.pragma("journal_mode") == "wal"
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    assert store._db.pragma("synchronous") == 2
    reader = Reader(tmp_path)
    with pytest.raises(apsw.ReadOnlyError):
        reader._db.execute("delete from node")
    reader.close()
    store.close()
