"""What becomes of promises among real people, on a small district."""

import pytest
from msgspec.structs import replace

from bench.demo.district.instance import read
from bench.dispatch.real_riders.days import Conditions, day_of, halves
from bench.dispatch.real_riders.measure import CASES, Kept, figures, rows, run
from bench.whatif.day import Day
from tests.bench.dispatch.days import SMALL


def late(conditions: Conditions, learn: bool, day: int) -> float:
    """Per cent of the promises of a day that are late, of a node that learns or believes its configuration."""
    instance = read(SMALL)
    made: list[Day] = []
    for number, part in enumerate(halves(instance, 0)):
        each = day_of(instance, part, number, conditions, 0)
        made.append(replace(each, rules=replace(each.rules, learn_times=learn)))
    return figures(run(made)[day]).late_percent


@pytest.mark.parametrize("conditions", [Conditions(pace=1.3), Conditions(stated=False)])
def test_times_are_learned(conditions: Conditions) -> None:
    """On the second day far fewer promises are late than of a node that believes its configuration."""
    assert late(conditions, True, 1) < late(conditions, False, 1) / 2


def test_what_was_never_delivered_broke_its_promise() -> None:
    """It counts as late and outside of its interval, and has no click-to-door; of nothing all is nothing."""
    kept = Kept(0, 0, 600_000, True, True, 1_800_000)
    never = Kept(0, None, 600_000, False, True, None)
    found = figures([kept, never])
    assert (found.promises, found.late_percent, found.inside_percent) == (2, 50.0, 50.0)
    assert (found.width_min, found.click_to_door_min) == (10.0, 30.0)
    assert figures([]).late_percent == 0.0


def test_a_must_stands_where_it_is_meant() -> None:
    """Each case has its rows; those that the targets are about have a must, the others none."""
    instance = read(SMALL)
    found = {row.name: row.must for name in CASES for row in rows(name, [instance], keep=False)}
    assert found["all known: calm days"].late_percent == 3
    assert found["no time stated: first day"].late_percent == 10
    assert found["no time stated: second day, shops seen"].inside_percent == (77, 83)
    assert not found["no time stated, kitchens are queues: first day"].late_percent
    assert "all known: scarce days" not in found
    assert rows("no time stated", [instance], keep=False) == rows("no time stated", [instance], keep=False)


def test_a_node_that_is_kept_remembers() -> None:
    """With `keep` the named days follow each other on one node: the second has shops that were seen."""
    instance = read(SMALL)
    twice = [instance, replace(instance, name="again")]
    apart, kept = (rows("no time stated", twice, keep) for keep in (False, True))
    promises = {row.name: row.figures.promises for row in kept}
    assert promises["no time stated: first day"] == promises["no time stated: second day"] == 40
    assert promises["no time stated: second day, shops seen"] > 30
    assert {row.name: row.figures for row in apart} != {row.name: row.figures for row in kept}
