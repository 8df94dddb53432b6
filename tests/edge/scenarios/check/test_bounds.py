"""Tests of edge.scenarios.check.bounds: whatever in a type has no bound is named with its path."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct
from msgspec.inspect import type_info

from edge.messages.envelope import Identifier, Latitude, Milliseconds, Text
from edge.scenarios.check.bounds import unbounded


@pytest.mark.parametrize(
    ("type_", "found"),
    [
        (int, "integer"),
        (Annotated[int, Meta(ge=0)], "integer"),
        (Annotated[int, Meta(ge=0, le=2**62)], ""),
        (Milliseconds | None, ""),
        (float, "number"),
        (Latitude, ""),
        (str, "text"),
        (Annotated[str, Meta(max_length=9)], "words"),
        (Text, ""),
        (Identifier, ""),
        (Annotated[str, Meta(pattern=r"\A[a-z]+\Z")], "text"),
        (Annotated[str, Meta(pattern=r"[a-z]{3}")], "text"),
        (Annotated[str, Meta(pattern=r"\A[*+]{1,3}\Z")], ""),
        (bytes, "bytes"),
        (list[bool], "list"),
        (Annotated[list[bool], Meta(max_length=3)], ""),
        (Annotated[list[int], Meta(max_length=3)], "integer"),
        (Annotated[dict[str, bool], Meta(max_length=3)], "text"),
        (dict[Identifier, bool], "map"),
        (tuple[Latitude, int], "integer"),
        (set[bool], "set"),
        (Any, "value"),
        (msgspec.Raw, "value"),
        (Literal["a", "b"], ""),
    ],
)
def test_what_has_no_bound_is_found(type_: Any, found: str) -> None:
    """Numbers need both ends, texts and lists a length; what cannot be bounded is not for messages."""
    assert [what for _, what in unbounded(type_info(type_), "x")] == ([found] if found else [])


class Leaf(Struct):
    """A part of a message."""

    n: int


class Tree(Struct):
    """A message with itself inside."""

    leaves: Annotated[list[Leaf], Meta(max_length=2)]
    child: "Tree | None" = None


def test_the_path_leads_through_structs_and_lists() -> None:
    """The path names each field on the way; a struct inside itself is looked at once."""
    assert list(unbounded(type_info(Tree), "Tree")) == [("Tree.leaves[].n", "integer")]
