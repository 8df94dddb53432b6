"""What disks do: tear, rot, fill up, fail (rows 2, 3, 23, 24), with the files of a real node, frozen under load."""

import asyncio
import resource
import shutil
from pathlib import Path

import pytest

from bench.demo.proof.evidence import Evidence
from bench.lab.site import Site, copy_data
from edge.core.node import Node
from edge.errors import JournalError
from edge.journal.journal import Journal
from edge.journal.maintenance import JOURNAL_BALLAST_BYTES
from edge.journal.reader import JournalReader
from edge.scenarios.dispatch import Dispatch
from tests.faults.support.people import Crowd, Outcome, playing, until, verify_outcome
from tests.faults.support.site import Wires, strace

JOURNAL = "journal.sqlite3"
WAL = f"{JOURNAL}-wal"
WAL_HEADER, WAL_FRAME = 32, 24 + 4096
"""SQLite's file format: the WAL's header, and a frame's header with its page."""


HINTS = ("Check the disk", "Name another file", "Install that version again")
"""The advice about a journal that does not open."""


def frozen(make, events: int = 60) -> tuple[Site, Path, set[tuple[str, str]]]:
    """A copy of a data directory at an instant under load, and the events that were acknowledged by then."""
    site = make()
    acknowledged: set[tuple[str, str]] = set()
    copy = site.folder / "copy"

    async def scene() -> None:
        site.start()
        async with Wires(site) as wires, Crowd(site, wires.door) as crowd:
            crowd.pour(300)
            await crowd.answered(events)
            acknowledged.update((person.name, id_) for person in crowd.people for id_ in person.acknowledged)
            site.node.freeze()
            copy_data(site.node_data, copy, (JOURNAL, WAL))
            site.close()

    asyncio.run(scene())
    return site, copy, acknowledged


def rows_of(path: Path) -> list[bytes]:
    """Every row, opened as a node opens it (which may write to the file). Raises JournalError."""
    journal = Journal.open(path)
    try:
        return list(journal.recover().rows)
    finally:
        journal.close()


