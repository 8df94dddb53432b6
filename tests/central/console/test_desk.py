"""Nobody sees or changes anything without a session, a role, and a form of our own."""

import re
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from central.console.desk import FORM_BYTES_MAX, local, read_form
from tests.central.consoles import Served, csrf, texts

PAGES = ("/", "/orders", "/latency", "/demand", "/quarantine", "/enrolment", "/account", "/nodes/shop-1")


@pytest.mark.parametrize("path", [*PAGES, "/audit"])
def test_nobody_gets_in_without_a_session(console: Served, path: str) -> None:
    """Each page leads to the log-in and from there back; a refresh by script is refused."""
    with console.client() as client:
        answer = client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/login?next={path.replace('/', '%2F')}"
        assert client.get(path, headers={"x-refresh": "1"}).status_code == 401
        client.cookies.set(f"doorstep-centre-{client.base_url.port}", "x" * 43)
        assert client.get(path).status_code == 303


def test_each_page_is_for_its_role(console: Served) -> None:
    """A viewer sees the figures, not the audit log; an admin both."""
    with console.client("viewer") as viewer, console.client("admin") as admin:
        assert [viewer.get(path).status_code for path in PAGES] == [200] * len(PAGES)
        refused = viewer.get("/audit")
        assert (refused.status_code, "another role" in texts(refused.text)) == (403, True)
        assert 'href="/audit"' not in viewer.get("/").text
        assert admin.get("/audit").status_code == 200


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, {}),
        ({}, {"csrf": "0" * 64}),
        ({"origin": "http://evil.example"}, {"csrf": "right"}),
        ({"sec-fetch-site": "cross-site"}, {"csrf": "right"}),
        ({"sec-fetch-site": "same-site"}, {"csrf": "right"}),
        ({}, {"csrf": "right", "fill": "x" * FORM_BYTES_MAX}),
    ],
)
def test_a_change_comes_from_our_own_page(console: Served, headers: dict[str, str], body: dict[str, str]) -> None:
    """Without the form's token, from another site, or in a form that is too long, nothing changes."""
    with console.client("operator") as client:
        right = csrf(client.get("/quarantine").text)
        form = {**body, "batch": "shop-4/1/1", "what": "discard"}
        if form.get("csrf") == "right":
            form["csrf"] = right
        assert client.post("/quarantine", data=form, headers=headers).status_code == 403
        assert "shop-4/1/1" in client.get("/quarantine").text


async def test_a_form_that_ends_too_early_is_none() -> None:
    """Nobody waits for an answer then, and the log has nothing of it."""
    parts = iter([{"type": "http.request", "body": b"what=", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(parts)

    assert await read_form(Request({"type": "http", "method": "POST", "headers": []}, receive)) == {}


def test_what_browsers_need_is_on_every_answer(console: Served) -> None:
    """No inline script, no frame, no cache, no other origin; the cookie is nobody's but the server's."""
    with console.client() as client:
        login = client.post("/login", data={"name": "viewer", "password": "correct horse battery"})
        cookie = login.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "secure", "samesite=strict", "path=/"))
    with console.client("viewer") as client:
        answers: list[httpx.Response] = [client.get(path) for path in (*PAGES, "/login", "/static/console.js")]
    for answer in [login, *answers]:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert " style=" not in answer.text
        assert "<script>" not in answer.text
    assert answers[0].headers["cache-control"] == "no-store"


def test_a_link_from_elsewhere_finds_the_session(console: Served) -> None:
    """Browsers send no cookie with it: one step of our own page later they do."""
    with console.client() as client:
        answer = client.get("/orders?range=7d", headers={"sec-fetch-site": "cross-site"})
        assert (answer.status_code, 'url=/orders?range=7d&amp;again=1"' in answer.text) == (200, True)
        answer = client.get("/orders?range=7d&again=1", headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 303


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", "", "x", "/a\nb"])
def test_nobody_is_led_elsewhere(path: str) -> None:
    """After a log-in only a path of ours is gone on to."""
    assert local(path) == "/"
    assert local("/orders?range=7d") == "/orders?range=7d"


def test_a_shared_page_has_the_name_of_whoever_looks(console: Served) -> None:
    """And the token of the own session: what others have looked at before changes neither."""
    with console.client("viewer") as viewer, console.client("admin") as admin, console.client("viewer") as again:
        for _ in range(2):
            pages = [client.get("/").text for client in (viewer, admin, again)]
            assert [re.findall(r'"/account">(\w+) ', page) for page in pages] == [["viewer"], ["admin"], ["viewer"]]
            assert len({csrf(page) for page in pages}) == 3
            assert ["Audit log" in page for page in pages] == [False, True, False]
            assert 'lang="en"' in pages[0]
        assert 'lang="zh-CN"' in viewer.get("/", headers={"accept-language": "zh-CN"}).text
        assert csrf(viewer.get("/").text) == csrf(viewer.get("/account").text)
