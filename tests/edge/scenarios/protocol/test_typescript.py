"""Tests of edge.scenarios.protocol.typescript: each message has its type, and no type is missing."""

import re

from edge.scenarios.loader import DEFAULT, load
from edge.scenarios.protocol.schema import contract
from edge.scenarios.protocol.typescript import document

MADE = contract(load(DEFAULT))
TEXT = document(MADE)


def interface(name: str) -> str:
    """What stands between the braces."""
    found = re.search(rf"^export interface {name} \{{\n(.*?)^\}}", TEXT, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def test_each_message_is_an_interface_with_its_fields() -> None:
    """A field that can be left out has a question mark."""
    for name, schema in MADE.schemas.items():
        if "properties" in schema:
            fields = dict(re.findall(r"^  (\w+)(\??): ", interface(name), re.MULTILINE))
            assert fields == {field: "" if field in schema["required"] else "?" for field in schema["properties"]}


def test_every_type_is_declared() -> None:
    """Once each; comments and texts aside."""
    declared = re.findall(r"^export (?:interface|type) (\w+)", TEXT, re.MULTILINE)
    assert len(set(declared)) == len(declared)
    bare = re.sub(r"/\*\*.*?\*/|\"[^\"]*\"|//.*", "", TEXT, flags=re.DOTALL)
    assert set(re.findall(r"\b[A-Z]\w+", bare)) - {"Array"} <= set(declared)


def test_the_kinds_of_both_directions_have_their_types() -> None:
    """By kind, with who may send each, and the receipt of each."""
    assert '  "order.place": OrderPlace;' in interface("Up")
    assert '  "order.place": "customer" | "shop";' in interface("Senders")
    assert '  "order.place": OrderReceipt;' in interface("Receipts")
    assert "rider.position" not in interface("Receipts")
    assert '  "receipt": OrderReceipt | PriceReceipt | Receipt;' in interface("Down")
    assert len(interface("Up").splitlines()) == len(MADE.up)
    assert "points: Array<[number, number, number]>;" in interface("RiderPosition")
    assert 'state: "placed" | "offered"' in interface("Update")
