"""What the status page shows of dispatch, and what clients see that ask."""

from functools import partial
from typing import Any

import msgspec
import pytest

from edge.messages.grants import Grant
from edge.scenarios.dispatch import Dispatch, view
from edge.scenarios.dispatch.lifecycle import OrderState
from edge.scenarios.dispatch.messages.down import OpenOrder, OrdersOpen
from edge.scenarios.dispatch.messages.up import OrdersList, OrderTrack


@pytest.mark.parametrize(
    ("state", "rider"),
    [("placed", "idle"), ("offered", "offered"), ("accepted", "busy"), ("picked_up", "busy"), ("delivered", "idle")],
)
def test_orders_shops_and_riders(district, state, rider):
    """Open orders with their shops, riders with their state and their last place."""
    d = district()
    d.bring_to(state)
    layers = d.dispatch.view(d.now)
    assert [order.state for order in layers["orders"]] == ([] if state == "delivered" else [state])
    assert [(shop.id, shop.state) for shop in layers["shops"]] == ([] if state == "delivered" else [("shop", "1 open")])
    (shown,) = layers["riders"]
    assert (shown.id, shown.state) == ("r1", rider)
    gauges = d.dispatch.gauges()
    assert gauges["orders"] == ({} if state == "delivered" else {state: 1})
    assert gauges["riders"] == {rider: 1}


@pytest.mark.parametrize(
    ("state", "client", "order", "reason"),
    [
        ("picked_up", "customer", "o1", ""),
        ("picked_up", "someone", "o1", "not_yours"),
        ("picked_up", "shop", "o1", "not_yours"),
        ("picked_up", "customer", "o2", "unknown_order"),
        *((state, "customer", "o1", "out_of_sequence") for state in ("placed", "offered", "accepted", "at_shop")),
        *((state, "customer", "o1", "out_of_sequence") for state in ("delivered", "cancelled", "undeliverable")),
    ],
)
def test_a_customer_sees_its_rider_while_it_carries_the_order(district, state, client, order, reason):
    """Only the customer who placed it, and only between the pickup and the delivery; with the option off nobody."""
    for show_rider in (True, False):
        d = district(show_rider=show_rider)
        d.bring_to(state)
        d.report_position("r1", 52.505, 13.405)
        answer = d.dispatch.observe(client, OrderTrack(order=order), d.now)
        assert answer.reason == (reason if show_rider else "not_allowed")
        assert (answer.lat, answer.lon) == ((52.505, 13.405) if not answer.reason else (None, None))


def test_an_old_place_of_a_rider_is_not_shown(district):
    """The answer has the time of the position; one older than position_age_s_max is none."""
    d = district(show_rider=True, position_age_s_max=60, silent_s=7200)
    d.bring_to("picked_up")
    d.report_position("r1", 52.505, 13.405)
    asked = [d.dispatch.observe("customer", OrderTrack(order="o1"), d.now)]
    for seconds in (60, 1):
        d.later(seconds)
        asked.append(d.dispatch.observe("customer", OrderTrack(order="o1"), d.now))
    assert [answer.reason for answer in asked] == ["", "", "unknown_rider"]
    assert asked[0].at == asked[1].at == d.now.wall_ms - 61_000


@pytest.mark.parametrize("state", ["placed", "offered", "accepted", "picked_up", "delivered", "cancelled"])
def test_everybody_gets_its_own_open_orders(district, state):
    """The customer, the shop, a client that acts for the shop, and the rider, who gets its assignment too; nobody else,
    and nothing that is closed."""
    d = district()
    d.bring_to(state)
    is_open = state not in ("delivered", "cancelled")
    asked = {name: d.dispatch.observe(name, OrdersList(), d.now) for name in ("customer", "shop", "r1", "someone")}
    asked["till"] = d.dispatch.observe("till", OrdersList(shop="shop"), d.now)
    for name, answer in asked.items():
        knows = is_open and (name in ("customer", "shop", "till") or (name == "r1" and state != "placed"))
        assert [(order.order, order.shop, order.state) for order in answer.orders] == [("o1", "shop", state)] * knows
        assert (answer.at, answer.more) == (d.now.wall_ms, 0)
        for order in answer.orders:
            assert (order.assignment is not None) == (name == "r1")
            assert order.placed_at <= answer.at
    for order in asked["r1"].orders:
        assert order.assignment.state == ("offered" if state == "offered" else "accepted")
        assert bool(order.assignment.answer_by) == (state == "offered")
        assert order.assignment.stops[-1].order == "o1"


