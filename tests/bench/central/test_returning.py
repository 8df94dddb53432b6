"""What a node has after a while without a centre, and in which sequence it sends that."""

from bench.central.batches import MARK, SMALL, Maker
from bench.central.returning import MINUTE_MS, ReturningNode, merged
from edge.core.model import SyncAcked, SyncWelcomed
from edge.messages.batches import Window, decode_body

START = 1_767_225_600_000
MINUTES = 24 * 60


def seen(windows: list[Window]) -> int:
    """Minutes in these windows."""
    return sum(window.counters.get(MARK, 0) for window in windows)


def test_a_day_is_merged_as_an_outbox_merges_it() -> None:
    """The last two hours by the minute, what is older by ten of them; every minute is in it once."""
    day = merged(Maker(SMALL), START, MINUTES, 0)
    assert seen(day) == MINUTES
    assert {window.width_s for window in day} == {60, 600}
    assert 120 + 22 * 6 <= len(day) <= 120 + 22 * 6 + 2


def test_a_fresh_minute_is_in_the_next_batch() -> None:
    """Before what is older; it has its lag when the centre has taken it, and in the end the centre has everything."""
    maker, lags = Maker(SMALL), list[float]()
    node = ReturningNode("n", ["mqtt://none:1"], merged(maker, START, 300, 0), lags.append)
    node.sync._post(SyncWelcomed(1, 0))
    batches = node.sync._batches()
    node.seal(maker.windows(START + 300 * MINUTE_MS, 0))
    fresh = node.sync._batches()[len(batches)]
    assert max(window.start for window in decode_body(fresh.body)) == START + 300 * MINUTE_MS
    total = 0
    while not node.is_empty:
        total += sum(seen(decode_body(batch.body)) for batch in node.sync._batches())
        node.sync._post(SyncAcked(1, node.sync._batches()[-1].seq))
    assert (total, len(lags), node.was_drained) == (301, 1, True)
