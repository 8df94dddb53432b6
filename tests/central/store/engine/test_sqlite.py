"""SQLite's own settings, and files that cannot be used."""

from pathlib import Path

import apsw
import pytest

from central.store.engine.driver import StoreFailed
from central.store.engine.schema import FIRST, VERSION, added, tables
from central.store.engine.sqlite import FILE, Sqlite
from edge.errors import JournalError


def test_a_file_of_another_version_is_left_alone(tmp_path: Path) -> None:
    """A database that this version cannot read is refused with what to do, and so is a broken file."""
    Sqlite(tmp_path).close()
    for version, age in ((FIRST - 1, "an older"), (VERSION + 1, "a newer")):
        other = apsw.Connection(str(tmp_path / FILE))
        other.pragma("user_version", version)
        other.close()
        with pytest.raises(JournalError, match=rf"{age} doorstep \(schema {version}; this one reads"):
            Sqlite(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(JournalError, match="cannot be opened"):
        Sqlite(tmp_path / "broken")


def test_an_earlier_version_is_migrated(tmp_path: Path) -> None:
    """What it holds stays, and every table is there afterwards."""
    other = apsw.Connection(str(tmp_path / FILE))
    for statement in tables("sqlite"):
        other.execute(statement)
    other.execute("insert into kept values('minute', 5)")
    other.pragma("user_version", FIRST)
    other.close()
    for _ in range(2):
        store = Sqlite(tmp_path)
        assert store.rows("select since from kept") == [(5,)]
        assert store.rows("select count(*) from statement") == [(0,)]
        store.close()


def test_a_migrated_roll_out_knows_what_its_nodes_reported_last(tmp_path: Path) -> None:
    """As far as that was kept: of the version that each reported on."""
    other = apsw.Connection(str(tmp_path / FILE))
    for statement in tables("sqlite") + [each for number in (5, 6, 7) for each in added("sqlite")[number]]:
        other.execute(statement)
    other.execute("insert into placed values('n-1', 1, 5), ('n-1', 2, 6), ('n-2', 2, 6)")
    other.execute("insert into node_settings values('n-1', 'all', 1, '', 2, 'refused', 'no', 7)")
    other.pragma("user_version", 7)
    other.close()
    store = Sqlite(tmp_path)
    found = store.rows("select node, rollout, outcome, detail from placed order by 1, 2")
    assert found == [("n-1", 1, "", ""), ("n-1", 2, "refused", "no"), ("n-2", 2, "", "")]
    store.close()


def test_the_store_is_safe_by_its_settings(tmp_path: Path) -> None:
    """Write-ahead log and full synchronisation; files for their owner only; readers cannot write."""
    writer = Sqlite(tmp_path)
    assert writer.rows("pragma journal_mode") == [("wal",)]
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    assert writer.rows("pragma synchronous") == [(2,)]
    reader = Sqlite(tmp_path, readonly=True)
    with pytest.raises(StoreFailed):
        reader.run("delete from node")
    reader.close()
    writer.close()
