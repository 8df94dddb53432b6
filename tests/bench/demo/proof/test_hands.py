"""What a dispatcher decided, and what came back, as a journal has it."""

from typing import Any

import pytest

from edge.scenarios.dispatch.messages.down import Update
from edge.scenarios.dispatch.messages.overrides import OrderAssign, OrderHold, OrderPin, OrderRelease
from edge.scenarios.dispatch.messages.up import OrderRedeliver
from tests.bench.demo.proof.journal_rows import MINUTE, START, Rows


def taken() -> Rows:
    """Two riders on shift; the first has accepted an order."""
    rows = Rows()
    rows.shift("rider-1", 0, 500)
    rows.shift("rider-2", 0, 500)
    rows.place("o1", 1, ("rider-1", rows.offer("o1", 1, 1)))
    rows.reply("rider-1", "o1", 1, 2)
    return rows


def overrides(rows: Rows, kind: Any, at: int, *answers: tuple[str, Any], **fields: Any) -> None:
    """An event of the dispatcher about the order."""
    rows.add(at, [("desk", kind(id=rows.id(), at=START + at * MINUTE, order="o1", **fields))], *answers)


def test_an_assignment_moves_the_order() -> None:
    """Who is given an order by hand has it, and brings it: no second rider, nothing to find."""
    rows = taken()
    moved = ("rider-2", rows.offer("o1", 2, 3, "accepted"))
    overrides(rows, OrderAssign, 3, moved, ("rider-1", rows.offer("o1", 1, 3, "withdrawn")), rider="rider-2")
    rows.step("rider-2", "o1", "picked_up", 9)
    rows.step("rider-2", "o1", "delivered", 19)
    evidence = rows.evidence()
    assert evidence.findings == {}
    assert evidence.hands.counts == {"assigned": 1}


def test_an_assignment_that_moves_nothing_is_found() -> None:
    """An accepted assignment after which somebody else, or nobody, has the order."""
    rows = taken()
    overrides(rows, OrderAssign, 3, rider="rider-2")
    assert "given to rider-2, but rider-1 has it" in rows.evidence().findings["dispatcher_is_obeyed"][0]


@pytest.mark.parametrize("undone", ["release", "assign", "pin", "ended", "not"])
def test_what_is_on_hold_is_offered_to_nobody(undone: str) -> None:
    """Between a hold and what undoes it an offer is a finding; after that it is not."""
    rows = taken()
    overrides(rows, OrderHold, 3, ("rider-1", rows.offer("o1", 1, 3, "withdrawn")))
    if undone == "release":
        overrides(rows, OrderRelease, 4)
    elif undone == "assign":
        overrides(rows, OrderAssign, 4, ("rider-1", rows.offer("o1", 2, 4, "accepted")), rider="rider-1")
        overrides(rows, OrderRelease, 5, ("rider-1", rows.offer("o1", 2, 5, "withdrawn")))
    elif undone == "pin":
        overrides(rows, OrderPin, 4, rider="rider-2")
    elif undone == "ended":
        rows.ended("o1", "cancelled", 4)
    rows.add(6, [], ("rider-2", rows.offer("o1", 3, 6)))
    evidence = rows.evidence()
    assert ("dispatcher_is_obeyed" in evidence.findings) == (undone == "not")
    assert evidence.hands.counts["held"] == 1


def test_what_fails_comes_back() -> None:
    """A failed delivery is with its rider until it is back at the shop, out again, or over; who brings back what it had
    not failed to hand over is found."""
    for how in ("returned", "sent again", "given up", "still out", "by another"):
        rows = taken()
        rows.step("rider-1", "o1", "picked_up", 9)
        if how != "by another":
            rows.step("rider-1", "o1", "failed", 19)
        if how == "sent again":
            overrides(rows, OrderRedeliver, 21)
        elif how == "given up":
            rows.add(300, [], ("customer-o1", Update(order="o1", state="undeliverable", at=START)))
        elif how != "still out":
            rows.step("rider-1", "o1", "returned", 29)
        evidence = rows.evidence()
        assert bool(evidence.hands.failed) == (how == "still out"), how
        assert list(evidence.findings) == (["what_failed_comes_back"] if how == "by another" else []), how
        assert evidence.hands.counts["failed"] == (how != "by another")
