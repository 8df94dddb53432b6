"""Numbering, deleting, coarsening: nothing twice, nothing lost, nothing unbounded."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge.core.outbox
from edge.core.model import Batch, Now, SyncWelcomed
from edge.core.outbox import BATCH_BYTES_AIM, BATCHES_CUT_MAX, POOL_CELLS_MAX, Outbox
from edge.limits import (
    BATCH_BYTES_MAX,
    BATCHES_IN_FLIGHT_MAX,
    CELLS_PER_WINDOW_MAX,
    CHAIN_KEPT,
    POOL_WINDOWS_MAX,
    WINDOW_AHEAD_S_MAX,
)
from edge.messages.batches import NO_BATCH, Cell, Measure, Window, chain_hash, decode_body, encode, encode_body, fold

START = 1_767_225_600_000
NOW = Now(0.0, START)
CELL = 613344508561588223


def window(minute: int, events: int = 1, scenario: str = "dispatch", cells: int = 0) -> Window:
    """A minute's window with the same number in every kind of sum."""
    start = START + minute * 60_000
    places = [Cell(CELL - i, "x", start, start + 60_000, events) for i in range(cells)]
    measures = {"ms": Measure(events, 7 * events, fold(b"", [7] * events))} if events else {}
    return Window(scenario, start, 60, events, {"x": events}, measures, places)


def enrolled() -> Outbox:
    """An outbox that may number."""
    outbox = Outbox("n1")
    outbox.welcome(SyncWelcomed(1, 0))
    return outbox


def sums(outbox: Outbox, taken: list[Window]) -> tuple[int, int, int]:
    """Events, counter and measured values over what was taken and what still waits."""
    seen = list(taken)
    while batches := outbox.cut(NOW):
        seen += [item for batch in batches for item in decode_body(batch.body)]
        outbox.stored(outbox.epoch, batches[-1].seq)
    counts = sum(item.counters.get("x", 0) for item in seen)
    return sum(item.events for item in seen), counts, sum(m.count for item in seen for m in item.measures.values())


def test_nothing_is_numbered_before_the_first_welcome() -> None:
    """Before the centre gave an epoch windows wait, and merge as they grow old."""
    outbox = Outbox("n1")
    for minute in range(60 * 24 * 3):
        outbox.add([window(minute)])
        assert outbox.cut(NOW) == []
    assert outbox.windows_waiting < 400
    assert outbox.events_waiting == 60 * 24 * 3
    outbox.welcome(SyncWelcomed(1, 0))
    assert sums(outbox, []) == (4320, 4320, 4320)


def test_batches_are_a_chain() -> None:
    """Numbers grow by one from 1, each batch names the hash of the one before, hashes are those of the bodies."""
    outbox = enrolled()
    previous = NO_BATCH
    for minute in range(BATCHES_IN_FLIGHT_MAX):
        outbox.add([window(minute)])
        (batch,) = outbox.cut(NOW)
        assert (batch.node, batch.epoch, batch.seq, batch.previous) == ("n1", 1, minute + 1, previous)
        assert batch.sha256 == sha256(batch.body).digest()
        previous = batch.sha256
    outbox.add([window(99)])
    assert outbox.cut(NOW) == []
    assert [batch.seq for batch in outbox.in_flight()] == list(range(1, BATCHES_IN_FLIGHT_MAX + 1))
    outbox.stored(1, 3)
    (batch,) = outbox.cut(NOW)
    assert (batch.seq, batch.previous) == (BATCHES_IN_FLIGHT_MAX + 1, previous)


def test_an_acknowledgement_of_what_was_not_sent_deletes_nothing() -> None:
    """Impossible, stale and foreign acknowledgements are counted and ignored."""
    outbox = Outbox("n1")
    outbox.stored(0, 0)
    outbox.stored(1, 1)
    assert outbox.protocol_errors == 2
    outbox.welcome(SyncWelcomed(3, 0))
    outbox.add([window(0)])
    (batch,) = outbox.cut(NOW)
    for epoch, through in ((3, 2), (2, 1), (4, 1), (3, 2**62)):
        outbox.stored(epoch, through)
    outbox.welcome(SyncWelcomed(2, 1))
    outbox.welcome(SyncWelcomed(4, 7))
    assert outbox.in_flight() == [batch]
    assert outbox.protocol_errors == 8
    outbox.stored(3, 0)
    assert outbox.in_flight() == [batch]
    outbox.stored(3, 1)
    assert outbox.in_flight() == []
    assert (outbox.events_acked, outbox.events_waiting) == (1, 0)
    outbox.stored(3, 1)
    assert outbox.protocol_errors == 8


