"""Tests of edge.scenarios.protocol.asyncapi: the document hangs together, and has what the scenarios declare."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from edge.scenarios.loader import DEFAULT, load
from edge.scenarios.protocol.asyncapi import IN_COMPONENTS, document
from edge.scenarios.protocol.schema import contract

SCENARIOS = load(DEFAULT)
DOCUMENT = document(contract(SCENARIOS, IN_COMPONENTS))


def references(value: Any) -> Iterator[str]:
    """Every reference, anywhere below."""
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key == "$ref")
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return resolved(found["$ref"]) if "$ref" in found else found


def test_every_reference_leads_somewhere() -> None:
    """Inside of the document, so that it is one file."""
    found = list(references(DOCUMENT))
    assert len(found) > 100
    for each in found:
        assert isinstance(resolved(each), dict), each


def test_it_has_the_parts_that_the_standard_asks_for() -> None:
    """AsyncAPI 3.0: title and version, an address and messages for each channel, an action for each operation; the
    parameters of an address are those that the channel explains."""
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"].keys() >= {"title", "version"}
    for name, channel in DOCUMENT["channels"].items():
        assert channel["messages"], name
        assert set(channel["parameters"]) == {part[1:-1] for part in channel["address"].split("/") if part[0] == "{"}
    for name, operation in DOCUMENT["operations"].items():
        assert operation["action"] in ("send", "receive"), name
        assert operation["channel"]["$ref"].startswith("#/channels/"), name
        for message in operation.get("reply", {}).get("messages", []):
            assert message["$ref"].startswith(operation["reply"]["channel"]["$ref"]), name


@pytest.mark.parametrize("message", [message for scenario in SCENARIOS for message in scenario.messages])
def test_each_message_has_its_operation(message):
    """With its topic, its roles and its QoS; what is durable has a receipt as reply."""
    action = "send" if message.direction == "up" else "receive"
    operation = DOCUMENT["operations"][f"{action}.{message.kind}"]
    assert (
        resolved(operation["channel"]["$ref"])["address"]
        == f"ds/{{node}}/{message.direction}/{{client}}/{message.kind}"
    )
    assert [tag["name"] for tag in operation["tags"]] == list(message.roles)
    assert operation["bindings"]["mqtt"]["qos"] == int(message.durable)
    assert ("reply" in operation) == (message.direction == "up" and message.durable)


def test_the_schemas_are_of_the_draft_that_the_standard_uses() -> None:
    """Draft 07, by which the examples are valid."""
    Draft7Validator.check_schema({"definitions": DOCUMENT["components"]["schemas"]})
    examples = 0
    for message in DOCUMENT["components"]["messages"].values():
        for example in message.get("examples", []):
            examples += 1
            Draft7Validator({**DOCUMENT, "allOf": [message["payload"]]}).validate(example["payload"])
    assert examples == sum(message.direction == "up" for scenario in SCENARIOS for message in scenario.messages)
    point = DOCUMENT["components"]["schemas"]["RiderPosition"]["properties"]["points"]["items"]
    assert len(point["items"]) == 3
    assert point["additionalItems"] is False
