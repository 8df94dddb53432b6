"""What nodes send beside their batches: statements and counts of ledgers, kept once, bounded, of themselves only."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from central.ingest.admit import Bounds
from central.store import store as stores
from central.store.open import open_reader, open_store
from central.store.store import Store
from edge.errors import Reason
from edge.messages.batches import NO_BATCH
from edge.messages.sync.ledger import SYNC_LEDGER, LedgerCounts, ShopDay, encode
from edge.messages.sync.shops import ShopCounts, ShopTable
from edge.messages.sync.statement import SYNC_STATEMENT, SignedStatement, Statement
from edge.mqtt.seam import Publish
from tests.central.stores import START, ask, hello

STATEMENT = Statement(node="n1", number=1, day=20_454, at=START, epoch=1, through=1, history=NO_BATCH)
DAY = ShopDay(shop="noodle-bar", date="2026-01-31", at=5, here=9, there=8, missing_there=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Of a centre that knows n1."""
    made = open_store(tmp_path)
    ask(made, hello("n1"))
    yield made
    made.close()


def state(store: Store, statement: Statement, client: str = "n1", body: bytes = b"") -> str:
    """Why a statement is not taken; empty where it is."""
    payload = encode(SignedStatement(body=body or encode(statement)))
    return ask(store, Publish(client, SYNC_STATEMENT, payload, 1, 1)).reason


def count(store: Store, *days: ShopDay, client: str = "n1", bounds: Bounds | None = None) -> str:
    """The same of counts of ledgers."""
    publish = Publish(client, SYNC_LEDGER, encode(LedgerCounts(days=list(days))), 1, 1)
    return ask(store, publish, lambda: START, bounds or Bounds(k_anonymity=2, rows_per_day_max=10**6)).reason


def test_a_statement_is_kept_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it comes; the oldest go beyond the bound."""
    for _ in range(2):
        assert state(store, STATEMENT) == ""
    assert store.driver.rows("select count(*) from statement") == [(1,)]
    monkeypatch.setattr(stores, "STATEMENTS_PER_NODE_MAX", 3)
    for number in range(2, 9):
        publish = Publish("n1", SYNC_STATEMENT, encode(SignedStatement(body=encode(change(number)))), 1, 1)
        assert ask(store, publish, lambda at=number: START + at).reason == ""
    assert store.driver.rows("select count(*) from statement") == [(3,)]


def change(number: int) -> Statement:
    """Another one."""
    return msgspec.structs.replace(STATEMENT, number=number)


@pytest.mark.parametrize(
    ("statement", "client", "body", "reason"),
    [
        (STATEMENT, "n2", b"", Reason.NOT_YOURS),
        (msgspec.structs.replace(STATEMENT, node="n2"), "n2", b"", Reason.NOT_ALLOWED),
        (STATEMENT, "n1", b"\x00", Reason.MALFORMED),
        (msgspec.structs.replace(STATEMENT, windows=b"x" * 17), "n1", b"", Reason.MALFORMED),
        (msgspec.structs.replace(STATEMENT, windows=b"x"), "n1", b"", Reason.MALFORMED),
    ],
)
def test_other_statements_are_refused(
    store: Store, statement: Statement, client: str, body: bytes, reason: Reason
) -> None:
    """Of another node, of one that never came, and what cannot be read."""
    if client == "n2" and statement.node == "n1":
        ask(store, hello("n2"))
    assert state(store, statement, client, body) == reason
    assert store.driver.rows("select count(*) from statement") == [(0,)]


def test_the_latest_comparison_of_a_day_counts(store: Store, tmp_path: Path) -> None:
    """The same twice is once, an earlier one changes nothing; the latest day comes first."""
    other = msgspec.structs.replace(DAY, date="2026-02-01")
    better = msgspec.structs.replace(DAY, at=6, missing_there=0)
    for days in ([DAY, other], [DAY], [better], [DAY]):
        assert count(store, *days) == ""
    reader = open_reader(tmp_path)
    found = reader.ledger("2026-01-01", "2026-12-31")
    assert [(each["node"], each["date"], each["missing_there"]) for each in found] == [
        ("n1", "2026-02-01", 1),
        ("n1", "2026-01-31", 0),
    ]
    assert reader.ledger("2026-03-01", "2026-12-31") == []
    reader.close()


def test_counts_of_ledgers_have_their_price(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are rows of the node's day; beyond the bound the oldest go; a node that never came has none."""
    assert count(store, DAY, client="n9") == Reason.NOT_ALLOWED
    tight = Bounds(k_anonymity=2, rows_per_day_max=2)
    assert count(store, DAY, bounds=tight) == ""
    assert count(store, DAY, DAY, bounds=tight) == Reason.OVER_QUOTA
    monkeypatch.setattr(stores, "LEDGER_DAYS_PER_NODE_MAX", 2)
    days = [msgspec.structs.replace(DAY, date=f"2026-01-{day}") for day in (11, 12, 13)]
    assert count(store, *days) == ""
    assert store.driver.rows("select date from ledger order by date") == [("2026-01-13",), ("2026-01-31",)]


def test_figures_of_shops_are_kept_with_their_statement(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, however often it comes; a restored node's statement of the same day takes the place of the one before, what
    comes late to a day is added; shops with fewer people than the centre asks for are not named; bounded."""
    table = ShopTable("dispatch", ["order.placed"], [ShopCounts("noodles", 2, [9]), ShopCounts("tea", 1, [4])])
    stated = msgspec.structs.replace(STATEMENT, instance="i1", shops=[table], shops_since=5)
    again = msgspec.structs.replace(stated, number=2)
    late = msgspec.structs.replace(stated, number=3, shops_since=6)
    for each in (stated, stated, again, late):
        assert state(store, each) == ""
    rows = store.driver.rows("select node, day, instance, since, message from shops order by since")
    assert [row[:4] for row in rows] == [("n1", 20_454, "i1", since) for since in (5, 6)]
    (kept,) = msgspec.msgpack.decode(rows[0][4], type=list[ShopTable])
    assert [each.shop for each in kept.shops] == ["noodles", ""]
    assert store.driver.rows("select count(*) from statement") == [(3,)]
    wrong = ShopTable("dispatch", ["order.placed"], [ShopCounts("noodles", 2, [])])
    assert state(store, msgspec.structs.replace(stated, shops=[wrong])) == Reason.MALFORMED
    monkeypatch.setattr(stores, "SHOP_DAYS_PER_NODE_MAX", 2)
    for day in (20_450, 20_456):
        assert state(store, msgspec.structs.replace(stated, day=day)) == ""
    assert store.driver.rows("select day, since from shops order by day") == [(20_454, 6), (20_456, 5)]