def test_live_windows_go_before_the_backlog() -> None:
    """The newest windows are in the first batch; what does not fit follows."""
    outbox = Outbox("n1")
    outbox.add([window(minute, cells=500) for minute in range(60)])
    outbox.welcome(SyncWelcomed(1, 0))
    batches: list[Batch] = []
    while cut := outbox.cut(NOW):
        batches += cut
        outbox.stored(1, cut[-1].seq)
    assert all(len(batch.body) <= BATCH_BYTES_MAX for batch in batches)
    starts = [item.start for batch in batches for item in decode_body(batch.body)]
    assert starts == sorted(starts, reverse=True)
    assert len(batches) > 3


def test_a_backlog_is_cut_in_small_pieces_as_the_centre_takes_them() -> None:
    """One word of the centre makes room for a few small batches; rounds of events in between cut nothing; after a few
    acknowledgements as many are under way as may be."""
    outbox = Outbox("n1")
    outbox.add([window(minute, cells=270) for minute in range(120)])
    assert outbox.cut(NOW) == []
    outbox.welcome(SyncWelcomed(1, 0))
    depths: list[int] = []
    while outbox.windows_waiting:
        cut = outbox.cut(NOW)
        assert len(cut) <= BATCHES_CUT_MAX
        assert all(len(batch.body) <= BATCH_BYTES_AIM for batch in cut)
        assert outbox.cut(NOW) == []
        depths.append(len(outbox.in_flight()))
        outbox.stored(1, outbox.through + 1)
    assert max(depths) == BATCHES_IN_FLIGHT_MAX


def test_recovery_takes_the_batches_that_were_cut_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that would cut otherwise goes on with the numbers, hashes and rests of the one before."""
    live = enrolled()
    live.add([window(minute, cells=700) for minute in range(12)])
    snapshot = live.snapshot()
    batches = live.cut(NOW)
    assert any(len(item.cells) == CELLS_PER_WINDOW_MAX for batch in batches for item in decode_body(batch.body))
    monkeypatch.setattr(edge.core.outbox, "BATCH_BYTES_AIM", 7_000)
    monkeypatch.setattr(edge.core.outbox, "BATCHES_CUT_MAX", 5)
    recovered = Outbox("n1")
    recovered.restore(snapshot)
    recovered.replay_cut(batches, NOW)
    assert recovered.in_flight() == live.in_flight()
    assert recovered.snapshot() == live.snapshot()
    assert recovered.backlog_bytes == live.backlog_bytes


def test_a_new_epoch_numbers_anew_what_the_centre_does_not_hold() -> None:
    """What is in flight returns to the pool under a new epoch, except what the centre holds of the old one."""
    outbox = enrolled()
    for minute in range(4):
        outbox.add([window(minute, events=10**minute)])
        outbox.cut(NOW)
    outbox.stored(1, 1)
    outbox.welcome(SyncWelcomed(2, 0, old_through=2))
    assert outbox.in_flight() == []
    assert outbox.events_acked == 11
    (batch,) = outbox.cut(NOW)
    assert (batch.epoch, batch.seq, batch.previous) == (2, 1, NO_BATCH)
    assert sum(item.events for item in decode_body(batch.body)) == 1100


def test_a_node_from_a_backup_discards_what_the_centre_may_have() -> None:
    """Windows that began before the centre's horizon are dropped and counted, later ones are kept."""
    outbox = enrolled()
    for minute in range(3):
        outbox.add([window(minute)])
        outbox.cut(NOW)
    outbox.add([window(10, events=5)])
    outbox.welcome(SyncWelcomed(2, 0, old_through=1, discard_before=START + 10 * 60_000))
    assert (outbox.events_acked, outbox.events_discarded, outbox.events_waiting) == (1, 2, 5)


