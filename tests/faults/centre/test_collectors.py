"""Two collectors on one PostgreSQL: a connection, a collector or the server dies; each batch counts once (row 11)."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

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
from tests.faults.support.people import Outcome
from tests.waiting import until

NODES, BATCHES = 4, 3
BOUNDS = Bounds(k_anonymity=2, rows_per_day_max=10**9)
STATEMENTS = 40
"""More than a collector makes for these batches: what comes after the last one kills nothing."""

KILLS = 30
SETTLE_S = 120.0


class Cut:
    """A driver whose backend is ended before, or after, its n-th statement."""

    def __init__(self, store: Store, server: Postgresql, database: str, n: int, after: bool) -> None:
        self._driver: Any = store.driver
        self._server, self._database, self._left, self._after = server, database, n, after
        self.cut = False
        store.driver = self  # type: ignore[assignment]
        store.sums._driver = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def _end(self) -> None:
        self.cut = True
        sql = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{self._database}'"
        self._server.sql(sql)

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


@pytest.fixture(scope="module")
def server() -> Iterator[Postgresql]:
    with Postgresql() as made:
        yield made


def test_a_backend_that_ends_at_each_statement(server, few, report):
    """Its transaction is kept or not; what is sent again is recognised, so nothing is lost and nothing doubled, in any
    tier."""
    driven = 0
    for case in few([(n, after) for n in range(1, STATEMENTS + 1) for after in (False, True)], 7):
        n, after = case
        database = f"cut_{n}_{int(after)}"
        store = open_store(server.make_database(database), password=server.password)
        names = [f"n{number}" for number in range(NODES)]
        nodes = {name: BenchNode(name, ["mqtt://none:1"], lambda *_: None, 1) for name in names}
        maker = Maker(SMALL)
        again(store, [hello(name) for name in names])
        cut = Cut(store, server, database, n, after)
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
        driven += cut.cut
    assert driven, "nothing was cut: this proves nothing"
    report(Outcome(driven, driven * NODES * BATCHES, 0, 0, 0.0, 0, "on one PostgreSQL"))


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


async def test_kills_of_collectors_backends_and_postgresql(tmp_path, few, report):
    """Two collectors, nodes that send without a pause: a collector, the connections, or the server is killed, again and
    again. The nodes go to the other collector, and every batch counts once."""
    kills = few(["collector", "backends", "server"] * (KILLS // 3), 3)
    chance, longest_s = random.Random(1), 0.0
    with Postgresql() as server:
        collectors = Collectors(tmp_path, server, 2)
        await asyncio.to_thread(collectors.start)
        maker, stopped = Maker(SMALL), False

        def stored(node: BenchNode, due: float, now: float) -> None:
            nonlocal longest_s
            longest_s = max(longest_s, now - due)
            if not stopped:
                node.send(maker.batch(node.chain, START + node.chain.seq * 60_000), now)

        urls = collectors.urls
        nodes = [BenchNode(f"n{n}", urls[n % 2 :] + urls[: n % 2], stored, n) for n in range(6)]
        tasks = [asyncio.create_task(node.link.run()) for node in nodes]
        try:
            await until(lambda: all(node.is_welcome for node in nodes))
            for node in nodes:
                node.send(maker.batch(node.chain, START), asyncio.get_running_loop().time())
            for kill in kills:
                before = sum(node.acked for node in nodes)
                await until(lambda before=before: sum(node.acked for node in nodes) > before + 20)
                await asyncio.sleep(chance.random() / 10)
                if kill == "collector":
                    process = chance.choice(collectors.processes)
                    await asyncio.to_thread(process.kill)
                    await asyncio.to_thread(process.start)
                elif kill == "backends":
                    sql = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'centre'"
                    await asyncio.to_thread(server.sql, sql)
                else:
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)
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
    report(Outcome(len(kills), sent, 0, 0, longest_s, 0, "two collectors on one PostgreSQL"))
