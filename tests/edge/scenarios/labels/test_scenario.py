"""Tests of the labels scenario as a whole: from a shop's message to a label, through the node's core."""

import msgspec
import pytest

from edge.core.model import Presence, decode_row
from edge.core.node import Node
from edge.core.replay import Replay
from edge.scenarios.labels import SCENARIO, Labels
from tests.edge.scenarios.labels.world import GATEWAY, SHOP, World, echo, messages


def test_the_package_names_its_scenario():
    """A loader that looks for SCENARIO finds Labels."""
    assert SCENARIO is Labels
    assert (Labels.name, Labels.zone) == ("labels", "instant")


def test_a_price_reaches_its_label_in_the_same_round():
    """A price that is set goes out to the gateway of a bound label with its version, and price.get has the same."""
    world = World()
    world.bound("milk")
    assert world.take() == []
    effects = world.handle(world.event(SHOP, "price.set", sku="milk", price_cents=129))
    (show,) = messages(effects, "label.show")
    expected = {"shop": SHOP, "label": "l-milk", "sku": "milk", "binding": 1, "version": 1, "price_cents": 129}
    assert show == expected
    assert world.price("milk").items() >= {"price_cents": 129, "version": 1, "sku": "milk", "shop": SHOP}.items()


def test_stock_is_shown_and_counts_as_a_change():
    """A new stock is a new version of what a label shows; the same stock again is none."""
    world = World()
    world.bound("milk")
    world.send(SHOP, "stock.set", sku="milk", count=3)
    assert world.take() == []
    world.send(SHOP, "price.set", sku="milk", price_cents=0)
    world.send(SHOP, "stock.set", sku="milk", count=0)
    world.send(SHOP, "stock.set", sku="milk", count=0)
    assert [(show["price_cents"], show["stock"], show["version"]) for show in world.take()] == [(0, 3, 1), (0, 0, 2)]


def test_a_round_shows_a_label_once():
    """Of all that changes in one round for one label only the newest version goes out."""
    world = World()
    world.bound("milk")
    sets = [world.event(SHOP, "price.set", sku="milk", price_cents=cents) for cents in (1, 2, 3)]
    assert [show["version"] for show in messages(world.handle(*sets), "label.show")] == [3]


def test_the_price_of_an_unknown_article_is_refused():
    """price.get names what is missing: the article, or its price."""
    world = World()
    assert world.refused("customer-1", "price.get", shop=SHOP, sku="milk") == ("unknown_sku", "sku")
    world.bound("milk")
    assert world.refused("customer-1", "price.get", shop=SHOP, sku="milk") == ("unknown_sku", "sku")


def test_shops_do_not_touch_each_other():
    """Two shops have articles and labels of the same names, and a gateway that serves both can distinguish them."""
    world = World()
    for shop, cents in (("shop-1", 100), ("shop-2", 200)):
        world.send(shop, "label.bind", label="l-1", sku="milk", gateway=GATEWAY)
        world.send(shop, "price.set", sku="milk", price_cents=cents)
    assert [(show["shop"], show["price_cents"]) for show in world.take()] == [("shop-1", 100), ("shop-2", 200)]
    world.send("shop-2", "label.unbind", label="l-1")
    assert list(world.labels.labels.labels) == ["shop-1/l-1"]


def test_articles_are_bounded():
    """Beyond skus_max nothing new is taken in, by whichever message; what is known goes on."""
    world = World(skus_max=1)
    world.send(SHOP, "price.set", sku="milk", price_cents=1)
    prices = [{"sku": "milk", "price_cents": 2}, {"sku": "bread", "price_cents": 2}]
    assert world.refused(SHOP, "price.set", prices=prices) == ("over_capacity", "sku")
    assert world.refused(SHOP, "stock.set", sku="bread", count=1) == ("over_capacity", "sku")
    assert world.refused(SHOP, "label.bind", label="l", sku="bread", gateway=GATEWAY) == ("over_capacity", "sku")
    assert world.send(SHOP, "price.set", sku="milk", price_cents=3)["status"] == "accepted"