def test_the_newest_open_orders_come_first_and_the_rest_is_counted(district):
    """Also after a restart; a shop that orders for its guests has each order once."""
    d = district()
    names = [f"o{number:03}" for number in range(view.ORDERS_LISTED_MAX + 5)]
    for name in names:
        d.round(d.place(name, client="shop"))
    restarted = Dispatch(d.dispatch_state.rules)
    restarted.restore(d.dispatch.snapshot())
    for dispatch in (d.dispatch, restarted):
        answer = dispatch.observe("shop", OrdersList(), d.now)
        assert isinstance(answer, OrdersOpen)
        assert [order.order for order in answer.orders] == names[:4:-1]
        assert answer.more == 5


def test_a_silent_rider_is_shown_as_such(district):
    """A rider without a position is not on the map; a silent one is shown as silent."""
    d = district()
    d.round(d.shift("r1"))
    assert d.dispatch.view(d.now)["riders"] == []
    d.report_position("r1")
    d.later(301)
    assert [rider.state for rider in d.dispatch.view(d.now)["riders"]] == ["silent"]


def test_ages_are_those_of_the_order_and_of_the_place(district):
    """An order is as old as its placing, a rider's dot as old as the position."""
    d = district()
    d.begin("r1")
    d.round(d.place("o1"))
    d.later(20)
    d.report_position("r1")
    d.later(10)
    layers = d.dispatch.view(d.now)
    assert [order.age_s for order in layers["orders"]] == [30]
    answer = d.dispatch.observe("customer", OrdersList(), d.now)
    assert isinstance(answer, OrdersOpen)
    assert [d.now.wall_ms - order.placed_at for order in answer.orders] == [30_000]
    assert [rider.age_s for rider in layers["riders"]] == [10]


def test_a_rider_with_an_order_is_busy(district):
    """Though it is paused, or was offered one more; one with offers alone is not."""
    d = district()
    d.bring_to("accepted")
    rider, order = d.dispatch_state.riders.known["r1"], d.dispatch_state.orders.open["o1"]
    rider.paused = "r1"
    assert view.rider_state(d.dispatch_state, rider) == "busy"
    d.round(d.place("o2"))
    rider.orders = ["o2", "o1"]
    d.dispatch_state.orders.open["o2"].state = OrderState.OFFERED
    assert view.rider_state(d.dispatch_state, rider) == "busy"
    order.state = OrderState.OFFERED
    assert view.rider_state(d.dispatch_state, rider) == "offered"
    rider.orders = []
    assert view.rider_state(d.dispatch_state, rider) == "paused"
    rider.paused = ""
    assert view.rider_state(d.dispatch_state, rider) == "idle"
    assert [shop.state for shop in d.dispatch.view(d.now)["shops"]] == ["2 open"]


def test_an_order_that_waits_has_a_note(district):
    """On hold, planned, looked at in vain, or not looked at yet; an offer has what is left of its time, and a kitchen
    that is ready is not waited for."""
    d = district()
    d.bring_to("offered")
    d.later(10)
    order = d.dispatch_state.orders.open["o1"]
    assert view._note(order, d.dispatch_state.now_ms) == "r1 has 50 s to answer"
    assert view._note(order, d.dispatch_state.now_ms + 10**6) == "r1 has 0 s to answer"
    order.state, order.is_ready = OrderState.AT_SHOP, True
    assert view._note(order, 0) == "r1 waits at shop"
    order.state, order.considered = OrderState.PLACED, 0
    assert view._note(order, 0) == ""
    order.plan = "r2"
    assert view._note(order, 0) == "planned for r2, who gets the offer later"
    order.rider = ""
    assert view.late_s(order, 10**9) == (order.dropoff_ms - order.promised_ms) / 1000
    order.promised_ms = 0
    assert view.late_s(order, 10**9) is None


@pytest.mark.parametrize(
    ("state", "note"),
    [
        ("offered", "r1 has 60 s to answer"),
        ("accepted", "r1 is on the way to shop"),
        ("at_shop", "r1 waits at shop, which has not called it ready"),
        ("picked_up", "r1 has it"),
        ("at_customer", "r1 is at the door"),
        ("returning", "r1 brings it back to shop: customer absent"),
    ],
)
def test_what_happens_to_an_order_is_in_words(district, state, note):
    """Its rider, and what it waits for."""
    d = district()
    d.bring_to(state)
    (order,) = d.dispatch.view(d.now)["orders"]
    assert order.note == note


