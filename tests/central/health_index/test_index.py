"""Scores, and what to do: kept, mended where it is worst, or retired."""

from hypothesis import given
from hypothesis import strategies as st

from central.health_index.index import Health, index, together
from central.health_index.options import HealthOptions
from central.health_index.parts import Counted
from edge.messages.batches import fold

OPTIONS = HealthOptions()
ANSWERS = (100, fold(b"", [1_000] * 100))


def counted(kept: int = 100, broken: int = 0, **more: object) -> Counted:
    """A node that does well, but for what is given."""
    counters = {"order.offered": 100, "promise.kept": kept, "promise.broken": broken, "order.over_bound_s": 0}
    values = {"days": 1.0, "events": 1_000, "before": 1_000, "counters": counters, "answers": ANSWERS}
    return Counted(**{**values, "behind_s": (5.0,), **more})  # type: ignore[arg-type]


def found(**nodes: Counted) -> dict[str, Health]:
    """By node; the whole is ""."""
    return {each.node: each for each in index({"dispatch": nodes}, OPTIONS)}


def test_what_is_well_is_kept() -> None:
    """100 of 100, with a sentence."""
    made = found(a=counted())
    assert (made[""].score, made[""].advice, made[""].sentence) == (100, "keep", "Keep it as it is.")


def test_what_is_not_is_mended_where_it_is_worst() -> None:
    """The worst first; the whole names the part and the node."""
    made = found(a=counted(), b=counted(50, 50), c=counted(90, 10))
    assert list(made) == ["", "b", "c", "a"]
    assert (made[""].advice, made[""].mend, made[""].where) == ("mend", "promise", "b")
    assert "Mend promise, first at b" in made[""].sentence
    assert (made["b"].where, made["a"].advice) == ("b", "keep")


def test_what_is_hardly_used_any_more_is_retired() -> None:
    """Little used and falling; not what is only one of the two."""
    assert found(a=counted(events=15, before=19))["a"].advice == ""  # too little to compare
    assert found(a=counted(events=15, before=100))["a"].advice == "retire"
    old = counted(events=210, before=1_000, days=30.0)
    assert (found(a=old)["a"].advice, "Retire it" in found(a=old)["a"].sentence) == ("retire", True)
    assert found(a=counted(events=210, before=200, days=30.0))["a"].advice == "keep"
    assert found(a=counted(events=210, before=1_000))["a"].advice == "keep"


def test_without_enough_data_there_is_no_score() -> None:
    """What is missing is named, and it stands last."""
    made = found(a=counted(events=199), b=counted())
    assert (made["a"].score, made["a"].advice) == (None, "")
    assert made["a"].sentence.startswith("No score yet: 199 of 200 events.")
    assert list(made) == ["", "b", "a"]
    empty = found(a=Counted(days=1.0, events=1_000, behind_s=(5.0,)))["a"]
    assert empty.score is None
    assert "Too little data: response, quality, promise, declines, trend." in empty.sentence


def test_weights_of_parts_that_are_not_there_fall_to_the_others() -> None:
    """A scenario of others is scored by what it has."""
    made = index({"parking": {"a": Counted(days=1.0, events=1_000, before=1_000, behind_s=(90_000.0,))}}, OPTIONS)
    assert made[0].score == 75  # all but freshness, of which 10 of 40 are
    assert "Not part of this scenario: response, quality, promise, declines." in made[0].sentence
    no_weights = HealthOptions(**dict.fromkeys(("refusals", "freshness", "loss", "use", "trend"), 0))
    assert index({"parking": {"a": Counted(days=1.0, events=1_000)}}, no_weights)[0].score is None


@given(st.lists(st.tuples(st.integers(20, 500), st.integers(0, 500)), min_size=1, max_size=5))
def test_the_whole_is_no_worse_and_no_better_than_its_nodes(promises: list[tuple[int, int]]) -> None:
    """A part over all nodes lies between those of the nodes."""
    nodes = {f"n{number}": counted(*each) for number, each in enumerate(promises)}
    made = found(**nodes)
    scores = {node: part.score for node, each in made.items() for part in each.parts if part.name == "promise"}
    whole = scores.pop("")
    assert min(scores.values()) - 1e-6 <= whole <= max(scores.values()) + 1e-6  # type: ignore[type-var, operator]
    assert together(list(nodes.values())).answers[0] == 100 * len(nodes)