SKUS_FULL = {"skus_per_shop_max": 2}
LABELS_FULL = {"labels_per_shop_max": 2}


@pytest.mark.parametrize(
    ("options", "kind", "fields", "field"),
    [
        (SKUS_FULL, "stock.set", {"sku": "new", "count": 1}, "sku"),
        (SKUS_FULL, "price.set", {"sku": "new", "price_cents": 1}, "sku"),
        (SKUS_FULL, "label.bind", {"label": "l-new", "sku": "new", "gateway": GATEWAY}, "sku"),
        (LABELS_FULL, "label.bind", {"label": "l-new", "sku": "milk", "gateway": GATEWAY}, "label"),
    ],
)
def test_a_shop_cannot_fill_the_node_for_the_others(options, kind, fields, field):
    """Beyond its share a shop is refused, and `detail` names the option; another shop goes on, after a restart too."""
    world = World(**options)
    world.bound("milk", "bread")
    world.restart()
    assert world.refused(SHOP, kind, **fields) == ("over_capacity", field)
    assert next(iter(options)) in world.send(SHOP, kind, **fields)["detail"]
    assert world.send("shop-2", kind, **fields)["status"] == "accepted"


def test_an_article_that_is_gone_makes_room():
    """sku.remove forgets an article with its prices and timers, but not while a label shows it; a new one begins anew
    and its label takes the binding after."""
    world = World(skus_per_shop_max=1)
    world.bound("milk")
    world.send(SHOP, "price.set", sku="milk", price_cents=1)
    world.send(SHOP, "price.set", sku="milk", price_cents=2, from_at=world.at.wall_ms + 60_000)
    assert world.refused(SHOP, "sku.remove", sku="milk") == ("out_of_sequence", "sku")
    assert world.refused(SHOP, "sku.remove", sku="bread") == ("unknown_sku", "sku")
    assert world.refused("shop-2", "sku.remove", sku="milk") == ("unknown_sku", "sku")
    world.send(SHOP, "label.unbind", label="l-milk")
    assert world.send(SHOP, "sku.remove", sku="milk")["status"] == "accepted"
    assert (world.labels.prices.skus, world.labels.prices.of_shop, world.labels.prices.scheduled) == ({}, {}, 0)
    assert world.refused("customer-1", "price.get", shop=SHOP, sku="milk") == ("unknown_sku", "sku")
    world.take()
    world.run(120)
    world.bound("milk")
    world.send(SHOP, "price.set", sku="milk", price_cents=3)
    assert [(show["binding"], show["version"]) for show in world.take()] == [(2, 1)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, []),
        ({"skus_max": 2}, ["skus_max (2, all shops together, most of them shop-1)"]),
        ({"labels_per_shop_max": 2, "skus_per_shop_max": 2}, ["skus_per_shop_max (2, the shop shop-1)", "labels_per_"]),
    ],
)
def test_a_bound_that_is_reached_is_a_problem(options, words):
    """labels_full names each bound that is reached, and the shop that has most."""
    world = World(**options)
    world.bound("milk", "bread")
    sentence = world.labels.problems(world.at).get("labels_full", "")
    assert bool(sentence) == bool(words)
    assert all(word in sentence for word in words)


def test_the_shop_with_most_is_named():
    """Whatever its name; of shops with equally many, the last by name."""
    world = World(skus_max=3)
    for shop, skus in (("shop-1", ("milk", "bread")), ("shop-2", ("milk",))):
        for sku in skus:
            world.send(shop, "price.set", sku=sku, price_cents=1)
    assert "most of them shop-1)" in world.labels.problems(world.at)["labels_full"]
    world.send("shop-1", "sku.remove", sku="milk")
    world.send("shop-0", "price.set", sku="milk", price_cents=1)
    assert "most of them shop-2)" in world.labels.problems(world.at)["labels_full"]


