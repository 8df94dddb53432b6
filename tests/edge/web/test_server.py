"""The server: what each path answers, and what it refuses to be bothered by."""

import asyncio
import json
import socket
from collections.abc import Callable

import pytest

from edge.errors import ConfigError
from edge.web import server
from edge.web.pages import STATIC
from edge.web.server import ASSETS, INDEX, serve
from tests.edge.web.feed import TOKEN, Feed, Served, now

Ask = Callable[..., tuple[int, dict[str, str], bytes]]


def test_the_status_is_the_report(ask: Ask, feed: Feed) -> None:
    """/api/status is Status.report as JSON."""
    status, headers, body = ask("/api/status")
    assert (status, headers["content-type"]) == (200, "application/json")
    report = json.loads(body)
    assert report["counts"] == feed.status.report(now())["counts"]
    assert report["state"] == "ok"


def test_the_live_view_has_every_dot(ask: Ask) -> None:
    """/api/live holds shops, riders and orders, and states that none is left out."""
    view = json.loads(ask("/api/live")[2])
    assert [len(view[kind]) for kind in ("shops", "riders", "orders")] == [12, 40, 30]
    assert view["left_out"] == {"orders": 0, "riders": 0, "shops": 0}


def test_viewers_share_one_drawing_of_the_map(site: Served, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many viewers cost the node no more than one: within LIVE_CACHE_S the same bytes are sent."""
    monkeypatch.setattr(server, "LIVE_CACHE_S", 3600)
    first = ask("/api/live")[2]
    site.feed.step()
    assert ask("/api/live")[2] == first


def test_health_needs_no_token_and_shows_whether_events_are_served(ask: Ask, feed: Feed) -> None:
    """200 while events are accepted, also when degraded; 503 when they are not; always with the sentence."""
    assert ask("/healthz", None)[0] == 200
    feed.sync |= {"connected": False, "last_ack_age_s": 7200}
    status, _, body = ask("/healthz", None)
    assert status == 200
    assert body.startswith(b"degraded: The centre has not been reached for 2 h")
    feed.status.alarm("journal", "The disk is full. Free some space.", serving=False)
    status, _, body = ask("/healthz", None)
    assert status == 503
    assert b"The disk is full" in body
    feed.status.phase = "starting"
    assert ask("/healthz", None)[0] == 503


def test_only_what_exists_is_served_and_only_read(ask: Ask) -> None:
    """Unknown paths, paths that climb, and writing methods get an error and nothing else."""
    for path in ("/nothing", "/static/", "/static/nothing.js", "/static/..%2fserver.py", "/static/../server.py"):
        assert ask(path)[0] == 404
    for method in ("POST", "PUT", "DELETE"):
        assert ask("/api/status", method=method)[0] == 405
    assert ask("/", method="HEAD")[0] == 200


def test_every_asset_is_served_and_every_file_is_an_asset(ask: Ask) -> None:
    """The page is complete in the package: each file has its type, and none lies about unused."""
    assert {path.name for path in STATIC.iterdir() if path.is_file()} == set(ASSETS)
    for name, kind in ASSETS.items():
        status, headers, body = ask("/" if name == INDEX else f"/static/{name}")
        assert (status, headers["content-type"]) == (200, kind)
        assert name == INDEX or body == (STATIC / name).read_bytes()


def test_the_page_comes_in_the_language_that_is_asked_for(ask: Ask) -> None:
    """Each word of the page is put in, for `?lang=`; another language than ours is that of the node."""
    english, chinese, other = (ask(path)[2].decode() for path in ("/", "/?lang=zh-CN", "/?lang=xx"))
    assert '<html lang="en">' in english
    assert '<html lang="zh-CN">' in chinese
    assert other == english
    assert "{{" not in english + chinese
    assert "Orders to look at" in english
    assert "需要处理的订单" in chinese
    assert ask(f"/?lang=zh-CN&token={TOKEN}", None)[1]["location"] == "/?lang=zh-CN"
    assert ask(f"/?lang=//x&token={TOKEN}", None)[1]["location"] == "/"


def test_a_report_is_in_english_unless_it_is_asked_for_otherwise(ask: Ask, feed: Feed) -> None:
    """Programs read English and names; the page's own questions name its language. Notes of orders have it too."""
    feed.status.alarm(
        "writer", "The thread that writes the journal has ended. Restart the node, and report this with its log."
    )
    assert json.loads(ask("/api/status")[2])["sentence"].startswith("The thread")
    report = json.loads(ask("/api/status?lang=zh-CN")[2])
    assert report["sentence"].startswith("写事件日志的线程结束了。")
    assert [problem["name"] for problem in report["problems"]] == ["writer"]
    assert report["data_inventory"][0]["where"] == "只在内存中"
    dots = [json.loads(ask(path)[2])["orders"][29]["note"] for path in ("/api/live", "/api/live?lang=zh-CN")]
    assert dots == ["r29 is at the door", "r29 已到门口"]


def test_the_assets_name_no_other_host() -> None:
    """The page works without internet: no asset mentions an address elsewhere (SVG's namespace is a mere name)."""
    for name in ASSETS:
        text = (STATIC / name).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
        assert "//cdn" not in text


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.0.2.1:8080", "[::]:0", "example.org:80", "8080", "127.0.0.1"])
def test_an_address_that_others_could_reach_is_refused(address: str) -> None:
    """Anything but loopback is a configuration error that names field and value."""
    feed = Feed(0, 0, 0)
    with pytest.raises(ConfigError, match="status_listen") as raised:
        asyncio.run(serve(address, feed.status, feed.layers, TOKEN, now))
    assert repr(address) in str(raised.value)
    assert "ssh -L" in str(raised.value)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\xff\xfe" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 5000 + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nhost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /%ff%fe?token=%ff HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    ],
)
def test_malformed_input_gets_an_error_and_the_page_lives_on(site: Served, ask: Ask, sent: bytes) -> None:
    """Bytes that are no request, oversized ones and odd ones are answered with 4xx or closed."""
    with socket.create_connection(("127.0.0.1", site.port)) as client:
        client.settimeout(10)
        try:
            client.sendall(sent)
            answer = client.recv(64)
        except ConnectionError:
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert ask("/healthz")[0] == 200


def test_a_failing_live_view_leaves_the_rest_working(feed: Feed, ask: Ask) -> None:
    """An error in one path is a 500 there; the status still comes."""
    feed.counts = (1, 1, None)  # type: ignore[assignment]
    assert ask("/api/live")[0] == 500
    assert ask("/api/status")[0] == 200
