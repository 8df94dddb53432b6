"""Which idle rider should wait where."""

from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.records import StandbyPlace
from edge.scenarios.dispatch.state.orders import Order, Orders
from edge.scenarios.dispatch.state.shops import BusiestShops
from edge.scenarios.dispatch.state.standby import Waiting, places
from edge.scenarios.dispatch.travel.ride_times import ride_s
from edge.scenarios.dispatch.travel.spatial_index import SpatialIndex, Spot

RULES = DispatchOptions()
NOW_MS = 10_000_000
HERE, THERE = (52.5, 13.4), (52.53, 13.4)


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
