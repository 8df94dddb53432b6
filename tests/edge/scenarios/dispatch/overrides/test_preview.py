"""What an assignment would cost, before it is made."""

import pytest

from edge.messages.envelope import Place
from edge.scenarios.dispatch.messages.overrides import OrderAssign, OrderPreview


def ask(d, order="o1", **fields):
    """The answer, and that asking changed nothing."""
    before = d.dispatch.snapshot()
    answer = d.dispatch.observe("desk", OrderPreview(order=order, **fields), d.now)
    assert d.dispatch.snapshot() == before
    return answer


def test_the_cost_that_is_shown_is_the_cost_that_comes(district):
    """Of the order and of every other one, also of those of the rider who would lose it."""
    d = district()
    for number in (1, 2):
        d.begin(f"r{number}", lat=52.5 + number / 200, capacity=4)
    for number, rider in enumerate(("r1", "r1", "r2", "r2")):
        shop = Place(52.5, 13.4 + number / 200)
        d.round(d.place(f"o{number}", pickup=shop, prep_s=60))
        d.round(d.by_hand(OrderAssign, order=f"o{number}", rider=rider))
    orders = d.dispatch_state.orders.open
    (choice,) = ask(d, order="o0", rider="r2", position=0).choices
    was = {name: order.dropoff_ms for name, order in orders.items()}
    assert d.one(d.by_hand(OrderAssign, order="o0", rider="r2", position=0)) is None
    behind_ms = d.now.wall_ms - round(d.seconds * 1000)
    assert choice.expected_at == orders["o0"].dropoff_ms + behind_ms
    later = {name: round((orders[name].dropoff_ms - was[name]) / 1000) for name in ("o1", "o2", "o3")}
    assert {one.order: one.later_s for one in choice.delays} == {name: s for name, s in later.items() if s}
    assert later["o2"] > 0
    assert later["o3"] > 0
    assert d.outcomes[0].receipt["delays"] == choice.delays


def test_an_order_of_another_shop_is_not_shown(district):
    """To a dispatcher of one shop."""
    d = district()
    d.begin("r1")
    d.begin("r2")
    d.round(d.place("o1", shop="noodles", prep_s=60))
    assert ask(d, shop="noodles", rider="r2").choices
    answer = ask(d, shop="rice")
    assert (answer.reason, answer.choices) == ("not_yours", [])


def test_without_a_rider_the_best_are_shown(district):
    """The soonest first, at most six, the one who has it among them."""
    d = district()
    for number in range(9):
        d.begin(f"r{number}", lat=52.505 + number / 400)
    d.round(d.place("o1"))
    d.round(d.reply("r0", "o1", d.offer_of("o1")[1]))
    answer = ask(d)
    assert [one.rider for one in answer.choices][:2] == ["r0", "r1"]
    assert len(answer.choices) <= 6
    assert [one.expected_at for one in answer.choices] == sorted(one.expected_at for one in answer.choices)
    assert answer.expected_at == d.dispatch_state.orders.open["o1"].dropoff_ms + d.now.wall_ms - 1_000_000


@pytest.mark.parametrize(
    ("order", "rider", "reason"),
    [("o9", None, "unknown_order"), ("o1", "r9", "unknown_rider"), ("o1", "r1", "too_late")],
)
def test_what_cannot_be_has_the_reason_of_a_receipt(district, order, rider, reason):
    """The same reason, and words."""
    d = district()
    d.bring_to("picked_up" if reason == "too_late" else "placed")
    answer = ask(d, order=order, rider=rider)
    assert (answer.reason, answer.choices) == (reason, [])
    assert answer.detail


@pytest.mark.parametrize("prep_s", [3_000, 60])
def test_of_riders_who_are_as_soon_the_first_by_name_comes_first(district, prep_s):
    """As where all would wait for the food; else the soonest, whatever its name."""
    d = district()
    d.begin("r1", lat=52.52)
    d.begin("r2")
    d.round(d.place("o1", prep_s=prep_s))
    if d.offer_of("o1")[0]:
        d.round(d.reply("r2", "o1", d.offer_of("o1")[1]))
    first, second = ask(d).choices
    assert (first.expected_at == second.expected_at) == (prep_s == 3_000)
    assert [first.rider, second.rider] == (["r1", "r2"] if prep_s == 3_000 else ["r2", "r1"])
