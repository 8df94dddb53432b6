"""Tests of edge.scenarios.labels.labels: bindings, confirmations, and labels that are behind."""

import pytest

import edge.scenarios.labels.labels as labels_module
from tests.edge.scenarios.labels.world import GATEWAY, SHOP, World, echo, now


def shown(cents: int = 100, **options) -> tuple[World, dict]:
    """A label that was sent a price."""
    world = World(**options)
    world.bound("milk")
    world.send(SHOP, "price.set", sku="milk", price_cents=cents)
    (show,) = world.take()
    return world, show


def test_binding_shows_at_once_what_is_in_force():
    """A label that is bound to an article with a price gets it; to one without, nothing until the price comes."""
    world = World()
    world.send(SHOP, "price.set", sku="milk", price_cents=100)
    world.bound("milk", "bread")
    assert [show["sku"] for show in world.take()] == ["milk"]
    world.send(SHOP, "price.set", sku="bread", price_cents=200)
    assert [(show["sku"], show["version"]) for show in world.take()] == [("bread", 1)]


def test_the_same_binding_again_does_nothing():
    """A till that binds all its labels each morning causes no traffic to them."""
    world, show = shown()
    world.confirm(show)
    before = world.labels.snapshot()
    world.bound("milk")
    assert world.labels.snapshot() == before
    assert sum(window.counters.get("label.bound", 0) for window in world.node.windows.open()) == 1


def test_a_label_that_moves_shows_the_other_article():
    """A re-bind is a binding with a number of its own, and a late confirmation of the earlier one changes nothing."""
    world, old = shown()
    world.send(SHOP, "price.set", sku="bread", price_cents=200)
    world.send(SHOP, "label.bind", label="l-milk", sku="bread", gateway="gateway-2")
    (new,) = world.take("gateway-2")
    assert (new["sku"], new["binding"], new["version"]) == ("bread", 2, 1)
    assert world.refused(GATEWAY, "label.shown", **echo(old)) == ("not_yours", "label")
    assert world.confirm(old, "gateway-2")["status"] == "accepted"
    assert world.labels.labels.unconfirmed == 1
    world.confirm(new, "gateway-2")
    assert world.labels.labels.unconfirmed == 0
    assert world.run(1000) == []


def test_the_labels_of_a_shop_are_counted():
    """Bound, moved to another article, unbound, and after a restart: as many as there are."""
    world, _ = shown()
    world.send(SHOP, "price.set", sku="bread", price_cents=200)
    for label, sku in (("l-milk", "bread"), ("l-2", "milk"), ("l-3", "milk")):
        world.send(SHOP, "label.bind", label=label, sku=sku, gateway=GATEWAY)
    for label, left in (("l-milk", {SHOP: 2}), ("l-2", {SHOP: 1}), ("l-3", {})):
        assert sum(world.labels.labels.of_shop.values()) == len(world.labels.labels.labels)
        world.send(SHOP, "label.unbind", label=label)
        assert world.labels.labels.of_shop == left


def test_versions_never_go_back():
    """An article whose labels all go keeps counting, so that a label that comes back has a newer version."""
    world, show = shown()
    world.send(SHOP, "label.unbind", label="l-milk")
    assert world.refused(GATEWAY, "label.shown", **echo(show)) == ("unknown_label", "label")
    world.send(SHOP, "price.set", sku="milk", price_cents=150)
    world.bound("milk")
    assert [(again["version"], again["binding"]) for again in world.take()] == [(2, 2)]


def test_confirmations_out_of_order_change_nothing():
    """The confirmation of an outdated version settles nothing; one after that of the newest unsettles nothing."""
    world, first = shown()
    world.send(SHOP, "price.set", sku="milk", price_cents=150)
    (second,) = world.take()
    world.confirm(first)
    assert world.labels.labels.unconfirmed == 1
    world.confirm(second)
    world.confirm(first)
    assert world.labels.labels.unconfirmed == 0
    assert world.labels.labels.labels["shop-1/l-milk"].shown == 2


def test_what_cannot_be_confirmed_is_refused():
    """A label that is not bound, another gateway's, a version or a binding that was never sent."""
    world, show = shown()
    fields = echo(show)
    assert world.refused(GATEWAY, "label.shown", **{**fields, "label": "x"}) == ("unknown_label", "label")
    assert world.refused("gateway-2", "label.shown", **fields) == ("not_yours", "label")
    assert world.refused(GATEWAY, "label.shown", **{**fields, "version": 2}) == ("malformed", "version")
    assert world.refused(GATEWAY, "label.shown", **{**fields, "binding": 2}) == ("malformed", "binding")
    assert world.refused(SHOP, "label.unbind", label="x") == ("unknown_label", "label")


