"""Log-in, log-out, the account, and the language, as a browser without scripts does them."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from central.operators import passwords
from tests.central.consoles import PASSWORD, Served, csrf, served, texts


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A console whose operators a test changes."""
    with served(tmp_path) as running:
        yield running


def log_in(client: httpx.Client, name: str, password: str, code: str = "", **more: str) -> httpx.Response:
    """Send the form, and keep the cookie, which httpx would not send without TLS."""
    answer = client.post("/login", data={"name": name, "password": password, "code": code, **more})
    if cookie := answer.headers.get("set-cookie"):
        key, _, value = cookie.split(";")[0].partition("=")
        client.cookies.set(key, value)
    return answer


def test_log_in_and_out(own: Served) -> None:
    """From the form to the page that was asked for, and out again; each is in the audit log."""
    with own.client() as client:
        answer = log_in(client, "viewer", PASSWORD, next="/orders")
        assert (answer.status_code, answer.headers["location"]) == (303, "/orders")
        page = client.get("/orders")
        assert page.status_code == 200
        assert client.post("/logout", data={"csrf": csrf(page.text)}).headers["location"] == "/login"
        assert client.get("/orders").status_code == 303
    whats = [entry["what"] for entry in own.operators.audit(limit=2)]
    assert whats == ["logout", "login"]
    assert own.operators.audit(limit=1)[0]["address"] == "127.0.0.1"


def test_wrong_passwords_wait(own: Served) -> None:
    """After some there is only a time to wait, even for the right one; nothing shows whether the name is there."""
    with own.client() as client:
        answers = [log_in(client, name, "wrong horse battery") for name in ("viewer", "nobody")]
        assert [answer.status_code for answer in answers] == [401, 401]
        assert answers[0].text == answers[1].text
        for _ in range(9):
            last = log_in(client, "viewer", "wrong horse battery")
        assert last.status_code == 401
        wait = log_in(client, "viewer", PASSWORD)
        assert (wait.status_code, int(wait.headers["retry-after"]) <= 30) == (429, True)
        assert log_in(client, "admin", PASSWORD).status_code == 303
    refused = [entry for entry in own.operators.audit() if entry["what"] == "login.refused"]
    assert len(refused) == 11


def test_a_form_of_another_site_logs_nobody_in(own: Served) -> None:
    """Otherwise somebody could be made to work in an account that is not theirs."""
    with own.client() as client:
        client.headers["origin"] = "http://evil.example"
        assert log_in(client, "viewer", PASSWORD).status_code == 403


def test_a_new_password(own: Served) -> None:
    """It needs the present one, twice the same new one, and ends the other sessions."""
    with own.client("viewer") as client, own.client("viewer") as other:
        token = csrf(client.get("/account").text)
        new = "another good sentence"

        def change(present: str, new: str, again: str) -> int:
            form = {"csrf": token, "present": present, "new": new, "again": again}
            return client.post("/account/password", data=form).status_code

        assert change("wrong horse battery", new, new) == 403
        assert change(PASSWORD, new, "something else there") == 400
        assert change(PASSWORD, "short", "short") == 400
        assert other.get("/").status_code == 200
        assert change(PASSWORD, new, new) == 200
        assert client.get("/").status_code == 200
        assert other.get("/").status_code == 303
        assert own.operators.log_in("viewer", new, "", "")


def test_one_time_codes(own: Served) -> None:
    """On after a right code is shown, asked for from then on, and off again with the password."""
    with own.client("viewer") as client:
        page = client.get("/account").text
        secret = page.partition('name="secret" value="')[2][:32]
        form = {"csrf": csrf(page), "secret": secret, "present": PASSWORD}
        assert client.post("/account/totp", data={**form, "code": "000000"}).status_code == 400
        assert client.post("/account/totp", data={**form, "secret": "x", "code": "000000"}).status_code == 400
        step = int(time.time()) // 30
        good = {**form, "code": passwords.code_at(secret, step)}
        assert client.post("/account/totp", data=good).status_code == 303
        with own.client() as again:
            assert log_in(again, "viewer", PASSWORD).status_code == 401
            assert log_in(again, "viewer", PASSWORD, passwords.code_at(secret, step)).status_code == 401  # used
            assert log_in(again, "viewer", PASSWORD, passwords.code_at(secret, step + 1)).status_code == 303
        assert client.post("/account/totp", data=form).status_code == 303
        assert own.operators.log_in("viewer", PASSWORD, "", "")


def test_the_language_is_chosen_or_asked_for(own: Served) -> None:
    """By the browser's header, then by the button, which stays."""
    with own.client() as client:
        assert "登录" in client.get("/login", headers={"accept-language": "zh-CN,en;q=0.5"}).text
        assert "Log in" in client.get("/login", headers={"accept-language": "fr"}).text
        answer = client.post("/language", data={"language": "zh", "next": "//evil.example"})
        assert answer.headers["location"] == "/"
        assert "登录" in client.get("/login").text


def test_a_centre_without_operators_shows_the_command(own: Served) -> None:
    """There is no default password."""
    for name in ("viewer", "operator", "admin"):
        own.operators.remove(name, "test")
    with own.client() as client:
        assert "doorstep central user add" in texts(client.get("/login").text)
        assert log_in(client, "admin", "admin").status_code == 401