def test_how_late_an_order_is(district):
    """Without anybody for it, since when it could go; with a rider, against its promise."""
    d = district()
    d.round(d.place("o1", prep_s=0))
    d.later(400)
    (order,) = d.dispatch.view(d.now)["orders"]
    assert (order.late_s, order.note) == (400, "nobody can take it now")
    d.round(d.cancel("customer", "o1"))
    d.round(d.place("o2", prep_s=300))
    d.later(400)
    (order,) = d.dispatch.view(d.now)["orders"]
    assert order.late_s == 100
    d = district()
    d.begin("r1")
    d.round(d.place("o1", prep_s=0, promise=True))
    (order,) = d.dispatch.view(d.now)["orders"]
    assert order.late_s is not None
    assert order.late_s <= 0


def test_an_order_that_waits_without_a_rider_is_a_problem(district):
    """After a minute where nobody is on shift, after a quarter of late_s where riders are busy; one for later only
    after it is ready."""
    d = district(give_up_s=3600)
    d.round(d.place("o1"))
    d.later(59)
    assert d.dispatch.problems(d.now) == {}
    d.later(1)
    assert d.dispatch.problems(d.now) == {}
    d.later(1)
    none = "1 order waits for a rider, the longest for 1 min, and no rider is on shift. Ask riders to begin their "
    assert d.dispatch.problems(d.now) == {"orders_waiting": none + "shifts, or take no more orders."}
    d.begin("r1")
    d.round(d.place("o2"))
    assert d.dispatch.problems(d.now) == {}
    d.later(1)
    d.round(d.place("o3"), d.place("o4", prep_s=2000))
    d.round(*(d.place(f"more{number}") for number in range(8)))
    waiting = len(d.dispatch_state.orders.waiting)
    first_s = min(max(one.placed_ms, one.ready_ms) for one in d.dispatch_state.orders.waiting.values()) / 1000
    d.seconds = first_s + view.WAIT_SHARE_MAX * d.dispatch_state.rules.late_s
    assert view.waiting_problem(d.dispatch_state, d.now) == ""
    d.seconds += 0.001
    assert view.waiting_problem(d.dispatch_state, d.now) == (
        f"{waiting} orders wait for a rider, the longest for 15 min. Call in more riders; "
        "doorstep explain has the reason for each order."
    )


def test_an_order_that_does_not_come_back_is_a_problem(district):
    """Once it is on its way for longer than RETURN_S_MAX; the first is named."""
    d = district(silent_s=10_000, give_up_s=100_000)
    d.bring_to("returning")
    d.seconds += view.RETURN_S_MAX
    assert view.returning_problem(d.dispatch_state, d.now) == ""
    d.seconds += 0.001
    text = "1 order has been on the way back to the shop for over 45 min: o1 with r1 the longest. Call the rider; it "
    assert view.returning_problem(d.dispatch_state, d.now) == text + "reports the return in its app."
    other = msgspec.structs.replace(d.dispatch_state.orders.open["o1"], id="o2", rider="r2")
    d.dispatch_state.orders.returning["o2"] = other
    assert "2 orders have been" in view.returning_problem(d.dispatch_state, d.now)
    other.entered_ms += 1
    assert "1 order has been" in view.returning_problem(d.dispatch_state, d.now)


def test_late_orders_are_a_problem(district):
    """How many, the first of them, and how many have no rider."""
    d = district(late_s=1000, give_up_s=6000)
    d.round(d.place("o2"))
    d.later(1)
    d.round(d.place("o1"))
    d.later(1000)
    assert view.late_problem(d.dispatch_state).startswith(
        "2 orders are late and still to be delivered, o2 the longest; 2 without a rider. "
    )
    d.dispatch_state.orders.waiting.pop("o1")
    text = view.late_problem(d.dispatch_state)
    assert "1 without a rider" in text
    assert text.endswith("given up 100 min after it was ready.")
    d.dispatch_state.orders.late.pop("o1")
    assert view.late_problem(d.dispatch_state).startswith("1 order is late and still")


