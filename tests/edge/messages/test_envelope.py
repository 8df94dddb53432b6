"""Tests of edge.messages.envelope and of the schema of edge.messages.batches: what comes from outside has a bound."""

from typing import Any

import msgspec
import pytest

from edge.messages.batches import BatchMessage, Hello, SyncAck, SyncWelcome, Window
from edge.scenarios.dispatch.messages import DURABLE_KINDS, RiderPosition


def unbounded(node: Any, path: str) -> list[str]:
    """The integers in a type that have no lower or no upper bound, or one beyond 63 bits."""
    match node:
        case msgspec.inspect.IntType(ge=low, le=high):
            return [] if low is not None and high is not None and -(2**63) <= low <= high < 2**63 else [path]
        case msgspec.inspect.StructType(fields=fields):
            return [found for field in fields for found in unbounded(field.type, f"{path}.{field.name}")]
        case msgspec.inspect.UnionType(types=types) | msgspec.inspect.TupleType(item_types=types):
            return [found for each in types for found in unbounded(each, path)]
        case msgspec.inspect.ListType(item_type=item) | msgspec.inspect.VarTupleType(item_type=item):
            return unbounded(item, f"{path}[]")
        case msgspec.inspect.DictType(value_type=value):
            return unbounded(value, f"{path}{{}}")
        case _:
            return []


@pytest.mark.parametrize(
    "body", [*DURABLE_KINDS.values(), RiderPosition, Hello, SyncWelcome, BatchMessage, SyncAck, Window]
)
def test_every_integer_from_outside_has_a_bound(body: type):
    """A number wider than what stores it is refused by name, so every integer has a bound."""
    assert unbounded(msgspec.inspect.type_info(body), body.__name__) == []
