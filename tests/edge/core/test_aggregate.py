"""Events into windows: every event once, clocks that jump, and what may leave."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.aggregate import CELL_HOLD_S_MAX, CLOCK_DOUBT_S, LATENESS_S_MAX, SKETCH_PENDING_MAX, Windows
from edge.core.effects import Measured
from edge.core.model import Now
from edge.limits import COUNTERS_MAX, MEASURES_MAX
from edge.messages.batches import Window, encode_body, sketch_fault
from edge.messages.sync.shops import ShopDays
from edge.messages.sync.statement import DAY_MS

START = 1_767_225_600_000  # a full minute
HOUR = 3_600_000
YEARS_10 = 10 * 365 * 86_400_000
HERE = (31.2, 121.5)
THERE = (31.3, 121.6)


def at(seconds: float, offset_ms: int = 0) -> Now:
    """An instant of a node that has run for `seconds`, with a wall clock that is wrong by `offset_ms`."""
    return Now(seconds, START + int(seconds * 1000) + offset_ms)


def total(windows: list[Window], name: str) -> int:
    return sum(window.counters.get(name, 0) for window in windows)


def drain(windows: Windows, now: Now) -> list[Window]:
    """Everything that is open, sealed by the passing of two days."""
    return windows.seal(Now(now.mono + 2 * 86_400, now.wall_ms + 2 * 86_400_000))


def measure(windows: Windows, now: Now, name: str, at_ms: int, value: int) -> None:
    windows.add("dispatch", now, Measured(values=[(name, at_ms, value)]), ShopDays())


def locate(windows: Windows, now: Now, name: str, at_ms: int, lat: float, lon: float, person: str) -> None:
    windows.add("dispatch", now, Measured(places=[(name, at_ms, lat, lon, person)]), ShopDays())


def test_a_window_is_sealed_ten_seconds_after_its_end() -> None:
    """Events of a minute come out as one window, once, at `next_deadline`."""
    windows = Windows(5, 8)
    assert windows.next_deadline() is None
    windows.count("dispatch", at(1), "accepted.order.place", START + 1_000, events=1)
    windows.count("dispatch", at(60), "accepted.order.place", START + 59_999, events=1)
    windows.count("dispatch", at(60), "decisions", START + 59_999, 3)
    assert windows.seal(at(69.9)) == []
    deadline = windows.next_deadline() or 0.0
    assert deadline == pytest.approx(70, abs=0.01)
    sealed = windows.seal(at(deadline))
    assert sealed == [Window("dispatch", START, 60, 2, {"accepted.order.place": 2, "decisions": 3}, {}, [])]
    assert windows.seal(at(200)) == []
    assert windows.next_deadline() is None


def test_a_late_event_revises_its_window() -> None:
    """An event whose window is sealed makes a further delta of that window, which goes out with the next seal."""
    windows = Windows(5, 8)
    windows.count("dispatch", at(0), "x", START, events=1)
    assert len(windows.seal(at(75))) == 1
    windows.count("dispatch", at(80), "x", START + 5_000, events=1)
    windows.count("dispatch", at(80), "x", START + 80_000, events=1)
    sealed = windows.seal(at(131))
    assert [(window.start, window.events) for window in sealed] == [(START, 1), (START + 60_000, 1)]


@pytest.mark.parametrize(
    ("stamp_ms", "label"),
    [
        (-LATENESS_S_MAX * 1000, ""),
        (-LATENESS_S_MAX * 1000 - 1, "late"),
        (-86_400_000, "late"),
        (-86_400_001, "implausible_stamp"),
        (600_000, ""),
        (600_001, "implausible_stamp"),
        (-START, "implausible_stamp"),
        (YEARS_10, "implausible_stamp"),
    ],
)
def test_stamps_out_of_reach_count_where_they_arrive(stamp_ms: int, label: str) -> None:
    """Too late and implausible events count in the window of their arrival, under their label."""
    windows = Windows(5, 8)
    windows.count("dispatch", at(0), "x", START + stamp_ms, events=1)
    (sealed,) = drain(windows, at(0))
    assert sealed.events == 1
    assert {name for name in sealed.counters if name != "x"} == ({label} if label else set())
    assert sealed.start == (START if label else START + stamp_ms - (START + stamp_ms) % 60_000)


@pytest.mark.parametrize("jump_ms", [-START, -YEARS_10, -HOUR, HOUR, YEARS_10])
def test_a_wall_clock_that_jumps_and_returns_holds_nothing_up(jump_ms: int) -> None:
    """Windows go on being sealed while the wall clock is wrong, and afterwards carry the right time again."""
    windows = Windows(5, 8)
    sealed: list[Window] = []
    for second in range(0, 4 * CLOCK_DOUBT_S, 10):
        now = at(second, jump_ms if 300 <= second < 420 else 0)
        windows.count("dispatch", now, "x", START + second * 1000, events=1)
        sealed += windows.seal(now)
        assert len(windows.open()) <= 4
    tail = sealed[-5:]
    assert [window.start for window in tail] == sorted(window.start for window in tail)
    assert abs(tail[-1].start - (START + 4 * CLOCK_DOUBT_S * 1000)) < 200_000
    sealed += drain(windows, at(4 * CLOCK_DOUBT_S))
    assert sum(window.events for window in sealed) == 4 * CLOCK_DOUBT_S / 10


def test_a_wall_clock_that_was_set_back_for_good_is_followed_in_the_end() -> None:
    """After ten minutes the labels believe the new time, count the step, and nothing is lost."""
    windows = Windows(5, 8)
    sealed: list[Window] = []
    for second in range(0, 1800, 10):
        now = at(second, 0 if second < 300 else -HOUR)
        windows.count("dispatch", now, "x", now.wall_ms, events=1)
        sealed += windows.seal(now)
    assert abs(sealed[-1].start - (START + 1_800_000 - HOUR)) < 200_000
    sealed += drain(windows, at(1800, -HOUR))
    assert sum(window.events for window in sealed) == 180
    assert total(sealed, "clock_step") == 1


def test_a_slow_clock_does_not_stop_while_behind() -> None:
    """Thousands of calls within one millisecond each move the labels' clock on, not only whole milliseconds."""
    windows = Windows(5, 8)
    windows.count("dispatch", at(0), "x", START, events=1)
    for step in range(200_000):
        windows.count("dispatch", Now(step / 2000, START - HOUR), "y", START)
        if step % 10_000 == 0 and windows.seal(Now(step / 2000, START - HOUR)):
            break
    else:
        raise AssertionError("the window was never sealed")


