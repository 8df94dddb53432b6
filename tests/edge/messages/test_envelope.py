"""Tests of edge.messages.envelope and of the schema of edge.messages.batches: what comes from outside has a bound."""

import msgspec
import pytest

from edge.messages.batches import BatchMessage, Hello, SyncAck, SyncWelcome, Window
from edge.scenarios.check.bounds import unbounded
from edge.scenarios.dispatch.messages import DURABLE_KINDS, RiderPosition


@pytest.mark.parametrize(
    "body", [*DURABLE_KINDS.values(), RiderPosition, Hello, SyncWelcome, BatchMessage, SyncAck, Window]
)
def test_every_integer_from_outside_has_a_bound(body: type):
    """A number wider than what stores it is refused by name, so every integer has a bound."""
    found = unbounded(msgspec.inspect.type_info(body), body.__name__)
    assert [path for path, what in found if what == "integer"] == []
