"""Tests of bench.dev.pages."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bench.dev.pages import MESSAGE_BYTES_MAX, TAP, Pages


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Pages, list[Any]]]:
    """A folder with a page and a secret beside it, and the messages that were reported."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "customer.html").write_text("<title>x</title><SCRIPT src=a.js></SCRIPT>")
    (folder / "a.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "library.js").write_text("library")
    messages: list[Any] = []
    pages = Pages(0, folder, tmp_path / "library.js", {"panes": []}, messages.append)
    pages.start()
    yield pages, messages
    pages.close()


def ask(pages: Pages, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    """Status and body."""
    connection = HTTPConnection(urlsplit(pages.url).netloc, timeout=10)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_pages_have_the_tap_before_their_scripts(served: tuple[Pages, list[Any]]) -> None:
    """A page is as it is on disk but for one script, which comes first; other files are untouched."""
    pages, _ = served
    assert ask(pages, "GET", "/customer.html") == (200, b"<title>x</title>" + TAP + b"<SCRIPT src=a.js></SCRIPT>")
    assert ask(pages, "GET", "/a.js") == (200, b"1")
    assert ask(pages, "GET", "/doorstep.whole.js") == (200, b"library")
    for path in ("/", "/_dev/tap.js", "/_dev/frame.js", "/_dev/frame.css", "/_dev/settings.json"):
        assert ask(pages, "GET", path)[0] == 200


@pytest.mark.parametrize("path", ["/none.html", "/../secret", "/%2e%2e/secret", "/_dev/command.py"])
def test_nothing_else_is_served(served: tuple[Pages, list[Any]], path: str) -> None:
    """No file outside the folder, and none of this package that is no page."""
    assert ask(served[0], "GET", path)[0] == 404


def test_messages_come_from_the_own_page_only(served: tuple[Pages, list[Any]]) -> None:
    """Another origin, something too large or something that is no JSON is refused."""
    pages, messages = served
    own = pages.url.rstrip("/")
    body = json.dumps({"client": "a"}).encode()
    assert ask(pages, "POST", "/_dev/messages", body, origin=own)[0] == 200
    assert messages == [{"client": "a"}]
    assert ask(pages, "POST", "/_dev/messages", body, origin="http://evil.example")[0] == 400
    assert ask(pages, "POST", "/_dev/messages", b"{", origin=own)[0] == 400
    assert ask(pages, "POST", "/other", body, origin=own)[0] == 400
    headers = {"origin": own, "content-length": str(MESSAGE_BYTES_MAX + 1)}
    assert ask(pages, "POST", "/_dev/messages", b"", **headers)[0] == 400
    assert len(messages) == 1
