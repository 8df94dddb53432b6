"""Whatever tier answers, and whatever is summed up, figures add up to the windows that came."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.lab.postgresql import Postgresql
from central.figures import figures
from central.figures.figures import Figures
from central.figures.span import Span
from central.store.engine.driver import StoreSlow
from central.store.open import open_driver
from central.store.store import Store
from central.store.tiers import DAY_MS, Calendar
from edge.messages.batches import Cell, Measure, Window, fold
from tests.central.stores import CELL, HOUR_MS, START, Place, merge, roll_all

MINUTES = (0, 1, 59, 60, 61, 1439, 1440, 3000)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Postgresql]:
    """A server of our own."""
    with Postgresql([]) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty store."""
    if request.param == "sqlite":
        return Place(tmp_path)
    server: Postgresql = request.getfixturevalue("postgresql")
    return Place(server.make_database(f"figures{abs(hash(tmp_path))}"), server.password)


def fill(store: Store) -> None:
    """Two nodes, each with a window at some minutes; the first ones are summed up, the last ones not."""
    for seq, minute in enumerate(MINUTES, 1):
        at = START + minute * 60_000
        for node, count in (("n1", 1), ("n2", 10)):
            measures = {"ms": Measure(1, minute, fold(b"", [minute]))}
            cells = [Cell(CELL, "x", at, at + 60_000, count)]
            merge(store, seq, [Window("dispatch", at, 60, count, {"x": count}, measures, cells)], node, at)
        if minute == 61:
            roll_all(store)


def opened(place: Place) -> Figures:
    """To ask it."""
    return Figures(open_driver(place.where, place.password, readonly=True, seconds_max=5), Calendar("UTC"))


@pytest.mark.parametrize("tier", ["minute", "hour", "day"])
def test_every_tier_has_every_window(place: Place, tier: str) -> None:
    """Of all nodes and of one, by period and by node: counters, measures and cells."""
    store = place.store()
    fill(store)
    asked = opened(place)
    span = Span(START, START + 3 * DAY_MS, tier)
    size = {"minute": 60_000, "hour": HOUR_MS, "day": DAY_MS}[tier]
    periods = [START + minute * 60_000 // size * size for minute in MINUTES]
    series = asked.over_time(span)["dispatch"]
    assert {at: total.counters["x"] for at, total in series.items()} == {at: 11 * periods.count(at) for at in periods}
    assert sum(total.merged()["ms"][1] for total in series.values()) == 2 * sum(MINUTES)
    assert sum(total.cells[CELL, "x"][2] for total in series.values()) == 11 * len(MINUTES)
    own = asked.over_time(span, "n2", of=("counters",))["dispatch"]
    assert {at: total.counters["x"] for at, total in own.items()} == {at: 10 * periods.count(at) for at in periods}
    assert all(not total.measures for total in own.values())
    by_node = asked.by_node(span, "dispatch", ["x", "y"])
    assert {node: total.counters["x"] for node, total in by_node.items()} == {
        "n1": len(MINUTES),
        "n2": 10 * len(MINUTES),
    }
    assert asked.over_time(span, "nobody") == {}
    edges = Span(START + HOUR_MS, START + 2 * DAY_MS + 2 * HOUR_MS, tier)
    found = sum(total.counters["x"] for total in asked.over_time(edges, "n2")["dispatch"].values())
    assert asked.by_node(edges, "dispatch", ["x"])["n2"].counters["x"] == found
    asked.close()
    store.close()


def test_a_stretch_has_the_periods_that_begin_in_it(place: Place) -> None:
    """Neither the one before nor the one at its end."""
    store = place.store()
    fill(store)
    asked = opened(place)
    series = asked.over_time(Span(START + HOUR_MS, START + 2 * HOUR_MS, "hour"))["dispatch"]
    assert {at: total.counters["x"] for at, total in series.items()} == {START + HOUR_MS: 22}
    assert asked.node("n1")["batches"] == len(MINUTES)
    assert asked.node("nobody") == {}
    assert asked.aside(10) == []
    before = asked.version()
    merge(store, 99, [], "n1", START)
    assert asked.version() > before
    asked.close()
    store.close()


def test_a_question_has_its_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it there is a sentence and no answer, and the next question is answered."""
    store = place.store()
    fill(store)
    slow = Figures(open_driver(place.where, place.password, readonly=True, seconds_max=0.2), Calendar("UTC"))
    many = "with recursive n(x) as (select 1 union all select x + 1 from n where x < 1000000000) select count(*) from n"
    with pytest.raises(StoreSlow, match="shorter time"), slow._driver.reading():
        slow._driver.rows(many)
    assert slow.version() > 0
    monkeypatch.setattr(figures, "SECONDS_MAX", -1.0)
    with pytest.raises(StoreSlow, match="shorter time"):
        slow.over_time(Span(START, START + DAY_MS, "minute"))
    slow.close()
    store.close()
