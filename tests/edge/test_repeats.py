"""Tests of edge.repeats."""

from edge.repeats import RECENT_MAX, Repeats


def filled(count: int) -> Repeats:
    repeats = Repeats()
    for number in range(count):
        repeats.add("c", f"e-{number}", number + 1, number)
    return repeats


def test_every_event_is_known_by_its_row():
    """Whatever moved into arrays meanwhile, each event answers with its own row, and a new one with none."""
    count = 3 * RECENT_MAX + 17
    repeats = filled(count)
    assert len(repeats) == count
    assert all(repeats.row_of("c", f"e-{number}") == number + 1 for number in range(count))
    assert repeats.row_of("c", f"e-{count}") is None
    assert repeats.row_of("d", "e-1") is None


def test_a_snapshot_holds_everything():
    """What is restored knows the same events and makes the same snapshot."""
    repeats = filled(RECENT_MAX + 100)
    again = Repeats.restore(repeats.snapshot())
    assert again.snapshot() == repeats.snapshot()
    assert all(again.row_of("c", f"e-{n}") == n + 1 for n in range(RECENT_MAX + 100))
    again.add("c", "new", 7, 7)
    assert again.row_of("c", "new") == 7


def test_arrays_beyond_the_retention_are_forgotten():
    """Forgetting drops what is older, and keeps what is younger."""
    repeats = filled(RECENT_MAX * 2)
    repeats.forget(RECENT_MAX * 3)
    assert repeats.row_of("c", "e-0") is None
    assert repeats.row_of("c", f"e-{RECENT_MAX * 2 - 1}") == RECENT_MAX * 2


def test_too_many_events_forget_the_oldest_and_count_it(monkeypatch):
    """Beyond the bound the oldest array goes, and `dropped_early` says how many that were."""
    monkeypatch.setattr("edge.repeats.REPEATS_KEPT_MAX", RECENT_MAX * 2)
    monkeypatch.setattr("edge.repeats.SEGMENT_MAX", RECENT_MAX)
    repeats = filled(RECENT_MAX * 5)
    assert len(repeats) <= RECENT_MAX * 3
    assert repeats.dropped_early == RECENT_MAX * 5 - len(repeats)
