"""What a dispatcher's board is shown: lateness, riders, hands; in pages, and without any place."""

import msgspec
import pytest

from edge.scenarios.dispatch.messages.board import ROWS_MAX, BoardList, RidersList
from edge.scenarios.dispatch.messages.overrides import OrderHold, OrderPin, OrderReschedule, RiderPause
from edge.scenarios.dispatch.overrides.board import SEQUENCE_MS


def ask(d, message):
    """The answer, and that asking changed nothing."""
    before = d.dispatch.snapshot()
    answer = d.dispatch.observe("desk", message, d.now)
    assert d.dispatch.snapshot() == before
    return answer


def orders(d, **asked):
    """By name, what the board has of each order, in its sequence."""
    return {row.order: row for row in ask(d, BoardList(**asked)).orders}


def test_the_latest_order_comes_first(district):
    """What nobody has counts by how long it has waited, and comes before what is in time."""
    d = district()
    d.begin("r1", capacity=1)
    d.round(d.place("o-1", prep_s=0))
    d.round(d.reply("r1", "o-1", 1))
    d.later(30)
    d.round(d.place("o-2", prep_s=0))
    d.round(d.by_hand(OrderHold, order="o-2"))
    d.later(200)
    rows = orders(d)
    assert list(rows) == ["o-2", "o-1"]
    assert rows["o-2"].late_s == 200
    assert (rows["o-2"].rider, rows["o-2"].position, rows["o-2"].planned) == ("", None, "")
    held = d.dispatch_state.orders.open["o-1"]
    assert rows["o-1"].late_s == round((held.dropoff_ms - held.promised_ms) / 1000)
    assert (rows["o-1"].rider, rows["o-1"].position, rows["o-1"].state) == ("r1", 0, "accepted")
    assert rows["o-1"].promised_at == held.promised_at
    assert rows["o-1"].expected_at == held.dropoff_ms + d.now.wall_ms - round(d.seconds * 1000)


def test_what_a_person_has_decided_stands_there(district):
    """A hold, a pin, other times and a priority; each with who it was."""
    d = district()
    d.begin("r1", capacity=4)
    for name in ("o-1", "o-2", "o-3"):
        d.round(d.place(name, prep_s=3000))
    by_ms = d.now.wall_ms + 5_000_000
    d.round(d.by_hand(OrderHold, order="o-1"))
    d.round(d.by_hand(OrderPin, order="o-2", rider="r1"))
    d.round(d.by_hand(OrderReschedule, order="o-3", dropoff_by=by_ms, priority=50))
    rows = orders(d)
    assert (rows["o-1"].override.kind, rows["o-1"].override.rider) == ("held", "")
    assert (rows["o-2"].override.kind, rows["o-2"].override.rider) == ("pinned", "r1")
    assert rows["o-1"].override.by == d.dispatch_state.orders.open["o-1"].override.by
    assert (rows["o-3"].dropoff_by, rows["o-3"].priority, rows["o-3"].override) == (by_ms, 50, None)


def test_pages_have_each_order_once(district):
    """A hundred at a time, until there is no `next`; beyond the end there is nothing."""
    d = district(orders_per_customer_max=1000)
    d.round(*(d.place(f"o-{number}", prep_s=number) for number in range(2 * ROWS_MAX + 5)))
    d.later(60)
    names, offset = [], 0
    while True:
        answer = ask(d, BoardList(offset=offset))
        assert (answer.offset, answer.open) == (offset, 2 * ROWS_MAX + 5)
        names += [row.order for row in answer.orders]
        offset = answer.next
        if not offset:
            break
    assert sorted(names) == sorted(d.dispatch_state.orders.open)
    assert ask(d, BoardList(offset=10_000)).orders == []


def test_a_sequence_is_made_once_for_everybody(district):
    """For SEQUENCE_MS; what it has of each order is as it is now, and what is over is gone at once."""
    d = district()
    d.round(d.place("o-1", prep_s=0), d.place("o-2", prep_s=0))
    assert set(orders(d)) == {"o-1", "o-2"}
    d.round(d.place("o-3", prep_s=0), d.cancel("customer", "o-1"))
    d.round(d.by_hand(OrderHold, order="o-2"))
    rows = orders(d)
    assert list(rows) == ["o-2"]
    assert rows["o-2"].override.kind == "held"
    d.seconds += SEQUENCE_MS / 1000
    assert set(orders(d)) == {"o-2", "o-3"}


def test_one_shop_or_one_order(district):
    """An order of another shop is not there, also when it is asked for by name."""
    d = district()
    d.round(d.place("o-1", shop="noodles"), d.place("o-2", shop="rice"))
    assert list(orders(d, shop="noodles")) == ["o-1"]
    assert ask(d, BoardList(shop="noodles")).open == 1
    assert list(orders(d, order="o-2")) == ["o-2"]
    assert orders(d, order="o-2", shop="noodles") == {}
    assert orders(d, order="o-9") == {}
    for number in range(40):
        assert orders(d, shop=f"shop-{number}") == {}


def test_riders_have_their_load_and_no_place(district):
    """Who is idle, busy, paused; how many orders, until when; in no field where."""
    d = district()
    until = d.now.wall_ms + 10**7
    d.begin("r1", capacity=3, until=until)
    d.begin("r2", capacity=1, lat=52.6)
    d.round(d.place("o-1", prep_s=0))
    d.round(d.reply("r1", "o-1", 1))
    d.round(d.by_hand(RiderPause, rider="r2"))
    d.seconds += 7
    answer = ask(d, RidersList())
    busy, paused = answer.riders
    assert (answer.known, answer.next) == (2, 0)
    assert (busy.rider, busy.state, busy.orders, busy.capacity) == ("r1", "busy", 1, 3)
    assert busy.free_at == d.dispatch_state.riders.known["r1"].free_ms + d.now.wall_ms - round(d.seconds * 1000)
    assert (busy.until, paused.until) == (until, 0)
    assert (paused.state, paused.orders, paused.free_at, bool(paused.paused_by)) == ("paused", 0, 0, True)
    assert busy.contact_s >= 7
    assert not {"lat", "lon", "place"} & set(msgspec.to_builtins(answer)["riders"][0])


@pytest.mark.parametrize("many", [ROWS_MAX, ROWS_MAX + 1])
def test_riders_come_in_pages(district, many):
    """The last page has no `next`."""
    d = district()
    for number in range(many):
        d.begin(f"r{number}")
    first = ask(d, RidersList())
    assert len(first.riders) == ROWS_MAX
    assert first.next == (ROWS_MAX if many > ROWS_MAX else 0)
    assert [row.rider for row in ask(d, RidersList(offset=ROWS_MAX)).riders] == [f"r{n}" for n in range(ROWS_MAX, many)]


def test_what_comes_back_has_its_cause(district):
    """While it is on its way to the shop."""
    d = district()
    d.begin("r1")
    d.round(d.place("o-1", prep_s=0))
    d.round(d.reply("r1", "o-1", 1))
    d.round(d.step("r1", "o-1", "picked_up"))
    d.round(d.step("r1", "o-1", "failed", cause="wrong_address"))
    row = orders(d)["o-1"]
    assert (row.state, row.cause, row.rider) == ("returning", "wrong_address", "r1")
