"""Codes at the door are nowhere in plain."""

import json

from hypothesis import given
from hypothesis import strategies as st

from edge.core.decode import Catalog
from edge.core.model import Event, Rejected
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.codes import hashed
from edge.scenarios.dispatch.messages.up import OrderPlace, RiderProgress

CATALOG = Catalog([Dispatch])
PLACE = {"lat": 52.5, "lon": 13.4}
ORDER = {"id": "e-1", "at": 1_790_000_000_000, "order": "o-1", "shop": "s-1", "pickup": PLACE, "dropoff": PLACE}


def decoded(kind, **fields):
    """What a message becomes before anything else sees it."""
    return CATALOG.decode("c-1", kind, json.dumps({**ORDER, **fields}).encode(), "wgs84")


@given(st.text("0123456789abcxyzABCXYZ", min_size=4, max_size=32))
def test_a_code_leaves_the_message_at_once(code):
    """Neither the event nor its row has it; both sides have the same hash, which a row gives back as it is."""
    placed = decoded("order.place", handover_code=code)
    progress = decoded("rider.progress", step="delivered", code=code)
    assert isinstance(placed, Event)
    assert isinstance(placed.body, OrderPlace)
    assert isinstance(progress, Event)
    assert isinstance(progress.body, RiderProgress)
    assert placed.body.handover_code == progress.body.code == hashed("o-1", code)
    assert hashed("o-2", code) != hashed("o-1", code)
    recorded = CATALOG.recorded(placed, "order.place")
    assert not isinstance(recorded, Rejected)
    assert CATALOG.opened(recorded).body == placed.body


def test_a_code_that_is_none_is_refused_without_it():
    """Too short: the refusal names the field, and not what was in it."""
    refused = decoded("order.place", handover_code="7z9")
    assert isinstance(refused, Rejected)
    assert refused.field == "handover_code"
    assert "7z9" not in refused.detail
