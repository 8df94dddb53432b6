"""One data directory, another version (row 29). `tests/data/journal.db` was written while no centre could be reached:
36 events of three clients, all of them still to be sent to the centre. Where its format changes it is made again, by
`python -m tests.faults.support.make_journal`."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest

from bench.demo.proof.evidence import Evidence
from bench.lab.site import Site
from edge.core.model import STATE_VERSION
from edge.errors import ConfigError, JournalError
from edge.journal.maintenance import write_snapshot
from edge.journal.reader import FORMAT, JournalReader, checksum, query, read_snapshot, read_snapshots
from tests.faults.support.make_journal import EVENTS, JOURNAL
from tests.faults.support.people import Outcome, agreed, playing, sums, until, well
from tests.faults.support.site import Wires


def inherit(site: Site, format_: int = 0) -> None:
    """A data directory with a backlog, perhaps with another format's number."""
    site.journal.parent.mkdir(mode=0o700)
    site.journal.write_bytes(JOURNAL.read_bytes())
    if format_:
        db = apsw.Connection(str(site.journal))
        db.pragma("user_version", format_)
        db.close()


def evidence_of(path: Path) -> Evidence:
    """A journal's content."""
    evidence = Evidence()
    with JournalReader.open(path) as reader:
        evidence.read([body for _, body in reader.rows(0)])
    return evidence


async def test_a_journal_of_this_format_goes_on_with_its_backlog(site, report):
    """The node decides on where another build of this format stopped: a repeat of an old event gets the old receipt, to
    the byte, and the centre gets the backlog with the new events."""
    inherit(site)
    old = evidence_of(site.journal)
    assert old.received == EVENTS
    async with playing(site) as (_, crowd):
        for person in crowd.people:  # whose ids begin at e1 again: the first events are repeats
            person.act()
        await until(lambda: not crowd.waiting())
        for person in crowd.people:
            assert person.receipts["e1"] == old.receipts[person.name, "e1"]
            person.events = EVENTS
        well_s = await well(site, crowd)
        node, centre = sums(site)
        assert node == centre == EVENTS + 2 * len(crowd.people)
        assert await asyncio.to_thread(site.node.stop) == 0
        new = evidence_of(site.journal)
        assert old.receipts.items() <= new.receipts.items()
        assert not new.findings
        report(Outcome(1, node, 0, 0, well_s))


@pytest.mark.parametrize(("format_", "age"), [(1, "an older"), (FORMAT + 1, "a newer")])
def test_a_journal_of_another_format_is_refused_and_left_alone(site, report, format_, age):
    """After an upgrade or a downgrade the node does not touch what it cannot read: exit code 4, a sentence with what to
    do, and the version that wrote it finds its backlog intact."""
    inherit(site, format_)
    before = site.journal.read_bytes()
    site.node.spawn()
    assert site.node.wait() == JournalError.exit_code
    assert f"was written by {age} doorstep (journal format {format_}; this one reads {FORMAT})" in site.node.output()
    assert "start with another data directory" in site.node.output()
    assert "Traceback" not in site.node.output()
    assert site.journal.read_bytes() == before
    db = apsw.Connection(str(site.journal))
    db.pragma("user_version", FORMAT)
    db.close()
    assert evidence_of(site.journal).received == EVENTS
    site.node.start()
    assert site.status()["sync"]["events_at_node"] == EVENTS
    report(Outcome(1, EVENTS))


def rows_of(path: Path) -> list[bytes]:
    """Every row."""
    with JournalReader.open(path) as reader:
        return [body for _, body in reader.rows(0)]


def newer_snapshot(db: apsw.Connection, path: Path) -> Callable[[], object]:
    """The newest snapshot becomes one of the next version. Returns what makes it as it was."""
    kept = read_snapshots(db)[-1]
    body = read_snapshot(db, path, kept)
    state = msgspec.msgpack.decode(body)
    assert state[0] == STATE_VERSION

    def put(body: bytes) -> None:
        db.execute("DELETE FROM snapshot WHERE number = ?", (kept.number,))
        db.execute("DELETE FROM piece WHERE snapshot = ?", (kept.number,))
        for _ in write_snapshot(db, kept.number, kept.wall_ms, body):
            continue

    put(msgspec.msgpack.encode([STATE_VERSION + 1, *state[1:]]))
    return lambda: put(body)


def newer_row(db: apsw.Connection, _: Path) -> Callable[[], object]:
    """One row more, with an input of a kind that is not known yet. Returns what takes it away."""
    number, wall_ms, body = query(db, "SELECT number, wall_ms, body FROM row ORDER BY number DESC LIMIT 1")[0]
    row = msgspec.msgpack.decode(body)
    number += 1
    row[0], row[2] = number, [["of-tomorrow", "c-1", 1]]
    body = msgspec.msgpack.encode(row)
    db.execute("INSERT INTO row VALUES (?, ?, ?, ?)", (number, wall_ms, checksum(number, wall_ms, body), body))
    return lambda: db.execute("DELETE FROM row WHERE number = ?", (number,))


@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        pytest.param(newer_snapshot, "was written by a newer doorstep", marks=pytest.mark.whole, id="newer_snapshot"),
        pytest.param(newer_row, "Did another doorstep write it? Start that one.", id="newer_row"),
    ],
)
async def test_what_a_newer_version_wrote_is_refused_and_left_alone(site, report, plant, sentence):
    """A snapshot or a row that only a newer version knows: the old one ends with exit code 4 and a sentence, no row is
    changed, and the newer version goes on with the whole backlog, down to the centre."""
    inherit(site)
    site.node.start()
    assert site.node.stop() == 0
    db = apsw.Connection(str(site.journal))
    undo = plant(db, site.journal)
    before = rows_of(site.journal)
    site.node.spawn()
    assert site.node.wait() == JournalError.exit_code
    assert sentence in site.node.output()
    assert "Traceback" not in site.node.output()
    assert rows_of(site.journal) == before
    undo()
    db.close()
    site.start()
    async with Wires(site), asyncio.timeout(60):
        await until(lambda: agreed(site))
    assert sums(site) == (EVENTS, EVENTS)
    report(Outcome(1, EVENTS))


@pytest.mark.whole
def test_a_configuration_of_a_newer_version_is_refused_and_nothing_is_touched(site, report):
    """After a downgrade an option that only the newer version knows: exit code 2, the option named, and not a byte of
    the journal changed; without it the node goes on with its backlog."""
    inherit(site)
    before = site.journal.read_bytes()
    site.write_config(of_tomorrow=1)
    site.node.spawn()
    assert site.node.wait() == ConfigError.exit_code
    assert "of_tomorrow" in site.node.output()
    assert "There is no such option" in site.node.output()
    assert "Traceback" not in site.node.output()
    assert [path.name for path in site.journal.parent.iterdir()] == [site.journal.name]
    assert site.journal.read_bytes() == before
    site.write_config()
    site.node.start()
    assert site.status()["sync"]["events_at_node"] == EVENTS
    report(Outcome(1, EVENTS))
