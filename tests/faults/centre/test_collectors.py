"""Two collectors on one PostgreSQL: a connection, a collector or the server dies; each batch counts once (row 11)."""

import random
from collections.abc import Iterator

import pytest

from bench.central.collectors import Collectors
from bench.lab.postgresql import Postgresql
from tests.faults.support.collectors import BATCHES, NODES, cut_once, kept
from tests.faults.support.people import Outcome

STATEMENTS = 40
"""More than a collector makes for these batches: what comes after the last one kills nothing."""

KILLS = 30


@pytest.fixture(scope="module")
def server() -> Iterator[Postgresql]:
    with Postgresql() as made:
        yield made


def end_backends(server: Postgresql, database: str) -> None:
    """Every connection to it ends."""
    server.sql(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'")


def test_a_backend_that_ends_at_each_statement(server, few, report):
    """Its transaction is kept or not; what is sent again is recognised, so nothing is lost and nothing doubled, in any
    tier."""
    driven = 0
    for n, after in few([(n, after) for n in range(1, STATEMENTS + 1) for after in (False, True)], 7):
        database = f"cut_{n}_{int(after)}"
        driven += cut_once(server, database, lambda database=database: end_backends(server, database), n, after)
    assert driven, "nothing was cut: this proves nothing"
    report(Outcome(driven, driven * NODES * BATCHES, 0, 0, 0.0, 0, "on one PostgreSQL"))


async def test_kills_of_collectors_backends_and_postgresql(tmp_path, few, report):
    """Two collectors, nodes that send without a pause: a collector, the connections, or the server is killed, again and
    again. The nodes go to the other collector, and every batch counts once."""
    chance = random.Random(1)
    with Postgresql() as server:

        def collector(collectors: Collectors) -> None:
            process = chance.choice(collectors.processes)
            process.kill()
            process.start()

        def restarted(_: Collectors) -> None:
            server.kill()
            server.start()

        kinds = [collector, lambda _: end_backends(server, "centre"), restarted]
        kills = few(kinds * (KILLS // 3), 3)
        sent, longest_s = await kept(tmp_path, server, kills)
    report(Outcome(len(kills), sent, 0, 0, longest_s, 0, "two collectors on one PostgreSQL"))
