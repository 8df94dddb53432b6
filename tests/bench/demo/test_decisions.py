"""Decisions as the screen lists them."""

from pathlib import Path

from bench.demo.decisions import Decisions
from edge.scenarios.dispatch.records import Decision


def decision(order: str, rider: str, why: str, *, offer: bool = False) -> Decision:
    """One of a round."""
    return Decision(order, rider, offer, "1", why, [])


def test_a_plan_is_known_until_its_offer_goes_out(tmp_path: Path) -> None:
    """Planned, planned anew, offered: each change is a line with its reason, what a round repeats is none."""
    found = Decisions(tmp_path)
    found.add(1000, decision("o1", "", "Nobody is free."))
    found.add(1000, decision("o2", "rider-1", "rider-1 can pick up in 9 min."))
    found.add(2000, decision("o2", "rider-1", "rider-1 can pick up in 8 min."))
    assert found.planned == {"o2": "rider-1"}
    found.add(3000, decision("o2", "rider-2", "rider-2, free in 1 min, can pick up in 4 min."))
    found.add(4000, decision("o2", "rider-2", "rider-2 can pick up in 3 min.", offer=True))
    assert found.planned == {}
    assert list(found.lines) == [
        (1000, "o1 waits: Nobody is free."),
        (1000, "o2 planned for rider-1: can pick up in 9 min."),
        (3000, "o2 planned for rider-2: free in 1 min, can pick up in 4 min."),
        (4000, "o2 offered to rider-2: can pick up in 3 min."),
    ]


def test_a_journal_that_is_not_there_yet_is_no_error(tmp_path: Path) -> None:
    """The node starts, or was killed: the next look finds it."""
    found = Decisions(tmp_path / "journal.sqlite3")
    found.read()
    (tmp_path / "journal.sqlite3").write_text("nothing that could be read")
    found.read()
    assert not found.lines
