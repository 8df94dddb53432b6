"""Collectors on one PostgreSQL while something dies: at a statement of one of them, or at any instant of two."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.central.batches import MARK, SMALL, Maker
from bench.central.collectors import Collectors
from bench.central.nodes import BenchNode
from bench.lab.postgresql import Postgresql
from central.ingest.admit import Bounds
from central.ingest.validate import store_all
from central.store.engine.driver import StoreLost
from central.store.open import open_reader, open_store
from central.store.store import Store
from edge.messages.batches import SYNC_BATCH, decode_ack, encode
from edge.mqtt.seam import Publish
from tests.central.stores import START, hello
from tests.waiting import until

NODES, BATCHES = 4, 3
BOUNDS = Bounds(k_anonymity=2, rows_per_day_max=10**9)
SETTLE_S = 120.0
SENT_BETWEEN = 20


class Cut:
    """A driver under which something ends before, or after, its n-th statement."""

    def __init__(self, store: Store, end: Callable[[], object], n: int, after: bool) -> None:
        self._driver: Any = store.driver
        self._how, self._left, self._after = end, n, after
        self.cut = False
        store.driver = self  # type: ignore[assignment]
        store.sums._driver = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def _end(self) -> None:
        self.cut = True
        self._how()

    def _counted(self, name: str, *words: Any) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            self._end()
        outcome = getattr(self._driver, name)(*words)
        if self._left == 0 and self._after:
            self._end()
        return outcome

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Any:
        return self._counted("rows", sql, values)

    def run(self, sql: str, values: Sequence[Any] = ()) -> Any:
        return self._counted("run", sql, values)

    def run_many(self, sql: str, values: Sequence[Any]) -> Any:
        return self._counted("run_many", sql, values)

    def insert(self, table: str, columns: str, values: Sequence[Any]) -> Any:
        return self._counted("insert", table, columns, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The commit is a statement, too: cut after it, whether it was done is not known."""
        with self._driver.transaction():
            yield
        self._counted("rows", "select 1")


def publishes(seq: int, chains: dict[str, Any], maker: Maker) -> list[Publish]:
    """The next batch of each node."""
    return [
        Publish(name, SYNC_BATCH, encode(maker.batch(node.chain, START + seq * 60_000)), 1, 1)
        for name, node in chains.items()
    ]


def cut_once(server: Postgresql, database: str, end: Callable[[], object], n: int, after: bool) -> bool:
    """A collector's store whose n-th statement is cut: every batch counts once, in each tier. Whether it was."""
    store = open_store(server.make_database(database), password=server.password)
    names = [f"n{number}" for number in range(NODES)]
    nodes = {name: BenchNode(name, ["mqtt://none:1"], lambda *_: None, 1) for name in names}
    maker = Maker(SMALL)
    again(store, [hello(name) for name in names])
    cut = Cut(store, end, n, after)
    for seq in range(BATCHES):
        outcomes = again(store, publishes(seq, nodes, maker))
        acks = [decode_ack(outcome.payload) for outcome in outcomes]
        assert [(ack.refused, ack.through) for ack in acks] == [("", seq + 1)] * NODES
        rolled(store)
    reader = open_reader(server.url(database), password=server.password)
    for until_ms in (2 * START, START + 30 * 60_000):
        assert reader.summary(0, until_ms)["counters"]["dispatch"][MARK] == NODES * BATCHES
    assert [node["batches"] for node in reader.nodes()] == [BATCHES] * NODES
    reader.close()
    store.close()
    return cut.cut


def again(store: Store, wanted: list[Publish]) -> list[Any]:
    """As a collector does: once more until it is known to be stored."""
    while True:
        try:
            return store_all(store, wanted, lambda: START, BOUNDS)
        except StoreLost:
            continue


def rolled(store: Store) -> None:
    """Sum up, likewise."""
    while True:
        try:
            while store.roll(0):
                pass
        except StoreLost:
            continue
        return


async def kept(
    folder: Path, server: Postgresql, faults: Sequence[Callable[[Collectors], object]], seed: int = 1
) -> tuple[int, float]:
    """Two collectors, nodes that send without a pause, one fault after the other: every batch counts once. Returns how
    many there were, and the longest that one waited (s)."""
    chance, longest_s = random.Random(seed), 0.0
    collectors = Collectors(folder, server, 2)
    await asyncio.to_thread(collectors.start)
    maker, stopped = Maker(SMALL), False

    def stored(node: BenchNode, due: float, now: float) -> None:
        nonlocal longest_s
        longest_s = max(longest_s, now - due)
        if not stopped:
            node.send(maker.batch(node.chain, START + node.chain.seq * 60_000), now)

    nodes = [BenchNode(f"n{n}", collectors.turned(n), stored, n) for n in range(6)]
    tasks = [asyncio.create_task(node.link.run()) for node in nodes]
    try:
        await until(lambda: all(node.is_welcome for node in nodes))
        for node in nodes:
            node.send(maker.batch(node.chain, START), asyncio.get_running_loop().time())
        for fault in faults:
            before = sum(node.acked for node in nodes)
            await until(lambda before=before: sum(node.acked for node in nodes) > before + SENT_BETWEEN)
            await asyncio.sleep(chance.random() / 10)
            await asyncio.to_thread(fault, collectors)
        before = sum(node.acked for node in nodes)
        await until(lambda: sum(node.acked for node in nodes) > before + SENT_BETWEEN)
        stopped = True
        deadline = time.monotonic() + SETTLE_S
        while any(node.waiting for node in nodes):
            assert time.monotonic() < deadline, "the collectors did not acknowledge everything"
            await asyncio.sleep(0.02)
        reader = collectors.reader()
        stored_marks = reader.summary(0, 2**47)["counters"]["dispatch"][MARK]
        sent = sum(node.chain.seq for node in nodes)
        assert stored_marks == sent == sum(node["batches"] for node in reader.nodes())
        assert not any(node["alarms"] for node in reader.nodes())
        reader.close()
        assert sum(node.refused for node in nodes) == 0
    finally:
        await asyncio.gather(*(node.link.stop() for node in nodes))
        await asyncio.gather(*tasks)
        collectors.stop()
    return sent, longest_s