@given(
    st.lists(
        st.tuples(st.integers(0, 120_000), st.integers(-2 * HOUR, 700_000), st.sampled_from("abc"), st.integers(0, 9)),
        max_size=60,
    ),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_counts_in_are_counts_out(events: list[tuple[int, int, str, int]], data: st.DataObject) -> None:
    """Over any sequence of events, seals and restarts every count, event, value and located person comes out once."""
    windows, twin = Windows(3, 8), Windows(3, 8)
    sealed: list[Window] = []
    expected: Counter[str] = Counter()
    mono, wall = 0.0, START
    for gap_ms, stamp_ms, name, person in events:
        mono, wall = mono + gap_ms / 1000, wall + gap_ms
        now = Now(mono, wall)
        for side in (windows, twin):
            side.count("dispatch", now, name, wall + stamp_ms, events=1)
            measure(side, now, "ms", wall + stamp_ms, gap_ms)
            locate(side, now, name, wall + stamp_ms, *HERE, f"p{person}")
        expected[name] += 1
        if data.draw(st.booleans()):
            snapshot = windows.snapshot()
            windows = Windows(99, 1)
            windows.restore(snapshot)
            assert windows.snapshot() == snapshot
        fresh = windows.seal(now)
        assert encode_body(fresh) == encode_body(twin.seal(now))
        sealed += fresh
    sealed += drain(windows, Now(mono, wall))
    assert sum(window.events for window in sealed) == len(events)
    for name, count in expected.items():
        assert total(sealed, name) == count
        released = sum(c.count for window in sealed for c in window.cells if c.name == name)
        assert total(sealed, f"located.{name}") == released + total(sealed, f"withheld.{name}") == count
    measures = [window.measures["ms"] for window in sealed if "ms" in window.measures]
    assert sum(m.count for m in measures) == len(events)
    assert [sketch_fault(m) for m in measures] == [None] * len(measures)
    assert sum(m.total for m in measures) == sum(event[0] for event in events)
    assert windows.next_deadline() is None
    assert windows.gathering == 0


def test_nothing_leaves_for_fewer_than_k_people_or_by_difference() -> None:
    """However often four people come, their cell stays at home; the fifth releases all, and the sixth begins anew."""
    windows = Windows(5, 8)
    sealed: list[Window] = []
    for minute in range(10):
        now = at(minute * 60)
        locate(windows, now, "x", now.wall_ms, *HERE, f"p{minute % 4}")
        locate(windows, now, "x", now.wall_ms, *THERE, f"p{minute}")
        sealed += windows.seal(now)
    here = [cell for window in sealed for cell in window.cells if cell.count > 8]
    assert here == []
    before = [cell for window in sealed for cell in window.cells]
    locate(windows, at(600), "x", at(600).wall_ms, *HERE, "p9")
    locate(windows, at(660), "x", at(660).wall_ms, *HERE, "p8")
    after = windows.seal(at(671))
    (released,) = [cell for window in after for cell in window.cells]
    assert released.count == 12
    assert all(cell.count >= 5 for cell in before)
    locate(windows, at(700), "x", at(700).wall_ms, *HERE, "p7")
    assert [cell for window in windows.seal(at(900)) for cell in window.cells] == []


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 1), st.sampled_from("ab"), st.integers(0, 90_000)), max_size=80
    ),
    st.integers(2, 4),
)
@settings(max_examples=60, deadline=None)
def test_every_difference_of_releases_stands_for_k_people(visits: list[tuple[int, int, str, int]], k: int) -> None:
    """Whoever subtracts any earlier sum of a cell from any later one sees at least k distinct people, or nobody."""
    windows = Windows(k, 8)
    since: dict[tuple[int, str], list[int]] = {}
    mono, wall = 0.0, START
    cells: dict[int, int] = {}
    for person, place, name, gap_ms in visits:
        mono, wall = mono + gap_ms / 1000, wall + gap_ms
        now = Now(mono, wall)
        for window in windows.seal(now):
            for cell in window.cells:
                seen = since.pop((cells.setdefault(cell.cell, _place(cells, cell.cell)), cell.name))
                assert len(set(seen)) >= k
                assert cell.count == len(seen)
        lat, lon = (HERE, THERE)[place]
        locate(windows, now, name, wall, lat, lon, f"p{person}")
        since.setdefault((place, name), []).append(person)


