"""Tests of edge.scenarios.check.walk: a walk is the same again, goes everywhere, and forwards in time."""

from itertools import pairwise

from edge.core.model import Event, Observed, Presence, Rejected
from edge.scenarios.check.walk import Walk
from edge.scenarios.dispatch import Dispatch


def test_the_same_seed_walks_the_same_way() -> None:
    """Two walks of one seed are equal, those of two seeds are not."""
    first, again, other = (list(Walk(Dispatch, seed, 200).steps()) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_walk_has_everything_that_clients_and_clocks_do() -> None:
    """Events, positions, refusals, repeats, new clients, presence, bursts; pauses of hours and jumps of years."""
    steps = list(Walk(Dispatch, 3, 2_000).steps())
    inputs = [item for _, batch in steps for item in batch]
    assert {type(item) for item in inputs} == {Event, Observed, Rejected, Presence}
    ids = [(item.client, item.body.id) for item in inputs if isinstance(item, Event)]
    assert len(set(ids)) < len(ids)
    assert any(isinstance(item, Event) and item.client == "stranger-1" for item in inputs)
    assert max(len(batch) for _, batch in steps) > 3
    waits = [after[0].mono - before[0].mono for before, after in pairwise(steps)]
    assert min(waits) >= 0
    assert max(waits) > 10_000
    assert max(abs(now.wall_ms - steps[0][0].wall_ms - now.mono * 1000) for now, _ in steps) > 3e11


def test_a_client_replies_to_what_it_was_sent() -> None:
    """What a message down names comes back in a message up, from the client who got it."""
    walk = Walk(Dispatch, 1, 300)
    replied = False
    for _, batch in walk.steps():
        walk.received("rider-77", {"order": "o-77", "offer": 77})
        replied |= any(
            isinstance(item, Event) and item.client == "rider-77" and getattr(item.body, "offer", 0) == 77
            for item in batch
        )
    assert replied
