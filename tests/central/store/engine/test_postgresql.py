"""PostgreSQL: what only it does. The contract that it shares with SQLite is in tests/central/store."""

import time
from itertools import count
from pathlib import Path

import pytest

from bench.lab.postgresql import Postgresql as Server
from central.ingest.verify import NodeRecord
from central.store.engine.driver import StoreFailed, StoreLost, StoreRefused
from central.store.engine.migrations import MIGRATIONS
from central.store.engine.postgresql import Postgresql
from central.store.engine.schema import VERSION
from central.store.open import open_reader, open_store
from central.store.prune import Kept, prune
from central.store.tiers import DAY_MS
from edge.errors import JournalError
from edge.messages.batches import Window
from tests.central.stores import HOUR_MS, START, merge, record, roll_all, windows

_numbers = count(1)


@pytest.fixture
def url(postgresql: Server) -> str:
    return postgresql.make_database(f"engine{next(_numbers)}")


def test_who_only_reads_finds_the_server_that_takes_writes(postgresql: Server, url: str) -> None:
    """By the URL that finds it after a promotion, though the reader's own session takes none."""
    assert Postgresql(f"{url}?target_session_attrs=read-write", postgresql.password).rows("select 1") == [(1,)]
    reader = Postgresql(f"{url}?target_session_attrs=read-write", postgresql.password, readonly=True)
    assert reader.rows("select 1") == [(1,)]
    with pytest.raises(StoreLost), reader.transaction():
        reader.run("create table t(x int)")


def test_a_lost_connection_is_made_anew(postgresql: Server, url: str) -> None:
    """The backend is killed between transactions and in one: what was under way is not kept, and the next one works."""
    store = open_store(url, password=postgresql.password)
    other = Postgresql(url, postgresql.password)
    end = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = ?"
    name = url.rpartition("/")[2]
    for seq in range(1, 4):
        other.rows(end, (name,))
        with pytest.raises(StoreLost):
            merge(store, seq, windows(seq))
        with pytest.raises(StoreLost), store.group(["n1"], ["n1"]):
            other.rows(end, (name,))
        merge(store, seq, windows(seq))
    known = record(store)
    assert known is not None
    assert (known.through, known.events) == (3, 18)
    other.close()
    store.close()


def test_a_newer_database_is_left_alone(postgresql: Server, url: str) -> None:
    """And so is one that this version has made itself."""
    open_store(url, password=postgresql.password).close()
    open_store(url, password=postgresql.password).close()
    postgresql.sql(f"update doorstep set version = {VERSION + 1}", url.rpartition("/")[2])
    with pytest.raises(JournalError, match="made by a newer doorstep"):
        open_store(url, password=postgresql.password)


def test_what_is_wrong_is_named_without_the_password(postgresql: Server, url: str) -> None:
    """A wrong password, a server that is not there."""
    for where, password in ((url, "not-this-one"), (url.replace(str(postgresql.port), "1"), postgresql.password)):
        with pytest.raises(JournalError, match="The store cannot be opened") as raised:
            open_store(where, password=password)
        assert password not in str(raised.value)


def test_readers_cannot_write(postgresql: Server, url: str) -> None:
    """Not even by mistake."""
    open_store(url, password=postgresql.password).close()
    reader = Postgresql(url, postgresql.password, readonly=True)
    with pytest.raises((StoreFailed, StoreLost, StoreRefused)):
        reader.run("delete from node")
    reader.close()


def test_a_reading_role_reads_and_no_more(postgresql: Server, url: str) -> None:
    """A role doorstep_reader that exists before the tables may read all of them, also those of later days."""
    postgresql.sql("drop role if exists doorstep_reader")
    postgresql.sql(f"create role doorstep_reader login password '{postgresql.password}'")
    store = open_store(url, password=postgresql.password)
    store.driver.prepare_days(START)
    merge(store, 1, windows(1))
    theirs = url.replace("doorstep_writer@", "doorstep_reader@")
    reader = open_reader(theirs, password=postgresql.password)
    assert reader.summary(0, 2 * START)["events"] == 6
    with pytest.raises(JournalError, match="permission denied"):
        open_store(theirs, password=postgresql.password)
    reader.close()
    store.close()
    postgresql.sql("drop owned by doorstep_reader", url.rpartition("/")[2])
    postgresql.sql("drop role doorstep_reader")


def test_minutes_are_in_a_partition_for_each_day_and_go_with_it(postgresql: Server, url: str) -> None:
    """Old days go by dropping their partitions; a day that has none yet loses nothing."""
    store = open_store(url, password=postgresql.password)
    merge(store, 1, [Window("dispatch", START, 60, 1, {}, {}, [])], at=START - 5 * DAY_MS)
    for day in range(3):
        store.driver.prepare_days(START + day * DAY_MS)
        merge(store, day + 2, windows(1), at=START + day * DAY_MS)
    roll_all(store)
    rest = store.driver.rows("select count(*) from minute_rest")
    assert rest == [(1,)]
    kept = Kept(minute=DAY_MS, hour=1000 * DAY_MS, day=1000 * DAY_MS)
    gone = sum(sum(prune(store, START + hour * HOUR_MS, 2 * HOUR_MS, kept)) for hour in range(0, 76, 2))
    assert gone > 0
    left = store.driver.rows("select distinct at from minute order by at")
    assert left == [(START + 2 * DAY_MS,)]
    reader = open_reader(url, password=postgresql.password)
    assert reader.summary(0, 2 * START)["events"] == 19
    reader.close()
    store.close()


def test_only_one_process_prunes(postgresql: Server, url: str) -> None:
    """Until it is gone."""
    open_store(url, password=postgresql.password).close()
    first, second = (Postgresql(url, postgresql.password) for _ in range(2))
    assert (first.leads(), second.leads(), first.leads()) == (True, False, True)
    first.close()
    deadline = time.monotonic() + 30
    while not second.leads():
        assert time.monotonic() < deadline
    second.close()


def test_statements_lead_from_each_version_to_the_next() -> None:
    """Migrations go forwards, without a gap, up to the version of this code."""
    assert list(MIGRATIONS) == list(range(4, VERSION + 1))


def test_two_collectors_never_store_a_batch_twice(postgresql: Server, url: str) -> None:
    """The one that comes second waits for the other's transaction, and sees the batch as it is then."""
    import threading

    first, second = (open_store(url, password=postgresql.password) for _ in range(2))
    merge(first, 1, windows(1))
    seen: list[int] = []

    def take() -> None:
        known = record(second)
        seen.append(known.through if known else -1)

    thread = threading.Thread(target=take)
    with first.group(["n1"]) as group:
        thread.start()
        known = group.record("n1")
        assert known is not None
        thread.join(0.2)
        assert seen == []
        known = group.known["n1"]
        known.changed = True
        known.record = NodeRecord(node="n1", instance="i1", boot="b1", epoch=1, through=9)
    thread.join()
    assert seen == [9]
    first.close()
    second.close()


def test_a_database_of_someone_else_is_not_one_of_ours(postgresql: Server, tmp_path: Path) -> None:
    """A URL that names no database of this server is refused with what to check."""
    with pytest.raises(JournalError, match="pg_hba"):
        open_store(postgresql.url("nowhere"), password=postgresql.password)