def test_the_outbox_knows_its_history() -> None:
    """The hello has the centre's hash after each acknowledged batch, across epochs and restarts, of a bounded number;
    windows that returned to the pool are not in it, batches confirmed by a welcome are."""
    outbox = enrolled()
    history = [NO_BATCH]
    for minute in range(3):
        outbox.add([window(minute)])
        (batch,) = outbox.cut(NOW)
        history.append(chain_hash(history[-1], batch.sha256))
    hello = outbox.hello("i1", "b1")
    assert hello.history == history[:1]
    assert [hello.before(seq) for seq in (1, 2, 3)] == history[:3]
    outbox.stored(1, 2)
    hello = outbox.hello("i1", "b1")
    assert (hello.history, hello.before(3)) == (history[:3], history[2])
    outbox.welcome(SyncWelcomed(2, 0, history=bytes([9]) * 32))
    restarted = Outbox("n1")
    restarted.restore(outbox.snapshot())
    assert restarted.hello("i1", "b1").history == [*history[:3], bytes([9]) * 32]
    for minute in range(CHAIN_KEPT):
        restarted.add([window(minute)])
        restarted.stored(2, restarted.cut(NOW)[-1].seq)
    assert len(restarted.hello("i1", "b1").history) == CHAIN_KEPT


def test_a_node_that_lost_its_disk_continues_the_history_of_the_centre() -> None:
    """Before the first welcome its history is that of a centre that holds nothing; then it is the centre's."""
    outbox = Outbox("n1")
    assert outbox.hello("i1", "b1").history == [NO_BATCH]
    outbox.welcome(SyncWelcomed(4, 0, history=bytes([5]) * 32))
    hello = outbox.hello("i1", "b1")
    assert (hello.history, hello.before(1)) == ([NO_BATCH, bytes([5]) * 32], bytes([5]) * 32)


def test_a_year_without_uplink_stays_small() -> None:
    """An outage of a year is some hundred windows, and its totals are exact."""
    outbox = Outbox("n1")
    days = 366
    for day in range(days):
        outbox.add([window(day * 1440 + minute) for minute in range(0, 1440, 30)])
        assert outbox.windows_waiting <= 700
    outbox.welcome(SyncWelcomed(1, 0))
    assert sums(outbox, []) == (days * 48, days * 48, days * 48)
    assert outbox.backlog_bytes == 0


def test_bounds_hold_whatever_comes() -> None:
    """Windows far apart and cells without end merge until the bounds hold; totals stay exact."""
    outbox = Outbox("n1")
    for batch in range(12):
        outbox.add([window((batch * 512 + i) * 60 * 24 * 30) for i in range(512)])
        assert outbox.windows_waiting <= POOL_WINDOWS_MAX
    assert outbox.events_waiting == 12 * 512
    outbox = Outbox("n1")
    for batch in range(4):
        start = START + batch * 60_000
        cells = [Cell(CELL - batch * 10_000 - i, "x", start, start, 1) for i in range(10_000)]
        outbox.add([Window("dispatch", start, 60, 0, {}, {}, cells)])
    outbox.welcome(SyncWelcomed(1, 0))
    seen: list[Window] = []
    while batches := outbox.cut(NOW):
        seen += [item for batch in batches for item in decode_body(batch.body)]
        outbox.stored(1, batches[-1].seq)
    kept = sum(len(item.cells) for item in seen)
    assert 0 < kept <= POOL_CELLS_MAX
    assert kept + sum(item.counters.get("withheld.x", 0) for item in seen) == 40_000


def test_a_clock_that_jumped_ahead_and_back_makes_nothing_old() -> None:
    """What is sealed after the jump goes out by the minute, as before it."""
    outbox = Outbox("n1")
    outbox.welcome(SyncWelcomed(1, 0))
    outbox.add([window(0)])
    outbox.add([window(10 * 365 * 1440)])
    outbox.cut(NOW)
    outbox.add([window(2), window(3)])
    batches = outbox.cut(NOW)
    assert [item.width_s for batch in batches for item in decode_body(batch.body)] == [60, 60]


def test_nothing_that_was_merged_lies_ahead() -> None:
    """However urgent merging is, a window ends at most half as far ahead as the centre takes one."""
    outbox = Outbox("n1")
    for day in range(40):
        outbox.add([window(day * 1440 + 700, cells=2_000)])
    newest = window(39 * 1440 + 700).end
    outbox.welcome(SyncWelcomed(1, 0))
    ends: list[int] = []
    while batches := outbox.cut(NOW):
        ends += [item.end for batch in batches for item in decode_body(batch.body)]
        outbox.stored(1, batches[-1].seq)
    assert len(set(ends)) < 40, "nothing was merged"
    assert newest <= max(ends) <= newest + WINDOW_AHEAD_S_MAX * 500


STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 3000), st.integers(0, 5)),
    st.tuples(st.just("cut"), st.just(0), st.just(0)),
    st.tuples(st.just("ack"), st.integers(0, 12), st.just(0)),
    st.tuples(st.just("epoch"), st.integers(0, 12), st.just(0)),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
)


@given(st.lists(STEPS, max_size=60))
@settings(max_examples=80, deadline=None)
def test_what_goes_in_comes_out_once(steps: list[tuple[str, int, int]]) -> None:
    """Over any sequence of seals, cuts, acknowledgements, new epochs and restarts all sums come out exactly once."""
    outbox, held, put = Outbox("n1"), [], 0
    for what, first, second in steps:
        match what:
            case "add":
                outbox.add([window(first, second)])
                put += second
            case "cut":
                outbox.cut(NOW)
            case "ack":
                through = outbox.through + first
                bodies = {batch.seq: batch.body for batch in outbox.in_flight()}
                outbox.stored(outbox.epoch, through)
                if through in bodies:
                    held += [item for seq, body in bodies.items() if seq <= through for item in decode_body(body)]
            case "epoch":
                bodies = {batch.seq: batch.body for batch in outbox.in_flight()}
                through = min(outbox.through + first, max(bodies, default=0))
                outbox.welcome(SyncWelcomed(outbox.epoch + 1, 0, old_through=through))
                held += [item for seq, body in bodies.items() if seq <= through for item in decode_body(body)]
            case _:
                snapshot = outbox.snapshot()
                outbox = Outbox("n1")
                outbox.restore(snapshot)
                assert outbox.snapshot() == snapshot
        assert len(outbox.in_flight()) <= BATCHES_IN_FLIGHT_MAX
        in_flight_bytes = sum(len(batch.body) for batch in outbox.in_flight())
        assert outbox.backlog_bytes == in_flight_bytes + sum(len(encode(item)) for item in outbox._pool.values())
        assert sum(item.events for item in held) == outbox.events_acked
        assert outbox.events_acked + outbox.events_waiting == put
    outbox.welcome(SyncWelcomed(outbox.epoch + 1, 0))
    assert sums(outbox, held) == (put, put, put)


def test_hello_has_the_state_of_the_outbox() -> None:
    """The hello names what is deleted, what is in flight, and how many events the centre should have."""
    outbox = enrolled()
    outbox.add([window(0, 3)])
    (first,) = outbox.cut(NOW)
    outbox.add([window(1, 4)])
    (second,) = outbox.cut(Now(5.0, START))
    outbox.stored(1, 1)
    hello = outbox.hello("i1", "b1")
    assert (hello.epoch, hello.through, hello.head, hello.in_flight) == (1, 1, first.sha256, [second.sha256])
    assert hello.acked_events == 3
    assert outbox.backlog_bytes == len(second.body)


def test_the_same_windows_give_the_same_batches() -> None:
    """Two outboxes with the same input make the same batches, restarted or not."""
    first, second = enrolled(), enrolled()
    for minute in range(200):
        for side in (first, second):
            side.add([window(minute * 7, cells=minute % 3), window(minute * 7, scenario="other")])
        snapshot = second.snapshot()
        second = Outbox("n1")
        second.restore(snapshot)
        assert first.cut(NOW) == second.cut(NOW)
        if minute % 50 == 49:
            for side in (first, second):
                side.stored(1, side.through + 5)
    assert encode_body([]) == b"\x90"


def test_windows_that_come_together_are_as_old_as_the_newest_is_ahead() -> None:
    """After an outage of the core several are sealed at once: the old ones of them are coarse at once."""
    outbox = Outbox("n1")
    outbox.add([window(0), window(200)])
    assert sorted((item.start - START, item.width_s) for item in outbox._pool.values()) == [(0, 600), (12_000_000, 60)]


def test_the_last_resort_spans_what_it_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where windows of four weeks are still too many, two become one from the begin of the first to the end of the
    last."""
    monkeypatch.setattr(edge.core.outbox, "POOL_WINDOWS_MAX", 1)
    outbox = Outbox("n1")
    outbox.add([window(0)])
    outbox.add([window(60 * 24 * 400)])
    (item,) = outbox._pool.values()
    assert item.start <= START
    assert item.end >= window(60 * 24 * 400).end
    assert item.events == 2
