"""Tests of edge.core.dedup."""

from edge.core.dedup import RECENT_MAX, DedupIndex


def filled(count: int) -> DedupIndex:
    repeats = DedupIndex()
    for number in range(count):
        repeats.insert_or_get("c", f"e-{number}", number + 1, number)
    return repeats


def test_every_event_is_known_by_its_row():
    """Whatever moved into arrays meanwhile, each event answers with its own row, and a new one with none."""
    count = 3 * RECENT_MAX + 17
    repeats = filled(count)
    assert len(repeats) == count
    assert all(repeats.row_of("c", f"e-{number}") == number + 1 for number in range(count))
    assert repeats.row_of("c", f"e-{count}") is None
    assert repeats.row_of("d", "e-1") is None


def test_what_is_removed_is_new():
    """A recent event that is removed is decided by the next row that has it."""
    repeats = filled(3)
    repeats.remove("c", "e-1")
    assert repeats.row_of("c", "e-1") is None
    assert repeats.insert_or_get("c", "e-1", 9, 9) is None
    assert repeats.row_of("c", "e-1") == 9


def test_a_snapshot_holds_everything():
    """What is restored knows the same events and makes the same snapshot."""
    repeats = filled(RECENT_MAX + 100)
    again = DedupIndex.restore(repeats.snapshot())
    assert again.snapshot() == repeats.snapshot()
    assert all(again.row_of("c", f"e-{n}") == n + 1 for n in range(RECENT_MAX + 100))
    again.insert_or_get("c", "new", 7, 7)
    assert again.row_of("c", "new") == 7


def test_events_beyond_the_retention_are_forgotten():
    """Forgetting drops what is older, in arrays and among the recent ones, and keeps what is younger."""
    repeats = filled(RECENT_MAX * 2)
    repeats.forget(RECENT_MAX * 2, RECENT_MAX // 4, RECENT_MAX * 2)
    assert repeats.row_of("c", "e-0") is None
    assert repeats.row_of("c", f"e-{RECENT_MAX * 2 - RECENT_MAX // 4 - 1}") is None
    assert repeats.row_of("c", f"e-{RECENT_MAX * 2 - RECENT_MAX // 4}") == RECENT_MAX * 2 - RECENT_MAX // 4 + 1


def test_a_row_leaves_only_when_nothing_of_it_is_remembered(monkeypatch):
    """However events, retention and forgetting fall, no event that is remembered is in a row that may be pruned, and
    no row is kept for longer than a quarter over the retention."""
    monkeypatch.setattr("edge.core.dedup.RECENT_MAX", 16)
    monkeypatch.setattr("edge.core.dedup.RUN_MAX", 256)
    repeats, retention_ms = DedupIndex(), 1_000
    pruned = 0
    for number in range(1, 4_000):
        age_ms = number * 3 + (number // 500) * 700
        repeats.insert_or_get("c", f"e-{number}", number, age_ms)
        if number % 23 == 0:
            repeats.forget(age_ms, retention_ms, number)
            pruned = max(pruned, repeats.prunable)
            known = [n for n in range(max(1, number - 460), number + 1) if repeats.row_of("c", f"e-{n}") is not None]
            assert known
            assert known[0] > pruned
            assert age_ms - (pruned * 3 + (pruned // 500) * 700) <= retention_ms * 5 // 4 + 770
    assert pruned > 3_000


def test_a_flood_of_events_makes_room_in_the_journal_too(monkeypatch):
    """Where events are dropped early their rows may go: the journal is bounded by the number of events."""
    monkeypatch.setattr("edge.core.dedup.REPEATS_KEPT_MAX", RECENT_MAX * 2)
    monkeypatch.setattr("edge.core.dedup.RUN_MAX", RECENT_MAX)
    repeats = filled(RECENT_MAX * 5)
    repeats.forget(RECENT_MAX * 5, 10**9, RECENT_MAX * 5)
    assert repeats.prunable == repeats.dropped_early


def test_too_many_events_forget_the_oldest_and_count_it(monkeypatch):
    """Beyond the bound the oldest array goes, and `dropped_early` counts its entries."""
    monkeypatch.setattr("edge.core.dedup.REPEATS_KEPT_MAX", RECENT_MAX * 2)
    monkeypatch.setattr("edge.core.dedup.RUN_MAX", RECENT_MAX)
    repeats = filled(RECENT_MAX * 5)
    assert len(repeats) <= RECENT_MAX * 3
    assert repeats.dropped_early == RECENT_MAX * 5 - len(repeats)


def test_a_row_of_exactly_the_retention_stays():
    """A mark keeps the rows before it for as long as the next one is not past the retention."""
    index = DedupIndex()
    index.forget(0, 8_000, 1)
    index.forget(1_000, 8_000, 2)
    index.forget(9_000, 8_000, 3)
    assert index.prunable == 1
    index.forget(9_001, 8_000, 4)
    assert index.prunable == 2


def test_a_filter_grows_with_its_array():
    """16 to 32 bits for each event: less would have a look-up search the arrays for every new event."""
    repeats = filled(3 * RECENT_MAX)
    assert repeats._arrays
    assert all(16 <= 8 * len(array.bloom) / len(array.keys) <= 32 for array in repeats._arrays)
