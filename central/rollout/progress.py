"""How roll-outs go, read from the store for the command, the console and the API; and how a person ends one.

The functions take a driver inside its transaction, or its reading. Times are Unix ms.
"""

from hashlib import sha256
from typing import Final, Literal

from msgspec import Struct

from edge.errors import DoorstepError

from ..store.engine.driver import Driver
from .plan import NodeState, Report, State, node_state
from .stands import COLUMNS, rollout_of, stands

NODE_STATES: Final[tuple[NodeState, ...]] = ("failed", "silent", "waiting", "left", "healthy")
"""Worst first."""

Ending = Literal["", "stop", "back"]


class NodePlace(Struct, frozen=True, kw_only=True):
    """A node that is in a roll-out since `since`. `state` is what the stages go by; `outcome` and `detail` are what the
    node has reported of this version, empty where it has not. `version` and `sha256` are of what it has in force."""

    node: str
    state: NodeState
    outcome: str
    detail: str
    version: int
    sha256: str
    since: int


class Progress(Struct, frozen=True, kw_only=True):
    """A roll-out. `stage` counts from 0. `counts` are its nodes by state; `due_at` is when the last of those that wait
    counts as silent. `sha256` is of its options. `ending` is what may be done with it: `stop` what runs, take `back`
    what counts for its group, or nothing."""

    id: int
    group: str
    at: int
    started_by: str
    state: State
    why: str
    changed_at: int
    stage: int
    stages: tuple[str, ...]
    deadline_ms: int
    due_at: int | None
    counts: dict[NodeState, int]
    sha256: str
    ending: Ending


def newest(driver: Driver, now: int, limit: int, before: int = 2**53) -> list[Progress]:
    """Those with a smaller number than `before`, the newest first."""
    rows = driver.rows(_NEWEST, (before, limit))
    heads = {group: (is_running, done) for group, is_running, done in driver.rows(_HEADS)} if rows else {}
    found: list[Progress] = []
    for row in rows:
        made, (options, at, by, changed_at) = rollout_of(row), row[7:]
        placed = stands(driver, made, now)
        waiting = placed.get("waiting")
        is_running, done = heads.get(made.group, (0, 0))
        ending: Ending = "stop" if made.state == "running" else "back" if made.id == done and not is_running else ""
        found.append(
            Progress(
                id=made.id,
                group=made.group,
                at=at,
                started_by=by,
                state=made.state,
                why=made.why,
                changed_at=changed_at,
                stage=made.stage,
                stages=made.stages,
                deadline_ms=made.deadline_ms,
                due_at=waiting.last + made.deadline_ms if waiting and made.state == "running" else None,
                counts={state: placed[state].nodes if state in placed else 0 for state in NODE_STATES},
                sha256=sha256(options.encode()).hexdigest(),
                ending=ending,
            )
        )
    return found


def places(driver: Driver, now: int, number: int, limit: int, after: str = "") -> list[NodePlace]:
    """The nodes of a roll-out, by name, behind the one `after`."""
    rows = driver.rows(_ONE, (number,))
    if not rows:
        return []
    made, found = rollout_of(rows[0]), list[NodePlace]()
    for node, since, version, digest, outcome, detail in driver.rows(_PLACES, (number, after, limit)):
        state = node_state(made, Report(version == number, outcome), since, now)
        is_of_it = version == number or state == "failed"
        found.append(
            NodePlace(
                node=node,
                state=state,
                outcome=outcome if is_of_it else "",
                detail=detail if is_of_it else "",
                version=version,
                sha256=digest,
                since=since,
            )
        )
    return found


def options_of(driver: Driver, number: int) -> str:
    """What a version sets, in TOML."""
    rows = driver.rows("select options from rollout where id = ? and id > 0", (number,))
    return rows[0][0] if rows else ""


def running(driver: Driver, group: str) -> int:
    """The number of the roll-out that runs in a group, or 0."""
    rows = driver.rows("select max(id) from rollout where fleet = ? and state = 'running'", (group,))
    return rows[0][0] or 0


def counting(driver: Driver, group: str) -> int:
    """The number of the version that counts for a group, or 0."""
    rows = driver.rows("select max(id) from rollout where fleet = ? and state = 'done'", (group,))
    return rows[0][0] or 0


def stop(driver: Driver, number: int, who: str, now: int) -> None:
    """End a roll-out that runs: its nodes get the version back that its group had before. Raises DoorstepError."""
    if not driver.run(_STOP, (f"by {who}", now, number)):
        raise DoorstepError(f"Roll-out {number} does not run. Look at how it stands now.")


def withdraw(driver: Driver, number: int, who: str, now: int) -> None:
    """Let a version count no more that is done: its group gets the one back that it had before. Raises
    DoorstepError."""
    if not driver.run(_WITHDRAW, (f"taken back by {who}", now, number)):
        hint = "Only the newest version that is done can be taken back, while nothing runs in its group."
        raise DoorstepError(f"Roll-out {number} cannot be taken back. {hint}")
    # Also those who came to the group later, and have it: they are offered what counts now.
    driver.run(_HAVE_IT, (now, number, number))


_NEWEST: Final = (
    f"select {COLUMNS}, options, at, started_by, changed_at from rollout"  # noqa: S608 - fixed names
    " where id > 0 and id < ? order by id desc limit ?"
)
_ONE: Final = f"select {COLUMNS} from rollout where id > 0 and id = ?"  # noqa: S608 - fixed names
_HEADS: Final = (
    "select fleet, max(case when state = 'running' then id else 0 end),"
    " max(case when state = 'done' then id else 0 end) from rollout where id > 0 group by fleet"
)
_PLACES: Final = (
    "select p.node, p.at, s.version, s.sha256, p.outcome, p.detail from placed p join node_settings s"
    " on s.node = p.node where p.rollout = ? and p.node > ? order by p.node limit ?"
)
_STOP: Final = "update rollout set state = 'stopped', why = ?, changed_at = ? where id = ? and state = 'running'"
_WITHDRAW: Final = (
    "update rollout set state = 'stopped', why = ?, changed_at = ? where id = ? and state = 'done' and id > 0"
    " and not exists (select 1 from rollout other where other.fleet = rollout.fleet"
    " and (other.state = 'running' or other.state = 'done' and other.id > rollout.id))"
)
_HAVE_IT: Final = (
    "insert into placed(node, rollout, at) select s.node, r.id, ? from node_settings s join rollout r"
    " on r.fleet = s.fleet and r.id = ? where s.version = ? on conflict do nothing"
)


def end(driver: Driver, number: int, how: str, who: str, now: int) -> None:
    """Either of the two, by its name in `Ending`."""
    (withdraw if how == "back" else stop)(driver, number, who, now)
