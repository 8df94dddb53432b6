"""Tests of edge.scenarios.names."""

from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from edge.messages.envelope import FREE_TEXT, Client, ClientKey, ClientName, Sentence, Text
from edge.scenarios.names import Renaming

NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,12}\Z")
Words = Annotated[str, Meta(extra={FREE_TEXT: ("alice",)})]


class Leaf(Struct, frozen=True, array_like=True, tag="l"):
    """A part that has a name, and a word."""

    who: Client
    word: str = ""


class Bare(Struct, frozen=True, array_like=True, tag="b"):
    """One that has none."""

    word: str


class Whole(Struct, frozen=True, omit_defaults=True):
    """Names in every kind of place."""

    alice: str = "alice"
    one: ClientName | None = None
    many: list[Client] = []
    keyed: dict[Client, int] = {}
    held: dict[ClientKey, Leaf] = {}
    pair: tuple[Client, str] | None = None
    parts: list[Leaf | Bare] = []
    why: Sentence = ""
    note: Text = ""
    reason: Words = ""


MADE = Whole(
    one="alice",
    many=["bob", "alice"],
    keyed={"alice": 1, "bob": 2},
    held={"alice/alice": Leaf("alice", "alice")},
    pair=("alice", "alice"),
    parts=[Leaf("alice"), Bare("alice")],
    why="alice is nearer than alice-2, x.alice, alice.b and Alice; not alice.",
    note="ask alice",
    reason="alice",
)


@pytest.mark.parametrize("codec", [msgspec.json, msgspec.msgpack])
def test_names_are_replaced_where_the_types_have_them(codec: Any) -> None:
    """In fields, keys, parts, sentences; not in another text, a field's name, or what the node itself writes there."""
    found = codec.decode(Renaming("alice", "gone-1").packed(codec.encode(MADE), Whole), type=Whole)
    assert found == Whole(
        one="gone-1",
        many=["bob", "gone-1"],
        keyed={"gone-1": 1, "bob": 2},
        held={"gone-1/alice": Leaf("gone-1", "alice")},
        pair=("gone-1", "alice"),
        parts=[Leaf("gone-1"), Bare("alice")],
        why="gone-1 is nearer than alice-2, x.alice, alice.b and Alice; not gone-1.",
        note="ask gone-1",
        reason="alice",
    )


def test_words_of_the_client_are_emptied_where_they_are_passed_on() -> None:
    """Not where somebody else wrote the same."""
    names = Renaming("carol", "gone-1")
    names.unspoken["by bike"] = None
    made = Whole(note="by bike", reason="by bike")
    assert names.packed(msgspec.json.encode(made), Whole) == msgspec.json.encode(Whole(note="by bike"))


@given(NAMES, NAMES)
def test_what_does_not_have_the_name_stays_to_the_byte(client: str, other: str) -> None:
    """Also bytes that are of no type at all, as long as the letters are not among them."""
    names = Renaming(f"y{client}", "gone-1")
    for body in (msgspec.msgpack.encode(Whole(one=f"x{other}", many=[other])), b"\xc1"):
        assert names.packed(body, Whole) == body or f"y{client}" in other


def test_another_type_is_refused() -> None:
    """Where the letters are in it: nothing is guessed."""
    with pytest.raises(msgspec.DecodeError):
        Renaming("alice", "gone-1").packed(msgspec.msgpack.encode(["alice"]), Whole)
