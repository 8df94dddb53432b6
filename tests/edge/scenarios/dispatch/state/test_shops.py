"""Where orders come from."""

import numpy as np

from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.state import shops as module
from edge.scenarios.dispatch.state.shops import Shops

RULES = DispatchOptions()


def test_orders_are_counted_by_shop():
    """Each order is one more for its shop; a shop that moves keeps its orders and is at its new place."""
    shops = Shops()
    for name in ("s1", "s2", "s1"):
        shops.ordered(name, 52.5, 13.4)
    shops.ordered("s1", 52.6, 13.4)
    demand = shops.demand(RULES)
    assert dict(zip([shop.id for shop in demand.shops], demand.orders.tolist(), strict=True)) == {"s1": 4.0, "s2": 2.0}
    assert dict(zip([shop.id for shop in demand.shops], demand.places, strict=True))["s1"] == (52.6, 13.4)


def test_a_shop_covers_itself_best():
    """The table has one on its diagonal, less elsewhere, and follows the shops and the options."""
    shops = Shops()
    shops.ordered("s1", 52.5, 13.4)
    shops.ordered("s2", 52.52, 13.4)
    slow = shops.demand(RULES).between
    assert np.allclose(np.diag(slow), 1)
    assert slow[0, 1] < 1
    assert shops.demand(DispatchOptions(speed_mps=20)).between[0, 1] > slow[0, 1]
    shops.ordered("s3", 52.5, 13.4)
    assert shops.demand(RULES).between.shape == (3, 3)


def test_old_orders_fade_and_shops_are_forgotten(monkeypatch):
    """Counts are halved from time to time, and what comes to nothing goes."""
    monkeypatch.setattr(module, "ORDERS_COUNTED", 20)
    shops = Shops()
    shops.ordered("once", 52.5, 13.4)
    for _ in range(200):
        shops.ordered("often", 52.5, 13.4)
    assert [shop.id for shop in shops.state()] == ["often"]
    assert shops.state()[0].orders <= 21


def test_the_busiest_are_looked_at(monkeypatch):
    """Of many shops those with most orders, ties by name."""
    monkeypatch.setattr(module, "SHOPS_MAX", 2)
    shops = Shops()
    for name in ("c", "b", "a", "c"):
        shops.ordered(name, 52.5, 13.4)
    assert [shop.id for shop in shops.demand(RULES).shops] == ["c", "a"]


def test_a_snapshot_has_them():
    """What is restored counts on."""
    shops, other = Shops(), Shops()
    shops.ordered("s1", 52.5, 13.4)
    other.restore(shops.state())
    assert len(other) == 1
    assert other.state() == shops.state()
