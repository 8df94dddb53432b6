"""Tests of edge.core.effects."""

import json

import h3.api.basic_int as h3
import msgspec

from edge.core.aggregate import Windows
from edge.core.effects import Effects, Measured
from edge.core.model import Now
from edge.messages.batches import Window
from edge.messages.coordinates import converted
from edge.messages.sync.shops import ShopDays
from edge.scenarios.dispatch.messages.down import Assignment, Update

T0 = 1_790_000_000_000
KINDS = {Assignment: "assignment", Update: "update"}


def test_every_client_gets_its_own_encoding():
    """A client that sent MessagePack gets MessagePack; the others get JSON."""
    out = Effects("wgs84", {"bob": True}, KINDS)
    update = Update(order="o-1", state="accepted", at=T0)
    out.send("alice", update, 9.0)
    out.send("bob", update, 9.0)
    (alice, kind, payload, expires, _), (bob, _, packed, *_) = out.messages.values()
    assert (alice, bob, kind, expires) == ("alice", "bob", "update", 9.0)
    assert json.loads(payload) == msgspec.msgpack.decode(packed)


def test_a_cancelled_message_is_not_sent():
    """A withdrawal that the same round cancels is not sent; others are. What earlier rounds sent is named."""
    out = Effects("wgs84", {}, KINDS)
    for order in ("o-1", "o-2"):
        out.send("r-1", Assignment(offer=1, order=order, state="withdrawn", at=T0, reason="rider silent"), 9.0, order)
    out.cancel("r-1", "assignment", "o-1")
    out.cancel("r-1", "assignment", "o-3")
    assert [msgspec.json.decode(payload)["order"] for _, _, payload, *_ in out.messages.values()] == ["o-2"]
    assert out.cancelled == [("r-1", "assignment", "o-1"), ("r-1", "assignment", "o-3")]
    out.begin()
    assert out.cancelled == []


def test_of_one_topic_the_last_message_is_sent():
    """Each client gets one message of a kind and topic, the last one; other messages stay."""
    out = Effects("wgs84", {}, KINDS)
    for state in ("accepted", "at_shop"):
        for order in ("o-1", "o-2"):
            out.send("alice", Update(order=order, state=state, at=T0), 9.0, order)
        out.send("r-1", Assignment(offer=1, order=state, state="offered", at=T0), 9.0)
    out.send("bob", Update(order="o-1", state="at_shop", at=T0), 9.0, "o-1")
    out.send("alice", Update(order="o-2", state="delivered", at=T0), 9.0, "o-2")
    sent = [(client, msgspec.json.decode(payload)) for client, _, payload, *_ in out.messages.values()]
    assert [(client, body["order"], body["state"]) for client, body in sent] == [
        ("r-1", "accepted", "offered"),
        ("alice", "o-1", "at_shop"),
        ("r-1", "at_shop", "offered"),
        ("bob", "o-1", "at_shop"),
        ("alice", "o-2", "delivered"),
    ]


def test_cells_are_those_of_wgs84():
    """A node with GCJ-02 coordinates counts a place in the cell of its WGS 84 coordinates."""
    place = (31.2, 121.4)
    out = Effects("gcj02", {}, KINDS)
    for person in ("a", "b"):
        out.locate("order.placed", T0, *converted(*place, "wgs84", "gcj02"), person)
    assert [cell.cell for cell in window_of(out).cells] == [h3.latlng_to_cell(*place, 10)]


def test_counts_and_measures_land_in_their_window():
    """What the scenario counts and measures is in the window of its stamp, and gone from the next round."""
    out = Effects("wgs84", {}, KINDS)
    out.count("order.delivered", T0, n=2)
    out.measure("click_to_door_ms", T0, 1_500)
    window = window_of(out)
    assert window.counters == {"order.delivered": 2}
    assert (window.measures["click_to_door_ms"].count, window.measures["click_to_door_ms"].total) == (1, 1_500)
    out.begin()
    assert (out.measured, out.messages) == (Measured(), {})


def test_what_belongs_to_a_shop_is_counted_twice():
    """In the window as ever, and for the shop: of a measure, how many values there were."""
    out = Effects("wgs84", {}, KINDS)
    out.count("order.offered", T0, 2, "noodles", "alice")
    out.measure("placed_to_offered_ms", T0, 1_500, "noodles", "alice")
    out.count("order.late", T0)
    assert window_of(out).counters == {"order.offered": 2, "order.late": 1}
    assert out.measured.shops == [
        ("noodles", "order.offered", T0, 2, "alice"),
        ("noodles", "placed_to_offered_ms", T0, 1, "alice"),
    ]


def window_of(out: Effects) -> Window:
    windows = Windows(2, 10)
    windows.add("dispatch", Now(1.0, T0), out.measured, ShopDays())
    (window,) = windows.seal(Now(200.0, T0 + 200_000))
    return window
