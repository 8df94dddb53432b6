"""The catalogue of dispatch's messages."""

import json
from typing import get_args

import pytest

from edge.core.decode import Catalog
from edge.core.model import Event, Observed, Rejected
from edge.messages.grants import EVERY_SHOP, Grant
from edge.messages.roles import ROLES
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.catalog import DURABLE_KINDS, MESSAGES, Durable
from edge.scenarios.dispatch.messages.down import Update
from edge.scenarios.dispatch.messages.up import OrderRedeliver

CATALOG = Catalog([Dispatch])
HEAD = {"id": "e-1", "at": 1_790_000_000_000, "order": "o-1"}


def decode(kind, fields, grant):
    return CATALOG.decode("desk-1", kind, json.dumps({**HEAD, **fields}).encode(), "wgs84", grant)


def test_every_durable_kind_is_in_it():
    """With the same body; and what the customer receives goes to shops and riders, too."""
    assert set(DURABLE_KINDS.values()) == set(get_args(Durable))
    (update,) = [each for each in MESSAGES if each.body is Update]
    assert set(update.roles) == {"customer", "shop", "rider", "dispatcher"}


def test_a_new_door_is_converted_as_every_place_is():
    """Where the sender names another coordinate system; a redelivery without a door has nothing to convert."""
    door = {"lat": 31.2, "lon": 121.4}
    event = decode("order.redeliver", {"dropoff": door, "crs": "gcj02"}, Grant(("shop",), "shop"))
    assert isinstance(event, Event)
    assert isinstance(event.body, OrderRedeliver)
    assert event.body.crs is None
    assert event.body.dropoff is not None
    assert 0.001 < abs(event.body.dropoff.lat - 31.2) + abs(event.body.dropoff.lon - 121.4) < 0.02
    event = decode("order.redeliver", {"crs": "gcj02"}, Grant(("shop",), "shop"))
    assert isinstance(event, Event)


@pytest.mark.parametrize("kind", ["order.cancel", "order.redeliver"])
def test_a_dispatcher_acts_for_every_shop(kind):
    """Another client acts for its own, or for none; a rider may send neither."""
    event = decode(kind, {}, Grant(("dispatcher",)))
    assert isinstance(event, Event)
    assert event.shop == EVERY_SHOP
    event = decode(kind, {}, Grant(("shop",), "noodle-bar"))
    assert isinstance(event, Event)
    assert event.shop == "noodle-bar"
    assert isinstance(decode(kind, {}, Grant(("rider",))), Rejected)


@pytest.mark.parametrize(
    "kind", ["order.assign", "order.pin", "order.hold", "order.release", "order.preview", "board.list"]
)
def test_only_a_dispatcher_overrides(kind):
    """Every other role is refused, whatever it may do otherwise."""
    for role in ROLES:
        decoded = decode(kind, {"rider": "r1"}, Grant((role,), "noodle-bar" if role == "shop" else ""))
        assert isinstance(decoded, Rejected) == (role != "dispatcher")


@pytest.mark.parametrize("kind", ["order.preview", "board.list"])
def test_a_dispatcher_of_one_shop_asks_about_that_one(kind):
    """Whatever it names, or leaves out; one of every shop may name any."""
    shop = Grant(("dispatcher",), "noodle-bar")
    for fields, grant, named in (
        ({}, shop, "noodle-bar"),
        ({"shop": "noodle-bar"}, shop, "noodle-bar"),
        ({}, Grant(("dispatcher",)), None),
        ({"shop": "rice"}, Grant(("dispatcher",)), "rice"),
    ):
        asked = decode(kind, fields, grant)
        assert isinstance(asked, Observed)
        assert getattr(asked.body, "shop") == named  # noqa: B009 - both have one
    refused = decode(kind, {"shop": "rice"}, shop)
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.field) == ("not_allowed", "shop")


def test_no_shop_has_the_name_of_all():
    """So nobody gets a dispatcher's powers by a name."""
    refused = CATALOG.decode(
        "c-1",
        "order.place",
        json.dumps(
            {**HEAD, "shop": EVERY_SHOP, "pickup": {"lat": 1, "lon": 1}, "dropoff": {"lat": 1, "lon": 1}}
        ).encode(),
        "wgs84",
    )
    assert isinstance(refused, Rejected)
