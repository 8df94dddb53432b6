"""The centre's HTTP: what it answers, whom it refuses, and its answers to bad parameters."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from central.api import app
from central.fleet.watch import Watch
from central.ingest.verify import Alarm, NodeRecord, taken
from central.store.engine.driver import StoreLost
from central.store.open import open_reader, open_store
from central.store.reader import Reader
from edge.messages.batches import NO_BATCH, BatchMessage, Cell, Measure, Window, fold

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
CELL = 613344508561588223


class Client:
    """Asks the application without a socket."""

    def __init__(self, application: Starlette, base_url: str) -> None:
        self._application, self._base_url = application, base_url

    def get(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._application)
            async with httpx.AsyncClient(transport=transport, base_url=self._base_url) as client:
                return await client.get(path, params=params, headers=headers)

        return asyncio.run(ask())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with one node, one batch and one alarm."""
    store = open_store(tmp_path)
    measures = {"ms": Measure(3, 60, fold(b"", [10, 20, 30]))}
    window = Window("dispatch", START, 60, 5, {"x": 5}, measures, [Cell(CELL, "x", START, START + 60_000, 5)])
    record = NodeRecord(node="n1", instance="i1", boot="b1", epoch=1)
    batch = BatchMessage(epoch=1, seq=1, sha256=bytes(32), previous=NO_BATCH, body=b"xyz", history=NO_BATCH)
    with store.group(["n1"], ["n1"]) as group:
        group.merge(taken(record, batch, [window]), batch, [window], START)
        group.refused("n1", Alarm("mismatch", "detail", 2), START)
    store.close()
    return tmp_path


NOW_MS = START + 60_000


class Wrong:
    """The centre's present health."""

    sentence = ""


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    reader = open_reader(folder)
    watch = Watch(reader, dict, list, lambda: START + 60_000)
    gauges = {"jobs_waiting": 2.0}
    application = app(reader, lambda: Wrong.sentence, lambda: gauges, "", lambda: NOW_MS, fleet=watch.fleet)
    yield Client(application, base_url="http://127.0.0.1:8090")
    reader.close()


def test_nodes_are_listed_with_their_alarms(client: Client) -> None:
    """Each node states where it stands and what is wrong with it."""
    (node,) = client.get("/api/nodes").json()["nodes"]
    assert (node["node"], node["epoch"], node["through"], node["events"], node["bytes"]) == ("n1", 1, 1, 5, 3)
    assert node["alarms"] == [{"at": START, "kind": "mismatch", "detail": "detail", "events": 2}]
    (health,) = client.get("/api/nodes").json()["health"]
    assert (health["node"], health["state"], health["behind_s"]) == ("n1", "current", 60)


@pytest.mark.parametrize(
    "query",
    [
        {"from": str(START), "to": str(START + 1)},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:01:00Z"},
        {"from": "2026-01-01T08:00:00+08:00", "to": "2026-01-02"},
        {"from": "0", "to": str(2 * START)},
    ],
)
def test_a_summary_takes_both_ways_to_write_a_time(client: Client, query: dict[str, str]) -> None:
    """Milliseconds and ISO 8601, with and without an offset, ask for the same windows."""
    summary = client.get("/api/summary", params=query).json()
    assert summary["events"] == 5
    assert summary["counters"] == {"dispatch": {"x": 5}}
    assert summary["measures"]["dispatch"]["ms"]["p50"] == 20
    assert summary["cells"] == [{"scenario": "dispatch", "cell": f"{CELL:x}", "name": "x", "count": 5}]


def test_without_parameters_a_summary_is_of_the_last_day(client: Client) -> None:
    """The default range ends now, by the centre's clock, and lasts a day; that of ledgers is of 30."""
    summary = client.get("/api/summary").json()
    assert (summary["from"], summary["to"]) == (NOW_MS + 1 - 86_400_000, NOW_MS + 1)
    ledger = client.get("/api/ledger").json()
    assert (ledger["from"], ledger["to"]) == ("2025-12-02", "2026-01-02")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("to=-1", "to"),
        ("to=99999999999999999999999", "to"),
        ("from=5&to=5", "from"),
        ("to=%00", "to"),
        ("form=5", "form"),
        ("to=9999-99-99", "to"),
        ("from=²", "from"),
    ],
)
def test_a_bad_parameter_is_named_with_a_hint(client: Client, query: str, field: str) -> None:
    """400 names the field and what to write."""
    answer = client.get(f"/api/summary?{query}")
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert answer.json()["hint"]


def test_health_is_honest(client: Client) -> None:
    """503 and a sentence while batches are not stored."""
    assert client.get("/healthz").status_code == 200
    Wrong.sentence = "The disk is full."
    try:
        answer = client.get("/healthz")
    finally:
        Wrong.sentence = ""
    assert (answer.status_code, answer.json()["sentence"]) == (503, "The disk is full.")


def test_a_store_that_cannot_be_reached_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 and a sentence, not a failure of the centre's own."""

    def lost(*_: object) -> None:
        raise StoreLost("The server is not there.")

    monkeypatch.setattr(Reader, "summary", lost)
    answer = client.get("/api/summary")
    assert (answer.status_code, answer.json()["hint"]) == (503, "The server is not there. Ask again in a moment.")


def test_metrics_are_prometheus_text(client: Client) -> None:
    """Batches, events, bytes and alarms, for each node."""
    text = client.get("/metrics").text
    assert 'doorstep_central_batches_total{node="n1",result="stored"} 1.0' in text
    assert 'doorstep_central_events_total{node="n1"} 5.0' in text
    assert 'doorstep_central_alarms{kind="mismatch"} 1.0' in text
    assert "doorstep_central_jobs_waiting 2.0" in text
    assert 'doorstep_central_nodes{state="current"} 1.0' in text
    assert 'doorstep_central_node_behind_seconds{node="n1",state="current"} 60.0' in text


def test_foreign_names_are_refused(client: Client) -> None:
    """A page elsewhere cannot read the API through a host name of its own."""
    assert client.get("/api/nodes", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/api/nodes", headers={"Host": "localhost:8090"}).status_code == 200


def test_a_token_is_asked_for_where_there_is_one(folder: Path) -> None:
    """Without the right token nothing is answered, with it everything, under any name."""
    reader = open_reader(folder)
    client = Client(app(reader, lambda: "", dict, "secret", lambda: NOW_MS), base_url="http://centre.example")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "secret"}):
        answer = client.get("/api/nodes", headers=headers)
        assert answer.status_code == 401
        assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert client.get("/api/nodes", headers={"Authorization": "Bearer secret"}).status_code == 200
    reader.close()


def test_both_sides_of_a_day_and_ledgers_are_answered(client: Client) -> None:
    """What the node has not stated yet is unknown; a node or a day that is none is named."""
    found = client.get("/api/reconciliation", {"node": "n1", "day": "2026-01-01"})
    assert (found.status_code, found.json()["agrees"], found.json()["windows_centre"]) == (200, None, 0)
    for query, field in (({"node": "n2", "day": "2026-01-01"}, "node"), ({"node": "n1", "day": "x"}, "day")):
        wrong = client.get("/api/reconciliation", query)
        assert (wrong.status_code, wrong.json()["field"]) == (400, field)
    days = client.get("/api/ledger", {"from": "2026-01-01", "to": "2026-01-31"}).json()
    assert days == {"from": "2026-01-01", "to": "2026-01-31", "days": []}
    assert client.get("/api/ledger", {"from": "x"}).status_code == 400
