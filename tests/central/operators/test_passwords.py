"""Passwords are kept hashed and compared whole; one-time codes are those of RFC 6238, each good once."""

import base64

import pytest

from central.operators import passwords

SECRET = base64.b32encode(b"12345678901234567890").decode()
"""Of the RFC's test vectors."""


@pytest.mark.parametrize(
    ("at_s", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_rfc(at_s: int, code: str) -> None:
    """The vectors of RFC 6238, appendix B (SHA-1), in six digits."""
    assert passwords.code_at(SECRET, at_s // 30) == code
    assert passwords.step_of(SECRET, code, at_s, 0) == at_s // 30


def test_a_code_is_good_once_and_for_a_step_around_now() -> None:
    """The step before and after count, for clocks that differ; a step that was used, or an older one, does not."""
    now = 1_000_000 * 30
    for step, good in ((999_998, False), (999_999, True), (1_000_000, True), (1_000_001, True), (1_000_002, False)):
        assert bool(passwords.step_of(SECRET, passwords.code_at(SECRET, step), now, 0)) == good
    code = passwords.code_at(SECRET, 1_000_000)
    assert passwords.step_of(SECRET, f"{code[:3]} {code[3:]}", now, 999_999) == 1_000_000
    assert passwords.step_of(SECRET, code, now, 1_000_000) == 0
    assert passwords.step_of(SECRET, "²34567", now, 0) == 0


def test_a_password_is_found_by_itself_alone() -> None:
    """Its hash takes it and nothing else; where there is no hash nothing is taken."""
    known = passwords.hashed("correct horse battery")
    assert known.startswith("$argon2id$")
    assert passwords.matches(known, "correct horse battery")
    assert not passwords.matches(known, "correct horse batterz")
    assert not passwords.matches("", "correct horse battery")
    assert not passwords.matches(known, "x" * 1000)


@pytest.mark.parametrize("password", ["short", "x" * 129, "aaaaaaaaaaaaaa", "mei is my name"])
def test_a_weak_password_is_refused_with_its_reason(password: str) -> None:
    """Too short, too long, too simple, or with the name in it."""
    assert passwords.fault("mei", password)
    assert not passwords.fault("mei", "correct horse battery")
