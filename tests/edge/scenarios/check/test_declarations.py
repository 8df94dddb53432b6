"""Tests of edge.scenarios.check.declarations: each declaration that cannot work is named."""

import re
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from edge.core.scenario import Counter, Message, NoOptions, Scenario
from edge.messages.envelope import KIND, Identifier, Receipt, Up
from edge.mqtt.server.topics import parse_up
from edge.scenarios.check.declarations import summary, wrong
from edge.scenarios.dispatch import Dispatch


class Set(Up, frozen=True, tag="price.set"):
    """A good message up."""

    sku: Identifier
    cents: Annotated[int, Meta(ge=0, le=100)] = 0


class Loose(Up, frozen=True, tag="price.set"):
    """One without bounds."""

    sku: str


class Melted(Struct):
    """A message down that is not frozen."""


class Bare(Struct, frozen=True, tag_field="kind", tag="price.set"):
    """One that is not derived from Up."""


class Show(Struct, frozen=True):
    """A good message down."""

    sku: str


class Needy(Struct, frozen=True, forbid_unknown_fields=True):
    """Options without a default."""

    n: int


class Lax(Struct, frozen=True):
    """Options that would hide a misspelt name."""

    n: int = 0


class Outside(Struct, frozen=True, forbid_unknown_fields=True):
    """Options whose default is outside of their bounds."""

    n: Annotated[int, Meta(ge=1, le=2)] = 0


UP, DOWN = Message("price.set", Set, roles=("shop",)), Message("price.show", Show, "down", roles=("gateway",))


def scenario(**members: Any) -> type[Scenario]:
    """A good scenario, but for these members."""
    methods = {"round": lambda *_: [], "snapshot": lambda _: b"", "restore": lambda *_: None}
    return type("Prices", (Scenario,), {"name": "prices", "messages": (UP, DOWN), **methods, **members})


def test_good_declarations_have_no_findings() -> None:
    """A scenario as the contract describes it, and the one that the node comes with."""
    assert wrong(scenario(), [Dispatch]) == []
    assert wrong(Dispatch, [scenario()]) == []
    assert summary(scenario()) == "1 kinds up, 1 down, 0 counters, 0 options, zone instant"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"name": "Prices"}, "name = 'Prices'"),
        ({"name": "node"}, "not 'node'"),
        ({"zone": "soon"}, "zone = 'soon'"),
        ({"round": Scenario.round}, r"has no method round\(\)"),
        ({"messages": (DOWN,)}, "no kind comes up"),
        ({"messages": (UP, UP)}, "declared twice in the same direction"),
        ({"messages": (Message("price.get", Set, roles=("shop",)),)}, "has the tag 'price.set'"),
        ({"messages": (Message("Price", Set, roles=("shop",)),)}, "a level of a topic"),
        ({"messages": (Message("price.set", Set),)}, r"roles = \(\)"),
        ({"messages": (Message("price.set", Set, roles=("king",)),)}, "of customer, rider"),  # pyright: ignore[reportArgumentType]
        ({"messages": (Message("price.set", Loose, roles=("shop",)),)}, "Loose.sku is a text of any length"),
        ({"messages": (UP, Message("price.show", Melted, "down", roles=("shop",)))}, "must be frozen"),
        ({"messages": (Message("price.set", Bare, roles=("shop",)),)}, "must derive from"),
        ({"messages": (Message("price.set", Set, roles=("shop",), personal=("x",)),)}, "no field 'x'"),
        ({"messages": (Message("price.set", Set, roles=("shop",), given=(("y", "cents"),)),)}, "no field 'y'"),
        ({"messages": (Message("price.set", Set, roles=("shop",), in_memory=("sku",)),)}, "needs a plain default"),
        ({"messages": (UP, Message("price.show", Show, "down", about="x"))}, "'x' is none of Show"),
        ({"messages": (Message("price.set", Set, roles=("shop",), about="sku"),)}, "about is for kinds down"),
        ({"messages": (UP, Message("receipt", Show, "down", roles=("shop",)))}, "receipt: this kind is the node's"),
        ({"options": Needy}, "Needy.n has no default"),
        ({"options": Lax}, "forbid_unknown_fields"),
        ({"options": Outside}, "defaults are not valid"),
        ({"options": NoOptions, "restart_options": ("n",)}, "no option 'n'"),
        ({"counters": (Counter("Price", of="x"),)}, "lower-case"),
        ({"counters": (Counter("accepted.price", of="x"),)}, "the node counts under this name"),
        ({"counters": (Counter("a", of="x"), Counter("a", of="x"))}, "declared twice"),
        ({"counters": (Counter("a"),)}, "what one unit is"),
        ({"receipt": Struct}, "derived from edge.messages.envelope.Receipt"),
        (
            {"receipt": type("Bad", (Receipt,), {"__annotations__": {"sku": str}}, frozen=True)},
            "Bad.sku has no default",
        ),
    ],
)
def test_what_cannot_work_is_named(members: dict[str, Any], words: str) -> None:
    """One mistake, and the sentence that names it and what to write instead."""
    found = wrong(scenario(**members), [])
    assert any(re.search(words, text) for text in found), found


def test_a_kind_belongs_to_one_scenario() -> None:
    """Two scenarios with one kind cannot run in one node."""
    (found,) = wrong(scenario(), [scenario(name="other", messages=(UP,))])
    assert "the scenario other has this kind too" in found


@pytest.mark.parametrize("kind", ["price.set", "a", "Price", "price2", "price_set", "", "x" * 32, "x" * 33])
def test_kinds_are_those_that_the_listeners_take(kind: str) -> None:
    """The pattern is the one of the topics."""
    assert (parse_up(f"ds/n/up/c/{kind}", "ds/n/up/c/") == kind) == bool(KIND.fullmatch(kind))
