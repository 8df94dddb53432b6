"""Tests of edge.scenarios.labels.examples: what documents and fuzzers begin with."""

import json

import pytest

from edge.core.decode import Catalog
from edge.core.model import Event
from edge.scenarios.labels import Labels
from edge.scenarios.labels.examples import examples
from tests.edge.scenarios.labels.world import World, messages, now


@pytest.mark.parametrize("seed", range(5))
def test_the_examples_are_valid_and_complete(seed):
    """Every kind occurs, every message is accepted, and the same seed gives the same."""
    made = examples(seed)
    assert list(Labels.examples(seed)) == made == examples(seed)
    assert {kind for _, kind, _ in made} == set(Catalog([Labels]).kinds)
    world = World()
    for number, (client, kind, fields) in enumerate(made):
        event = world.node.catalog.decode(client, kind, json.dumps(fields).encode(), "wgs84")
        assert isinstance(event, Event), event
        (receipt, *_) = messages(world.handle(event, at=now(number)), "receipt")
        assert receipt["status"] == "accepted", receipt
