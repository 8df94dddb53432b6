"""Tests of edge.scenarios.dispatch.times.words: figures and sentences."""

import msgspec
import pytest

from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.times import kitchens, promises, rides, words
from edge.scenarios.dispatch.times.learned import band_of
from edge.scenarios.dispatch.times.times import Times

EVENING = 1_790_000_000_000 // 86_400_000 * 86_400_000 + 19 * 3_600_000


@pytest.fixture
def times() -> Times:
    """A node with one shop that states nothing, one that states too little, and slow rides."""
    times = Times(DispatchOptions())
    times.begin(EVENING)
    found = times.learned
    silent, early = found.shop("noodle-bar"), found.shop("grill")
    for number in range(23):
        off_s = 360.0 + (number % 3 - 1) * 300
        kitchens.learn(silent.unstated, found.node.unstated, False, off_s, True, band_of(EVENING))
        kitchens.learn(early.stated, found.node.stated, True, 240.0, True, band_of(EVENING))
        rides.learn(found.rides, 600, 240, 1.3 * 840, (52.5, 13.4), EVENING)
        promises.learn(found.promises, silent.late, False, 1.0, 120.0)
    silent.handover.add(45.0)
    found.rides.shop.add(45.0)
    return times


def test_it_reads_as_a_person_would_write_it(times: Times) -> None:
    """Hours, orders, minutes, and where 8 of 10 are."""
    text = "\n".join(words.lines(words.report(times, 0)))
    for words_expected in (
        "23 rides: 1.2",
        "  19-20 h, 23 rides: 1.",
        "handover at shops, 1 pickup:",
        "handover at doors, 23 drop-offs:",
        "noodle-bar\n",
        "  all hours, 23 orders: 21 min, 8 in 10 within 17 to 27",
        "  18-20 h, 23 orders: 21 min, 8 in 10 within 17 to 27",
        "  18-20 h, 23 orders that stated a time: ready 4 min later, 8 in 10 within 4 min later to 4 min later",
        "  drop-offs, 23 orders: 2 min off, in the mean",
    ):
        assert words_expected in text, text


@pytest.mark.parametrize(
    ("zone_min", "hours"), [(480, "2-4 h"), (330, "23:30-1:30 h"), (-60, "17-19 h"), (240, "22-24 h")]
)
def test_hours_are_local(times: Times, zone_min: int, hours: str) -> None:
    """By the offset, also where it is no whole hour, and at midnight."""
    assert hours in {one.hours for one in words.report(times, zone_min).preparation}


def test_hours_come_as_the_local_day_has_them() -> None:
    """What is before midnight in UTC may be after it here."""
    times = Times(DispatchOptions())
    times.begin(EVENING)
    found, shop = times.learned, times.learned.shop("grill")
    for hours in (6, 3):  # 1 and 22 o'clock, UTC
        at_ms = EVENING + (hours if hours == 6 else 3) * 3_600_000
        kitchens.learn(shop.stated, found.node.stated, True, 240.0, True, band_of(at_ms))
        rides.learn(found.rides, 600, 240, 1.3 * 840, (52.5, 13.4), at_ms)
    report = words.report(times, 120)
    assert [one.hours for one in report.pace if one.hours] == ["0-1 h", "3-4 h"]
    assert [one.hours for one in report.preparation if one.hours] == ["0-2 h", "2-4 h"]


def test_one_shop_alone(times: Times) -> None:
    """Its own figures and nothing of the node or of other shops."""
    found = words.report(times, 0).of("grill")
    assert {one.shop for one in found.preparation} == {"grill"}
    assert not found.pace
    assert not list(words.lines(words.report(times, 0).of("nobody")))


def test_the_figures_are_plain_json(times: Times) -> None:
    """Seconds and factors, for a program."""
    found = msgspec.json.decode(msgspec.json.encode(words.report(times, 0)))
    assert found["pace"][0] == {"hours": "", "rides": 23, "factor": found["pace"][0]["factor"]}
    whole = next(one for one in found["preparation"] if one["shop"] == "noodle-bar" and not one["hours"])
    assert whole["from_s"] < whole["expected_s"] < whole["to_s"]


def test_nothing_learned_is_no_sentence() -> None:
    """A new node is silent."""
    assert not list(words.lines(words.report(Times(DispatchOptions()), 0)))
