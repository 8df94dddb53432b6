"""PostgreSQL dies for good, and its synchronous standby is promoted: each batch counts once (row 11)."""

import random

from bench.lab.postgresql import Postgresql
from tests.faults.support.collectors import BATCHES, NODES, cut_once, kept
from tests.faults.support.people import Outcome

STATEMENTS = range(3, 22, 3)
"""Of a collector: some of each transaction that it makes."""

KILLS = 8


def promoted(server: Postgresql) -> None:
    """SIGKILL, and nobody starts it again."""
    server.kill()
    assert server.standby is not None
    server.standby.promote()


def test_a_standby_that_is_promoted_at_a_statement(few, report):
    """What was committed is there, what was not is sent again: the collector finds the server that takes writes."""
    driven = 0
    for n, after in few([(n, after) for n in STATEMENTS for after in (False, True)], 1):
        with Postgresql() as server:
            server.add_standby()
            driven += cut_once(server, "cut", lambda server=server: promoted(server), n, after)
    assert driven, "nothing was cut: this proves nothing"
    report(Outcome(driven, driven * NODES * BATCHES, 0, 0, 0.0, 0, "on PostgreSQL with a synchronous standby"))


async def test_a_standby_that_is_promoted_under_load(tmp_path, few, report):
    """Whenever the server dies between, in or after its commits: no acknowledged batch is missing there, and none that
    is sent again counts twice."""
    total, longest_s, chance = 0, 0.0, random.Random(2)
    kills = few(range(KILLS), 1)
    for number in kills:
        with Postgresql() as server:
            server.add_standby()
            sent, waited_s = await kept(
                tmp_path / f"{number}", server, [lambda _, server=server: promoted(server)], chance.randrange(1000)
            )
        total, longest_s = total + sent, max(longest_s, waited_s)
    report(Outcome(len(kills), total, 0, 0, longest_s, 0, "two collectors on PostgreSQL with a synchronous standby"))
