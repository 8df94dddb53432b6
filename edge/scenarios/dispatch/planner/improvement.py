"""The search: passes over the whole plan until one finds nothing, or the effort is spent.

Effort is counted in passes, not in time, so that the same input gives the same plan on every machine.
"""

from typing import Final

from .exchange import exchange
from .relocation import relocate
from .routes import Plan

EFFORT: Final = 1
"""Passes for each decision. The plan is kept from decision to decision, so that the search goes on."""

TRIED_MAX: Final = 12
"""Orders that one pass tries to move, those that cost most: what keeps a decision within 10 ms on the largest published
days. On twelve scarce development days 16, 40 and 400 came out within 0.1 minutes of each other."""


def improve(plan: Plan, effort: int = EFFORT) -> int:
    """Improve the plan. Returns the number of passes that found something."""
    for done in range(effort):
        changes = exchange(plan, 0) + exchange(plan, 1) + relocate(plan, TRIED_MAX)
        if not changes:
            return done
    return effort
