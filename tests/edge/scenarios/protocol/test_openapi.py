"""Tests of edge.scenarios.protocol.openapi: the document hangs together, and has what the scenarios declare."""

import json

import pytest
from jsonschema import Draft202012Validator

from edge.api.problems import STATUSES
from edge.errors import Reason
from edge.scenarios.loader import DEFAULT, load
from edge.scenarios.protocol.openapi import IN_COMPONENTS, document
from edge.scenarios.protocol.schema import contract

SCENARIOS = load(DEFAULT)
DOCUMENT = document(contract(SCENARIOS, IN_COMPONENTS))


def test_every_reference_leads_somewhere() -> None:
    """Inside of the document, so that it is one file."""
    text = json.dumps(DOCUMENT)
    found = {each.split('"')[0] for each in text.split('"$ref": "')[1:]}
    assert len(found) > 20
    assert found <= {IN_COMPONENTS.format(name=name) for name in DOCUMENT["components"]["schemas"]}


def test_the_schemas_are_of_the_draft_that_the_standard_uses() -> None:
    """OpenAPI 3.1 has JSON Schema 2020-12; the examples are valid by it."""
    Draft202012Validator.check_schema({"$defs": DOCUMENT["components"]["schemas"]})
    examples = 0
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for example in schema.get("examples", []):
            examples += 1
            Draft202012Validator({**DOCUMENT, "$ref": f"#/components/schemas/{name}"}).validate(example)
    assert examples > 10


@pytest.mark.parametrize("message", [each for one in SCENARIOS for each in one.messages if each.direction == "up"])
def test_each_event_has_its_path(message) -> None:
    """With its roles, and its receipt where it has one; what is answered over MQTT only has none."""
    path = DOCUMENT["paths"].get(f"/v1/events/{message.kind}")
    assert (path is None) == bool(message.answered_by)
    if path is not None:
        assert path["post"]["tags"] == list(message.roles)
        assert ("200" in path["post"]["responses"]) == message.durable
        assert ("parameters" in path["post"]) == message.durable


@pytest.mark.parametrize("collection", [each for one in SCENARIOS for each in one.collections])
def test_each_collection_has_its_paths(collection) -> None:
    """All of it, and one of it with ETag and wait."""
    assert DOCUMENT["paths"][f"/v1/{collection.name}"]["get"]["tags"] == list(collection.roles)
    one = DOCUMENT["paths"][f"/v1/{collection.name}/{{id}}"]["get"]
    assert [each["name"] for each in one["parameters"]] == ["id", "wait", "If-None-Match"]
    assert "ETag" in one["responses"]["304"]["headers"]


def test_every_status_of_a_refusal_is_documented() -> None:
    """Of each event: whichever reason there is."""
    for path, operations in DOCUMENT["paths"].items():
        if "post" in operations:
            assert operations["post"]["responses"].keys() >= {str(STATUSES[reason]) for reason in Reason}, path
