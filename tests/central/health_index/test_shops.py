"""Scores of shops, on both engines: sums of whole days, of the time before, and who is not named."""

import pytest

from central.figures import figures as figures_module
from central.figures.figures import Figures
from central.fleet.health import NodeHealth
from central.health_index.options import HealthOptions
from central.health_index.shops import shop_health
from central.store.engine.driver import StoreSlow
from central.store.group import ShopsKept
from central.store.open import open_driver
from central.store.store import Store
from central.store.tiers import DAY_MS, Calendar
from edge.messages.sync.shops import ShopCounts, ShopTable
from tests.central.stores import START, Place, merge, windows

TODAY = START // DAY_MS + 20
NOW = TODAY * DAY_MS + 1
NAMES = [
    "order.over_bound_s",
    "order.placed",
    "order.refused",
    "placed_to_offered_ms",
    "promise.broken",
    "promise.kept",
]


def keep(store: Store, node: str, day: int, *shops: ShopCounts, since: int = 1) -> None:
    """What a node states of the shops of a day."""
    with store.group([node]) as group:
        tables = [ShopTable("dispatch", NAMES, list(shops))]
        group.keep(node, day, bytes([day % 256, since]), b"", START, ShopsKept("i1", since, tables))


def counts(shop: str, placed: int, broken: int = 0, refused: int = 0, over_s: int = 0) -> ShopCounts:
    """Orders of which all got an offer and a promise."""
    return ShopCounts(shop, 5, [over_s, placed, refused, placed, broken, placed - broken])


def fleet(*states: tuple[str, str]) -> list[NodeHealth]:
    """How nodes are."""
    return [NodeHealth(node=name, state=state, sentence="", is_green=True) for name, state in states]


def opened(place: Place) -> Figures:
    """As commands and pages open them."""
    return Figures(open_driver(place.where, place.password, readonly=True), Calendar())


def test_days_of_shops_are_summed_and_compared(place: Place) -> None:
    """The worst first; what came late to a day is added; today, and nodes that are gone, do not count."""
    store = place.store()
    for node in ("n1", "n2", "gone"):
        merge(store, 1, windows(1), node)
        for day in (TODAY - 3, TODAY - 2):
            keep(store, node, day, counts("noodles", 30, broken=15, over_s=30 * 60), counts("tea", 40, refused=10))
    keep(store, "n1", TODAY - 2, counts("tea", 2), ShopCounts("", 0, [0, 3, 0, 0, 0, 0]), since=9)
    keep(store, "n1", TODAY - 9, counts("tea", 46), counts("closed", 40))
    keep(store, "n1", TODAY, counts("tea", 1_000))
    store.close()
    figures, nodes = opened(place), fleet(("n1", "current"), ("n2", "behind"), ("gone", "retired"))
    found = shop_health(figures, nodes, 7, NOW, HealthOptions())
    alone = shop_health(figures, nodes, 7, NOW, HealthOptions(), "n2")
    figures.close()
    assert [(each.node, each.shop) for each in found.rows[:2]] == [("n1", "noodles"), ("n2", "noodles")]
    assert (found.unnamed, alone.unnamed, [each.shop for each in alone.rows]) == (3, 0, ["noodles", "tea"])
    shops = {each.shop: each for each in found.rows if each.node == "n1"}
    parts = {shop: {part.name: part for part in each.parts} for shop, each in shops.items()}
    assert (shops["tea"].events, shops["noodles"].advice, shops["noodles"].mend) == (102, "mend", "promise")
    assert parts["tea"]["refusals"].value == 20 / 102
    assert parts["tea"]["trend"].value == 102 / 46
    assert parts["tea"]["use"].value == 51.0, "the node has stated two days"
    assert parts["noodles"]["quality"].value == 1.0
    assert (parts["noodles"]["use"].score, parts["noodles"]["trend"].missing) == (100.0, "too_few")
    assert [name for name, part in parts["tea"].items() if part.missing == "no_such"] == [
        "response",
        "freshness",
        "loss",
    ]
    assert shops["closed"].advice == "retire"


def test_without_enough_orders_there_is_no_score(place: Place) -> None:
    """It stands last, with how many there are."""
    store = place.store()
    merge(store, 1, windows(1))
    keep(store, "n1", TODAY - 1, counts("tea", 49), counts("noodles", 50))
    store.close()
    figures = opened(place)
    rows = shop_health(figures, fleet(("n1", "current")), 1, NOW, HealthOptions()).rows
    figures.close()
    assert [(each.shop, each.score) for each in rows] == [("noodles", 100), ("tea", None)]
    assert rows[1].sentence.startswith("No score yet: 49 of 50 orders.")


def test_too_much_at_one_time_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As any other question that takes too long."""
    store = place.store()
    merge(store, 1, windows(1))
    keep(store, "n1", TODAY - 1, counts("tea", 49))
    store.close()
    monkeypatch.setattr(figures_module, "SECONDS_MAX", -1.0)
    figures = opened(place)
    with pytest.raises(StoreSlow):
        shop_health(figures, fleet(("n1", "current")), 1, NOW, HealthOptions())
    figures.close()
