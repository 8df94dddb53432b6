"""Tests of edge.scenarios.labels.prices: the price in force, with windows and a wall clock that jumps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edge.scenarios.labels.prices as prices_module
from edge.core.model import Now
from edge.scenarios.labels.messages import PriceEntry
from edge.scenarios.labels.prices import FOREVER_MS, LOOK_MS_MAX, PRICES_PER_SKU_MAX, Price, PriceTable, in_force
from tests.edge.scenarios.labels.world import SHOP, T0, World, now


def at(seconds: float) -> int:
    return T0 + round(seconds * 1000)


def priced(world: World, cents: int, begin: float | None = None, end: float | None = None, sku: str = "milk"):
    fields = {"from_at": at(begin)} if begin is not None else {}
    fields |= {"until_at": at(end)} if end is not None else {}
    return world.send(SHOP, "price.set", sku=sku, price_cents=cents, **fields)


def test_the_last_price_whose_window_holds_is_in_force():
    """An offer wins over the price before it, until it ends; a price that is set later wins over both."""
    base, offer, later = Price(100, 0, FOREVER_MS), Price(80, 10, 20), Price(120, 15, FOREVER_MS)
    found = [in_force([base, offer, later], wall) for wall in (0, 10, 14, 15, 20)]
    assert [price and price.price_cents for price in found] == [100, 80, 80, 120, 120]
    assert in_force([offer], 9) is None
    assert in_force([offer], 20) is None


def test_an_offer_comes_and_goes_by_itself():
    """The label gets the offer when it begins and the price before it when it ends, to the moment."""
    world = World(resend_after_s=600)
    world.bound("milk")
    priced(world, 100)
    priced(world, 80, 90, 200)
    world.confirm(world.take()[0])
    shows = world.run(300)
    assert [(show["price_cents"], show["version"]) for show in shows] == [(80, 2), (100, 3)]
    assert [show["at"] for show in shows] == pytest.approx([90, 200], abs=0.003)
    assert world.labels.gauges()["labels"]["scheduled"] == 0
    assert world.node.next_decision() == pytest.approx(800, abs=1)  # only the resend is left


def test_a_clock_that_jumps_ahead_is_followed_within_a_minute():
    """A change an hour ahead comes at the next look where the wall clock was set by an hour."""
    world = World(behind_after_s=3600)
    world.bound("milk")
    priced(world, 100)
    priced(world, 80, 3600)
    world.confirm(world.take()[0])
    world.at = now(1, 3600)
    (show,) = world.run(LOOK_MS_MAX / 1000 + 1)[:1]
    assert show["price_cents"] == 80
    assert show["at"] <= LOOK_MS_MAX / 1000 + 0.01


def test_a_clock_that_is_set_back_is_followed():
    """Within a minute an offer that begins later, by the clock set back, is taken back; it comes again in its time."""
    world = World(resend_after_s=600, behind_after_s=3600)
    world.bound("milk")
    priced(world, 100)
    priced(world, 80, 100, 5000)
    assert [show["price_cents"] for show in world.run(150)] == [80]
    world.at = now(150, 50)
    shows = world.run(120)
    assert [show["price_cents"] for show in shows] == [100, 80]
    assert shows[0]["at"] <= 150 + LOOK_MS_MAX / 1000
    assert shows[1]["at"] == pytest.approx(max(200, shows[0]["at"]), abs=0.003)


def test_what_is_over_stays_over():
    """An offer that ended does not come back where the clock is set back, so that labels and price.get agree."""
    world = World()
    priced(world, 100)
    priced(world, 80, 10, 20)
    world.run(30)
    world.at = now(31, 12)
    assert world.price("milk")["price_cents"] == 100
    assert len(world.labels.prices.skus[f"{SHOP}/milk"].prices) == 1


def test_where_no_window_holds_the_last_price_stays():
    """A clock set back before the first price leaves what labels show."""
    world = World()
    priced(world, 100, 0)
    world.at = now(1, -1000)
    assert world.price("milk")["price_cents"] == 100


def test_a_price_for_later_is_no_price_yet():
    """Before from_at an article without another price has none; labels show it from then on."""
    world = World()
    world.bound("milk")
    priced(world, 100, 50)
    assert world.refused("c", "price.get", shop=SHOP, sku="milk") == ("unknown_sku", "sku")
    assert [show["price_cents"] for show in world.run(51)] == [100]


def test_prices_that_cannot_come_into_force_are_refused():
    """An offer that is over is too late; one after which there would be no price is out of sequence."""
    world = World()
    world.at = now(100)
    base = {"sku": "milk", "price_cents": 1}
    assert world.refused(SHOP, "price.set", **base, until_at=at(100)) == ("too_late", "until_at")
    assert world.refused(SHOP, "price.set", **base, until_at=at(101)) == ("out_of_sequence", "until_at")
    priced(world, 100, 200)
    assert world.refused(SHOP, "price.set", **base, until_at=at(199)) == ("out_of_sequence", "until_at")
    assert priced(world, 1, None, 200)["status"] == "accepted"


def test_of_a_list_all_are_set_or_none():
    """One price of a list that is refused, by its place, keeps the others from being set."""
    world = World()
    good, bad = {"sku": "milk", "price_cents": 1}, {"sku": "bread", "price_cents": 1, "until_at": at(-1)}
    assert world.refused(SHOP, "price.set", prices=[good, bad]) == ("too_late", "prices[1].until_at")
    offer = {"sku": "milk", "price_cents": 2, "until_at": at(50)}
    assert world.send(SHOP, "price.set", prices=[good, offer])["status"] == "accepted"
    assert world.price("milk")["price_cents"] == 2


def test_prices_of_an_article_are_bounded():
    """Beyond the bound a further price is refused; those that are over make room."""
    world = World()
    priced(world, 100)
    for number in range(PRICES_PER_SKU_MAX - 1):
        assert priced(world, number, 100 + number, 101 + number)["status"] == "accepted"
    fields = {"sku": "milk", "price_cents": 5, "until_at": at(900), "from_at": at(800)}
    assert world.refused(SHOP, "price.set", **fields) == ("over_capacity", "sku")
    world.at = now(102)
    assert world.send(SHOP, "price.set", **fields)["status"] == "accepted"
    for number in range(3 * PRICES_PER_SKU_MAX):
        assert priced(world, number)["status"] == "accepted"
    assert len(world.labels.prices.skus[f"{SHOP}/milk"].prices) == 1


def test_many_changes_at_one_instant_take_several_rounds(monkeypatch):
    """A round looks at a bounded number of articles; the others follow at once, none is left."""
    monkeypatch.setattr(prices_module, "CHANGES_PER_ROUND_MAX", 2)
    world = World()
    for number in range(5):
        priced(world, 100, None, None, f"sku-{number}")
        priced(world, 50, 60, None, f"sku-{number}")
    rows = len(world.rows)
    world.run(61)
    assert len(world.rows) - rows == 3
    assert all(world.price(f"sku-{number}")["price_cents"] == 50 for number in range(5))


WINDOWS = st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(1, 20)))


@given(st.lists(st.tuples(WINDOWS, st.integers(0, 5)), max_size=12), st.integers(0, 9))
def test_the_table_agrees_with_all_prices_ever_set(sets, end):
    """Whatever is dropped as covered, the price in force is that of the full list, at any time."""
    table, everything, wall = PriceTable(), [], 0
    for number, ((begin, length), pause) in enumerate(sets):
        wall += pause
        until = None if length is None else begin + length
        entry = PriceEntry("milk", number, begin, until)
        keys = table.set("shop-1", [entry], wall)
        if isinstance(keys, list):
            everything.append(Price(number, begin, FOREVER_MS if until is None else until))
    for later in range(wall, wall + 10 * end):
        expected = in_force(everything, later)
        if expected is not None:
            table.refresh("shop-1/milk", later)
            assert table.skus["shop-1/milk"].price_cents == expected.price_cents


def test_a_look_is_planned_only_where_something_is_ahead():
    """Without windows the table asks for no rounds; with one far ahead it asks for one a minute."""
    table = PriceTable()
    table.set("s", [PriceEntry("milk", 1)], 0)
    table.refresh("s/milk", 0)
    table.plan_look(Now(5.0, 0))
    assert table.look_ms is None
    table.set("s", [PriceEntry("milk", 2, 10**9)], 0)
    table.refresh("s/milk", 0)
    table.plan_look(Now(5.0, 0))
    assert table.look_ms == 5_000 + LOOK_MS_MAX + 1


def test_a_price_that_never_comes_into_force_asks_for_no_look():
    """Where a price for good replaces the ones that were set for later, nothing is ahead any more."""
    table = PriceTable()
    table.set("s", [PriceEntry("milk", 1)], 0)
    table.set("s", [PriceEntry("milk", 2, 10**9)], 0)
    table.refresh("s/milk", 0)
    assert table.scheduled == 1
    table.set("s", [PriceEntry("milk", 3)], 0)
    table.refresh("s/milk", 0)
    table.plan_look(Now(5.0, 0))
    assert (table.look_ms, table.scheduled) == (None, 0)


def test_a_price_that_is_over_with_another_one_before_is_let_go():
    """One behind which a later one stands from now on is of no use, though it began earlier; one that is in force
    before that one begins stays."""
    hidden, offer = Price(100, 0, 50), Price(80, 10, 60)
    assert prices_module._useful([hidden, offer], 10) == [offer]
    assert prices_module._useful([hidden, offer], 5) == [hidden, offer]