def test_who_is_on_shift_for_too_long_is_a_problem(district):
    """The one that began first is named, of several the first by name; nobody while the longest duty has no bound."""
    d = district(max_on_duty_s=600, silent_s=10_000)
    d.round(d.shift("r9"), d.shift("r2"))
    d.later(1)
    d.round(d.shift("r1"))
    d.later(599)
    assert view.duty_problem(d.dispatch_state, d.now) == ""
    d.seconds += 0.001
    assert "2 riders are on shift for over 10 min, r2 the longest" in view.duty_problem(d.dispatch_state, d.now)
    d.seconds += 1
    assert "3 riders are on shift for over 10 min, r2 the longest" in view.duty_problem(d.dispatch_state, d.now)
    d.dispatch_state.riders.known["r2"].on = d.dispatch_state.riders.known["r9"].on = False
    assert "1 rider is on shift for over 10 min, r1 the longest" in view.duty_problem(d.dispatch_state, d.now)
    d.dispatch_state.riders.known["r1"].on = False
    assert view.duty_problem(d.dispatch_state, d.now) == ""
    idle = district()
    idle.begin("r1")
    assert view.duty_problem(idle.dispatch_state, idle.now) == ""


CUSTOMER, SHOP, RIDER = (Grant((role,), "shop" if role == "shop" else "") for role in ("customer", "shop", "rider"))


def seen(d, client: str, grant: Grant, only: str = "") -> list[Any]:
    return [item.body for item in d.dispatch.items("orders", client, grant, d.now, only)]


@pytest.mark.parametrize(
    "state", ["placed", "offered", "accepted", "at_shop", "picked_up", "delivered", "cancelled", "undeliverable"]
)
def test_each_sees_its_own_orders_and_nobody_elses(district, state: str):
    """Customer and shop all of theirs, the rider what it was offered or carries; a closed order by its name alone, and
    only how it ended."""
    d = district()
    d.bring_to(state)
    is_open, carried = state not in ("delivered", "cancelled", "undeliverable"), state != "placed"
    for client, grant in (("customer", CUSTOMER), ("shop", SHOP), ("till-2", SHOP)):
        assert [each.state for each in seen(d, client, grant)] == [state] * is_open
        (one,) = seen(d, client, grant, "o1")
        assert (one.state, isinstance(one, OpenOrder)) == (state, is_open)
    assert [each.state for each in seen(d, "r1", RIDER)] == [state] * (is_open and carried)
    for client, grant in (("someone", CUSTOMER), ("till-9", Grant(("shop",), "other")), ("r2", RIDER), ("x", Grant())):
        assert seen(d, client, grant) == seen(d, client, grant, "o1") == []


def test_only_the_rider_sees_its_assignment(district):
    """As in the message of this kind, with the exact door from the acceptance on."""
    d = district()
    d.bring_to("offered")
    (offered,) = seen(d, "r1", RIDER, "o1")
    (order,) = d.dispatch.state.orders.open.values()
    assert offered.assignment.offer == 1
    assert offered.assignment.stops[-1].lat == round(order.dropoff_lat, 2)
    d.bring_to("accepted")
    assert seen(d, "r1", RIDER, "o1")[0].assignment.stops[-1].lat == order.dropoff_lat
    assert seen(d, "customer", CUSTOMER, "o1")[0].assignment is None
    assert seen(d, "shop", SHOP, "o1")[0].assignment is None


def test_the_version_changes_with_what_is_seen_and_not_with_the_clocks(district):
    """Two readings of the clocks differ by a millisecond, and a wall clock may be set: that is no change."""
    d = district()
    d.bring_to("offered")
    for client in ("customer", "r1"):
        read = partial(d.dispatch.items, "orders", client, Grant(), only="o1")
        (first,) = read(d.now)
        (again,) = read(msgspec.structs.replace(d.now, wall_ms=d.now.wall_ms + 1))
        assert first.version == again.version
    before = read(d.now)[0].version
    d.bring_to("accepted")
    assert read(d.now)[0].version != before


def test_whoever_acts_for_a_shop_of_another_name_sees_both(district, monkeypatch):
    """Its own and the shop's, newest first, up to the bound."""
    d = district()
    for number in (1, 2, 3):
        d.one(d.place(f"o{number}", client="till-2" if number == 2 else "customer", shop="shop"))
        d.later(1)
    d.one(d.place("o4", client="till-2", shop="other"))
    assert [each.order for each in seen(d, "till-2", SHOP)] == ["o4", "o3", "o2", "o1"]
    monkeypatch.setattr(view, "ORDERS_LISTED_MAX", 2)
    assert [each.order for each in seen(d, "till-2", SHOP)] == ["o4", "o3"]
