"""The two messages of enrolment: bounded, and the same after a way over the wire."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.messages.sync.enrolment import (
    PEM_CHARACTERS_MAX,
    REQUEST_BYTES_MAX,
    EnrolAnswer,
    EnrolRequest,
    decode_answer,
    decode_request,
    encode,
)


@given(st.binary(max_size=REQUEST_BYTES_MAX), st.integers(0, 2**40))
def test_a_request_comes_back(request: bytes, at: int) -> None:
    """Whatever is in it."""
    made = EnrolRequest(id="a1", at=at, request=request)
    assert decode_request(encode(made)) == made


@pytest.mark.parametrize(
    "made",
    [
        EnrolRequest(id="a1", at=1, request=bytes(REQUEST_BYTES_MAX + 1)),
        EnrolRequest(id="no name", at=1),
        EnrolRequest(id="a1", at=-1),
    ],
)
def test_a_request_beyond_its_bounds_is_refused(made: EnrolRequest) -> None:
    """Its size, its name, its time."""
    with pytest.raises(msgspec.ValidationError):
        decode_request(encode(made))


@pytest.mark.parametrize(
    "made",
    [
        EnrolAnswer(id="a1", certificate="x" * (PEM_CHARACTERS_MAX + 1)),
        EnrolAnswer(id="a1", authority="\x1b[2J"),
        EnrolAnswer(id="a1", uplink="x" * 301),
        EnrolAnswer(id="a1", refused="used", detail="\x07"),
    ],
)
def test_an_answer_beyond_its_bounds_is_refused(made: EnrolAnswer) -> None:
    """Also what would move a terminal's cursor."""
    with pytest.raises(msgspec.ValidationError):
        decode_answer(encode(made))


@given(st.binary(max_size=200))
def test_other_bytes_are_no_message(data: bytes) -> None:
    """A ValueError, whatever they are."""
    for decode in (decode_request, decode_answer):
        try:
            decode(data)
        except ValueError:
            continue
