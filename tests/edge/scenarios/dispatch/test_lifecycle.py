"""The table of the order's life."""

import pytest

from edge.errors import Reason
from edge.scenarios.dispatch.lifecycle import CLOSED, TABLE, Happening, State


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happening", Happening)
def test_every_pair_is_defined(state, happening):
    """Each happening in each state has a next state or a reason."""
    assert isinstance(TABLE[state][happening], (State, Reason))


@pytest.mark.parametrize("state", CLOSED)
@pytest.mark.parametrize("happening", Happening)
def test_nothing_leaves_a_closed_state(state, happening):
    """A closed order stays what it is."""
    assert TABLE[state][happening] is state or isinstance(TABLE[state][happening], Reason)


@pytest.mark.parametrize("state", [state for state in State if state not in CLOSED])
def test_every_open_state_can_end(state):
    """From every open state a closed one can be reached."""
    reached, new = {state}, {state}
    while new:
        new = {after for one in new for after in TABLE[one].values() if isinstance(after, State)} - reached
        reached |= new
    assert reached & set(CLOSED)


@pytest.mark.parametrize("happening", [Happening.ACCEPT, Happening.AT_SHOP, Happening.PICKED_UP, Happening.DELIVERED])
def test_progress_is_idempotent(happening):
    """What an event has brought about, its repetition accepts without effect."""
    for state in State:
        after = TABLE[state][happening]
        if isinstance(after, State):
            assert TABLE[after][happening] is after


def test_the_food_stays_with_its_rider():
    """After pickup no happening but the delivery and the long silence takes the order away."""
    for happening in Happening:
        after = TABLE[State.PICKED_UP][happening]
        allowed = {Happening.DELIVERED: State.DELIVERED, Happening.RUN_OUT: State.UNDELIVERABLE}
        assert isinstance(after, Reason) or after is allowed.get(happening, State.PICKED_UP)
