"""Invitations: written and read again, and nothing else is taken for one."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.identity.invitation import STRING_CHARACTERS_MAX, Invitation, InvitationError, new_code, parse

NAMES = st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,63}\Z")
HOSTS = st.one_of(
    st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,20}(\.[a-z0-9]{1,10}){0,3}\Z"),
    st.sampled_from(["127.0.0.1", "[2001:db8::1]"]),
)


@given(NAMES, HOSTS, st.integers(1, 65_535), NAMES, st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read(node: str, host: str, port: int, centre: str, fingerprint: bytes) -> None:
    """Every part comes back, also with a line break behind it."""
    made = Invitation(node, f"{host}:{port}", centre, fingerprint, new_code())
    assert parse(f"{made}\n") == made
    assert len(str(made)) <= STRING_CHARACTERS_MAX


@given(st.data())
def test_a_string_that_is_cut_or_changed_is_refused_or_another(data: st.DataObject) -> None:
    """One cut short is never taken, and the error does not quote it."""
    whole = str(Invitation("shop-7", "centre.example:8884", "centre", bytes(range(32)), new_code()))
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(InvitationError) as raised:
        parse(cut)
    assert "doorstep central invite" in str(raised.value)
    assert whole[-22:] not in str(raised.value)


@given(st.text(max_size=2 * STRING_CHARACTERS_MAX))
def test_any_other_text_is_refused(text: str) -> None:
    """Whatever it is, also where it is too long."""
    with pytest.raises(InvitationError):
        parse(text)


def test_codes_are_128_random_bits() -> None:
    """22 characters of base64url, and no two the same."""
    codes = {new_code() for _ in range(1_000)}
    assert len(codes) == 1_000
    assert all(len(code) == 22 and set(code) <= {*string.ascii_letters, *string.digits, "-", "_"} for code in codes)
