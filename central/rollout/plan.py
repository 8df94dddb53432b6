"""When a roll-out goes on, ends or goes back. Pure: times are Unix ms.

A stage is over when each of its nodes has stood its trial or was silent for longer than the deadline, and one of all
nodes so far has stood it. A node that refuses a version, or goes back from it, ends the roll-out for all. A silent node
counts as not done, and blocks nothing.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, Literal

from msgspec import Struct

STAGES_MAX: Final = 10
"""Each takes three windows at least."""

STAGES: Final = "1,10%,all"
"""By default: a bad version reaches one node."""

PLACED_AT_ONCE: Final = 200
"""Nodes that come into a roll-out in one step: those of a large stage get it one after the other, so that a no of an
early one reaches the rest before the version does."""

State = Literal["running", "done", "failed", "stopped", "replaced"]
"""Of a roll-out. A version counts for its whole group when it is `done`; `failed`, `stopped` and `replaced` ones count
nowhere."""

NodeState = Literal["healthy", "failed", "waiting", "silent", "left"]
"""Of a node in a roll-out; `left`: it has answered, and has another version now that the roll-out is over."""

_STAGE: Final = re.compile(r"(?P<count>[1-9][0-9]{0,6})(?P<percent>%?)|all")


class Report(Struct, frozen=True):
    """Of a node that is in a roll-out: whether the version is in force there, and what it has reported of it last, with
    why; empty where it has not."""

    is_in_force: bool
    outcome: str = ""
    detail: str = ""


class Rollout(Struct, frozen=True, kw_only=True):
    """A version on its way to a group of nodes; `stage` is the number of the present one, from 0."""

    id: int
    group: str
    stages: tuple[str, ...]
    deadline_ms: int
    state: State = "running"
    why: str = ""
    stage: int = 0


class Stand(Struct, frozen=True):
    """Nodes of a roll-out that stand alike: how many, the first of them by name, and when the last of them came in."""

    nodes: int
    first: str
    last: int = 0


class GroupState(Struct, frozen=True):
    """Where a roll-out stands: how many nodes its group has, how many of them are not in it, how those that are in it
    stand, and what the first one that failed has reported."""

    members: int
    fresh: int
    placed: Mapping[NodeState, Stand]
    refusal: Report | None = None


class Step(Struct, frozen=True):
    """What changes: the state, why, the stage, and how many nodes come in."""

    state: State
    why: str
    stage: int
    add: int = 0


def stages_of(text: str) -> tuple[str, ...]:
    """The stages in an option like `1,10%,all`. Raises ValueError with a sentence."""
    stages = tuple(part.strip() for part in text.split(","))
    for stage in stages:
        if not _STAGE.fullmatch(stage) or (stage.endswith("%") and int(stage[:-1]) > 100):
            raise ValueError(f"{stage!r} is no stage: write a number of nodes, a share like 10%, or all.")
    if stages[-1] not in ("all", "100%") or len(stages) > STAGES_MAX:
        raise ValueError(f"The last stage is all, and there are at most {STAGES_MAX}: for example {STAGES}.")
    return stages


def node_state(rollout: Rollout, report: Report | None, placed_at: int, now: int) -> NodeState:
    """Where a node stands that is in a roll-out since `placed_at`."""
    if report is not None:
        if report.outcome in _WORDS:
            return "failed"
        if report.is_in_force and report.outcome != "trial":
            return "healthy"
        if report.outcome and rollout.state != "running":
            return "left"
    return "silent" if now - placed_at > rollout.deadline_ms else "waiting"


def next_step(rollout: Rollout, group: GroupState) -> Step | None:
    """What to do with a running roll-out, None where there is nothing to do."""
    placed = group.placed
    if failed := placed.get("failed"):
        assert group.refusal is not None
        why = f"{failed.first} has {_WORDS[group.refusal.outcome]} it: {group.refusal.detail}".rstrip(": ")
        return Step("failed", why, rollout.stage)
    missing = _size(rollout.stages[rollout.stage], group.members) - sum(stand.nodes for stand in placed.values())
    if missing > 0 and group.fresh:
        return Step("running", rollout.why, rollout.stage, min(missing, group.fresh, PLACED_AT_ONCE))
    if "waiting" in placed:
        return None
    silent = placed.get("silent")
    why = f"no answer from {silent.first}" if silent else ""
    if silent and silent.nodes > 1:
        why += f" and {silent.nodes - 1} more"
    if "healthy" not in placed:
        # Nobody has tried it: another node takes the place of one that is silent.
        return Step("running", why, rollout.stage, 1) if group.fresh else None
    if rollout.stage + 1 < len(rollout.stages):
        return Step("running", why, rollout.stage + 1)
    return Step("done", why, rollout.stage)


def _size(stage: str, members: int) -> int:
    """Nodes up to a stage; of a share at least one."""
    found = _STAGE.fullmatch(stage)
    if found is None or not found["count"]:
        return members
    count = int(found["count"])
    return min(max(-(-members * count // 100), 1) if found["percent"] else count, members)


def mixed(rollout: int, nodes: Sequence[str]) -> list[str]:
    """The nodes in a sequence that is another one for each version, so that not always the same shop tries first."""
    return sorted(nodes, key=lambda node: sha256(f"{rollout} {node}".encode()).digest())


_WORDS: Final = {"refused": "refused", "rolled_back": "gone back from"}
