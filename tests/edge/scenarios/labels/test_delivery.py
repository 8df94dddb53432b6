"""Tests of edge.scenarios.labels.delivery: resends, back-off, and what a gateway can have under way."""

import pytest

import edge.scenarios.labels.delivery as delivery
from edge.core.model import Presence
from tests.edge.scenarios.labels.world import GATEWAY, SHOP, World, now


def priced(*skus: str, **options) -> World:
    world = World(**options)
    world.bound(*skus)
    for sku in skus:
        world.send(SHOP, "price.set", sku=sku, price_cents=100)
    return world


def test_a_version_is_sent_until_it_is_confirmed():
    """The back-off doubles from resend_after_s to resend_max_s and stays there; a confirmation ends it."""
    world = priced("milk", resend_after_s=5, resend_max_s=30)
    times = [show["at"] for show in world.run(128)]
    assert times == pytest.approx([5, 15, 35, 65, 95, 125])
    world.confirm(world.take()[-1])
    assert world.run(1000) == []
    assert world.node.next_decision() is None


def test_a_new_version_begins_anew():
    """Where the price changes while an old one is being resent, the new one goes out at once and is resent soon."""
    world = priced("milk", resend_after_s=5)
    world.run(100)
    world.send(SHOP, "price.set", sku="milk", price_cents=150)
    assert [(show["at"], show["version"]) for show in world.run(6)] == [(105.0, 2)]


def test_an_answer_expires_before_its_version_is_sent_again():
    """However long a gateway is away, at most one show of a label waits for it."""
    world = priced("milk", resend_after_s=5, resend_max_s=60)
    for _ in range(50):
        world.run(7)
        world.node.pending_answers.expire(world.at.mono)
        assert sum(answer.kind == "label.show" for answer in world.node.pending_answers.of(GATEWAY, 0)) <= 1


def test_a_gateway_that_comes_back_gets_what_it_has_not_confirmed():
    """All of it, and at once, also where the back-off is long by now; not what it has confirmed."""
    world = priced("milk", "bread")
    world.confirm(world.take()[0])
    world.run(1000)
    world.take()
    world.handle(Presence(GATEWAY, True))
    assert [show["sku"] for show in world.take()] == ["bread"]


def test_a_gateway_that_flaps_is_not_flooded():
    """One that comes and goes gets everything once in resend_after_s."""
    world = priced("milk", resend_after_s=5)
    world.take()
    counts = []
    for step in range(10):
        world.handle(Presence(GATEWAY, False), Presence(GATEWAY, True), at=now(100 + step))
        counts.append(len(world.take()))
    assert sum(counts) <= 4  # two returns, and the resends that are due anyway


def test_a_gateway_has_a_window(monkeypatch):
    """No more than the window is under way; each confirmation makes room for the next label, in their sequence."""
    monkeypatch.setattr(delivery, "GATEWAY_WINDOW", 2)
    world = priced("a", "b", "c", "d")
    first = world.take()
    assert [show["sku"] for show in first] == ["a", "b"]
    world.confirm(first[0])
    assert [show["sku"] for show in world.take()] == ["c"]
    assert [(show["at"], show["sku"]) for show in world.run(5)] == [(5.0, "d"), (5.0, "b")]


def test_silent_labels_do_not_hold_up_the_others(monkeypatch):
    """Labels that never confirm give their slots up while they wait, so that a new price goes out within a slot."""
    monkeypatch.setattr(delivery, "GATEWAY_WINDOW", 2)
    world = priced("a", "b", "c", resend_after_s=5)
    world.run(1000)
    world.bound("new")
    world.send(SHOP, "price.set", sku="new", price_cents=1)
    sent = [*world.take(), *world.run(11)]
    assert "new" in [show["sku"] for show in sent]


def crowded(neighbour: int, **options) -> World:
    """A gateway at which a shop has one label that is up to date, and a neighbour so many that wait."""
    world = World(**options)
    world.send(SHOP, "price.set", sku="milk", price_cents=1)
    world.bound("milk")
    world.confirm(world.take()[0])
    for number in range(neighbour):
        world.send("shop-2", "label.bind", label=f"l-{number}", sku=f"s-{number}", gateway=GATEWAY)
    world.send("shop-2", "price.set", prices=[{"sku": f"s-{each}", "price_cents": 1} for each in range(neighbour)])
    return world


def test_a_neighbours_backlog_costs_no_turn(monkeypatch):
    """However many labels of another shop wait, or never confirm, a label has a slot at once."""
    monkeypatch.setattr(delivery, "GATEWAY_WINDOW", 4)
    world = crowded(20)
    assert [show["shop"] for show in world.take()] == ["shop-2"] * 2
    world.send(SHOP, "price.set", sku="milk", price_cents=2)
    assert [(show["shop"], show["price_cents"]) for show in world.take()] == [(SHOP, 2)]


def test_shops_at_a_gateway_take_turns(monkeypatch):
    """Slots that get free go to one shop after the other, each in the sequence of its labels, after a restart too."""
    monkeypatch.setattr(delivery, "GATEWAY_WINDOW", 1)
    world = crowded(3)
    world.bound("a", "b", "c")
    world.send(SHOP, "price.set", prices=[{"sku": sku, "price_cents": 1} for sku in "abc"])
    world.restart()
    served = []
    while shows := world.take():
        served += [show["sku"] for show in shows]
        world.confirm(shows[0])
    assert served == ["s-0", "a", "s-1", "b", "s-2", "c"]


def test_a_shop_that_leaves_a_gateway_leaves_its_share(monkeypatch):
    """The others have the whole window again."""
    monkeypatch.setattr(delivery, "GATEWAY_WINDOW", 4)
    world = crowded(8)
    first = world.take()
    world.send(SHOP, "label.unbind", label="l-milk")
    world.confirm(first[0], GATEWAY)
    assert len(world.take()) == 3


def test_sends_of_a_round_are_bounded(monkeypatch):
    """What is beyond the bound goes out in the next rounds, at once, and a node that restarts between them goes on."""
    monkeypatch.setattr(delivery, "SENDS_PER_ROUND_MAX", 2)
    world = World()
    world.bound(*(f"s{number}" for number in range(5)))
    prices = [{"sku": f"s{number}", "price_cents": 1} for number in range(5)]
    world.send(SHOP, "price.set", prices=prices)
    assert world.node.next_decision() == 0.0
    world.restart()
    assert [show["sku"] for show in world.run(0)] == ["s2", "s3", "s4"]


def test_how_long_a_label_waited_for_its_gateway_is_measured():
    """From the change to the message, where others were ahead of it."""
    world = World()
    world.bound(*(f"s-{number}" for number in range(delivery.GATEWAY_WINDOW + 1)))
    for number in range(delivery.GATEWAY_WINDOW + 1):
        world.send(SHOP, "price.set", sku=f"s-{number}", price_cents=1)
    shows = world.take()
    assert len(shows) == delivery.GATEWAY_WINDOW
    world.at = now(3)
    world.confirm(shows[0])
    totals = [each.measures["set_to_shown_ms"].total for each in world.node.windows.open() if each.measures]
    assert sum(totals) == 3_000
