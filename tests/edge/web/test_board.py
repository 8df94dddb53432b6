"""The board's files: open to who has no token, whole, small, and able to connect to this node alone."""

import gzip
import re
from collections.abc import Callable

import pytest

from edge.web.board import ASSETS, FOLDER, PATH, SOCKETS, policy
from edge.web.guard import HEADERS
from edge.words.words import words
from tests.repo.project import expect_none

Ask = Callable[..., tuple[int, dict[str, str], bytes]]
SMALL = 60_000
"""Bytes, compressed: what the page is to cost a phone."""


def test_the_board_needs_no_token_of_the_page(ask: Ask) -> None:
    """It has the node's name and ports, and everything else comes by MQTT to who has a dispatcher's token."""
    status, headers, body = ask(PATH, None)
    assert status == 200
    assert b'data-node="shop-7" data-ws="9001" data-wss=""' in body
    assert headers["content-security-policy"] == policy("127.0.0.1", {"listen_ws": 9001})
    rest = {name: value for name, value in HEADERS.items() if name != "content-security-policy"}
    assert rest.items() <= headers.items()
    assert ask(PATH, None, host="evil.example")[0] == 421
    assert ask(f"{PATH}/nothing.js", None)[0] == 404
    assert ask(f"{PATH}/../api/status", None)[0] != 200


def test_each_file_is_served_and_the_whole_is_small(ask: Ask) -> None:
    """As it stands in the package, with its type; together, with the words, below SMALL when compressed."""
    served = {path.name for path in ASSETS}
    assert {path.name for path in FOLDER.iterdir()} - served == {"index.html"}
    whole = ask(PATH, None)[2]
    for path in ASSETS:
        status, headers, body = ask(f"{PATH}/{path.name}", None)
        assert status == 200
        assert headers["content-type"].startswith(("text/javascript", "text/css", "image/svg"))
        assert body == path.read_bytes()
        whole += body
    whole += ask(f"{PATH}/words.js", None)[2]
    assert len(gzip.compress(whole)) < SMALL


def test_the_board_comes_in_both_languages(ask: Ask) -> None:
    """No word is missing on the page, and each that its scripts ask for is in the table."""
    for language, title in (("en", "Dispatch"), ("zh-CN", "调度台")):
        page = ask(f"{PATH}?lang={language}", None)[2].decode()
        assert f"<title>{title}</title>" in page
        assert "{{" not in page
        assert "[[" not in page
    scripts = "".join(path.read_text(encoding="utf-8") for path in ASSETS if path.parent == FOLDER)
    asked = set(re.findall(r't\([^)]*?"((?:board|page)\.[a-z_]+)"', scripts))
    assert len(asked) > 40
    expect_none(asked - words("en").table.keys())


@pytest.mark.parametrize(
    ("host", "ports", "allowed"),
    [
        ("localhost", {"listen_ws": 9001}, "ws://localhost:9001"),
        ("[::1]", {"listen_wss": 1}, "wss://[::1]:1"),
        ("127.0.0.1", {"listen_ws": 1, "listen_wss": 2, "listen": 3}, "ws://127.0.0.1:1 wss://127.0.0.1:2"),
        ("127.0.0.1", {"listen": 3}, "'none'"),
    ],
)
def test_the_page_connects_to_this_node_alone(host: str, ports: dict[str, int], allowed: str) -> None:
    """To the listeners for WebSockets at the name by which the page was opened; nothing runs but its own scripts."""
    found = policy(host.strip("[]"), ports)
    assert found.endswith(f"connect-src {allowed}")
    assert "script-src 'self';" in found
    assert "unsafe" not in found
    assert {option for _, option in SOCKETS} == {"listen_ws", "listen_wss"}
