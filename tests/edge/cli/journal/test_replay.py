"""`doorstep replay` on journals: its exit codes, its words, beside a running writer."""

import asyncio
import json
from pathlib import Path

import apsw
import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge.cli.journal.replay import replay
from edge.core.model import Configure, ScenarioRecord, decode_row, encode_row
from edge.errors import InputError
from edge.journal.journal import Journal
from edge.journal.reader import checksum
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.records import encode_record, record_in
from edge.scenarios.dispatch.travel.cells import cell_at
from edge.scenarios.dispatch.travel.table import packed
from edge.scenarios.files import adopted, take_copies
from tests.edge.journals import Writing, commit, session
from tests.edge.recorded import hour, journal


def call(*arguments: str) -> Result:
    """The command with its options."""
    return CliRunner().invoke(replay, list(arguments))


def rewrite(path: Path, number: int, body: bytes, damage: int = 0) -> None:
    """Put another body into a row, with the checksum that belongs to it, or one that is `damage` off."""
    db = apsw.Connection(str(path))
    ((wall_ms,),) = db.execute("SELECT wall_ms FROM row WHERE number = ?", (number,)).fetchall()
    crc = checksum(number, int(str(wall_ms)), body) + damage
    db.execute("UPDATE row SET body = ?, crc = ? WHERE number = ?", (body, crc, number))
    db.close()


def test_a_journal_without_a_difference(tmp_path: Path) -> None:
    """Exit 0, and what was replayed, in words and as JSON."""
    rows = journal(tmp_path / "journal.sqlite3", hour(5))
    result = call("--journal", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{len(rows)} rows (from the first row), ")
    assert result.stdout.endswith("No difference.\n")
    result = call("--journal", str(tmp_path / "journal.sqlite3"), "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["rows"] == report["last_row"] == len(rows)
    assert report["differences"] == 0
    assert report["difference"] is None
    assert report["events"] > 5
    assert report["decisions"] > 5


def test_a_file_that_it_was_decided_with_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy beside the journal is what the replay decides by; without it there is no difference, but an error."""
    here, shop, door = (cell_at(*place, 9) for place in ((31.2005, 121.4), (31.2, 121.4), (31.21, 121.41)))
    cells = sorted({here, shop, door})
    body = packed(9, cells, np.full((len(cells), len(cells)), 900, np.uint16))
    (tmp_path / "streets.table").write_bytes(body)
    section, files = adopted(tmp_path / "edge.toml", Dispatch, DispatchOptions(travel_table="streets.table"))
    rounds = hour(3)
    (first,) = rounds[0][1]
    assert isinstance(first, Configure)
    packed_section = {"dispatch": msgspec.Raw(msgspec.msgpack.encode(section))}
    rounds[0] = (0, [Configure(msgspec.structs.replace(first.rules, scenarios=packed_section))])
    take_copies(tmp_path, [Dispatch], files)
    journal(tmp_path / "journal.sqlite3", rounds)
    assert call("--journal", str(tmp_path)).exit_code == 0
    (name,) = files
    (tmp_path / name).unlink()
    monkeypatch.setattr("edge.scenarios.dispatch.travel.table._kept", {})
    result = call("--journal", str(tmp_path))
    assert isinstance(result.exception, InputError)
    assert f"decided with {name}" in str(result.exception)


def test_the_first_difference_is_named(tmp_path: Path) -> None:
    """Exit 1, with the row, its time, the field and both values."""
    path = tmp_path / "journal.sqlite3"
    rows = journal(path, hour(5))
    row = next(row for row in map(decode_row, rows) if any(one.rider for one in record_in(row).decisions[:1]))
    found = record_in(row)
    decision = msgspec.structs.replace(found.decisions[0], why="because")
    record = encode_record((found.observations, [decision, *found.decisions[1:]]))
    changed = msgspec.structs.replace(row, scenarios=[ScenarioRecord("dispatch", record)])
    rewrite(path, row.number, encode_row(changed))
    result = call("--journal", str(path))
    assert result.exit_code == 1
    assert f"The first difference is in row {row.number} of 20" in result.stdout
    assert 'in scenarios[0].record[1][0][4]:\n  recorded  "because"\n  replayed  "r-1 can pick up' in result.stdout
    result = call("--journal", str(path), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["difference"]["part"] == "scenarios[0].record[1][0][4]"


def test_after_pruning_it_begins_at_a_snapshot(tmp_path: Path) -> None:
    """Rows before the oldest snapshot are not needed."""
    path = tmp_path / "journal.sqlite3"
    rows = journal(path, hour(5), snapshots=[7, 9])
    db = apsw.Connection(str(path))
    db.execute("DELETE FROM row WHERE number <= 7")
    db.close()
    result = call("--journal", str(path), "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0, report
    assert report["after_row"] == 7
    assert report["rows"] == len(rows) - 7


def test_it_may_run_while_the_node_does(tmp_path: Path) -> None:
    """With the journal open for writing, and rows not yet checkpointed."""
    path = tmp_path / "live" / "journal.sqlite3"
    path.parent.mkdir()
    rows = journal(tmp_path / "journal.sqlite3", hour(5))

    async def work(writing: Writing) -> None:
        for body in rows:
            writing.journal.submit(commit(body))
        await writing.until(lambda: writing.journal.queued == 0)
        result = await asyncio.to_thread(call, "--journal", str(path))
        assert result.exit_code == 0, result.output

    session(path, work)


def test_an_empty_journal_has_nothing_to_differ(tmp_path: Path) -> None:
    """No rows, no difference."""
    Journal.open(tmp_path / "journal.sqlite3").close()
    result = call("--journal", str(tmp_path))
    assert result.exit_code == 0
    assert result.stdout.startswith("0 rows")


@pytest.mark.parametrize("damaged", ["missing", "rot", "newer"])
def test_what_cannot_be_read_is_named(tmp_path: Path, damaged: str) -> None:
    """No file, a damaged row, a row of another version: an InputError, which the command line makes exit 2."""
    path = tmp_path / "journal.sqlite3"
    if damaged != "missing":
        rows = journal(path, hour(1))
        rewrite(path, 3, b"\x96\x03\xc1" if damaged == "newer" else rows[2], damage=damaged == "rot")
    result = call("--journal", str(path))
    assert isinstance(result.exception, InputError)
    assert result.exception.exit_code == 2
    assert str(path) in str(result.exception)
