"""Tests of the sentence with the reason of a decision."""

import pytest

from edge.scenarios.dispatch.decide.candidates import CandidateCost, duration, why_later, why_nobody, why_rider


def option(rider, total, free_in_s=0, fairness=0):
    return CandidateCost(rider, 60, 5, free_in_s, 130_000, 3_730_000, 0, 0, 0, total, True, fairness=fairness)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (-5, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min 1 s"), (7200, "2 h")]
)
def test_durations_leave_out_what_is_nothing(seconds, text):
    """Hours, minutes and seconds, without zero parts."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("others", "serves", "end"),
    [
        ([], {}, "; nobody else could take it."),
        ([option("r2", 90)], {}, "; the next best, r2, costs 90 s."),
        ([option("r2", 20)], {"r2": "o7"}, "; r2 would cost 20 s, but serves o7 better."),
        (
            [option("r2", 50, fairness=30), option("r3", 45, fairness=-9)],
            {},
            "; without fairness r2 would cost 20 s, but it had more orders for its time on shift than r1.",
        ),
        ([option("r2", 20)], {}, "; r2 would cost 20 s, but the round as a whole is served better this way."),
    ],
)
def test_why_this_rider(others, serves, end):
    """Times, cost, and how the best alternative compares."""
    chosen = option("r1", 40, free_in_s=30)
    options = sorted([chosen, *others], key=lambda one: one.total)
    start = "r1, free in 30 s, can pick up in 2 min 10 s and drop off in 1 h 2 min 10 s at a cost of 40 s"
    assert why_rider(chosen, options, serves, 0) == start + end


@pytest.mark.parametrize(("bundle", "text"), [(("o1",), "o1"), (("o1", "o2", "o3"), "o1, o2 and o3")])
def test_why_together(bundle, text):
    """With what the order is fetched comes before the times."""
    chosen = option("r1", 40)
    chosen.bundle = bundle
    assert why_rider(chosen, [], {}, 0).startswith(f"r1 fetches it together with {text}: it can pick up in 2 min 10 s")


def test_why_nobody():
    """Nobody there, nobody suitable, or needed more elsewhere."""
    assert why_nobody([], {}, 0, 0) == "No rider is free, and none will be soon."
    assert why_nobody([], {}, 1, 2).startswith("Of 1 rider free and 2 soon free, none is near enough")
    assert why_nobody([option("r1", 5)], {"r1": "o2"}, 1, 0) == (
        "1 rider could take it, but other orders need them more. r1, the best of them, serves o2."
    )


def test_why_later():
    """The reason of an order for later names the time until it is ready."""
    assert why_later(7260) == "It is ready in 2 h 1 min: too early to bind a rider."
