"""The stream by which a page learns that something has come."""

import httpx
import pytest

from central.console import events
from central.store.open import open_store
from tests.central.consoles import NOW_MS, Served, window
from tests.central.stores import merge


def test_a_change_is_announced_and_the_end_of_the_session(console: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored arrives as `change`; after the log-out the stream ends by itself."""
    monkeypatch.setattr(events, "LOOK_S", 0.05)
    with console.client("viewer") as client, client.stream("GET", "/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == "retry: 5000"
        store = open_store(console.data, beside=True)
        merge(store, 1000, [window(NOW_MS, 0)], "shop-9", NOW_MS)
        store.close()
        assert next(line for line in lines if line.startswith("event")) == "event: change"
        console.operators.remove("viewer", "test")
        assert next(line for line in lines if line == "event: end")
        assert not [line for line in lines if line.startswith("event")]
    console.operators.add("viewer", "viewer", "correct horse battery", "test")


def test_streams_are_bounded_and_need_a_session(console: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one there is nothing, and the browser does not try again; beyond the bound it does later."""
    with console.client() as client:
        assert client.get("/events").status_code == 204
    monkeypatch.setattr(events, "STREAMS_MAX", 0)
    with console.client("viewer") as client:
        answer: httpx.Response = client.get("/events")
        assert answer.status_code == 503
