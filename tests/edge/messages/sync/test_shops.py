"""What became of the orders of shops: every count once, who is named, and how much there can be."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.messages.sync.shops import (
    BEYOND,
    DROPPED,
    SHOP_DAYS_MAX,
    SHOPS_MAX,
    WITHHELD,
    ShopCounts,
    ShopDays,
    ShopTable,
    withhold_shops,
    without,
)

DAY = 20_454


def days(people_min: int = 2) -> ShopDays:
    made = ShopDays()
    made.configure(people_min)
    return made


def placed(made: ShopDays, shop: str, person: str, day: int = DAY, name: str = "order.placed", n: int = 1) -> None:
    made.add(day, "dispatch", shop, name, n, person, 5)


def shops(tables: list[ShopTable]) -> dict[str, dict[str, int]]:
    """By name, what is not 0."""
    (table,) = tables
    named = {each.shop: dict(zip(table.names, each.counts, strict=True)) for each in table.shops}
    return {shop: {name: count for name, count in counts.items() if count} for shop, counts in named.items()}


def test_a_shop_is_named_from_so_many_people_on() -> None:
    """The same person twice is one; what is of the others is a sum, with how many they were."""
    made = days()
    for shop, person in (("noodles", "a"), ("noodles", "b"), ("tea", "a"), ("tea", "a"), ("rice", "c")):
        placed(made, shop, person)
    placed(made, "noodles", "b", name="order.over_bound_s", n=70)
    since, tables = made.close(DAY)
    assert (since, made.days) == (5, {})
    assert shops(tables) == {
        "noodles": {"order.placed": 2, "order.over_bound_s": 70},
        "": {"order.placed": 3, WITHHELD: 2},
    }
    assert [each.people for each in tables[0].shops] == [2, 0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 9))), st.integers(2, 4))
def test_every_count_leaves_once(counted: list[tuple[int, int, int]], people_min: int) -> None:
    """Whoever is named: the sum is that of what was counted, over restarts; nobody is named through too few."""
    made = days(people_min)
    people: dict[str, set[int]] = {}
    for shop, person, n in counted:
        placed(made, f"s{shop}", f"p{person}", n=n)
        people.setdefault(f"s{shop}", set()).add(person)
        made = msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=ShopDays)
    if not counted:
        return
    left = shops(made.close(DAY)[1])
    assert sum(counts.get("order.placed", 0) for counts in left.values()) == sum(n for *_, n in counted)
    assert left.keys() - {""} == {shop for shop, who in people.items() if len(who) >= people_min}


def test_nothing_is_counted_where_nothing_is_to_leave() -> None:
    """Nor is what was counted kept once that is switched off."""
    made = ShopDays()
    placed(made, "noodles", "a")
    assert made.days == {}
    made.configure(2)
    placed(made, "noodles", "a")
    made.configure(0)
    assert made == ShopDays()


def test_shops_and_days_have_a_bound() -> None:
    """What there is no room for belongs to the others, and is counted; so are the shops of days that go unsent."""
    made = days()
    for number in range(SHOPS_MAX + 3):
        for person in "ab":
            placed(made, f"s{number}", person)
    for day in range(1, SHOP_DAYS_MAX + 1):
        placed(made, "noodles", "a", DAY + day)
    assert (len(made.days), DAY in made.days, made.dropped) == (SHOP_DAYS_MAX, False, SHOPS_MAX)
    assert shops(made.close(DAY + 1)[1]) == {"": {"order.placed": 1, WITHHELD: 1, DROPPED: SHOPS_MAX}}
    assert made.dropped == 0
    made.dropped = 7
    for scenario in ("labels", "dispatch"):
        made.add(DAY, scenario, "tea", "order.placed", 1, "a", 5)
    found = {each.scenario: each.names for each in made.close(DAY)[1]}
    assert [DROPPED in found[scenario] for scenario in ("dispatch", "labels")] == [True, False]
    made = days()
    for number in range(SHOPS_MAX + 3):
        for person in "ab":
            placed(made, f"s{number}", person)
    left = shops(made.close(DAY)[1])
    assert (len(left), left[""]) == (SHOPS_MAX + 1, {"order.placed": 6, BEYOND: 6})


def test_a_late_day_that_is_too_old_is_dropped_itself() -> None:
    """Where all the room is taken by later days."""
    made = days()
    for day in range(SHOP_DAYS_MAX):
        placed(made, "noodles", "a", DAY + day)
    placed(made, "noodles", "a", DAY - 1)
    assert (DAY - 1 in made.days, len(made.days)) == (False, SHOP_DAYS_MAX)


def test_a_shop_can_be_forgotten() -> None:
    """Open or closed; the others stay as they are."""
    made = days()
    for shop in ("noodles", "tea"):
        for person in "ab":
            placed(made, shop, person)
    placed(made, "noodles", "a", DAY + 1)
    made.forget("noodles")
    assert list(made.days) == [DAY]
    tables = made.close(DAY)[1]
    assert shops(tables) == {"tea": {"order.placed": 2}}
    assert shops(without(tables, "tea")) == {}


def test_a_centre_may_ask_for_more_people() -> None:
    """Shops with fewer belong to the others there."""
    table = ShopTable(
        "dispatch",
        ["order.placed", WITHHELD],
        [ShopCounts("noodles", 3, [9, 0]), ShopCounts("tea", 2, [4, 0]), ShopCounts("", 0, [1, 1])],
    )
    assert shops(withhold_shops([table], 3)) == {"noodles": {"order.placed": 9}, "": {"order.placed": 5, WITHHELD: 2}}
    assert Counter(each.shop for each in withhold_shops([table], 2)[0].shops) == Counter(["noodles", "tea", ""])
    with pytest.raises(ValueError, match="has not 1 counts"):
        withhold_shops(
            [ShopTable("dispatch", ["order.placed"], [ShopCounts("tea", 2, []), ShopCounts("rice", 2, [1])])], 2
        )
