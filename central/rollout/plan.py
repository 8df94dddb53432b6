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

State = Literal["running", "done", "failed", "stopped", "replaced"]
"""Of a roll-out. A version counts for its whole group when it is `done`; `failed`, `stopped` and `replaced` ones count
nowhere."""

NodeState = Literal["healthy", "failed", "waiting", "silent"]

_STAGE: Final = re.compile(r"(?P<count>[1-9][0-9]{0,6})(?P<percent>%?)|all")


class Report(Struct, frozen=True):
    """What a node reported last: the version in force, and what became of the version `about`."""

    version: int
    about: int
    outcome: str
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


class Step(Struct, frozen=True):
    """What changes: the state, why, the stage, and the nodes that come in."""

    state: State
    why: str
    stage: int
    add: tuple[str, ...] = ()


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
        if report.about == rollout.id and report.outcome in ("refused", "rolled_back"):
            return "failed"
        if report.version == rollout.id and report.outcome in ("healthy", "in_force"):
            return "healthy"
    return "silent" if now - placed_at > rollout.deadline_ms else "waiting"


def next_step(
    rollout: Rollout,
    placed: Mapping[str, int],
    reports: Mapping[str, Report],
    members: Sequence[str],
    now: int,
) -> Step | None:
    """What to do with a running roll-out: `placed` are its nodes and since when, `members` all nodes of its group,
    those that are connected first. None where there is nothing to do."""
    stands = {node: node_state(rollout, reports.get(node), at, now) for node, at in placed.items()}
    for node in sorted(stands):
        if stands[node] == "failed":
            report = reports[node]
            return Step(
                "failed", f"{node} has {_WORDS[report.outcome]} it: {report.detail}".rstrip(": "), rollout.stage
            )
    size = _size(rollout.stages[rollout.stage], len(members))
    if len(placed) < size and (fresh := _fresh(placed, members, size - len(placed))):
        return Step("running", rollout.why, rollout.stage, fresh)
    if "waiting" in stands.values():
        return None
    silent = sorted(node for node, stand in stands.items() if stand == "silent")
    if "healthy" not in stands.values():
        # Nobody has tried it: another node takes the place of one that is silent.
        fresh = _fresh(placed, members, 1)
        return Step("running", f"no answer from {_named(silent)}", rollout.stage, fresh) if fresh else None
    why = f"no answer from {_named(silent)}" if silent else ""
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


def _fresh(placed: Mapping[str, int], members: Sequence[str], count: int) -> tuple[str, ...]:
    return tuple([node for node in members if node not in placed][:count])


def mixed(rollout: int, nodes: Sequence[str]) -> list[str]:
    """The nodes in a sequence that is another one for each version, so that not always the same shop tries first."""
    return sorted(nodes, key=lambda node: sha256(f"{rollout} {node}".encode()).digest())


def _named(nodes: Sequence[str]) -> str:
    return ", ".join(nodes[:3]) + (f" and {len(nodes) - 3} more" if len(nodes) > 3 else "")


_WORDS: Final = {"refused": "refused", "rolled_back": "gone back from"}
