"""Tests of edge.webhooks.outbox: nothing is pushed that is not on disk, and nothing is forgotten."""

from pathlib import Path

import msgspec
import pytest

from edge.core.model import Acknowledge, Answer, Commit, Now, Row, encode_row
from edge.journal.journal import Journal
from edge.webhooks.outbox import FILE_NAME, Cursor, Outbox
from tests.edge.webhooks.receiver import fields


def row(number: int, *answers: Answer) -> Commit:
    now = Now(float(number), 1_767_261_600_000 + number)
    return Commit(number, now, encode_row(Row(number, now, [], [], [*answers, Acknowledge([])])))


def update(sequence: int, order: str = "o-1", kind: str = "update") -> Answer:
    return Answer(sequence, "phone-7", kind, fields(order=order, state="placed"), 1e9)


def write(folder: Path, *rows: Commit) -> None:
    """Rows of a node that has ended."""
    import asyncio

    async def commit() -> None:
        journal = Journal.open(folder / "journal.sqlite3")
        done = asyncio.Event()
        last = rows[-1].number
        journal.start(asyncio.get_running_loop(), lambda number, _at: done.set() if number >= last else None, print)
        for each in rows:
            journal.submit(each)
        await done.wait()
        journal.close()

    asyncio.run(commit())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, row(1, update(1), update(2, kind="receipt")))
    return tmp_path


def test_a_new_outbox_begins_at_the_end_of_the_journal(folder: Path) -> None:
    """What happened before there was a receiver is not for it; where it begins is on disk before anything comes."""
    outbox = Outbox.open(folder, {"update"})
    assert outbox.read(1) == []
    assert msgspec.json.decode((folder / FILE_NAME).read_bytes()) == {"row": 1, "settled": []}
    assert (folder / FILE_NAME).stat().st_mode & 0o777 == 0o600
    outbox.close()


def test_messages_are_those_of_the_chosen_kinds_in_sequence(folder: Path) -> None:
    """Up to the row that is on disk, each with what it is about."""
    Outbox.open(folder, {"update"}).close()
    write(folder, row(2, update(3, "o-3"), update(4, kind="receipt")), row(3), row(4, update(5, "o-5")))
    outbox = Outbox.open(folder, {"update"})
    assert [(each.row, each.sequence, each.key) for each in outbox.read(2)] == [(2, 3, "o-3")]
    (last,) = outbox.read(4)
    assert (last.at_ms, last.client, last.kind) == (1_767_261_600_004, "phone-7", "update")
    assert outbox.read(4) == []
    assert outbox.read_to == 4
    outbox.close()


def test_what_is_settled_is_not_read_again(folder: Path) -> None:
    """Neither rows before the cursor nor single messages behind it; the rest comes again."""
    Outbox.open(folder, {"update"}).close()
    write(folder, row(2, update(3)), row(3, update(4), update(5)), row(4, update(6)))
    outbox = Outbox.open(folder, {"update"})
    outbox.keep(2, [5])
    outbox.close()
    again = Outbox.open(folder, {"update"})
    assert [each.sequence for each in again.read(4)] == [4, 6]
    again.close()


@pytest.mark.parametrize("content", [b"", b"{", b'{"row": "x"}', b'{"row": 99, "settled": []}'])
def test_a_cursor_that_cannot_be_used_is_replaced(
    folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes on from the journal's end, with a line in the log."""
    (folder / FILE_NAME).write_bytes(content)
    outbox = Outbox.open(folder, {"update"})
    assert outbox.cursor == Cursor(1)
    assert "webhooks go on from" in caplog.text
    outbox.close()


def test_rows_that_are_gone_are_counted(folder: Path) -> None:
    """What had passed its retention before it was read."""
    write(folder, row(2, update(3)), row(3, update(4)), row(4, update(5)))
    (folder / FILE_NAME).write_bytes(msgspec.json.encode(Cursor(1)))
    journal = Journal.open(folder / "journal.sqlite3")
    journal._db.execute("DELETE FROM row WHERE number < 4")
    journal.close()
    outbox = Outbox.open(folder, {"update"})
    assert [each.sequence for each in outbox.read(4)] == [5]
    assert outbox.lost_rows == 2
    outbox.close()


def test_a_row_that_rots_is_passed_over(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Counted, with a line in the log; what comes after it is pushed."""
    write(folder, row(2, update(3)), row(3, update(4)))
    (folder / FILE_NAME).write_bytes(msgspec.json.encode(Cursor(1)))
    journal = Journal.open(folder / "journal.sqlite3")
    journal._db.execute("UPDATE row SET body = x'00' WHERE number = 2")
    journal.close()
    outbox = Outbox.open(folder, {"update"})
    assert [each.sequence for _ in range(2) for each in outbox.read(3)] == [4]
    assert outbox.lost_rows == 1
    assert "row 2 cannot be read" in caplog.text
    outbox.close()
