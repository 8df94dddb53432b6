"""Every tier sums to the same totals, whatever came in whatever sequence, before and after pruning."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from central.store.prune import Kept, prune
from central.store.rows import Codec, Sum
from central.store.store import Store
from central.store.sums import ROLLED_AT_ONCE
from central.store.tiers import DAY_MS, Calendar
from edge.messages.batches import Cell, Measure, Window, fold, quantiles
from tests.central.stores import CELL, HOUR_MS, START, Place, merge, roll_all

ZONE = "Asia/Kathmandu"
DAYS = 12


@st.composite
def any_window(draw: st.DrawFn) -> Window:
    """A window of any time of DAYS days, of a minute or wider."""
    start = START + draw(st.integers(0, DAYS * 1440 - 1)) * 60_000
    width_s = draw(st.sampled_from([60, 60, 60, 600, 3600, 86_400]))
    values = draw(st.lists(st.integers(0, 1000), min_size=1, max_size=5))
    counters = draw(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 2**40), max_size=3))
    cells = [Cell(CELL, "x", start, start + 60_000, draw(st.integers(5, 9)))] if draw(st.booleans()) else []
    measures = {"ms": Measure(len(values), sum(values), fold(b"", values))}
    return Window(draw(st.sampled_from(["dispatch", "labels"])), start, width_s, len(values), counters, measures, cells)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["n1", "n2", "n3"]), st.lists(any_window(), min_size=1, max_size=4)),
        st.tuples(st.just("sum up"), st.just([])),
    ),
    min_size=1,
    max_size=12,
)


def totals(store: Store, table: str, since: int = 0) -> tuple[int, Counter[Any], int]:
    """Events, counters and values of a tier, from an instant on, however they are divided."""
    total, codec = Sum(), Codec()
    for start, events, *columns in store.driver.rows(
        f"select start, events, counters, measures, cells from {table} where start >= ?", (since,)
    ):
        total.reach(start, start, 0, events)
        total.add_parts(codec.unpack(*columns))
    counts: Counter[Any] = Counter({**total.counters, **{key: count for key, (_, _, count) in total.cells.items()}})
    return total.events, counts, sum(count for count, _, _ in total.merged().values())


@given(STEPS)
@settings(max_examples=40)
def test_every_tier_sums_to_the_same_totals(steps: list[tuple[str, list[Window]]]) -> None:
    """Minutes, hours and days, of each node and of all, and what a reader adds up, before and after pruning."""
    with TemporaryDirectory() as folder:
        place = Place(Path(folder))
        store, reader, seqs, events = place.store(ZONE), place.reader(ZONE), Counter[str](), 0
        calendar = Calendar(ZONE)
        for node, windows in steps:
            if node == "sum up":
                roll_all(store)
                continue
            seqs[node] += 1
            merge(store, seqs[node], windows, node)
            events += sum(window.events for window in windows)
            assert reader.summary(0, 2 * START)["events"] == events, "a batch counts with its own transaction"
        for limit in (1, ROLLED_AT_ONCE):
            while store.roll(0, limit):
                assert reader.summary(0, 2 * START)["events"] == events
        expected = totals(store, "minute")
        for table in ("hour", "day", "fleet_minute", "fleet_hour", "fleet_day"):
            assert totals(store, table) == expected, table
        now = START + DAYS * DAY_MS
        kept = Kept(minute=2 * DAY_MS, hour=5 * DAY_MS, day=100 * DAY_MS)
        for _ in range(130):
            for _ in prune(store, now, 2 * HOUR_MS, kept):
                pass
            now += 2 * HOUR_MS
        assert totals(store, "day") == totals(store, "fleet_day") == expected
        since = calendar.day(now - kept.hour) + DAY_MS
        for table in ("hour", "fleet_hour"):
            assert totals(store, table, since) == totals(store, "day", since), table
            assert totals(store, table)[0] <= expected[0]
        whole = reader.summary(0, 2 * START)
        assert (whole["events"], whole["nodes"]) == (events, len(seqs))
        half = START + 1 + DAYS // 2 * DAY_MS
        assert reader.summary(0, half)["events"] + reader.summary(half, 2 * START)["events"] == events
        reader.close()
        store.close()


def test_sketches_of_many_nodes_and_minutes_are_merged(tmp_path: Path) -> None:
    """A quantile over the fleet is that of all values, not a mean of quantiles."""
    place = Place(tmp_path)
    store, reader = place.store(), place.reader()
    for number in range(40):
        values = list(range(number * 100, number * 100 + 100))
        measures = {"ms": Measure(100, sum(values), fold(b"", values))}
        merge(store, 1, [Window("dispatch", START + number * 60_000, 60, 1, {}, measures, [])], f"n{number}")
    for _ in range(2):
        ms = reader.summary(START, START + DAY_MS)["measures"]["dispatch"]["ms"]
        assert (ms["count"], ms["sum"]) == (4000, sum(range(4000)))
        assert abs(ms["p50"] - 2000) < 200
        assert abs(ms["p99"] - 3960) < 20
        roll_all(store)
    row = store.driver.rows("select measures from fleet_day")
    digests = [Codec().unpack(b"\x80", columns[0], b"")[1]["ms"][2] for columns in row]
    assert sum(quantiles(digest, [0.5])[0] > 0 for digest in digests) == len(digests)
    reader.close()
    store.close()


def test_the_largest_figures_add_up(tmp_path: Path) -> None:
    """A node sends the largest figures again and again: sums stay within what the engine holds, and can be read."""
    place = Place(tmp_path)
    store, reader = place.store(), place.reader()
    for seq in range(1, 4):
        merge(store, seq, [Window("dispatch", START, 60, 2**40, {"x": 2**40}, {}, [])])
        roll_all(store)
    assert reader.summary(0, 2 * START)["counters"] == {"dispatch": {"x": 3 * 2**40}}
    reader.close()
    store.close()
