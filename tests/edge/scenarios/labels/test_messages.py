"""Tests of edge.scenarios.labels.messages: what a shop may write, and what is refused before any round."""

import pytest

from edge.core.model import Event, Rejected
from edge.errors import Reason
from edge.scenarios.labels.messages import COUNTERS, MESSAGES, PRICES_PER_MESSAGE_MAX, PriceEntry, PriceSet
from tests.edge.scenarios.labels.world import SHOP, World

ENTRY = {"sku": "milk", "price_cents": 1}


def decoded(**fields):
    return World().event(SHOP, "price.set", **fields)


def test_one_price_and_a_list_of_one_are_the_same():
    """A row keeps one form, whichever the shop chose."""
    for fields in (ENTRY, {"prices": [ENTRY]}):
        made = decoded(**fields)
        assert isinstance(made, Event)
        assert isinstance(made.body, PriceSet)
        assert made.body.sku is None
        assert made.body.prices == [PriceEntry("milk", 1)]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "sku"),
        ({"sku": "milk"}, "price_cents"),
        ({"price_cents": 1}, "sku"),
        ({**ENTRY, "prices": [ENTRY]}, "prices"),
        ({"from_at": 5, "prices": [ENTRY]}, "prices"),
        ({"prices": []}, "prices"),
        ({"prices": [ENTRY] * (PRICES_PER_MESSAGE_MAX + 1)}, "prices"),
        ({**ENTRY, "from_at": 5, "until_at": 5}, "until_at"),
        ({**ENTRY, "until_at": 0}, "until_at"),
        ({"prices": [ENTRY, {**ENTRY, "from_at": 6, "until_at": 5}]}, "prices[1].until_at"),
        ({**ENTRY, "price_cents": -1}, "price_cents"),
        ({**ENTRY, "price_cents": 10**9 + 1}, "price_cents"),
        ({**ENTRY, "sku": "a/b"}, "sku"),
        ({**ENTRY, "sku": "x" * 65}, "sku"),
    ],
)
def test_a_price_that_is_none_is_refused_by_its_field(fields, field):
    """Neither form, both, an empty or too long list, a window that ends before it begins, numbers out of bounds."""
    made = decoded(**fields)
    assert isinstance(made, Rejected)
    assert (made.reason, made.field) == (Reason.MALFORMED, field)
    assert made.id


@pytest.mark.parametrize("code", ["4006381333931", "SKU_1", "A0:1b", "x.y-z"])
def test_names_on_goods_are_taken_as_they_are(code):
    """Article numbers, GTINs and hardware addresses need no translation."""
    assert isinstance(decoded(sku=code, price_cents=1), Event)


def test_the_catalogue_names_senders_and_counters_once():
    """Each kind names roles; only a gateway confirms; counters have a unit and no name twice."""
    assert all(message.roles for message in MESSAGES)
    assert {m.kind for m in MESSAGES if m.roles == ("gateway",)} == {"label.shown", "label.show"}
    assert len({(counter.name, counter.form) for counter in COUNTERS}) == len(COUNTERS)
    assert all(counter.of for counter in COUNTERS)
