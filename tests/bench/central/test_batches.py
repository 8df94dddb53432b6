"""Batches of the benchmark are ones that a centre takes, with the figures that it names."""

from bench.central.batches import BUSY, MARK, SMALL, Chain, Maker
from bench.central.sizes import counters_of
from central.ingest.admit import Bounds, admit
from central.ingest.verify import NodeRecord, check, taken, unpack
from tests.central.stores import START


def test_a_chain_is_taken_batch_by_batch() -> None:
    """Numbers, hashes and contents are right, and each batch has its mark once."""
    for shape, windows in ((BUSY, 2), (SMALL, 1)):
        maker, chain = Maker(shape), Chain()
        record = NodeRecord(node="n1", instance="i1", boot="b1", epoch=1)
        for minute in range(70):
            batch = maker.batch(chain, START + minute * 60_000)
            assert check(record, batch, lambda epoch, seq: None) == ""
            found = unpack(batch)
            assert len(found) == windows
            assert sum(len(window.counters) for window in found) == counters_of(shape)
            assert sum(window.counters.get(MARK, 0) for window in found) == 1
            assert {len(window.measures) for window in found} == {shape.sketches}
            bounds = Bounds(k_anonymity=5, rows_per_day_max=2**40)
            record = admit(taken(record, batch, found), found, bounds, START).record
