"""The guard: the token, the cookie and the Host header, asked over real HTTP."""

from collections.abc import Callable

import pytest

from edge.web.guard import HEADERS, is_loopback_name
from tests.edge.web.feed import TOKEN, Served

Ask = Callable[..., tuple[int, dict[str, str], bytes]]
PATHS = ("/", "/static/app.js", "/api/status", "/api/live", "/metrics", "/nothing")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "tö"])
def test_nothing_is_shown_without_the_token(ask: Ask, path: str, token: str | None) -> None:
    """Each path but /healthz and the board answers 401 to no token and a wrong one, with where the right one is."""
    status, headers, body = ask(path, token)
    assert status == 401
    assert headers["www-authenticate"] == "Bearer"
    assert b"doorstep status" in body


def test_a_wrong_token_in_the_address_is_refused(ask: Ask) -> None:
    """`?token=` is compared like the bearer, and a wrong one sets no cookie."""
    status, headers, _ = ask("/?token=wrong", None)
    assert status == 401
    assert "set-cookie" not in headers


def test_the_token_in_the_address_becomes_a_cookie_and_disappears(ask: Ask, site: Served) -> None:
    """The redirect leads to a clean address; the cookie opens the page, is HttpOnly and Strict, and not the token."""
    status, headers, _ = ask(f"/api/status?token={TOKEN}&x=//evil.example", None)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert cookie.startswith(f"doorstep-{site.port}=")
    assert TOKEN not in cookie
    assert ask("/api/status", None, cookie=cookie.partition(";")[0])[0] == 200
    assert ask("/api/status", None, cookie=f"doorstep-{site.port}={TOKEN}")[0] == 401
    assert ask("/api/status", None, cookie=f"doorstep-{site.port}=")[0] == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8080", "", "10.0.0.1", "[::2]"]
)
def test_a_name_that_is_not_loopback_is_refused_even_with_the_token(ask: Ask, host: str) -> None:
    """A re-bound name (DNS rebinding) gets nothing, not even the health."""
    for path in ("/", "/healthz"):
        assert ask(path, host=host)[0] == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "127.8.8.8", "[::1]"])
def test_loopback_names_are_answered(ask: Ask, host: str) -> None:
    """Every way to write loopback works, with and without a port."""
    assert is_loopback_name(host)
    assert ask("/api/status", host=host)[0] == 200


def test_every_answer_has_the_strict_headers_and_no_cors(ask: Ask) -> None:
    """Content policy, no sniffing, no referrer, no caching: on pages, refusals and errors alike."""
    for path, token in ((path, token) for path in PATHS for token in (TOKEN, None)):
        _, headers, _ = ask(path, token, origin="http://evil.example")
        assert HEADERS.items() <= headers.items()
        assert not [name for name in headers if name.startswith("access-control")]
        assert "server" not in headers
