"""Both sides of a day: the same where nothing is wrong, and each planted fault named by window and counter."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.fleet.reconcile import (
    AGREES,
    CHANGED,
    DIFFERS,
    DOUBLED,
    LOST,
    QUARANTINED,
    UNKNOWN,
    Evidence,
    Reconciliation,
    Stored,
    reconcile,
)
from central.store.open import open_reader, open_store
from edge.core.outbox import Outbox
from edge.messages.batches import Cell, Measure, encode, fold
from edge.messages.sync.statement import SignedStatement, Statements
from edge.messages.sync.statement import encode as encode_statement
from tests.central.sides import DAY, DAY_MS, Sides, window
from tests.central.stores import CELL, START, roll_all

FINE = 0x8D309A7A15AB67F
"""A cell of resolution 13, which no centre stores."""


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[Sides]:
    """Three minutes of two scenarios, with a sketch and a place in one, are at the centre."""
    store = open_store(tmp_path)
    made = Sides(store)
    for minute in range(3):
        rich = msgspec.structs.replace(
            window(minute, x=5, y=1),
            measures={"ms": Measure(2, 30, fold(b"", [10, 20]))},
            cells=[Cell(CELL, "x", START, START + 60_000, 5)],
        )
        assert made.send(rich, window(minute, "labels", x=1)) == ""
    yield made
    store.close()


def compared(sides: Sides, day: int = DAY) -> Reconciliation:
    """Both sides as they are now."""
    reader = open_reader(Path(sides.store.driver.place).parent)
    found = reader.evidence(sides.node, day)
    reader.close()
    assert found is not None
    return reconcile(found)


def named(found: Reconciliation) -> list[tuple[str, str, int, list[str]]]:
    """Each difference: what, of which scenario, in which minute, in which counters."""
    return [(d.what, d.scenario, (d.start - START) // 60_000, d.counters) for d in found.differences]


def test_a_good_day_agrees(sides: Sides) -> None:
    """Windows, sums and the chain; before the day is stated nothing is known, and no other node either."""
    assert compared(sides).agrees is None
    sides.state()
    found = compared(sides)
    assert (found.agrees, found.windows_node, found.windows_centre, found.chain) == (True, 6, 6, AGREES)
    assert [(t.scenario, t.name, t.node, t.centre) for t in found.totals] == [
        ("dispatch", "x", 15, 15),
        ("dispatch", "y", 3, 3),
        ("labels", "x", 3, 3),
    ]
    reader = open_reader(Path(sides.store.driver.place).parent)
    assert reader.evidence("n2", DAY) is None
    reader.close()


def test_what_comes_late_is_stated_later(sides: Sides) -> None:
    """It is no difference before, and is compared afterwards."""
    sides.state()
    sides.send(window(1, x=7))
    found = compared(sides)
    assert (found.agrees, found.later, found.windows_centre) == (True, 1, 6)
    sides.state()
    found = compared(sides)
    assert (found.agrees, found.later, found.statements, found.windows_centre) == (True, 0, 2, 7)


def test_a_lost_window_is_named(sides: Sides) -> None:
    """The centre's disk forgets one."""
    sides.state()
    sides.store.driver.run("delete from minute where number = 4")
    found = compared(sides)
    assert found.agrees is False
    assert named(found) == [(LOST, "dispatch", 1, ["x", "y"])]
    assert [(t.name, t.node, t.centre) for t in found.differing] == [("x", 15, 10), ("y", 3, 2)]


def test_a_changed_counter_is_named(sides: Sides) -> None:
    """Somebody has improved a figure at the centre."""
    sides.state()
    sides.store.driver.run("update minute set counters = ? where number = 4", (encode({"x": 5, "y": 4}),))
    found = compared(sides)
    assert named(found) == [(CHANGED, "dispatch", 1, ["y"])]
    assert [(t.scenario, t.name, t.node, t.centre) for t in found.differing] == [("dispatch", "y", 3, 6)]


def test_a_doubled_batch_is_named(sides: Sides) -> None:
    """Both of its windows are there twice."""
    sides.state()
    columns = "at, start, width_s, scenario, events, counters, measures, cells"
    sides.store.driver.run(
        f"insert into minute(node, number, {columns}) select node, number + 100, {columns} from minute"
        " where number in (3, 4)"
    )
    assert named(compared(sides)) == [(DOUBLED, "dispatch", 1, ["x", "y"]), (DOUBLED, "labels", 1, ["x"])]


def test_a_batch_in_quarantine_is_named(sides: Sides) -> None:
    """The node has deleted it, so its statement has it; the centre does not count it."""
    bad = msgspec.structs.replace(window(3, x=9), cells=[Cell(FINE, "x", START, START, 9)])
    assert sides.send(bad) == "quarantined"
    sides.state()
    found = compared(sides)
    assert named(found) == [(QUARANTINED, "dispatch", 3, ["x"])]
    assert found.differences[0].detail == "n1/1/4 (bad_body)"
    assert found.quarantined == ["n1/1/4"]
    assert found.chain == AGREES


