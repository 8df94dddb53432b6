"""The table of the order's life."""

import pytest

from edge.errors import Reason
from edge.scenarios.dispatch.lifecycle import CLOSED, TRANSITIONS, OrderEvent, OrderState


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("order_event", OrderEvent)
def test_every_pair_is_defined(state, order_event):
    """Each happening in each state has a next state or a reason."""
    assert isinstance(TRANSITIONS[state][order_event], (OrderState, Reason))


@pytest.mark.parametrize("state", CLOSED)
@pytest.mark.parametrize("order_event", OrderEvent)
def test_nothing_leaves_a_closed_state(state, order_event):
    """A closed order stays what it is."""
    assert TRANSITIONS[state][order_event] is state or isinstance(TRANSITIONS[state][order_event], Reason)


@pytest.mark.parametrize("state", [state for state in OrderState if state not in CLOSED])
def test_every_open_state_can_end(state):
    """From every open state a closed one can be reached."""
    reached, new = {state}, {state}
    while new:
        new = {after for one in new for after in TRANSITIONS[one].values() if isinstance(after, OrderState)} - reached
        reached |= new
    assert reached & set(CLOSED)


@pytest.mark.parametrize(
    "order_event", [OrderEvent.ACCEPT, OrderEvent.AT_SHOP, OrderEvent.PICKED_UP, OrderEvent.DELIVERED]
)
def test_progress_is_idempotent(order_event):
    """What an event has brought about, its repetition accepts without effect."""
    for state in OrderState:
        after = TRANSITIONS[state][order_event]
        if isinstance(after, OrderState):
            assert TRANSITIONS[after][order_event] is after


def test_the_food_stays_with_its_rider():
    """After pickup no happening but the delivery and the long silence takes the order away."""
    for order_event in OrderEvent:
        after = TRANSITIONS[OrderState.PICKED_UP][order_event]
        allowed = {OrderEvent.DELIVERED: OrderState.DELIVERED, OrderEvent.RUN_OUT: OrderState.UNDELIVERABLE}
        assert isinstance(after, Reason) or after is allowed.get(order_event, OrderState.PICKED_UP)
