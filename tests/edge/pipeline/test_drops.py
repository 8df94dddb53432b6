"""Counts of drops beside the journal: of each number the journal or the block has it, never both."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.model import Counted, Repeats, Shed
from edge.errors import Reason
from edge.pipeline.drops import BLOCK_BYTES, DropCounter

COUNTS: list[Counted] = [Shed(Reason.DISK_FULL, 7), Repeats("order.place", 2)]


def test_what_no_row_took_along_is_there_after_a_kill(tmp_path: Path) -> None:
    """A process that is killed leaves its counts, and the next one knows that some may be missing."""
    path = tmp_path / "drops"
    first = DropCounter.open(path)
    assert first.was_stopped
    assert first.unrecorded(0) == []
    first.keep(5, [], 5)
    first.keep(5, COUNTS, 5)
    again = DropCounter.open(path)
    assert not again.was_stopped
    assert again.unrecorded(5) == COUNTS
    assert again.unrecorded(4) == again.unrecorded(5), "rows that never came to disk took nothing along"
    assert again.unrecorded(6) == [], "the next row did"
    assert path.stat().st_size == BLOCK_BYTES
    assert path.stat().st_mode & 0o077 == 0


def test_counts_stay_until_the_row_with_them_is_on_disk(tmp_path: Path) -> None:
    """A row that is only on its way has taken nothing along yet."""
    path = tmp_path / "drops"
    drops = DropCounter.open(path)
    drops.keep(5, COUNTS, 5)
    drops.keep(6, [], 5)
    assert DropCounter.open(path).unrecorded(5)
    drops.keep(6, [], 6)
    assert not DropCounter.open(path).unrecorded(5)


def test_a_clean_end_is_recorded(tmp_path: Path) -> None:
    """What is left over then is all there is."""
    path = tmp_path / "drops"
    DropCounter.open(path).keep(9, COUNTS, 9, stopped=True)
    after = DropCounter.open(path)
    assert after.was_stopped
    assert sum(one.count for one in after.unrecorded(9)) == 9
    after.keep(9, [], 8)
    assert DropCounter.open(path).was_stopped
    after.keep(10, [], 10)
    assert not DropCounter.open(path).was_stopped


def test_nothing_is_written_while_nothing_is_dropped() -> None:
    """The heartbeat costs a write at the start, and then only where there is something to keep."""
    written: list[bytes] = []
    drops = DropCounter(b"", written.append)
    for number in range(10):
        drops.keep(number, [], number)
    assert len(written) == 1
    for _ in range(3):
        drops.keep(10, COUNTS, 10)
    assert len(written) == 2


@settings(max_examples=50)
@given(st.binary(max_size=64))
def test_no_damage_breaks_a_start(damage: bytes) -> None:
    """Whatever the block holds, the node starts; what is damaged counts nothing."""
    block: list[bytes] = []
    DropCounter(b"", block.append).keep(5, COUNTS, 5)
    for found in (damage, damage + block[0][len(damage) :], block[0][: len(damage)]):
        drops = DropCounter(found, block.append)
        assert drops.unrecorded(5) == [] or found.rstrip(b"\0") == block[0].rstrip(b"\0")


def test_without_its_file_a_node_runs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A path that cannot be written, or a disk that fails, loses the counts, and that is logged."""
    DropCounter.open(tmp_path / "no" / "drops").keep(1, COUNTS, 1)
    assert "cannot be used" in caplog.text

    def failing(_: bytes) -> None:
        raise OSError(5, "Input/output error")

    DropCounter(b"", failing).keep(1, COUNTS, 1)
    assert "Input/output error" in caplog.text
