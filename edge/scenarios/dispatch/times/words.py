"""What was learned, as figures for a program and in words for a person. Pure: the offset of the local time is given."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from . import kitchens
from .kitchens import EARLY
from .learned import (
    BANDS,
    CELL_WEIGHT,
    HANDOVER_WEIGHT,
    HOUR_WEIGHT,
    HOURS,
    RIDES_WEIGHT,
    Errors,
    Mean,
    Shop,
    correction,
)
from .times import Times

EIGHT_OF_TEN: Final = 1.6
"""Mean sizes of an error within which 8 of 10 are (Laplace's distribution)."""

CELL_LABELS_MIN: Final = 5
"""Doors of a cell are shown from so many deliveries on."""


class Preparation(Struct, frozen=True):
    """One shop's, in one band or in all (`hours` empty). Seconds: of preparation where nothing is `stated`, beyond the
    stated time where it is; `from_s` to `to_s` are 8 of 10."""

    shop: str
    stated: bool
    hours: str
    orders: int
    expected_s: int
    from_s: int
    to_s: int


class Handover(Struct, frozen=True):
    """Seconds from arrival to the change of hands: at a shop, or at the doors of a cell of 0.01 degrees (its south-west
    corner, in hundredths); of all of them where `where` is empty."""

    where: str
    count: int
    seconds: int


class Pace(Struct, frozen=True):
    """How much longer rides take than configured, as a factor; `hours` is empty for all."""

    hours: str
    rides: int
    factor: float


class Punctuality(Struct, frozen=True):
    """The mean error of the drop-offs predicted for one shop, or for all (`shop` empty)."""

    shop: str
    orders: int
    off_s: int


class Report(Struct, frozen=True):
    """Everything that was learned."""

    preparation: list[Preparation]
    pace: list[Pace]
    at_shops: list[Handover]
    at_doors: list[Handover]
    promises: list[Punctuality]

    def of(self, shop: str) -> "Report":
        """The part about one shop."""
        return Report(
            [one for one in self.preparation if one.shop == shop],
            [],
            [one for one in self.at_shops if one.where == shop],
            [],
            [one for one in self.promises if one.shop == shop],
        )


def report(times: Times, zone_min: int) -> Report:
    """What holds now. `zone_min`: minutes by which the local time is ahead of UTC."""
    learned, options = times.learned, times.options
    ways, node = learned.rides, learned.node
    shops = sorted(learned.shops.items())
    before_s, door_s = options.pickup_service_s // 2, options.dropoff_service_s // 2
    pace = [Pace("", ways.pace.n, round(ways.pace.towards(1.0, RIDES_WEIGHT), 2))] if ways.pace.n else []
    for hour, mean in sorted(ways.hours.items(), key=lambda each: _local(each[0], HOURS, zone_min)):
        factor = mean.towards(pace[0].factor, HOUR_WEIGHT)
        pace.append(Pace(_span(hour, HOURS, zone_min), mean.n, round(factor, 2)))
    at_shops = [Handover("", ways.shop.n, round(before_s + ways.shop_s()))] if ways.shop.n else []
    for name, shop in shops:
        if shop.handover.n:
            own_s = before_s + shop.handover.towards(ways.shop_s(), HANDOVER_WEIGHT)
            at_shops.append(Handover(name, shop.handover.n, round(own_s)))
    at_doors = [Handover("", ways.door.n, round(door_s + ways.door_s()))] if ways.door.n else []
    for cell, mean in sorted(ways.doors.items()):
        if mean.n >= CELL_LABELS_MIN:
            at_doors.append(Handover(cell, mean.n, round(door_s + mean.towards(ways.door_s(), CELL_WEIGHT))))
    promises = [_punctuality("", learned.promises.size)] if learned.promises.size.n else []
    promises += [_punctuality(name, shop.late) for name, shop in shops if shop.late.n]
    preparation = [one for name, shop in shops for one in _preparation(name, shop, node, options.prep_s, zone_min)]
    return Report(preparation, pace, at_shops, at_doors, promises)


def _preparation(name: str, shop: Shop, node: Shop, prep_s: int, zone_min: int) -> Iterator[Preparation]:
    for stated in (False, True):
        errors, general = shop.errors(stated), node.errors(stated)
        if not errors.mean.n:
            continue
        base_s, size_s = 0 if stated else prep_s, EIGHT_OF_TEN * kitchens.spread(errors, general, stated)
        bands = sorted(errors.bands, key=lambda band: _local(band, BANDS, zone_min))
        for band in (None, *bands):
            held = errors if band is not None else Errors(errors.mean, errors.size, {})
            count = errors.mean.n if band is None else errors.bands[band].n
            hours = "" if band is None else _span(band, BANDS, zone_min)
            expected_s = base_s + correction(held, general, stated, band or 0)
            earliest_s = expected_s - EARLY * size_s if stated else max(0.0, expected_s - EARLY * size_s)
            yield Preparation(
                name, stated, hours, count, round(expected_s), round(earliest_s), round(expected_s + size_s)
            )


def _punctuality(name: str, size: Mean) -> Punctuality:
    return Punctuality(name, size.n, round(size.value))


# -- in words ----------------------------------------------------------------------------------------------------------


def lines(found: Report) -> Iterator[str]:
    """Sentences, the node's first, then those of each shop."""
    for pace in found.pace:
        hours = f"{pace.hours}, " if pace.hours else ""
        rides = _many(pace.rides, "ride")
        yield f"{'  ' if hours else ''}{hours}{rides}: {pace.factor:.2f} times as long as configured"
    for one in found.at_shops:
        if not one.where:
            yield f"handover at shops, {_many(one.count, 'pickup')}: {one.seconds} s after arrival"
    for one in found.at_doors:
        where = f"  around {_corner(one.where)}" if one.where else "handover at doors"
        yield f"{where}, {_many(one.count, 'drop-off')}: {one.seconds} s after arrival"
    for one in found.promises:
        if not one.shop:
            yield f"drop-offs, {_many(one.orders, 'order')}: {_minutes(one.off_s)} off what was predicted, in the mean"
    names = dict.fromkeys(one.shop for one in (*found.preparation, *found.promises) if one.shop)
    for name in names:
        yield name
        for one in found.preparation:
            if one.shop == name:
                yield f"  {_prepared(one)}"
        for one in found.at_shops:
            if one.where == name:
                yield f"  handover, {_many(one.count, 'pickup')}: {one.seconds} s after arrival"
        for one in found.promises:
            if one.shop == name:
                yield f"  drop-offs, {_many(one.orders, 'order')}: {_minutes(one.off_s)} off, in the mean"


def _prepared(one: Preparation) -> str:
    hours = one.hours or "all hours"
    start = f"{hours}, {_many(one.orders, 'order')}"
    if one.stated:
        ends = f"8 in 10 within {_beside(one.from_s)} to {_beside(one.to_s)}"
        return f"{start} that stated a time: ready {_beside(one.expected_s)}, {ends}"
    return f"{start}: {_minutes(one.expected_s)}, 8 in 10 within {round(one.from_s / 60)} to {round(one.to_s / 60)}"


def _beside(seconds: int) -> str:
    minutes = round(seconds / 60)
    return f"{abs(minutes)} min {'later' if minutes > 0 else 'earlier'}" if minutes else "as stated"


def _minutes(seconds: int) -> str:
    return f"{round(seconds / 60)} min"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _corner(cell: str) -> str:
    lat, _, lon = cell.partition(",")
    return f"{int(lat) / 100:.2f}, {int(lon) / 100:.2f}"


def _local(part: int, parts: int, zone_min: int) -> int:
    """The minute of the local day at which a part of the day of UTC begins."""
    return (part * (1440 // parts) + zone_min) % 1440


def _span(part: int, parts: int, zone_min: int) -> str:
    begin = _local(part, parts, zone_min)
    end = begin + 1440 // parts
    if begin % 60:
        return f"{begin // 60}:{begin % 60:02}-{end // 60 % 24}:{end % 60:02} h"
    return f"{begin // 60}-{end // 60 if end <= 1440 else end // 60 - 24} h"
