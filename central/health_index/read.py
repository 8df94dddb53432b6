"""What the health index is made of, read from the tiers and from what is known of the nodes."""

from collections.abc import Sequence
from typing import Final

from ..figures.figures import Figures
from ..figures.span import Span
from ..fleet.health import NEVER, RETIRED, NodeHealth
from ..store.engine.driver import Driver
from ..store.rows import Sum
from ..store.tiers import DAY_MS
from .index import Health, index
from .options import HealthOptions
from .parts import PROFILES, Counted, Profile

NODE: Final = "node"
"""Where a node counts what belongs to no scenario."""

LOST: Final = ("batches_lost", "node_restored")
"""Alarms with a number of events that the centre has no more, or never had."""


def health_index(
    figures: Figures, fleet: Sequence[NodeHealth], days: int, now_ms: int, options: HealthOptions
) -> list[Health]:
    """Of the last so many days and today, compared with as many before. Errors are those of Figures."""
    start = figures.calendar.day(max(now_ms - days * DAY_MS, 0))
    length = now_ms + 1 - start
    measures = {scenario: profile.answer for scenario, profile in PROFILES.items()}
    found = figures.by_scenario(Span(start, now_ms + 1, "day"), measures)
    earlier = figures.events(Span(figures.calendar.day(max(start - length, 0)), start, "day"))
    lost = figures.read(lambda driver: _lost(driver, start))
    discarded = {node: total.counters.get("discarded", 0) for node, total in found.pop(NODE, {}).items()}
    states = {each.node: each for each in fleet}
    made: dict[str, dict[str, Counted]] = {}
    for scenario, nodes in found.items():
        answer = PROFILES.get(scenario, Profile()).answer
        for node, total in nodes.items():
            state = states.get(node)
            if state is None or state.state in (RETIRED, NEVER):
                continue
            made.setdefault(scenario, {})[node] = Counted(
                days=max(length / DAY_MS, 1 / 24),
                events=total.events,
                before=earlier.get((node, scenario), 0),
                counters=total.counters,
                answers=_answers(total, answer),
                lost=lost.get(node, 0) + discarded.get(node, 0),
                behind_s=(state.behind_s or 0.0,),
            )
    return index(made, options)


def _answers(total: Sum, name: str) -> tuple[int, bytes]:
    measure = total.merged().get(name)
    return (measure[0], measure[2]) if measure is not None else (0, b"")


def _lost(driver: Driver, since: int) -> dict[str, int]:
    """Events by node: of alarms since then, and of batches that are kept aside, each with as many as is usual there."""
    marks = ", ".join("?" * len(LOST))
    found = dict(
        driver.rows(
            f"select node, sum(events) from alarm where at >= ? and kind in ({marks}) group by node",  # noqa: S608 - marks
            (since, *LOST),
        )
    )
    aside = driver.rows(
        "select q.node, count(*), max(n.events), max(n.batches) from quarantine q join node n on n.name = q.node"
        " group by q.node"
    )
    for node, count, events, batches in aside:
        found[node] = int(found.get(node, 0)) + count * max(events // max(batches, 1), 1)
    return {node: int(count) for node, count in found.items()}
