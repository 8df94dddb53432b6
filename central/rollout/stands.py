"""How the nodes of a roll-out stand, counted by the engine: for what moves it, and for who looks at it."""

from collections.abc import Sequence
from typing import Any, Final

from ..store.engine.driver import Driver
from .plan import NodeState, Report, Rollout, Stand, node_state

COLUMNS: Final = "id, fleet, stages, deadline_ms, state, why, stage"
"""What `rollout_of` reads of a row."""

_STANDS: Final = (
    "select case when s.version = q.rollout then 1 else 0 end, q.outcome, case when q.at < ? then 1 else 0 end,"
    " count(*), min(q.node), max(q.at) from placed q join node_settings s on s.node = q.node where q.rollout = ?"
    " group by 1, 2, 3"
)
"""Nodes by what `plan.node_state` looks at."""


def rollout_of(row: Sequence[Any]) -> Rollout:
    """A roll-out from its COLUMNS, which others may follow."""
    id_, group, stages, deadline_ms, state, why, stage = row[:7]
    return Rollout(
        id=id_, group=group, stages=tuple(stages.split(",")), deadline_ms=deadline_ms, state=state, why=why, stage=stage
    )


def stands(driver: Driver, rollout: Rollout, now: int) -> dict[NodeState, Stand]:
    """Its nodes at `now` (Unix ms), for a driver inside its transaction or its reading."""
    late = now - rollout.deadline_ms
    found: dict[NodeState, Stand] = {}
    for is_in_force, outcome, is_late, nodes, first, last in driver.rows(_STANDS, (late, rollout.id)):
        state = node_state(rollout, Report(bool(is_in_force), outcome), late - 1 if is_late else now, now)
        known = found.get(state, Stand(0, first, last))
        found[state] = Stand(known.nodes + nodes, min(known.first, first), max(known.last, last))
    return found
