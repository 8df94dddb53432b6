"""Tests of edge.scenarios.dispatch.messages.examples."""

import json

from hypothesis import given
from hypothesis import strategies as st

from edge.core.decode import Catalog
from edge.core.model import Rejected
from edge.scenarios.dispatch import Dispatch

CATALOG = Catalog([Dispatch])


@given(st.integers(0, 2**31))
def test_every_example_is_valid_and_every_kind_occurs(seed: int):
    """The decoder takes each of them, whatever the seed."""
    examples = Dispatch.examples(seed)
    for client, kind, fields in examples:
        made = CATALOG.decode(client, kind, json.dumps(fields).encode(), "wgs84")
        assert not isinstance(made, Rejected), (kind, fields, made)
    assert {kind for _, kind, _ in examples} == set(CATALOG.kinds)
    assert examples == Dispatch.examples(seed)