def test_labels_are_bounded(monkeypatch):
    """Beyond labels_max, and beyond what one article may have, a binding is refused; a label may still move."""
    monkeypatch.setattr(labels_module, "LABELS_PER_SKU_MAX", 2)
    world = World(labels_max=3)
    for label, sku in (("a", "milk"), ("b", "milk"), ("c", "bread")):
        world.send(SHOP, "label.bind", label=label, sku=sku, gateway=GATEWAY)
    bread, milk = {"sku": "bread", "gateway": GATEWAY}, {"sku": "milk", "gateway": GATEWAY}
    assert world.refused(SHOP, "label.bind", label="d", **bread) == ("over_capacity", "label")
    assert world.refused(SHOP, "label.bind", label="c", **milk) == ("over_capacity", "sku")
    assert world.send(SHOP, "label.bind", label="a", **bread)["status"] == "accepted"


@pytest.mark.parametrize(
    ("gateways", "allowed"),
    [({}, True), ({"gateway-2": []}, True), ({GATEWAY: ["shop-2", SHOP]}, True), ({GATEWAY: ["shop-2"]}, False)],
)
def test_a_gateway_serves_the_shops_that_are_listed_for_it(gateways, allowed):
    """Where `gateways` lists a gateway, other shops cannot bind labels to it; one that is not listed serves any."""
    world = World(gateways=gateways)
    fields = {"label": "l", "sku": "milk", "gateway": GATEWAY}
    if allowed:
        assert world.send(SHOP, "label.bind", **fields)["status"] == "accepted"
    else:
        assert world.refused(SHOP, "label.bind", **fields) == ("not_allowed", "gateway")


def test_a_label_that_lags_is_counted_and_named():
    """After behind_after_s a label counts once as behind; the sentence names its gateway; its confirmation is late."""
    world, show = shown(behind_after_s=60)
    world.run(59)
    assert world.labels.problems(world.at) == {}
    world.run(40)
    (sentence,) = world.labels.problems(world.at).values()
    assert list(world.labels.problems(world.at)) == ["labels_behind"]
    assert world.labels.labels.unconfirmed == 1
    for words in ("1 label does not", "shop-1/l-milk for 99 s", "gateway-1 (1)", "Look whether"):
        assert words in sentence
    world.send(SHOP, "stock.set", sku="milk", count=1)
    (newest,) = [each for each in world.take() if each["version"] == 2]
    assert world.labels.gauges()["labels"]["behind"] == 1  # a newer version does not make it less late
    world.confirm(newest)
    assert world.labels.problems(world.at) == {}
    counters: dict[str, int] = {}
    for window in world.node.windows.open():
        for name, n in window.counters.items():
            counters[name] = counters.get(name, 0) + n
    assert counters.items() >= {"label.behind": 1, "label.confirmed_late": 1}.items()
    assert show["version"] == 1


@pytest.mark.parametrize(("gateways", "more"), [(2, ""), (7, "and 2 more")])
def test_the_sentence_stays_short(gateways, more):
    """Of many gateways the worst are named."""
    world = World()
    for number in range(gateways):
        world.bound(*(f"sku-{number}-{each}" for each in range(number + 1)), gateway=f"gateway-{number}")
        for each in range(number + 1):
            world.send(SHOP, "price.set", sku=f"sku-{number}-{each}", price_cents=1)
    world.run(70)
    sentence = world.labels.problems(now(70))["labels_behind"]
    assert f"their labels: gateway-{gateways - 1} ({gateways}), " in sentence
    assert more in sentence


def test_of_gateways_that_are_equally_behind_the_first_by_name_comes_first():
    """The sentence about the same labels is the same, in whatever sequence they fell behind."""
    world = World()
    for name in ("gateway-b", "gateway-c", "gateway-a"):
        world.bound(name.removeprefix("gateway-"), gateway=name)
        world.send(SHOP, "price.set", sku=name.removeprefix("gateway-"), price_cents=1)
    world.run(70)
    sentence = world.labels.problems(now(70))["labels_behind"]
    assert "their labels: gateway-a (1), gateway-b (1), gateway-c (1)." in sentence


def test_the_next_look_is_the_first_of_resend_and_lag():
    """Whichever comes first, a round is made for it."""
    for options, first in (({"resend_after_s": 600, "behind_after_s": 60}, 60), ({"behind_after_s": 600}, None)):
        world, _ = shown(**options)
        labels = world.labels.labels
        resend_ms, behind_ms = labels.delivery.next_ms(), labels._behind_ms()
        assert resend_ms is not None
        assert labels.next_ms() == min(resend_ms, behind_ms)
        assert first is None or labels.next_ms() == behind_ms < resend_ms


def test_how_long_a_label_took_is_measured():
    """From the change to what the gateway was sent, and to its confirmation."""
    world, show = shown()
    world.run(7)
    world.confirm(show)
    measures: dict[str, int] = {}
    for window in world.node.windows.open():
        measures |= {name: measure.total for name, measure in window.measures.items()}
    assert measures == {"set_to_shown_ms": 0, "set_to_confirmed_ms": 7_000}
