"""Orders, their indexes and their memory."""

from edge.scenarios.dispatch.lifecycle import OrderState
from edge.scenarios.dispatch.state import orders as module
from edge.scenarios.dispatch.state.orders import Order, Orders


def order(name, shop="shop", lat=0.0):
    return Order(name, "customer", shop, lat, 0.0, 0.0, 0.0, 60, 0, 0, True)


def test_waiting_follows_the_state():
    """Placed orders wait and are new until considered; any other state takes them out; coming back makes them new."""
    orders = Orders()
    one = order("o1")
    orders.add(one, 100)
    assert list(orders.waiting) == list(orders.fresh) == ["o1"]
    orders.considered(one)
    assert list(orders.waiting) == ["o1"]
    assert list(orders.fresh) == []
    orders.move(one, OrderState.OFFERED, 1, 50)
    assert list(orders.waiting) == []
    orders.move(one, OrderState.PLACED, 2, 100)
    assert list(orders.waiting) == list(orders.fresh) == ["o1"]
    assert not one.considered


def test_a_part_has_the_new_ones_and_those_to_be_fetched_first():
    """A part has fewer waiting orders and everything else; nothing of it changes the whole. Orders without a plan come
    last, the oldest first."""
    orders = Orders()
    for number in range(10):
        orders.add(order(f"o{number}"), 100)
        if number < 6:
            orders.considered(orders.open[f"o{number}"])
    for name, pickup_ms in (("o3", 60), ("o5", 50)):
        orders.open[name].plan, orders.open[name].pickup_ms = "r1", pickup_ms
    assert list(orders.part(3, 3).waiting) == ["o5", "o3", "o0", "o6", "o7", "o8"]
    part = orders.part(3, 2)
    assert list(part.waiting) == ["o5", "o3", "o6", "o7", "o8"]
    assert list(part.fresh) == ["o6", "o7", "o8"]
    assert part.open is orders.open
    assert len(orders.waiting) == 10
    assert len(orders.fresh) == 4


def test_orders_to_fetch_are_found_by_their_shop():
    """From the acceptance until the pickup, and also after a snapshot; no shop stays that nobody goes to."""
    orders = Orders()
    for name in ("o1", "o2"):
        orders.add(order(name), 100)
    assert orders.to_fetch == {}
    for state in (OrderState.OFFERED, OrderState.ACCEPTED, OrderState.AT_SHOP):
        orders.move(orders.open["o1"], state, 1, 50)
        there = {} if state is OrderState.OFFERED else {(0.0, 0.0): {"o1": orders.open["o1"]}}
        assert orders.to_fetch == there
    orders.move(orders.open["o2"], OrderState.ACCEPTED, 1, 50)
    again = Orders()
    again.restore(orders.state())
    assert again.to_fetch == orders.to_fetch == orders.part(1, 1).to_fetch
    orders.move(orders.open["o1"], OrderState.PICKED_UP, 2, 50)
    assert list(orders.to_fetch[0.0, 0.0]) == ["o2"]
    orders.close(orders.open["o2"], OrderState.CANCELLED)
    assert orders.to_fetch == {}


def test_closed_orders_are_remembered_for_a_while(monkeypatch):
    """The latest closed ones are found, the oldest is forgotten, none has a deadline."""
    monkeypatch.setattr(module, "ORDERS_CLOSED_KEPT", 2)
    orders = Orders()
    for name in ("a", "b", "c"):
        orders.add(order(name), 100)
        orders.close(one := orders.open[name], OrderState.CANCELLED)
        assert one.state is OrderState.CANCELLED
    assert orders.find("a") is None
    assert [orders.closed[name].state for name in ("b", "c")] == [OrderState.CANCELLED] * 2
    assert orders.timers.next() is None


def test_a_snapshot_brings_everything_back():
    """Open and closed orders, who waits in which sequence, and the deadlines."""
    orders = Orders()
    for name in ("b", "a", "c"):
        orders.add(order(name), 100)
    orders.move(orders.open["b"], OrderState.OFFERED, 1, 50)
    orders.move(orders.open["b"], OrderState.PLACED, 2, 70)
    orders.considered(orders.open["a"])
    orders.close(orders.open["c"], OrderState.UNDELIVERABLE)
    again = Orders()
    again.restore(orders.state())
    assert list(again.waiting) == ["a", "b"]
    assert list(again.fresh) == ["b"]
    assert again.timers.next() == 70
    assert again.state() == orders.state()


def test_orders_are_counted_by_shop():
    """Each order is one more for its shop; a shop that moves keeps its orders and is at its new place."""
    orders, other = Orders(), Orders()
    for number, (name, lat) in enumerate((("s1", 1.0), ("s2", 1.0), ("s1", 1.0), ("s1", 2.0))):
        orders.add(order(f"o{number}", name, lat), 100)
    counted = [(shop.id, shop.lat, shop.orders) for shop in orders.shops.values()]
    assert sorted(counted) == [("s1", 2.0, 3), ("s2", 1.0, 1)]
    other.restore(orders.state())
    assert other.shops == orders.shops


def test_old_orders_fade_and_shops_are_forgotten(monkeypatch):
    """Counts are halved from time to time, and what comes to nothing goes."""
    monkeypatch.setattr(module, "ORDERS_COUNTED", 20)
    orders = Orders()
    orders.add(order("o", "once"), 100)
    for number in range(200):
        orders.add(order(f"o{number}", "often"), 100)
    assert list(orders.shops) == ["often"]
    assert orders.shops["often"].orders <= 21