def _place(cells: dict[int, int], cell: int) -> int:
    """Which of the two places a cell is."""
    import h3.api.basic_int as h3

    return 0 if cell == h3.latlng_to_cell(*HERE, 8) else 1


def test_a_cell_that_never_reaches_k_becomes_a_total() -> None:
    """After a day without enough people a cell's count leaves without its place."""
    windows = Windows(5, 8)
    locate(windows, at(0), "x", START, *HERE, "p1")
    windows.seal(at(100))
    assert windows.gathering == 1
    deadline = windows.next_deadline() or 0.0
    assert deadline == pytest.approx(CELL_HOLD_S_MAX, abs=1)
    (sealed,) = windows.seal(at(deadline))
    assert sealed.counters == {"withheld.x": 1}
    assert sealed.cells == []
    assert windows.gathering == 0


def test_a_cell_spans_all_its_visits() -> None:
    """From the first minute of any to the last of any, in whatever sequence they came."""
    windows = Windows(3, 8)
    for person, minute in (("p1", 1), ("p2", 0), ("p3", 2)):
        locate(windows, at(130), "x", START + minute * 60_000, *HERE, person)
    (cell,) = [cell for window in windows.seal(at(400)) for cell in window.cells]
    assert (cell.start - START, cell.end - START) == (0, 180_000)


def test_no_identity_is_in_any_sealed_byte() -> None:
    """A canary planted as a client's identity is in the node's snapshot and nowhere in what is sealed."""
    windows = Windows(2, 8)
    sealed: list[Window] = []
    for minute in range(30):
        now = at(minute * 60)
        locate(windows, now, "x", now.wall_ms, *HERE, f"canary-{minute}")
        windows.count("dispatch", now, "x", now.wall_ms, events=1)
        assert b"canary" in windows.snapshot()
        sealed += windows.seal(now)
    assert sum(len(window.cells) for window in sealed) > 5
    assert b"canary" not in encode_body(sealed)


