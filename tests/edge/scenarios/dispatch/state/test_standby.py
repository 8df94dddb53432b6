"""Which idle rider should wait where, and where orders come from."""

import numpy as np

from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.records import StandbyPlace
from edge.scenarios.dispatch.state import standby as module
from edge.scenarios.dispatch.state.orders import Order, Orders
from edge.scenarios.dispatch.state.standby import BusiestShops, Waiting, best_shop, coverage, places
from edge.scenarios.dispatch.travel.ride_times import ride_s
from edge.scenarios.dispatch.travel.spatial_index import SpatialIndex, Spot

RULES = DispatchOptions()
NOW_MS = 10_000_000
HERE, THERE = (52.5, 13.4), (52.53, 13.4)
RIDES = 60 * np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 10.0], [20.0, 10.0, 0.0]])
EVEN = np.ones(3)


def ordered(orders, shop, lat, lon=13.4):
    """One more order at a shop."""
    name = f"o{len(orders.open)}"
    orders.add(Order(name, "customer", shop, lat, lon, lat, lon, 60, 0, 0, True), 100)


def look(riders, waiting):
    """The answer, with shop 0 `here` and shop 1 `there`, and these riders (name: place and age in seconds)."""
    orders, index = Orders(), SpatialIndex()
    for shop, place in (("here", HERE), ("there", THERE)):
        orders.add(Order(shop, "customer", shop, *place, *place, 60, 0, 0, True), 100)
    for name, (place, age_s) in riders.items():
        index.put(Spot(name, place[0], place[1], NOW_MS - age_s * 1000))
    return places(waiting, BusiestShops(orders).demand(RULES), index, RULES, NOW_MS)


def test_one_of_two_at_a_shop_is_sent_to_the_other():
    """The ride is in whole seconds."""
    both = {"r1": (HERE, 0), "r2": (HERE, 0)}
    assert look(both, Waiting(["r2"], {}, set(), [])) == [StandbyPlace("r2", 1, ride_s(*HERE, *THERE, RULES))]


def test_whoever_is_heading_there_counts_as_there():
    """So do doors at which somebody is soon free; who is planned for an order covers nothing."""
    three = {"r1": (HERE, 0), "r2": (HERE, 0), "r3": (HERE, 0)}
    assert look(three, Waiting(["r2"], {"r1": THERE, "r3": HERE}, set(), [])) == []
    assert look({"r1": (HERE, 0), "r2": (HERE, 0)}, Waiting(["r2"], {}, set(), [THERE])) == []
    assert look({"r1": (THERE, 0), "r2": (HERE, 0)}, Waiting(["r2"], {}, {"r1"}, [HERE]))[0].shop == 1


def test_two_are_not_sent_to_one_shop():
    """Each answer counts for the next."""
    found = look(dict.fromkeys(("r1", "r2", "r3", "r4"), (HERE, 0)), Waiting(["r1", "r2", "r3"], {}, set(), []))
    assert [one.rider for one in found][:2] == ["r1", "r2"]
    assert len(found) == 2


def test_nobody_is_advised_from_a_place_that_is_unknown_or_old():
    """Without a position, or with one that decisions do not use any more, there is no advice."""
    old = {"r1": (HERE, 0), "r2": (HERE, RULES.position_age_s_max + 1)}
    assert look(old, Waiting(["r2", "nobody"], {}, set(), [])) == []


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


def test_coverage_falls_with_the_ride():
    """A rider at a shop covers it by one, and by 1/e where it is a reach away."""
    assert np.allclose(coverage(np.array([[0.0, 300.0]])), [[1, np.exp(-1)]])


def test_the_worst_covered_shop_gets_the_rider():
    """With others at the first two shops, the third is where a rider is of use; demand can outweigh that."""
    between = coverage(RIDES)
    others, own = between[0] + between[1], between[0]
    assert best_shop(own, others, between, EVEN) == 2
    assert best_shop(own, others, between, np.array([500.0, 1.0, 1.0])) is None


def test_who_stands_best_stays(monkeypatch):
    """Alone, between shops of equal demand, a rider in the middle does not move."""
    monkeypatch.setattr(module, "REACH_S", 1200.0)
    between = coverage(RIDES)
    assert best_shop(between[1], np.zeros(3), between, EVEN) is None
    assert best_shop(between[0], np.zeros(3), between, EVEN) == 1