def test_what_is_seen_of_gateways_is_in_the_row():
    """That a gateway came back makes a round of its own, whose row records it, and a replay sends the same again."""
    world = World()
    world.bound("milk")
    world.send(SHOP, "price.set", sku="milk", price_cents=1)
    assert world.take()
    assert world.handle(Presence(GATEWAY, True), at=world.at)
    assert msgspec.msgpack.decode(decode_row(world.rows[-1]).record_of("labels")) == [GATEWAY]
    assert [show["version"] for show in world.take()] == [1]
    replay = Replay(Node([Labels]), None)
    assert [replay.feed(row) for row in world.rows] == [None] * len(world.rows)


def test_presence_of_others_makes_no_round():
    """Clients that serve no label come and go without a row, and so does a gateway that only goes."""
    world = World()
    world.bound("milk")
    assert world.handle(Presence("shop-1", True), Presence(GATEWAY, True), Presence(GATEWAY, False)) == []
    assert world.labels.next_deadline() is None


def test_a_gateway_that_came_back_is_in_the_row():
    """The names go into the record in their sequence, once, and out of it again; nothing seen is no bytes."""
    labels = Labels()
    labels._returned.update({"gateway-2": None, "gateway-1": None})
    live = labels.live_sensor()
    assert live.returned == ["gateway-2", "gateway-1"]
    recorded = labels.recorded_sensor(live.record(), True)
    assert (recorded.returned, recorded.record()) == (live.returned, live.record())
    assert labels.live_sensor().record() == labels.recorded_sensor(b"", True).record() == b""
    with pytest.raises(msgspec.DecodeError):
        labels.recorded_sensor(b"\x01", True)


def test_gauges_queues_and_counts():
    """Status has what is bound, not up to date and scheduled, and the bounds of what is kept."""
    world = World(labels_max=7)
    world.bound("milk", "bread")
    world.send(SHOP, "price.set", sku="milk", price_cents=1)
    world.send(SHOP, "price.set", sku="bread", price_cents=1)
    world.send(SHOP, "price.set", sku="bread", price_cents=2, from_at=world.at.wall_ms + 1000)
    world.confirm(world.take()[0])
    expected = {"bound": 2, "unconfirmed": 1, "behind": 0, "skus": 2, "scheduled": 1}
    assert world.labels.gauges() == {"labels": expected}
    assert world.labels.queues() == {"labels": (2, 7), "skus": (2, 20_000)}
    counters = {name: n for window in world.node.windows.open() for name, n in window.counters.items()}
    assert counters.items() >= {"price.set": 3, "price.changed": 2, "label.bound": 2, "label.shown": 1}.items()


def test_a_repeated_confirmation_is_answered_and_changes_nothing():
    """A second confirmation of the same version, with an id of its own, is accepted."""
    world = World()
    world.bound("milk")
    world.send(SHOP, "price.set", sku="milk", price_cents=1)
    (show,) = world.take()
    world.confirm(show)
    before = world.labels.snapshot()
    assert world.send(GATEWAY, "label.shown", **echo(show))["status"] == "accepted"
    assert world.labels.snapshot() == before


def test_the_scenario_is_due_when_a_price_begins_or_a_label_waits():
    """Whichever comes first."""
    world = World(resend_after_s=30)
    world.bound("milk")
    world.send(SHOP, "price.set", sku="milk", price_cents=100)
    assert world.take()
    resend = world.labels.next_deadline()
    for begin, first in ((10, pytest.approx(10, abs=0.01)), (1_000, resend)):
        world.send(SHOP, "price.set", sku=f"s-{begin}", price_cents=80, from_at=world.at.wall_ms + begin * 1000)
        assert resend is not None
        assert world.labels.next_deadline() == first
        world.send(SHOP, "sku.remove", sku=f"s-{begin}")
