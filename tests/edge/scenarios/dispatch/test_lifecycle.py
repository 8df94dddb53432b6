"""The table of the order's life."""

import pytest

from edge.errors import Reason
from edge.scenarios.dispatch.lifecycle import (
    AT_CUSTOMER,
    CLOSED,
    IN_BAG,
    PICKED_UP,
    RETURNING,
    TRANSITIONS,
    OrderEvent,
    OrderState,
)


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
    "order_event",
    [
        OrderEvent.ACCEPT,
        OrderEvent.AT_SHOP,
        OrderEvent.PICKED_UP,
        OrderEvent.AT_CUSTOMER,
        OrderEvent.DELIVERED,
        OrderEvent.FAILED,
        OrderEvent.RETURNED,
    ],
)
def test_progress_is_idempotent(order_event):
    """What an event has brought about, its repetition accepts without effect."""
    for state in OrderState:
        after = TRANSITIONS[state][order_event]
        if isinstance(after, OrderState):
            assert TRANSITIONS[after][order_event] is after


@pytest.mark.parametrize("state", IN_BAG)
def test_the_food_stays_with_its_rider(state):
    """After pickup no happening but the rider's own steps, a redelivery and the long silence takes the order away."""
    allowed = {
        OrderEvent.AT_CUSTOMER: AT_CUSTOMER,
        OrderEvent.DELIVERED: OrderState.DELIVERED,
        OrderEvent.FAILED: RETURNING,
        OrderEvent.RETURNED: OrderState.RETURNED,
        OrderEvent.REDELIVER: PICKED_UP,
        OrderEvent.RUN_OUT: OrderState.UNDELIVERABLE,
    }
    for order_event in OrderEvent:
        after = TRANSITIONS[state][order_event]
        assert isinstance(after, Reason) or after in (state, allowed.get(order_event))


def test_a_status_runs_backwards_by_documented_steps_only():
    """Back to waiting before the pickup, to accepted by a dispatcher who gives it to another rider, and out again from
    the way back to the shop: nothing else goes back."""
    sequence = list(OrderState)
    back = {
        (state, order_event)
        for state in OrderState
        for order_event in OrderEvent
        if isinstance(after := TRANSITIONS[state][order_event], OrderState)
        and sequence.index(after) < sequence.index(state)
    }
    assert {order_event for state, order_event in back if state in IN_BAG} == {OrderEvent.REDELIVER}
    before = {(TRANSITIONS[state][order_event], order_event) for state, order_event in back if state not in IN_BAG}
    assert {after for after, order_event in before if order_event is not OrderEvent.ASSIGN} == {OrderState.PLACED}
    assert (OrderState.ACCEPTED, OrderEvent.ASSIGN) in before