def test_a_window_that_nobody_sent_is_named(sides: Sides) -> None:
    """It is at the centre under a time at which the node had nothing."""
    sides.state()
    sides.store.driver.run("update minute set start = start + 600000 where number = 5")
    assert named(compared(sides)) == [(LOST, "labels", 2, []), (UNKNOWN, "labels", 12, [])]


def test_a_centre_that_lost_a_batch_has_another_chain(sides: Sides) -> None:
    """As after a restore from an older copy: its windows are lost, and the hashes do not lead where the node stands."""
    sides.state()
    sides.store.driver.run("delete from batch where seq = 3")
    sides.store.driver.run("delete from minute where number > 4")
    found = compared(sides)
    assert [what for what, *_ in named(found)] == [LOST, LOST]
    with sides.store.group(["n1"]) as group:
        record = group.record("n1")
        assert record is not None
        group.save_hello("n1", msgspec.structs.replace(record, through=2, history=bytes(32)), None, sides.now)
    assert compared(sides).chain == DIFFERS


def test_what_is_withheld_is_no_difference(sides: Sides) -> None:
    """The centre's threshold may be higher than the node's: it counts the place as withheld, else all is the same."""
    few = msgspec.structs.replace(window(3, x=1), cells=[Cell(CELL, "x", START, START, 1)])
    assert sides.send(few) == ""
    sides.state()
    found = compared(sides)
    assert found.agrees is True
    assert [(t.name, t.node, t.centre) for t in found.withheld] == [("withheld.x", 0, 1)]


def test_sums_are_compared_where_windows_are_gone(sides: Sides) -> None:
    """After a week: what is summed up by the hour has to have the same counters."""
    sides.state()
    roll_all(sides.store)
    sides.store.driver.run("insert into kept values('minute', ?)", (START + DAY_MS,))
    sides.store.driver.run("delete from minute")
    found = compared(sides)
    assert (found.agrees, found.windows_centre, found.differences) == (True, None, [])
    sides.store.driver.run("update hour set counters = ? where scenario = 'labels'", (encode({"x": 4}),))
    assert [(t.scenario, t.node, t.centre) for t in compared(sides).differing] == [("labels", 3, 4)]
    sides.store.driver.run("insert into kept values('hour', ?)", (START + DAY_MS,))
    with pytest.raises(ValueError, match="neither windows nor hours"):
        compared(sides)


def test_a_restored_node_states_again_and_nothing_counts_twice(sides: Sides) -> None:
    """Its second statement has the number of the first."""
    before = sides.outbox.snapshot()
    sides.state()
    other = Outbox("n1")
    other.restore(before)
    sides.outbox = other
    sides.now += 1_000
    sides.state()
    found = compared(sides)
    assert (found.agrees, found.statements) == (True, 2)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), min_size=1, max_size=12), st.data())
def test_each_single_fault_is_found(sent: list[tuple[int, int]], data: st.DataObject) -> None:
    """Whatever was sent: untouched it agrees; a window less, more or changed is exactly one difference."""
    windows = [window(minute, x=count) for minute, count in sent]
    statements = Statements()
    statements.add(windows)
    statements.close("n1", START + DAY_MS, 1, 1, bytes(32))
    stored = [Stored(each, 0) for each in windows]
    signed = [SignedStatement(body=encode_statement(each)) for each in statements.closed]
    evidence = Evidence(node="n1", day=DAY, signed=signed, latest=statements.closed[0], stored=stored)
    assert reconcile(evidence).agrees is True
    place = data.draw(st.integers(0, len(stored) - 1))
    changed = msgspec.structs.replace(windows[place], counters={"x": 10}, events=10)
    for now, what in (
        ([*stored[:place], *stored[place + 1 :]], LOST),
        ([*stored, stored[place]], DOUBLED),
        ([*stored[:place], Stored(changed, 0), *stored[place + 1 :]], CHANGED),
    ):
        found = reconcile(msgspec.structs.replace(evidence, stored=now))
        assert [(each.what, each.start, each.times) for each in found.differences] == [(what, windows[place].start, 1)]
        assert found.agrees is False


def test_differences_come_by_time_then_scenario(sides: Sides) -> None:
    """In whatever sequence they were found; of one window what is lost comes before what nobody sent."""
    sides.state()
    columns = "node, at, start, scenario, events, counters, measures, cells"
    sides.store.driver.run(
        f"insert into minute({columns}, number, width_s) select {columns}, 100, 120 from minute where number = 2"
    )
    sides.store.driver.run("delete from minute where number in (1, 2, 4)")
    assert [found[:3] for found in named(compared(sides))] == [
        (LOST, "dispatch", 0),
        (UNKNOWN, "dispatch", 0),
        (LOST, "labels", 0),
        (LOST, "dispatch", 1),
    ]
