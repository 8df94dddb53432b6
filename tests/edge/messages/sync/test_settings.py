"""The two messages of pushed settings: bounded, and the same after a way over the wire."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.messages.sync.settings import (
    SETTINGS_CHARACTERS_MAX,
    SettingsOffer,
    SettingsState,
    decode_offer,
    decode_state,
    encode,
    signed_bytes,
)


@given(st.integers(0, 2**53), st.text(st.characters(codec="utf-8"), max_size=200), st.binary(max_size=80))
def test_an_offer_comes_back(version: int, options: str, signature: bytes) -> None:
    """Whatever is in it."""
    made = SettingsOffer(version=version, options=options, signature=signature, signer=b"x")
    assert decode_offer(encode(made)) == made


@pytest.mark.parametrize(
    "made",
    [
        SettingsOffer(version=-1),
        SettingsOffer(version=1, options="x" * (SETTINGS_CHARACTERS_MAX + 1)),
        SettingsOffer(version=1, signature=bytes(1_025)),
        SettingsOffer(version=1, signer=bytes(8_193)),
    ],
)
def test_an_offer_beyond_its_bounds_is_refused(made: SettingsOffer) -> None:
    """Its number, its options, its signature, its signer."""
    with pytest.raises(msgspec.ValidationError):
        decode_offer(encode(made))


@pytest.mark.parametrize(
    "wrong",
    [{"outcome": "well"}, {"detail": "a\nb"}, {"detail": "x" * 257}, {"sha256": "ab"}, {"version": 2**54}, {"at": -1}],
)
def test_a_state_beyond_its_bounds_is_refused(wrong: dict[str, object]) -> None:
    """An outcome that is none, a text with a line break or too long, no digest, a number or a time that is none."""
    good = SettingsState(at=1, version=1, sha256="ab" * 32, about=1, outcome="healthy", detail="Well.")
    assert decode_state(encode(good)) == good
    with pytest.raises(msgspec.ValidationError):
        decode_state(encode(msgspec.structs.replace(good, **wrong)))


@given(st.tuples(st.sampled_from(["a", "a-1"]), st.integers(0, 99), st.text(max_size=9)))
def test_what_is_signed_is_different_for_each_three(made: tuple[str, int, str]) -> None:
    """The centre, the version and the options can be read from it, so no other three have the same bytes."""
    _, centre, version, options = signed_bytes(*made).decode().split("\n", 3)
    assert (centre, int(version), options) == made
