"""Advice to riders with nothing to do."""

import pytest

from edge.messages.envelope import Place
from edge.scenarios.dispatch.messages.down import Advice

HERE, THERE = Place(52.5, 13.4), Place(52.53, 13.4)


def advised(d):
    """Rider and shop of each piece of advice so far."""
    return [(client, body.shop) for client, body, _ in d.notes.sent if isinstance(body, Advice)]


@pytest.fixture
def town(district):
    """Two shops, `here` and `there`, that have orders; nobody is on shift."""

    def make(**changes):
        d = district(silent_s=7_000, **changes)
        for n in range(3):
            d.round(d.place(f"a{n}", shop="here", pickup=HERE, dropoff=HERE))
            d.round(d.place(f"b{n}", shop="there", pickup=THERE, dropoff=THERE))
        for n in range(3):
            d.round(d.cancel("customer", f"a{n}"), d.cancel("customer", f"b{n}"))
        return d

    return make


def start(d, rider, place, **fields):
    """A shift begins where the rider is."""
    d.report_position(rider, place.lat, place.lon)
    d.round(d.shift(rider, **fields))


def test_the_shop_that_nobody_covers_gets_the_second_rider(town):
    """With one at a shop, whose shift begins there is advised to wait at the other: where, why, and until when."""
    d = town()
    start(d, "r1", HERE)
    before = advised(d)
    start(d, "r2", HERE)
    assert advised(d)[len(before) :] == [("r2", "there")]
    body = next(body for client, body, _ in d.notes.sent if client == "r2")
    assert Place(body.lat, body.lon) == THERE
    assert body.until > d.now.wall_ms
    assert "there" in body.reason
    assert d.notes.counts["rider.advised"] == len(advised(d))


def test_who_delivers_its_last_order_is_advised(town):
    """At a door where nobody is needed; but not while another order is in hand."""
    d = town()
    d.begin("r1", lat=HERE.lat, lon=HERE.lon, capacity=2)
    away = Place(52.56, 13.4)
    d.round(*(d.place(name, shop="here", pickup=HERE, dropoff=away) for name in ("o1", "o2")))
    d.round(*(d.reply("r1", name, d.offer_of(name)[1]) for name in ("o1", "o2")))
    before = advised(d)
    d.round(d.step("r1", "o1", "delivered"))
    assert advised(d) == before
    d.round(d.step("r1", "o2", "delivered"))
    assert [client for client, _ in advised(d)[len(before) :]] == ["r1"]


def test_advice_is_no_order(town):
    """Whoever stays is offered the next order as before, from where it is."""
    d = town()
    start(d, "r1", HERE)
    start(d, "r2", HERE)
    d.later(60)
    d.round(d.place("o1", shop="here", pickup=HERE))
    assert d.offer_of("o1")[0] in {"r1", "r2"}


@pytest.mark.parametrize("why_not", ["off", "no shop", "no place", "short shift", "planned"])
def test_who_gets_none(town, district, why_not):
    """Where it is off, nothing was ordered yet, the rider's place is unknown, its shift ends soon, or an order is
    planned for it."""
    d = district() if why_not == "no shop" else town(standby=why_not != "off")
    start(d, "r0", HERE)
    before = advised(d)
    if why_not == "no place":
        d.round(d.shift("r1"))
    elif why_not == "planned":
        d.round(d.shift("r0", on=False))
        d.report_position("r1", HERE.lat, HERE.lon)
        d.round(d.shift("r1"), d.place("o1", shop="there", pickup=THERE, prep_s=3_000))
        assert d.dispatch_state.orders.open["o1"].plan == "r1"
    else:
        start(d, "r1", HERE, until=d.now.wall_ms + (600_000 if why_not == "short shift" else 9_000_000))
    assert advised(d)[len(before) :] == []


def test_many_at_once_have_their_turn(town):
    """A round looks at a few; the next ones follow at once, until everybody had its turn."""
    d = town()
    for n in range(20):
        d.report_position(f"r{n}", HERE.lat, HERE.lon)
    d.round(*(d.shift(f"r{n}") for n in range(20)))
    assert d.dispatch.next_deadline() == 0.0
    assert len(d.dispatch_state.advice.due) == 12
    d.later(1)
    assert d.dispatch_state.advice.due == []
    there = sum(shop == "there" for _, shop in advised(d))
    assert 8 <= there <= 12


def test_the_rows_replay(town, mirror):
    """Advice is decided again from what a row has, and recovered without; a snapshot has who is heading where."""
    d = town()
    for n in range(10):
        start(d, f"r{n}", HERE)
    d.round(d.place("o1", shop="here", pickup=HERE, prep_s=0))
    for decides in (True, False):
        other = mirror(d.dispatch_state.rules, decides)
        for row in d.rows:
            other.follow(row)
        assert other.dispatch.snapshot() == d.dispatch.snapshot()
    again = mirror(d.dispatch_state.rules, True)
    again.dispatch.restore(d.dispatch.snapshot())
    assert again.dispatch.snapshot() == d.dispatch.snapshot()


def test_who_is_not_diverted_is_planned_from_where_it_will_be(town):
    """With divert = false the rider is busy until it is there, and an order beside it has to wait for it or another."""
    d = town(divert=False)
    start(d, "r1", HERE)
    start(d, "r2", HERE)
    moving = d.dispatch_state.riders.moving
    assert list(moving) == [client for client, _ in advised(d)]
    arrives_s = d.dispatch_state.riders.next_arrival_ms() / 1000
    (name, rider) = next(reversed(moving.items()))
    d.round(d.place("o1", shop="there", pickup=THERE, dropoff=THERE, prep_s=3_000))
    assert d.dispatch_state.orders.open["o1"].plan == name
    d.later(arrives_s - d.seconds)
    assert not rider.moving
    assert name not in moving
