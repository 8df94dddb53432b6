"""Tests of edge.scenarios.protocol.schema: what the schemas accept, the node accepts, and the other way round."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edge.core.decode import Catalog
from edge.core.model import Rejected
from edge.errors import Reason
from edge.scenarios.labels.messages import PriceSet
from edge.scenarios.loader import DEFAULT, load
from edge.scenarios.protocol.schema import contract, document, field_docs
from tests.messages import AT, BAD, GOOD

SCENARIOS = load(DEFAULT)
CATALOG = Catalog(SCENARIOS)
MADE = contract(SCENARIOS)
DOCUMENT = document(MADE)
UP = {message.kind: name for message, name, _ in MADE.up}

EXAMPLES = [
    (kind, dict(fields)) for scenario in SCENARIOS for seed in (1, 2) for _, kind, fields in scenario.examples(seed)
]

ODD: list[Any] = [
    *(None, True, -1, 0, 1, 3.0, 1.5, 9, AT, 2**53, 10**18, 1e300),
    *("", "a", "a b", "gcj02", "-a", "x" * 64, "x" * 65, "é", "y" * 256, "y" * 257, "delivered", "order.place"),
    *([], {}, [1], {"lat": 1, "lon": 2}, {"lat": 91, "lon": 2}, [[AT, 1, 2]], [[AT, 1]], [[AT, 1, 181]]),
    *([{"sku": "a", "price_cents": 1}], [{"sku": "a"}]),
]

LOOSER = {
    ("price.set", "prices"): "one price and several are not for one message",
    ("price.set", "until_at"): "a price ends after it begins",
    ("price.set", "from_at"): "a price ends after it begins, and a time that looks like seconds is none",
}
"""Kind and field where the node refuses what the schema takes: it would have to compare two fields."""


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({**DOCUMENT, "$ref": f"#/$defs/{name}"})


def refused(kind: str, payload: Any) -> bool:
    made = CATALOG.decode("client-1", kind, json.dumps(payload).encode(), "wgs84")
    return isinstance(made, Rejected) and made.reason is Reason.MALFORMED


def test_the_document_is_json_schema() -> None:
    """Of 2020-12; each message can be found by its kind as an anchor."""
    Draft202012Validator.check_schema(DOCUMENT)
    anchors = [schema["$anchor"] for schema in DOCUMENT["$defs"].values() if "$anchor" in schema]
    assert sorted(anchors) == sorted(message.kind for scenario in SCENARIOS for message in scenario.messages)


@pytest.mark.parametrize(("kind", "fields"), [*GOOD, *EXAMPLES])
def test_the_schemas_take_what_the_node_takes(kind, fields):
    """The good cases of the decoder, and the examples of the scenarios."""
    assert not refused(kind, fields)
    validator(UP[kind]).validate(fields)


@pytest.mark.parametrize(("what", "kind", "payload", "reason", "field"), BAD, ids=[case[0] for case in BAD])
def test_the_schemas_refuse_what_the_node_refuses(what, kind, payload, reason, field):
    """The bad cases of the decoder, where they are JSON of a kind that exists and no more than a bound of bytes."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return
    if kind in UP and reason == Reason.MALFORMED and what != "lone surrogate":
        assert not validator(UP[kind]).is_valid(value)


@pytest.mark.parametrize("kind", UP)
def test_schema_and_node_agree_on_each_field(kind):
    """Each field of an example is replaced by each of many values, or left out: both take the message, or neither."""
    good = max((fields for each, fields in [*GOOD, *EXAMPLES] if each == kind), key=len)
    check = validator(UP[kind])
    for field in DOCUMENT["$defs"][UP[kind]]["properties"]:
        cases = [{**good, field: value} for value in ODD]
        for case in [*cases, {name: value for name, value in good.items() if name != field}]:
            valid = check.is_valid(case)
            if valid and (kind, field) in LOOSER:
                continue
            early = isinstance(case.get(field), int | float) and field in ("at", "ready_at", "until", "until_at")
            if early and not valid and not refused(kind, case):
                continue  # the stamp of a clock that was never set is taken, and nobody is to send one
            assert valid != refused(kind, case), (field, case.get(field))


def test_every_field_has_its_words() -> None:
    """The docstring below the field, the unit, or the description of the struct that it is."""
    for name, schema in MADE.schemas.items():
        assert schema["description"], name
        for field, each in schema.get("properties", {}).items():
            assert each.get("description"), f"{name}.{field}"
    assert MADE.schemas["OrderPlace"]["properties"]["prep_s"]["description"].endswith("Seconds.")
    assert MADE.schemas["Stop"]["properties"]["at"]["description"] == "What is to be done there."
    assert field_docs(PriceSet)["id"].startswith("The sender's own name")


def test_answers_have_neither_null_nor_defaults() -> None:
    """The node leaves out what has its default, so that a client never sees one."""
    for name in [*(name for _, name in MADE.down), *MADE.receipts]:
        assert "null" not in json.dumps(MADE.schemas[name]), name
        assert "default" not in json.dumps(MADE.schemas[name]["properties"]), name
