"""What became of the orders of shops, as the statements of their nodes have it, and the scores of shops."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from edge.messages.sync.shops import ShopTable
from edge.messages.sync.statement import DAY_MS

from ..figures.figures import Figures, timed
from ..fleet.health import NEVER, RETIRED, NodeHealth
from ..store.engine.driver import Driver
from .index import Health, shop_index
from .options import HealthOptions
from .parts import PROFILES, Counted, Profile

SHOPS_SHOWN_MAX: Final = 10_000
"""Of one answer, the worst first."""

_decode = msgspec.msgpack.Decoder(list[ShopTable]).decode


class Shops(Struct, frozen=True):
    """The scores of shops, the worst first, and how many orders were placed at others: at those with too few customers
    to be named, or for which there was no room."""

    rows: list[Health]
    unnamed: int


class _Sum(Struct):
    """A shop's counters over the days that are looked at, and its orders of the time before."""

    counters: dict[str, int] = {}
    before: int = 0


class _Sums:
    """Of all shops that are read."""

    def __init__(self, since: int) -> None:
        self._since = since
        self.unnamed = 0
        self._shops: dict[tuple[str, str, str], _Sum] = {}
        self._days: dict[str, set[int]] = {}

    def add(self, node: str, day: int, tables: list[ShopTable]) -> None:
        """What one statement has."""
        is_before = day < self._since
        if not is_before:
            self._days.setdefault(node, set()).add(day)
        for table in tables:
            profile = PROFILES.get(table.scenario, Profile())
            for each in table.shops:
                counts = dict(zip(table.names, each.counts, strict=True))
                if not each.shop:
                    self.unnamed += 0 if is_before else counts.get(profile.orders, 0)
                    continue
                total = self._shops.setdefault((table.scenario, node, each.shop), _Sum())
                if is_before:
                    total.before += _asked(profile, counts)
                    continue
                for name, count in counts.items():
                    total.counters[name] = total.counters.get(name, 0) + count

    def counted(self) -> Iterator[tuple[tuple[str, str, str], Counted]]:
        """Each shop; a day on which its node stated nothing of shops does not count."""
        for (scenario, node, shop), total in self._shops.items():
            events = _asked(PROFILES.get(scenario, Profile()), total.counters)
            days = max(len(self._days.get(node, ())), 1)
            counted = Counted(days=days, events=events, before=total.before, counters=total.counters)
            yield (scenario, node, shop), counted


def shop_health(
    figures: Figures, fleet: Sequence[NodeHealth], days: int, now_ms: int, options: HealthOptions, node: str = ""
) -> Shops:
    """Of the last so many days (of UTC) that are over, compared with as many before; of one node, or of all. Errors are
    those of Figures: StoreSlow where it is too much to read at one time."""
    today = now_ms // DAY_MS
    since = today - days
    nodes = sorted(each.node for each in fleet if each.state not in (RETIRED, NEVER) and node in ("", each.node))

    def read(driver: Driver) -> _Sums:
        sums = _Sums(since)
        for name, day, message in timed(_rows(driver, nodes, since - days, today)):
            sums.add(name, day, _decode(message))
        return sums

    sums = figures.read(read)
    return Shops(shop_index(dict(sums.counted()), options)[:SHOPS_SHOWN_MAX], sums.unnamed)


def _rows(driver: Driver, nodes: Sequence[str], first: int, end: int) -> Iterator[tuple[str, int, bytes]]:
    """Node, day and tables: a node at a time, as the key has it."""
    sql = "select day, message from shops where node = ? and day >= ? and day < ? order by day, instance, since"
    for node in nodes:
        for day, message in driver.rows(sql, (node, first, end)):
            yield node, day, message


def _asked(profile: Profile, counts: dict[str, int]) -> int:
    """Orders that a shop was asked for."""
    return counts.get(profile.orders, 0) + counts.get(profile.refused, 0)
