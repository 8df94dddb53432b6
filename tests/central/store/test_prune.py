"""What is old goes, in bounded steps; nothing else does, whatever clocks show."""

from central.ingest.verify import Alarm
from central.store.group import ShopsKept
from central.store.prune import HASHES_KEPT, Kept, prune
from central.store.store import Store
from edge.messages.batches import Window
from tests.central.stores import HOUR_MS, START, Place, hash_of, merge, roll_all, windows

DAY_MS = 24 * HOUR_MS


def prune_all(store: Store, wall_ms: int, lived_ms: int, kept_ms: int) -> int:
    """How many rows went, of one round with the same retention for all tiers."""
    return sum(prune(store, wall_ms, lived_ms, Kept(minute=kept_ms, hour=kept_ms, day=kept_ms)))


def live(store: Store, hours: int, kept_ms: int) -> None:
    """Rounds of pruning, one each two hours."""
    for hour in range(2, hours + 2, 2):
        prune_all(store, START + hour * HOUR_MS, 2 * HOUR_MS, kept_ms)


def test_old_windows_go_and_what_recognises_a_node_stays(place: Place) -> None:
    """Retention forgets windows and most hashes, but not a node's record, its sums and its latest batches."""
    store = place.store()
    for seq in range(1, 101):
        merge(store, seq, windows(seq), at=START + seq)
    with store.group(["n1"]) as group:
        group.save_hello("n1", None, Alarm("cloned", "detail"), START)
        group.keep("n1", 1, b"1", b"statement", START, ShopsKept("i1", 1, []))
    roll_all(store)
    prune_all(store, START, 0, DAY_MS)
    live(store, 50, DAY_MS)
    reader = place.reader()
    assert reader.summary(0, 2 * START)["events"] == 0
    (row,) = reader.nodes()
    assert (row["events"], row["batches"], row["through"], row["alarms"]) == (600, 100, 100, [])
    kept = [seq for seq in range(1, 101) if hash_of(store, "n1", 1, seq) is not None]
    assert kept == list(range(101 - HASHES_KEPT, 101))
    assert store.driver.rows("select (select count(*) from shops), (select count(*) from statement)") == [(0, 0)]
    reader.close()
    store.close()


def test_what_is_not_summed_up_yet_does_not_go(place: Place) -> None:
    """A window stays until it is in the tiers that are kept longer."""
    store = place.store()
    merge(store, 1, windows(1))
    kept = Kept(minute=HOUR_MS, hour=1000 * HOUR_MS, day=1000 * HOUR_MS)
    for hour in range(6):
        sum(prune(store, START + hour * HOUR_MS, HOUR_MS, kept))
    assert store.driver.rows("select count(*) from minute") == [(2,)]
    roll_all(store)
    sum(prune(store, START + 6 * HOUR_MS, HOUR_MS, kept))
    reader = place.reader()
    assert reader.summary(0, 2 * START)["events"] == 6
    assert store.driver.rows("select count(*) from minute") == [(0,)]
    reader.close()
    store.close()


def test_a_clock_that_jumps_deletes_nothing(place: Place) -> None:
    """Ten years ahead, and back: what is younger than the retention by the centre's own life stays, over restarts too;
    what is older goes, and one pause is not a life."""
    store = place.store()
    merge(store, 1, windows(1))
    roll_all(store)
    decade_ms = 10 * 365 * 24 * HOUR_MS
    reader = place.reader()
    for hour in range(10):
        prune_all(store, START + hour * HOUR_MS + (decade_ms if hour in (2, 3, 4) else 0), HOUR_MS, 12 * HOUR_MS)
        store.close()
        store = place.store()
        assert reader.summary(0, 2 * START)["events"] == 6
    for hour in range(10, 41):
        prune_all(store, START + hour * HOUR_MS + (decade_ms if hour > 35 else 0), HOUR_MS, 12 * HOUR_MS)
    assert reader.summary(0, 2 * START)["events"] == 0, "what is older by both accounts went"
    later = START + 100 * HOUR_MS
    merge(store, 30, [Window("dispatch", later, 60, 7, {}, {}, [])], at=later)
    roll_all(store)
    prune_all(store, later + decade_ms, 1000 * HOUR_MS, 12 * HOUR_MS)
    assert reader.summary(0, 2 * later)["events"] == 7, "one step of life is bounded"
    reader.close()
    store.close()


def test_each_step_is_bounded(place: Place) -> None:
    """Many old rows go in many transactions, between which batches are stored."""
    store, rows = place.store(), 1_700
    merge(store, 1, [Window("dispatch", START, 60, 1, {}, {}, []) for _ in range(rows)])
    roll_all(store)
    kept = Kept(minute=HOUR_MS, hour=1000 * HOUR_MS, day=1000 * HOUR_MS)
    for hour in range(2):
        sum(prune(store, START + hour * HOUR_MS, HOUR_MS, kept))
    steps = [gone for gone in prune(store, START + 2 * HOUR_MS, HOUR_MS, kept) if gone]
    assert sum(steps) >= rows
    assert max(steps) <= 500
    store.close()
