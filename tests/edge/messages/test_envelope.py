"""Tests of edge.messages.envelope and of the schema of edge.messages.batches: what comes from outside has a bound."""

import msgspec
import pytest
from msgspec import Struct

from edge.messages.batches import BatchMessage, Hello, SyncAck, SyncWelcome, Window
from edge.messages.envelope import (
    CLIENT,
    CLIENT_KEY,
    FREE_TEXT,
    SENTENCE,
    Client,
    ClientKey,
    ClientName,
    Latitude,
    Longitude,
    Sentence,
    Text,
    free_texts,
    mark_of,
)
from edge.scenarios.check.bounds import unbounded
from edge.scenarios.dispatch.messages.catalog import DURABLE_KINDS
from edge.scenarios.dispatch.messages.up import RiderPosition


@pytest.mark.parametrize(
    "body", [*DURABLE_KINDS.values(), RiderPosition, Hello, SyncWelcome, BatchMessage, SyncAck, Window]
)
def test_every_integer_from_outside_has_a_bound(body: type):
    """A number wider than what stores it is refused by name, so every integer has a bound."""
    found = unbounded(msgspec.inspect.type_info(body), body.__name__)
    assert [path for path, what in found if what == "integer"] == []


def test_places_are_on_the_ground() -> None:
    """Up to the poles and once around, both ways."""
    for kind, most in ((Latitude, 90), (Longitude, 180)):
        for value in (-most, 0.5, most):
            assert msgspec.convert(value, kind) == value
        for value in (-most - 0.001, most + 0.001):
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(value, kind)


def test_names_and_sentences_are_marked() -> None:
    """So that everything that has a name, a key that begins with one, or words of a person is found."""
    marks = (CLIENT, CLIENT_KEY, SENTENCE, FREE_TEXT)
    for kind, mark in (
        (Client, CLIENT),
        (ClientName, CLIENT),
        (ClientKey, CLIENT_KEY),
        (Sentence, SENTENCE),
        (Text, FREE_TEXT),
    ):
        node = msgspec.inspect.type_info(kind)
        assert isinstance(node, msgspec.inspect.Metadata)
        found = {each: mark_of(node, each) for each in marks}
        assert found == {each: True if each == mark else None for each in marks}


def test_free_text_is_found_wherever_a_type_has_it() -> None:
    """In one field of several, in one of two alternatives, in a list or a map: no row may keep it."""

    class Note(Struct):
        at: int
        words: Text

    types = {
        "plain": str,
        "either": int | Note,
        "several": list[Note],
        "by_name": dict[str, Note],
        "pair": tuple[int, Note],
    }
    body = msgspec.defstruct("Body", [(name, kind | None, None) for name, kind in types.items()])
    assert list(free_texts(body)) == ["either", "several", "by_name", "pair"]
