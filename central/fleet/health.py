"""How each node is: what was stored of it decides, not whether it is connected. Pure.

A node is *current* while everything up to less than CURRENT_S ago is stored, or the node has reported that there was
nothing. Nothing else is green. The other states, and what a person does about them, stand in docs/centre.md.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from edge.limits import WALL_SKEW_MS_MAX, WINDOW_GRACE_S, WINDOW_S
from edge.messages.sentences import span

from ..ingest.verify import NodeRecord

CURRENT_S: Final = 2 * WINDOW_S + WINDOW_GRACE_S
"""A window comes WINDOW_GRACE_S after its end, and the next one a width later: one that is late by most of a width is
no reason for red."""

STALLED, BEHIND, QUARANTINED, CLOCK, NEVER, CURRENT, RETIRED = (
    "stalled",
    "behind",
    "quarantined",
    "clock",
    "never",
    "current",
    "retired",
)
STATES: Final = (STALLED, BEHIND, QUARANTINED, CLOCK, NEVER, CURRENT, RETIRED)
"""Worst first."""

NO_PROGRESS: Final = "no_progress"
"""The alarm of a node in the state STALLED."""

DAY_MS: Final = 86_400_000


class NodeFacts(Struct, frozen=True):
    """What the store has of a node; without a `record` it never connected. Unix ms."""

    node: str
    record: NodeRecord | None = None
    last_seen: int = 0
    quarantined: int = 0


class NodeHealth(Struct, frozen=True, kw_only=True):
    """How a node is. `is_green`: it is current and reports no problem. `behind_s` is for how long nothing of it is
    known, `silent_s` since when nothing at all came; None where it never connected. `waiting` are events that it holds
    and `clock_ahead_s` is by how much its clock differs, as it reports; None where its version does not."""

    node: str
    state: str
    sentence: str
    is_green: bool
    is_connected: bool = False
    behind_s: float | None = None
    silent_s: float | None = None
    problems: list[str] = []
    version: str = ""
    waiting: int | None = None
    clock_ahead_s: float | None = None
    quarantined: int = 0
    certificate_days: float | None = None


def fleet_health(
    facts: Sequence[NodeFacts],
    states: Mapping[str, Mapping[str, int]],
    at: int,
    connected: Collection[str] = (),
) -> list[NodeHealth]:
    """Every node at `at` (Unix ms), the worst first. `states` are those of the register (`Register.states`),
    `connected` the nodes with a session at this collector; without it, or at another one, those count as connected that
    sent something lately."""
    known = {facts.node: facts for facts in facts}
    found = [
        node_health(known.get(node, NodeFacts(node)), states.get(node, {}), at, node in connected)
        for node in {**known, **states}
    ]
    return sorted(
        found, key=lambda each: (STATES.index(each.state), not each.problems, -(each.behind_s or 0), each.node)
    )


def node_health(facts: NodeFacts, state: Mapping[str, int], at: int, connected: bool = False) -> NodeHealth:
    """One node at `at` (Unix ms)."""
    record, ends_at = facts.record, state.get("certificate_until")
    common: dict[str, Any] = {
        "node": facts.node,
        "quarantined": facts.quarantined,
        "certificate_days": round((ends_at - at) / DAY_MS, 2) if ends_at else None,
    }
    if record is None:
        retired = "retired_at" in state
        text = "It is taken out of service." if retired else "It never connected: enrol it, or look at its uplink."
        return NodeHealth(state=RETIRED if retired else NEVER, sentence=text, is_green=False, **common)
    report = record.report
    # Of a node that has sent nothing yet, only the time of its first hello is known, not the year 1970.
    newest = record.newest or min(record.seen_until, facts.last_seen) or record.hello_at
    is_new = not record.newest and not record.seen_until and report is None
    behind_s, silent_s = max(at - newest, 0) / 1000, max(at - facts.last_seen, 0) / 1000
    is_connected = connected or silent_s < CURRENT_S
    ahead_ms = report.at - record.reported_at if report else max(record.seen_until - facts.last_seen, 0) or None
    clock_s = ahead_ms / 1000 if ahead_ms is not None else None
    of_clock = clock_s is not None and abs(clock_s) * 1000 > WALL_SKEW_MS_MAX
    moved_s = (at - max(record.progress_at, record.hello_at)) / 1000
    is_late = behind_s >= CURRENT_S
    if "retired_at" in state:
        name, text = RETIRED, "It is taken out of service."
    elif is_late and is_connected and report is not None and moved_s >= CURRENT_S:
        name = STALLED
        text = f"It is connected, and nothing new of it was stored for {span(min(behind_s, moved_s))}. {_STALLED}"
    elif is_late and not (of_clock and is_connected):
        name, text = BEHIND, _behind(behind_s, silent_s, is_connected, report is None, state)
    elif facts.quarantined:
        name = QUARANTINED
        text = f"{facts.quarantined} of its batches could not be stored. See: doorstep central quarantine."
    elif of_clock:
        name = CLOCK
        way = "ahead of" if clock_s and clock_s > 0 else "behind"
        text = f"Its clock is {span(abs(clock_s or 0))} {way} the centre's. Start an NTP client there, or here."
    elif is_new:
        name, text = BEHIND, "It has just connected, and is sending what it has."
    else:
        name, text = CURRENT, "Everything of it is here."
    problems = report.problems if report is not None else []
    if problems and name == CURRENT:
        text = f"Everything of it is here. It reports: {', '.join(problems)}. See doorstep status there."
    return NodeHealth(
        state=name,
        sentence=text,
        is_green=name == CURRENT and not problems,
        is_connected=is_connected,
        behind_s=round(behind_s, 1),
        silent_s=round(silent_s, 1),
        problems=list(problems),
        version=report.version if report is not None else "",
        waiting=report.waiting if report is not None else None,
        clock_ahead_s=None if clock_s is None else round(clock_s, 1),
        **common,
    )


_STALLED: Final = "Look at its log and its status (sync), then at this centre's log."


def _behind(behind_s: float, silent_s: float, is_connected: bool, is_mute: bool, state: Mapping[str, int]) -> str:
    if is_connected and is_mute:
        return (
            f"Nothing came for {span(behind_s)}, and its version does not report whether there was anything. Update it."
        )
    if is_connected:
        return f"It is back, and {span(behind_s)} behind: it is sending what it has."
    if "revoked_at" in state and "certificate_until" not in state:
        return f"Its certificate was revoked, and nothing came for {span(silent_s)}. Invite it anew, or retire it."
    return f"Nothing came for {span(silent_s)}. Look at its box and its network; it goes on deciding meanwhile."