def test_a_wal_cut_zeroed_or_flipped_anywhere_opens_as_a_prefix(make, few, report, tmp_path):
    """A power cut leaves the WAL torn at any byte, with zeros or rubbish after it: the journal opens, and holds a
    prefix of the commits; whole, it holds every acknowledged event."""
    _, copy, acknowledged = frozen(make)
    database, wal = (copy / JOURNAL).read_bytes(), (copy / WAL).read_bytes()
    with JournalReader.open(copy / JOURNAL) as reader:
        everything = [body for _, body in reader.rows(0)]
    evidence = Evidence()
    evidence.read(everything)
    assert acknowledged <= set(evidence.receipts), "I1: what was acknowledged is not in the file"
    edges = {
        WAL_HEADER + frame * WAL_FRAME + delta for frame in range(len(wal) // WAL_FRAME) for delta in (-1, 0, 1, 24)
    }
    offsets = sorted({0, 1, WAL_HEADER - 1, *edges, *range(0, len(wal), 997)} & set(range(len(wal))))
    driven, lengths = 0, []
    for offset in few(offsets, 25):
        flipped = wal[:offset] + bytes([wal[offset] ^ 0x40]) + wal[offset + 1 :]
        for torn in (wal[:offset], wal[:offset] + bytes(len(wal) - offset), flipped):
            target = tmp_path / "torn"
            target.mkdir(exist_ok=True)
            (target / f"{JOURNAL}-shm").unlink(missing_ok=True)
            (target / JOURNAL).write_bytes(database)
            (target / WAL).write_bytes(torn)
            rows = rows_of(target / JOURNAL)
            assert rows == everything[: len(rows)], f"at byte {offset}: not a prefix"
            lengths.append(len(rows))
            driven += 1
    assert min(lengths) < len(everything), "no cut took anything away: this proves nothing"
    report(Outcome(driven, len(everything)))


def test_rot_on_any_page_is_found_or_harmless(make, few, report, tmp_path):
    """One flipped byte on any page of the journal: the start is refused with a copy kept, or the node comes out exactly
    as it was. It never skips a row."""
    site, copy, _ = frozen(make, events=150)
    rows_of(copy / JOURNAL)  # the WAL moves into the file
    database = (copy / JOURNAL).read_bytes()
    whole_rows = rows_of(copy / JOURNAL)
    sound = state(whole_rows)
    offsets = [page + place for page in range(0, len(database), 4096) for place in (0, 9, 700, 2048, 4000)]
    driven = found = 0
    for offset in few(offsets, 40):
        target = tmp_path / f"rot-{offset}"
        target.mkdir()
        damaged = bytearray(database)
        damaged[offset] ^= 0x01
        (target / JOURNAL).write_bytes(damaged)
        try:
            rows = rows_of(target / JOURNAL)
        except JournalError as error:
            found += 1
            assert any(hint in str(error) for hint in HINTS), str(error)  # noqa: PT017 - the other outcome is as good
        else:
            assert rows == whole_rows, f"byte {offset}: other rows, and nobody noticed"
            assert state(rows) == sound
        driven += 1
    assert found, "no flip was found: this proves nothing"
    report(Outcome(driven, len(whole_rows)))
    (site.node_data / JOURNAL).write_bytes(rotten_row(database, whole_rows[-3]))
    for suffix in ("-wal", "-shm"):
        (site.node_data / f"{JOURNAL}{suffix}").unlink(missing_ok=True)
    site.node.spawn()
    assert site.node.wait() == JournalError.exit_code, site.node.output()
    assert "fails its checksum" in site.node.output()
    assert list((site.node_data).glob(f"{JOURNAL}.damaged-*")), "no copy was kept"


def state(rows: list[bytes]) -> bytes:
    """The core after these rows."""
    node = Node([Dispatch])
    node.recover(None, rows)
    return node.snapshot()


def rotten_row(database: bytes, body: bytes) -> bytes:
    """The file with one bit of a row's body flipped."""
    at = database.index(body[-40:]) + 20
    return database[:at] + bytes([database[at] ^ 1]) + database[at + 1 :]


async def test_a_journal_that_is_moved_away_ends_the_node_and_holds_every_promise(site, few, report):
    """Under load the file is no longer where it was: the node ends with exit code 4, and with the file put back, every
    receipt that it has given is in there."""
    away = site.folder / "away"
    driven = few(range(4), 1)
    async with playing(site) as (_, crowd):
        crowd.pour(100)
        for _ in driven:
            await crowd.answered(20)
            site.journal.rename(away)
            assert await asyncio.to_thread(site.node.wait) == JournalError.exit_code, site.node.output()
            assert "Put the file back" in site.node.output()
            away.rename(site.journal)
            await asyncio.to_thread(site.node.start)
        report(await verify_outcome(site, crowd, len(driven)))


async def test_a_journal_that_is_replaced_by_a_copy_keeps_every_promise_itself(site, report):
    """A copy stands under the name, and a node has begun with it: the journal that was moved away, put back by itself,
    has every receipt that was given."""
    away, copy = site.folder / "away", site.folder / "copy"
    async with playing(site) as (_, crowd):
        crowd.pour(100)
        await crowd.answered(20)
        shutil.copy(site.journal, copy)
        site.journal.rename(away)
        copy.rename(site.journal)
        assert await asyncio.to_thread(site.node.wait) == JournalError.exit_code, site.node.output()
        for path in site.node_data.glob(f"{JOURNAL}*"):
            path.unlink()
        away.rename(site.journal)
        await asyncio.to_thread(site.node.start)
        report(await verify_outcome(site, crowd, 1))


async def test_a_full_disk_stops_receipts_and_space_brings_them_back(site, report, few):
    """No file may grow any more (as on a full disk): the node shows it, accepts nothing and goes on answering for what
    it has; with space again it resumes by itself, and nothing that was acknowledged is lost."""
    async with playing(site) as (_, crowd):
        crowd.pour(100)
        await crowd.answered(20)
        times = few(range(4), 1)
        for _ in times:
            size = max(path.stat().st_size for path in (site.node_data).glob(f"{JOURNAL}*"))
            site.node.limit(resource.RLIMIT_FSIZE, size)
            await until(lambda: not site.status()["serving"])
            assert "full" in site.status()["sentence"]
            sent_count = crowd.sent_count()
            await asyncio.sleep(0.3)
            assert crowd.sent_count() == sent_count, "a receipt without a disk"
            site.node.limit(resource.RLIMIT_FSIZE, 1 << 40)
            await crowd.answered(20)
        assert (site.node_data / "ballast").stat().st_size == JOURNAL_BALLAST_BYTES
        report(await verify_outcome(site, crowd, len(times)))


@pytest.mark.parametrize("call", ["fdatasync", pytest.param("pwrite64", marks=pytest.mark.whole)])
async def test_an_io_error_ends_the_node_before_it_promises_anything(site, few, report, call):
    """EIO from the N-th sync or write of the journal: the node acknowledges nothing more, ends with exit code 4, and
    never takes a sync that failed for one that succeeded the second time."""
    driven = 0
    async with playing(site) as (_, crowd):
        crowd.pour(100)
        await crowd.answered(20)
        for n in few(range(12, 40), 1):
            site.node.kill()
            await asyncio.to_thread(site.node.start, strace(call, f"error=EIO:when={n}"))
            code = await asyncio.to_thread(site.node.wait)
            assert code == JournalError.exit_code, (n, code, site.node.output())
            assert "disk failed" in site.node.output()
            driven += 1
        await asyncio.to_thread(site.node.start)
        report(await verify_outcome(site, crowd, driven))
