"""Operators, sessions, tokens and the audit log, on both engines."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.lab.postgresql import Postgresql
from central.operators import passwords
from central.operators.operators import SESSIONS_PER_OPERATOR_MAX, Limits, OperatorError, Operators
from central.operators.tables import FILE, TABLES
from central.store.engine.driver import StoreFailed, StoreRefused

GOOD = "correct horse battery"


@pytest.fixture(params=["sqlite", "postgresql"])
def operators(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Operators]:
    """With one operator."""
    if request.param == "sqlite":
        driver = TABLES.open(tmp_path)
    else:
        server: Postgresql = request.getfixturevalue("postgresql")
        url = server.make_database(f"operators{time.time_ns()}")
        TABLES.open(url, server.password).close()  # a second start finds them there
        driver = TABLES.open(url, server.password)
    made = Operators(driver)
    made.add("mei", "operator", GOOD, "test")
    yield made
    made.close()


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Postgresql]:
    """A server of our own."""
    with Postgresql([]) as server:
        yield server


def test_a_life_is_written_down(operators: Operators) -> None:
    """Log-in, wrong password, change, log-out, removal: each does what it states, and leaves one entry."""
    assert operators.log_in("mei", "wrong horse battery", "", "10.0.0.1") == ""
    assert operators.log_in("nobody", GOOD, "", "10.0.0.1") == ""
    token = operators.log_in("mei", GOOD, "", "10.0.0.2")
    found = operators.session(token)
    assert found is not None
    assert (found.name, found.role, found.may("viewer"), found.may("admin")) == ("mei", "operator", True, False)
    other = operators.log_in("mei", GOOD, "", "10.0.0.3")
    operators.set_password("mei", "another good sentence", "mei", keep=found.session)
    assert operators.session(token)
    assert operators.session(other) is None
    operators.log_out(found, "10.0.0.2")
    assert operators.session(token) is None
    last = operators.log_in("mei", "another good sentence", "", "10.0.0.2")
    operators.remove("mei", "admin")
    assert operators.session(last) is None
    whats = [(entry["who"], entry["what"]) for entry in reversed(operators.audit())]
    assert whats == [
        ("test", "operator.added"),
        ("mei", "login.refused"),
        ("nobody", "login.refused"),
        ("mei", "login"),
        ("mei", "login"),
        ("mei", "operator.password"),
        ("mei", "logout"),
        ("mei", "login"),
        ("admin", "operator.removed"),
    ]


def test_a_one_time_code_is_asked_for_and_good_once(operators: Operators) -> None:
    """With a secret the password alone is not enough, and the same code not twice."""
    secret = passwords.new_secret()
    operators.set_totp("mei", secret, 0, "10.0.0.1")
    assert operators.log_in("mei", GOOD, "", "") == ""
    code = passwords.code_at(secret, int(time.time()) // 30)
    assert operators.log_in("mei", GOOD, code, "")
    assert operators.log_in("mei", GOOD, code, "") == ""
    operators.set_password("mei", GOOD + "!", "admin", totp_off=True)
    assert operators.log_in("mei", GOOD + "!", "", "")


def test_tokens_have_scopes_and_an_end(operators: Operators) -> None:
    """A token is found by itself until it ends or is removed; only its hash is kept."""
    token = operators.add_token("dashboard", ("write", "read"), 0, "mei")
    ended = operators.add_token("old", ("read",), 1, "mei")
    found = operators.program(token)
    assert found is not None
    assert (found.name, found.scopes) == ("dashboard", ("read", "write"))
    assert operators.program(ended) is None
    assert operators.program("dst_guess") is None
    assert [each["name"] for each in operators.tokens()] == ["dashboard", "old"]
    with pytest.raises(OperatorError, match="already"):
        operators.add_token("dashboard", ("read",), 0, "mei")
    operators.remove_token("dashboard", "mei")
    assert operators.program(token) is None


def test_the_engine_refuses_to_change_the_audit_log(operators: Operators) -> None:
    """Neither an update nor a deletion of a late entry gets through, not even by SQL."""
    table = f"{operators._s}audit"
    for sql in (f"update {table} set who = 'nobody'", f"delete from {table}"):
        with pytest.raises((StoreRefused, StoreFailed)):
            operators._driver.run(sql)
    assert operators.audit()[-1]["who"] == "test"


def test_sessions_end_and_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without use, after their whole time, and the oldest where there are too many; a look by a page is no use."""
    operators = Operators(TABLES.open(tmp_path), Limits(idle_ms=1_000_000, whole_ms=3_000_000))
    operators.add("mei", "viewer", GOOD, "test")
    now = [time.time_ns() // 1_000_000]
    monkeypatch.setattr("central.operators.operators._now", lambda: now[0])
    monkeypatch.setattr("central.operators.passwords.matches", lambda *_: True)
    token = operators.log_in("mei", GOOD, "", "")
    for step in (900_000, 900_000, 900_000):
        now[0] += step
        assert operators.session(token) is not None
    now[0] += 400_000
    assert operators.session(token) is None  # its whole time
    token = operators.log_in("mei", GOOD, "", "")
    now[0] += 900_000
    assert operators.session(token, used=False) is not None
    now[0] += 200_000
    assert operators.session(token) is None  # not used
    tokens = [operators.log_in("mei", GOOD, "", "") for _ in range(SESSIONS_PER_OPERATOR_MAX)]
    now[0] += 1
    tokens.append(operators.log_in("mei", GOOD, "", ""))
    assert [operators.session(each) is None for each in tokens].count(True) == 1
    assert operators.session(tokens[-1]) is not None
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    operators.close()