def test_names_beyond_the_limits_share_one_counter() -> None:
    """A window never has more counters or measures than the centre takes, and its sums stay whole."""
    windows = Windows(5, 8)
    for number in range(2 * COUNTERS_MAX):
        windows.count("dispatch", at(0), f"name-{number}", START)
        measure(windows, at(0), f"name-{number}", START, number)
    (sealed,) = drain(windows, at(0))
    assert len(sealed.counters) == COUNTERS_MAX
    assert sum(sealed.counters.values()) == 2 * COUNTERS_MAX
    assert len(sealed.measures) == MEASURES_MAX
    assert sum(measure.count for measure in sealed.measures.values()) == 2 * COUNTERS_MAX


def test_discard_forgets_what_the_centre_has_already() -> None:
    """Open windows and gatherings that began before the given instant are gone, later ones stay."""
    windows = Windows(5, 8)
    windows.count("dispatch", at(0), "x", START, events=1)
    locate(windows, at(0), "x", START, *HERE, "p1")
    windows.count("dispatch", at(60), "x", START + 60_000, events=1)
    assert windows.discard(START + 60_000) == 1
    assert windows.gathering == 0
    assert sum(window.events for window in drain(windows, at(60))) == 1


def test_a_raised_threshold_holds_for_what_is_gathering() -> None:
    """New rules apply to counts that have not left yet."""
    windows = Windows(2, 8)
    for person in ("p1", "p2"):
        locate(windows, at(0), "x", START, *HERE, person)
    windows.configure(3, 8)
    assert [cell for window in windows.seal(at(100)) for cell in window.cells] == []
    locate(windows, at(110), "x", at(110).wall_ms, *HERE, "p3")
    assert [cell.count for window in windows.seal(at(200)) for cell in window.cells] == [3]


def test_open_windows_can_be_looked_at() -> None:
    """The status page sees open windows, and looking changes nothing."""
    windows = Windows(5, 8)
    for value in range(SKETCH_PENDING_MAX + 3):
        measure(windows, at(0), "ms", START, value)
    snapshot = windows.snapshot()
    (view,) = windows.open()
    assert view.measures["ms"].count == SKETCH_PENDING_MAX + 3
    assert windows.snapshot() == snapshot
    assert windows.seal(at(1)) == []
    assert windows.snapshot() == snapshot


def test_windows_come_oldest_first_then_by_scenario() -> None:
    """In whatever sequence they were opened: to whoever looks at them, and when they are sealed."""
    windows = Windows(5, 8)
    for scenario, minute in (("labels", 1), ("dispatch", 1), ("labels", 0)):
        windows.count(scenario, at(70), "accepted", START + minute * 60_000, events=1)
    found = [(window.start - START, window.scenario) for window in windows.open()]
    assert found == [(0, "labels"), (60_000, "dispatch"), (60_000, "labels")]
    assert [(window.start - START, window.scenario) for window in drain(windows, at(70))] == found


@pytest.mark.parametrize(
    ("age_s", "day"), [(0, 1), (1_800, 0), (3_600, 0), (3_601, 1), (2 * 86_400, 1), (-300, 1), (-86_400, 1)]
)
def test_a_count_of_a_shop_is_of_the_day_of_its_stamp(age_s: int, day: int) -> None:
    """Half an hour after midnight: up to an hour late it is yesterday's; later, or implausible, of its arrival."""
    midnight = START - START % DAY_MS + DAY_MS
    now, windows, shops = Now(1.0, midnight + 1_200_000), Windows(5, 8), ShopDays()
    shops.configure(1)
    at_ms = now.wall_ms - age_s * 1000
    counted = [("order.placed", at_ms, 2, 0)]
    windows.add("dispatch", now, Measured(counts=counted, shops=[("noodles", "order.placed", at_ms, 2, "a")]), shops)
    assert list(shops.days) == [midnight // DAY_MS - 1 + day]
    (opened,) = shops.days.values()
    assert (opened.since, opened.shops["noodles/dispatch"].counts) == (now.wall_ms, {"order.placed": 2})
