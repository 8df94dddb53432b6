"""Tests of edge.core.effects."""

import json

import h3.api.basic_int as h3
import msgspec

from edge.core.aggregate import Windows
from edge.core.effects import Effects
from edge.core.model import Now
from edge.messages.coordinates import converted
from edge.scenarios.dispatch.messages import Assignment, Update

T0 = 1_790_000_000_000


def test_everybody_is_told_in_the_encoding_that_they_speak():
    """A client that sent JSON gets JSON; the others get MessagePack."""
    said = Effects(Windows(5, 8), "wgs84", {"alice": True}, Now(1.0, T0), "dispatch")
    update = Update(order="o-1", state="accepted", at=T0)
    said.tell("alice", update, 9.0)
    said.tell("bob", update, 9.0)
    (alice, kind, payload, expires), (bob, _, packed, _) = said.messages
    assert (alice, bob, kind, expires) == ("alice", "bob", "update", 9.0)
    assert json.loads(payload) == msgspec.msgpack.decode(packed)


def test_a_withdrawal_that_became_void_is_not_told():
    """What a round withdraws and gives back it says nothing of; other withdrawals are told."""
    said = Effects(Windows(5, 8), "wgs84", {}, Now(1.0, T0), "dispatch")
    for order in ("o-1", "o-2"):
        said.tell("r-1", Assignment(offer=1, order=order, state="withdrawn", at=T0, reason="rider silent"), 9.0)
    said.cancel_withdrawal("r-1", "o-1")
    said.cancel_withdrawal("r-1", "o-3")
    assert [msgspec.msgpack.decode(payload)["order"] for _, _, payload, _ in said.messages] == ["o-2"]


def test_of_an_orders_updates_the_last_is_told():
    """Each client hears once of each order, where that stands at the end of the round; other messages stay."""
    said = Effects(Windows(5, 8), "wgs84", {}, Now(1.0, T0), "dispatch")
    for state in ("accepted", "at_shop"):
        for order in ("o-1", "o-2"):
            said.tell("alice", Update(order=order, state=state, at=T0), 9.0)
        said.tell("r-1", Assignment(offer=1, order=state, state="offered", at=T0), 9.0)
    said.tell("bob", Update(order="o-1", state="at_shop", at=T0), 9.0)
    said.tell("alice", Update(order="o-2", state="delivered", at=T0), 9.0)
    told = [(client, msgspec.msgpack.decode(payload)) for client, _, payload, _ in said.messages]
    assert [(client, body["order"], body["state"]) for client, body in told] == [
        ("r-1", "accepted", "offered"),
        ("alice", "o-1", "at_shop"),
        ("r-1", "at_shop", "offered"),
        ("bob", "o-1", "at_shop"),
        ("alice", "o-2", "delivered"),
    ]


def test_a_receipt_is_repeated_as_it_was():
    """What a repeat gets is not encoded anew, whatever its client speaks now."""
    said = Effects(Windows(5, 8), "wgs84", {"alice": True}, Now(1.0, T0), "dispatch")
    said.repeat("alice", b"as recorded", 9.0)
    assert list(said.messages) == [("alice", "receipt", b"as recorded", 9.0)]


def test_cells_are_those_of_wgs84():
    """A node that keeps GCJ-02 counts a place in the cell where it lies on the ground."""
    ground = (31.2, 121.4)
    windows = Windows(2, 10)
    for person in ("a", "b"):
        said = Effects(windows, "gcj02", {}, Now(1.0, T0), "dispatch")
        said.locate("order.placed", T0, *converted(*ground, "wgs84", "gcj02"), person)
    (window,) = windows.seal(Now(200.0, T0 + 200_000))
    assert [cell.cell for cell in window.cells] == [h3.latlng_to_cell(*ground, 10)]


def test_counts_and_measures_land_in_their_window():
    """What the scenario counts and measures is in the window of its stamp."""
    windows = Windows(5, 8)
    said = Effects(windows, "wgs84", {}, Now(1.0, T0), "dispatch")
    said.count("order.delivered", T0, 2)
    said.measure("click_to_door_ms", T0, 1_500)
    (window,) = windows.seal(Now(200.0, T0 + 200_000))
    assert window.counters == {"order.delivered": 2}
    assert (window.measures["click_to_door_ms"].count, window.measures["click_to_door_ms"].total) == (1, 1_500)
