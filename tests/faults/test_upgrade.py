"""One data directory, another version (row 29). `tests/data/journal-0.1.0.db` is a journal that doorstep 0.1.0 wrote
while no centre could be reached: 36 events of three clients, all of them still to be told."""

import asyncio
from pathlib import Path

import apsw

from bench.demo.evidence import Evidence
from edge.errors import JournalError
from edge.journal_reader import FORMAT, JournalReader
from tests.faults.people import Crowd, Outcome, sums, until, well
from tests.faults.rig import Site, Wires

OLD = Path(__file__).parents[1] / "data" / "journal-0.1.0.db"
EVENTS = 36


def inherit(site: Site, format_: int = 0) -> None:
    """The old version's data directory, perhaps with another format's number."""
    site.journal.parent.mkdir(mode=0o700)
    site.journal.write_bytes(OLD.read_bytes())
    if format_:
        db = apsw.Connection(str(site.journal))
        db.pragma("user_version", format_)
        db.close()


def evidence_of(path: Path) -> Evidence:
    """What a journal says."""
    evidence = Evidence()
    with JournalReader.open(path) as reader:
        evidence.read([body for _, body in reader.rows(0)])
    return evidence


def test_a_journal_of_the_last_version_goes_on_with_its_backlog(make, report):
    """The new version decides on where the old one stopped: a repeat of an old event gets the old receipt, to the byte,
    and the centre gets the old version's backlog with the new events."""
    site = make()
    inherit(site)
    old = evidence_of(site.journal)
    assert old.received == EVENTS

    async def scene() -> None:
        site.start()
        async with Wires(site) as wires, Crowd(site, wires.door) as crowd:
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

    asyncio.run(scene())


def test_a_journal_of_a_newer_version_is_refused_and_left_alone(make, report):
    """After a downgrade the old version does not touch what it cannot read: exit code 4, a sentence with what to do,
    and the newer version finds its backlog intact."""
    site = make()
    inherit(site, FORMAT + 1)
    before = site.journal.read_bytes()
    site.node.spawn()
    assert site.node.wait() == JournalError.exit_code
    assert "newer doorstep" in site.node.said()
    assert "Traceback" not in site.node.said()
    assert site.journal.read_bytes() == before
    db = apsw.Connection(str(site.journal))
    db.pragma("user_version", FORMAT)
    db.close()
    assert evidence_of(site.journal).received == EVENTS
    site.node.start()
    assert site.status()["sync"]["events_at_node"] == EVENTS
    report(Outcome(1, EVENTS))
