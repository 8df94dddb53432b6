"""Each part by what was counted; those that a scenario has not are left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.health_index.options import HealthOptions
from central.health_index.parts import PARTS, SCALES, Counted, Name, Part, parts_of, parts_of_shop, worth
from edge.messages.batches import fold

OPTIONS = HealthOptions()
DISPATCH = {
    "order.offered": 100,
    "offer.declined": 15,
    "offer.timed_out": 10,
    "promise.kept": 90,
    "promise.broken": 10,
    "order.over_bound_s": 50 * 600,
    "refused.malformed": 30,
}


def by_name(scenario: str, counted: Counted, options: HealthOptions = OPTIONS) -> dict[str, Part]:
    """The parts."""
    return {part.name: part for part in parts_of(scenario, counted, options)}


def test_dispatch_has_all_of_them() -> None:
    """Each with its value, and worth what its scale has."""
    answers = (50, fold(b"", [1_000] * 40 + [1_800_000] * 10))
    counted = Counted(
        days=2, events=1_000, before=2_000, counters=DISPATCH, answers=answers, lost=5, behind_s=(60.0, 100_000.0)
    )
    parts = by_name("dispatch", counted)
    assert tuple(parts) == PARTS
    assert not any(part.missing for part in parts.values())
    assert parts["response"].score == pytest.approx(50, abs=1)
    assert (parts["quality"].value, parts["quality"].score) == (10.0, pytest.approx(38.5, abs=0.1))
    assert (parts["promise"].value, parts["promise"].score) == (0.9, pytest.approx(55.6, abs=0.1))
    assert parts["declines"].value == 0.25
    assert parts["refusals"].value == 0.03
    assert (parts["freshness"].value, parts["freshness"].score) == (0.5, 50.0)
    assert parts["loss"].value == pytest.approx(5 / 1_005)
    assert parts["use"].value == 250.0
    assert (parts["trend"].value, parts["trend"].score) == (0.5, 0.0)


def test_labels_have_no_offers_and_no_doors() -> None:
    """What confirmed late is no kept promise."""
    counters = {"label.shown": 95, "label.confirmed_late": 5, "label.behind": 10}
    parts = by_name("labels", Counted(days=1, events=500, counters=counters, behind_s=(10.0,)))
    assert [name for name, part in parts.items() if part.missing == "no_such"] == ["quality", "declines"]
    assert parts["promise"].value == 0.9
    assert (parts["freshness"].value, parts["freshness"].score) == (10.0, 100.0)
    others = by_name("parking", Counted(days=1, events=500, behind_s=(10.0,)))
    left_out = [name for name, part in others.items() if part.missing == "no_such"]
    assert left_out == ["response", "quality", "promise", "declines"]


def test_a_shop_has_what_is_its_own() -> None:
    """Of its orders; decisions that miss nothing are perfect, though nothing was counted of them."""
    counters = {"order.placed": 90, "order.refused": 10, "placed_to_offered_ms": 90, "order.offered": 90}
    found = Counted(days=2, events=100, before=50, counters=counters)
    parts = {part.name: part for part in parts_of_shop("dispatch", found, OPTIONS)}
    assert (parts["quality"].score, parts["refusals"].value, parts["declines"].score) == (100.0, 0.1, 100.0)
    assert (parts["use"].value, parts["use"].score, parts["trend"].value) == (50.0, 100.0, 2.0)
    assert parts["promise"].missing == "too_few"
    assert [parts[name].missing for name in ("response", "freshness", "loss")] == ["no_such"] * 3  # type: ignore[index]


def test_what_is_too_little_has_no_score() -> None:
    """A few values, no time before, a node that does not count it yet."""
    counters = {"promise.kept": 19}
    parts = by_name("dispatch", Counted(days=1, events=19, counters=counters, answers=(30, fold(b"", [1] * 30))))
    few = [name for name, part in parts.items() if part.missing == "too_few"]
    assert few == ["quality", "promise", "declines", "refusals", "loss", "trend"]
    assert all(parts[name].score is None for name in few)


def test_a_budget_may_be_another_one() -> None:
    """For each scenario."""
    counted = Counted(days=1, events=500, answers=(50, fold(b"", [3_000] * 50)))
    assert by_name("labels", counted)["response"].score == pytest.approx(50)
    other = HealthOptions(response_ms={"labels": 3_000})
    assert by_name("labels", counted, other)["response"].score == pytest.approx(100)


@given(name=st.sampled_from(PARTS), values=st.lists(st.floats(0, 1e9), min_size=2, max_size=2))
def test_better_is_never_worth_less(name: Name, values: list[float]) -> None:
    """Between 0 and 100."""
    good, bad = SCALES[name]
    better, worse = sorted(values, reverse=good > bad)
    assert 0 <= worth(name, worse) <= worth(name, better) <= 100
