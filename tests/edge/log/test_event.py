"""Tests for edge/log/event.py."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.log.event import FIELD_CHARACTERS_MAX, FRAMES_MAX, Event, place


def test_the_fields_are_those_of_the_sentence(caplog: pytest.LogCaptureFixture) -> None:
    """A record has the sentence filled in, and each field with its value."""
    event = Event("met", logging.WARNING, "{who} met {whom}, and {who} smiled")
    event.write(who="a", whom=7)
    assert event.fields == ("who", "whom")
    (record,) = caplog.records
    assert record.message == "a met 7, and a smiled"
    assert vars(record)["fields"] == {"who": "a", "whom": 7}


@given(st.text(max_size=2 * FIELD_CHARACTERS_MAX))
def test_whatever_a_field_holds_is_one_bounded_line(text: str) -> None:
    """No line break, no escape of a terminal, no field beyond its bound."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("doorstep")
    logger.addHandler(handler)
    try:
        Event("said", logging.ERROR, "{what}").write(what=text)
    finally:
        logger.removeHandler(handler)
    message = records[0].getMessage()
    assert message.isprintable()
    assert len(message) <= FIELD_CHARACTERS_MAX


def test_an_unexpected_error_is_its_type_and_place() -> None:
    """Its words may quote a token or a place, so they are not there; of a long way only the end."""

    def deep(left: int) -> None:
        if left:
            deep(left - 1)
        raise KeyError("31.2304, 121.4737")

    with pytest.raises(KeyError) as raised:
        deep(3 * FRAMES_MAX)
    found = place(raised.value)
    assert found.startswith("KeyError at ")
    assert "31.2304" not in found
    assert found.count("test_event.py:") == FRAMES_MAX


def test_a_harmless_one_is_information(caplog: pytest.LogCaptureFixture) -> None:
    """The same event may be a warning or not."""
    caplog.set_level("INFO")
    event = Event("epoch", logging.WARNING, "{epoch}")
    event.write(epoch=1, harmless=True)
    event.write(epoch=2)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
