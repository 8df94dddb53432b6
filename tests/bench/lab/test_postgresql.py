"""A PostgreSQL for tests: killed and started again it has what was committed."""

import psycopg

from bench.lab.postgresql import Postgresql


def test_what_was_committed_survives_a_kill() -> None:
    """The server runs with a password, keeps its port over a kill, and takes its data away with it."""
    with Postgresql() as server:
        name = server.make_database("one").rpartition("/")[2]
        server.sql("create table t(x int)", name)
        server.sql("insert into t values (7)", name)
        port = server.port
        server.kill()
        server.start()
        assert server.port == port
        assert server.sql("select x from t", name) == [(7,)]
        assert server.password not in server.output()
    assert not server.folder.exists()


def test_a_synchronous_standby_has_every_commit() -> None:
    """It takes writes once it is promoted, and the URL leads to whichever does."""
    with Postgresql() as server:
        standby = server.add_standby()
        server.sql("create table t(x int)")
        server.sql("insert into t values (7)")
        server.kill()
        standby.promote()
        standby.sql("insert into t values (8)")
        assert standby.sql("select x from t order by x") == [(7,), (8,)]
        with psycopg.connect(server.url(), password=server.password) as db:
            assert db.execute("select x from t order by x").fetchall() == [(7,), (8,)]
    assert not standby.folder.exists()
