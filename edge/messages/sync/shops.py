"""What became of the orders of each shop, by day: the figures of which the centre makes the scores of shops. Pure.

They are kept, and leave, only where the operator wants that (`shop_scores`): in the statement of the day. A shop is
named there if at least as many different people took part as the privacy threshold asks for; what is of the other shops
is one sum without a name. What comes after the statement is in another one of the same day, under the same rule: so
neither what leaves nor the difference of any two stands for fewer people.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from ...limits import NAME_PATTERN
from ..envelope import Client, ClientKey, Cumulative

SHOPS_MAX: Final = 256
"""Shops that have figures of their own on one day, those that came first. A node serves a district, which has fewer."""

SHOP_DAYS_MAX: Final = 8
"""Days that wait for their statement. Only a node whose centre takes none for a week has more; the oldest goes."""

SHOP_COUNTERS_MAX: Final = 64
"""Of one shop: their names come from the code. Dispatch has eight."""

WITHHELD, BEYOND, DROPPED = "shops.withheld", "shops.beyond", "shops.dropped"
"""In the sum of the others: shops in which too few people took part, counts of shops for which there was no room, and
days of shops that went unsent."""

_Shop = Annotated[str, Meta(pattern=rf"\A\Z|{NAME_PATTERN}")]
_Counter = Annotated[str, Meta(min_length=1, max_length=96)]
_Named = tuple[str, int, dict[str, int]]


class ShopCounts(Struct, frozen=True, array_like=True):
    """Of one shop; of all the others together where `shop` is empty. At least `people` different people took part.
    `counts` are in the sequence of the table's `names`."""

    shop: _Shop
    people: Annotated[int, Meta(ge=0, le=1_000)]
    counts: Annotated[list[Cumulative], Meta(max_length=SHOP_COUNTERS_MAX)]


class ShopTable(Struct, frozen=True, array_like=True):
    """The shops of one scenario on one day, by name."""

    scenario: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,63}\Z")]
    names: Annotated[list[_Counter], Meta(max_length=SHOP_COUNTERS_MAX)]
    shops: Annotated[list[ShopCounts], Meta(max_length=SHOPS_MAX + 1)]


class OpenShop(Struct, array_like=True):
    """One shop's day in the making. `people` never holds more than the threshold asks for."""

    people: list[Client] = []
    counts: dict[str, int] = {}


class OpenDay(Struct, array_like=True):
    """A day in the making: `shops` by "shop/scenario", `others` by scenario. `since` (Unix ms) is when it was begun: a
    node that was restored from a backup closes the same day once more, and the centre knows it by that."""

    since: int
    shops: dict[ClientKey, OpenShop] = {}
    others: dict[str, dict[str, int]] = {}


class ShopDays(Struct, array_like=True):
    """The days that are not stated yet. Below `people_min` people no shop is named; 0: nothing is counted."""

    people_min: int = 0
    days: dict[int, OpenDay] = {}
    dropped: int = 0

    def configure(self, people_min: int) -> None:
        """Another threshold; where nothing is to be counted any more, what was is forgotten."""
        self.people_min = people_min
        if not people_min:
            self.days, self.dropped = {}, 0

    def add(self, day: int, scenario: str, shop: str, name: str, n: int, person: str, at_ms: int) -> None:
        """A counter of the shop grows by `n` through a person, on a day (of UTC, counted from 1970); `at_ms` is now."""
        if not self.people_min:
            return
        opened = self.days.get(day)
        if opened is None:
            opened = self.days[day] = OpenDay(at_ms)
            if len(self.days) > SHOP_DAYS_MAX:
                self.dropped += len(self.days.pop(min(self.days)).shops)
        key = f"{shop}/{scenario}"
        mine = opened.shops.get(key)
        if mine is None:
            if len(opened.shops) >= SHOPS_MAX:
                _add(opened.others.setdefault(scenario, {}), {name: n, BEYOND: 1})
                return
            mine = opened.shops[key] = OpenShop()
        counts, people = mine.counts, mine.people
        counts[name] = counts.get(name, 0) + n
        if len(people) < self.people_min and person not in people:
            people.append(person)

    def close(self, day: int) -> tuple[int, list[ShopTable]]:
        """When a day was begun (Unix ms), and its figures as they leave; it is not open any more."""
        opened = self.days.pop(day)
        named: dict[str, list[_Named]] = {}
        for key in sorted(opened.shops):
            shop, _, scenario = key.partition("/")
            mine = opened.shops[key]
            if len(mine.people) >= self.people_min:
                named.setdefault(scenario, []).append((shop, len(mine.people), mine.counts))
            else:
                _add(opened.others.setdefault(scenario, {}), {**mine.counts, WITHHELD: 1})
        if self.dropped:
            first = min([*named, *opened.others])
            opened.others.setdefault(first, {})[DROPPED] = self.dropped
            self.dropped = 0
        scenarios = sorted({*named, *opened.others})
        return opened.since, [_table(each, named.get(each, []), opened.others.get(each)) for each in scenarios]

    def forget(self, shop: str) -> None:
        """Remove every figure of a shop."""
        for opened in self.days.values():
            opened.shops = {key: mine for key, mine in opened.shops.items() if key.partition("/")[0] != shop}
        self.days = {day: opened for day, opened in self.days.items() if opened.shops or opened.others}


def without(tables: list[ShopTable], shop: str) -> list[ShopTable]:
    """The same tables without a shop."""
    return [
        ShopTable(table.scenario, table.names, [each for each in table.shops if each.shop != shop]) for table in tables
    ]


def withhold_shops(tables: list[ShopTable], people_min: int) -> list[ShopTable]:
    """The same figures, of which shops with fewer people belong to the others. Raises ValueError where a shop has not a
    count for each name."""
    found: list[ShopTable] = []
    for table in tables:
        if any(len(each.counts) != len(table.names) for each in table.shops):
            raise ValueError(f"a shop of {table.scenario} has not {len(table.names)} counts")
        others: dict[str, int] = {}
        named: list[_Named] = []
        for each in table.shops:
            counts = dict(zip(table.names, each.counts, strict=True))
            if each.shop and each.people >= people_min:
                named.append((each.shop, each.people, counts))
            else:
                _add(others, {**counts, WITHHELD: counts.get(WITHHELD, 0) + bool(each.shop)})
        found.append(_table(table.scenario, named, others or None))
    return found


def _table(scenario: str, named: list[_Named], others: dict[str, int] | None) -> ShopTable:
    whole = named if others is None else [*named, ("", 0, others)]
    names = sorted({name for _, _, counts in whole for name, count in counts.items() if count})
    shops = [ShopCounts(shop, people, [counts.get(name, 0) for name in names]) for shop, people, counts in whole]
    return ShopTable(scenario, names, shops)


def _add(into: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        into[name] = into.get(name, 0) + count
