"""A PostgreSQL for tests: killed and started again it has what was committed."""

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
