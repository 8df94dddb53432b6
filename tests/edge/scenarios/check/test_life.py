"""Tests of edge.scenarios.check.life and .digest: what a node lives through is kept, and is the same elsewhere."""

from edge.core.model import decode_row
from edge.scenarios.check.digest import Digest, of_two_processes
from edge.scenarios.check.life import Life
from edge.scenarios.check.subject import find


def test_a_life_keeps_rows_snapshots_and_deadlines() -> None:
    """One of each for every row, whose numbers grow by one; nothing went wrong on the way."""
    subject = find("dispatch")
    life = Life(subject.kind, subject.package).walk(1, 150)
    assert [decode_row(body).number for body in life.rows] == list(range(1, len(life.rows) + 1))
    assert len(life.rows) == len(life.snapshots) == len(life.deadlines) > 100
    assert life.problems == {}
    assert life.messages >= 150
    assert life.accepted["order.place"] > 0
    assert life.sent["assignment"] > 0
    assert ("dispatch", "order.placed", "count") in life.windows.counted


def test_two_processes_come_to_what_this_one_does() -> None:
    """The digest of another process has the rows of the same walk here."""
    subject = find("dispatch")
    life = Life(subject.kind, subject.package).walk(1, 60)
    for digest in of_two_processes(subject, 1, 60):
        assert isinstance(digest, Digest), digest
        assert digest.rows == [life.rows]
        assert digest.snapshots == [life.scenario.snapshot()]
