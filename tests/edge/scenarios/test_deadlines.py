"""Deadlines by name."""

from hypothesis import given
from hypothesis import strategies as st

from edge.scenarios.deadlines import Deadlines

KEYS = st.sampled_from(["a", "b", "c", "d"])


@given(st.lists(st.tuples(KEYS, st.none() | st.integers(0, 20))), st.integers(0, 20))
def test_pops_what_is_due_in_order(steps, now):
    """The latest deadline of each name counts; due ones come by time and name, whatever was set before."""
    timers, model = Deadlines(), {}
    for key, due in steps:
        if due is None:
            timers.drop(key)
            model.pop(key, None)
        else:
            timers.set(key, due)
            model[key] = due
    assert timers.next() == min(model.values(), default=None)
    popped = []
    while (key := timers.pop(now)) is not None:
        popped.append(key)
    assert popped == [key for due, key in sorted((due, key) for key, due in model.items()) if due <= now]


def test_outdated_entries_do_not_pile_up():
    """A deadline moved a thousand times takes the room of a few."""
    timers = Deadlines()
    for due in range(1000):
        timers.set("a", due)
    assert len(timers._heap) < 100
