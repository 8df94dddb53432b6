"""Drives the dispatch of a node through its rounds under a simulated clock: events go in, messages come out decoded.

Dispatch is not modelled but executed. What is around it (people, rides, time) is the simulation's part.
"""

from collections.abc import Sequence
from typing import Any, Final

from edge.core.decode import Catalog
from edge.core.effects import Effects
from edge.core.model import Event, Now
from edge.core.scenario import Outcome
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.down import Advice, Assignment, Update
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.scenario import Policy

from .rows import opened

_KINDS: Final = Catalog([Dispatch]).down_kinds

Sent = tuple[str, Assignment | Update | Advice]
"""A client, and what the node sends it."""


class Driver:
    """One node's dispatch, which knows nothing before. What it counts is the centre's, and goes with each round."""

    def __init__(self, rules: DispatchOptions, policy: Policy | None = None) -> None:
        self.dispatch = Dispatch(rules) if policy is None else Dispatch(rules, policy)

    def observe(self, client: str, body: Any, now: Now) -> None:
        """Something that is in memory only: a position."""
        self.dispatch.observe(client, body, now)

    def round(self, events: Sequence[Event], now: Now) -> tuple[list[Outcome], list[Sent]]:
        """One round: the outcome of each event, and the messages."""
        for event in events:
            self.dispatch.observe(event.client, event.body, now)
        out = Effects("wgs84", {}, _KINDS)
        outcomes = self.dispatch.round(events, now, self.dispatch.live_sensor(), out)
        return outcomes, [(client, opened(kind, body)) for client, kind, body, *_ in out.messages.values()]
