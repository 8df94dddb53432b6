"""Where orders come from."""

import numpy as np

from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.state import shops as module
from edge.scenarios.dispatch.state.orders import Order, Orders
from edge.scenarios.dispatch.state.shops import BusiestShops

RULES = DispatchOptions()


def ordered(orders, shop, lat, lon=13.4):
    """One more order at a shop."""
    name = f"o{len(orders.open)}"
    orders.add(Order(name, "customer", shop, lat, lon, lat, lon, 60, 0, 0, True), 100)


def test_a_shop_is_as_busy_as_its_orders():
    """One more than it had lately, at its latest place."""
    orders = Orders()
    for name in ("s1", "s2", "s1"):
        ordered(orders, name, 52.5)
    ordered(orders, "s1", 52.6)
    demand = BusiestShops(orders).demand(RULES)
    assert dict(zip([shop.id for shop in demand.shops], demand.orders.tolist(), strict=True)) == {"s1": 4.0, "s2": 2.0}
    assert dict(zip([shop.id for shop in demand.shops], demand.places, strict=True))["s1"] == (52.6, 13.4)


def test_a_shop_covers_itself_best():
    """The table has one on its diagonal, less elsewhere, and follows the shops and the options."""
    orders = Orders()
    shops = BusiestShops(orders)
    ordered(orders, "s1", 52.5)
    ordered(orders, "s2", 52.52)
    slow = shops.demand(RULES).between
    assert np.allclose(np.diag(slow), 1)
    assert slow[0, 1] < 1
    assert shops.demand(DispatchOptions(speed_mps=20)).between[0, 1] > slow[0, 1]
    ordered(orders, "s3", 52.5)
    assert shops.demand(RULES).between.shape == (3, 3)


def test_the_busiest_are_looked_at(monkeypatch):
    """Of many shops those with most orders, ties by name."""
    monkeypatch.setattr(module, "SHOPS_MAX", 2)
    orders = Orders()
    for name in ("c", "b", "a", "c"):
        ordered(orders, name, 52.5)
    assert [shop.id for shop in BusiestShops(orders).demand(RULES).shops] == ["c", "a"]
