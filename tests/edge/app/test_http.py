"""Tests of edge.app.http: what a node serves is what it imports. (`tests/e2e/test_http.py` starts whole nodes.)"""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from edge.app import http
from edge.app.config import load
from edge.app.http import Http


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("", ["edge.web.server"]),
        ('status_listen = ""', []),
        ('status_listen = ""\nlisten_http = "127.0.0.1:0"', ["edge.api.door", "edge.web.board"]),
        (
            'listen_metrics = "127.0.0.1:0"\nmetrics_token_file = "t"\ntls_cert = "c"\ntls_key = "k"',
            ["edge.web.server", "edge.web.scrape"],
        ),
        ('listen_http = ["127.0.0.1:0"]', ["edge.web.server", "edge.api.door", "edge.web.board"]),
    ],
)
async def test_only_what_is_served_is_imported(tmp_path, monkeypatch, options: str, names: list[str]) -> None:
    """Beside the loop, with whatever else has to be done there."""
    path = tmp_path / "edge.toml"
    path.write_text(f'node = "n-1"\n{options}\n', encoding="utf-8")
    found: list[str] = []
    monkeypatch.setattr(http, "import_module", found.append)
    nothing: Any = SimpleNamespace()
    await Http(str(path), load(path), nothing, nothing).prepare(False, lambda: found.append("first"))
    assert found == ["first", *names]


@pytest.mark.parametrize(
    ("options", "awaited", "rests"),
    [("", True, True), ("", False, False), ('listen_http = "127.0.0.1:0"', True, False)],
)
async def test_clients_who_wait_for_a_node_come_before_its_pages(
    tmp_path, monkeypatch, options: str, awaited: bool, rests: bool
) -> None:
    """A node that nobody knows yet has its pages at once, and clients over HTTP wait for the same imports."""
    path = tmp_path / "edge.toml"
    path.write_text(f'node = "n-1"\n{options}\n', encoding="utf-8")
    monkeypatch.setattr(http, "import_module", lambda _: None)
    monkeypatch.setattr(http, "FIRST_ANSWERS_S", 3600.0)
    nothing: Any = SimpleNamespace()
    work = asyncio.ensure_future(Http(str(path), load(path), nothing, nothing).prepare(awaited))
    done, _ = await asyncio.wait([work], timeout=0.1 if rests else 20)
    assert (not done) is rests
    work.cancel()


async def test_without_a_listener_nothing_is_opened_and_nothing_has_to_be_closed(tmp_path) -> None:
    """A node of MQTT alone."""
    path = tmp_path / "edge.toml"
    path.write_text('node = "n-1"\nstatus_listen = ""\n', encoding="utf-8")
    nothing: Any = SimpleNamespace()
    parts = Http(str(path), load(path), nothing, nothing)
    assert await parts.open_page(nothing, dict, {}) == {}
    assert await parts.open_door(nothing, nothing, nothing, {}) == {}
    assert await parts.open_metrics(nothing) == {}
    parts.read(load(path))
    parts.stop_listening()
    await parts.close()
