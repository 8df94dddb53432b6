"""What is wanted at which node, in the store: reports in, offers out, stages forward or back.

Everything runs in the store's thread. Several collectors may do it at one time: a roll-out moves by one conditional
update, and a node is placed once. What a look costs does not grow with the nodes, beside counting them: offers go to
OFFERED_AT_ONCE nodes at a time.
"""

import time
from collections.abc import Collection
from typing import Final

from msgspec import Struct

from edge.log.events import ROLLOUT_DONE, ROLLOUT_FAILED, ROLLOUT_STAGE
from edge.messages.sync.settings import SETTINGS_OFFER, SettingsOffer, decode_state, encode
from edge.mqtt.seam import Publish

from ..ingest.validate import BatchOutcome
from ..ingest.verify import Alarm
from ..store.engine.driver import Driver
from ..store.store import Store
from .plan import GroupState, Report, Rollout, State, Step, mixed, next_step
from .stands import COLUMNS, rollout_of, stands

LOOK_S: Final = 2.0
"""Between two looks at what runs, in seconds."""

OFFERED_AT_ONCE: Final = 200
"""Nodes of one roll-out that one look asks for; each answers with some reports, of one transaction each."""

OFFER_AGAIN_S: Final = 60.0
"""A node that has not answered an offer gets it again after so many seconds."""

ENDED_MS: Final = 3_600_000
"""So long after its end the nodes of a roll-out that went back are offered what counts, if they are there; the others
when they come."""

ALL: Final = "all"
"""The group of a node that nobody has put into another one."""


class _Round(Struct):
    """One after the other of a roll-out's nodes is asked for: since when (s), and up to which, by when it came in."""

    state: State
    since: float
    at: int = -1
    node: str = ""
    is_over: bool = False


class Rollouts:
    """For one thread, that of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._driver: Driver = store.driver
        self._looked = 0.0
        self._offered: dict[str, tuple[int, float]] = {}
        self._offers: dict[int, bytes] = {}
        self._rounds: dict[int, _Round] = {}
        self._logged: dict[int, tuple[int, str]] = {}

    # -- what nodes report ---------------------------------------------------------------------------------------------

    def reported(self, publish: Publish, now_ms: int) -> BatchOutcome:
        """Keep what a node reports, and answer with an offer where it should have something else. Raises ValueError
        where the message cannot be read."""
        state, node = decode_state(publish.payload), publish.client
        values = (state.version, state.sha256, state.about, state.outcome, state.detail, now_ms)
        with self._driver.transaction():
            self._driver.run(
                "insert into node_settings(node, fleet, version, sha256, about, outcome, detail, at)"
                " values(?, ?, ?, ?, ?, ?, ?, ?) on conflict(node) do update set version = excluded.version,"
                " sha256 = excluded.sha256, about = excluded.about, outcome = excluded.outcome,"
                " detail = excluded.detail, at = excluded.at",
                (node, ALL, *values),
            )
            # Kept with each version: the page still shows why one failed when a later one has been reported on.
            self._driver.run(
                "update placed set outcome = ?, detail = ? where node = ? and rollout = ?",
                (state.outcome, state.detail, node, state.about),
            )
        ((wanted,),) = self._driver.rows(f"select {_WANTED} from node_settings s where s.node = ?", (node,))  # noqa: S608 - fixed text
        if not _is_missing(wanted, state.version, state.about, state.outcome):
            return BatchOutcome()
        return BatchOutcome(SETTINGS_OFFER, self._offer(wanted))

    def _offer(self, version: int) -> bytes:
        found = self._offers.get(version)
        if found is None:
            rows = self._driver.rows("select options, signature, signer from rollout where id = ?", (version,))
            options, signature, signer = rows[0]
            offer = SettingsOffer(version=version, options=options, signature=bytes(signature), signer=bytes(signer))
            found = self._offers[version] = encode(offer)
        return found

    # -- stages --------------------------------------------------------------------------------------------------------

    def look(self, there: set[str], now_ms: int) -> list[tuple[str, str, bytes]]:
        """Move what runs, every LOOK_S, and give what is to be sent now to nodes that are `there`: (node, kind,
        payload)."""
        seconds = time.monotonic()
        if seconds - self._looked < LOOK_S:
            return []
        self._looked, present = seconds, frozenset(there)  # the event loop changes the set
        rows = self._driver.rows(
            f"select {COLUMNS}, changed_at from rollout"  # noqa: S608 - fixed names
            " where id > 0 and (state = 'running' or changed_at > ?) order by id",
            (now_ms - ENDED_MS,),
        )
        found: list[tuple[str, str, bytes]] = []
        for row in rows:
            rollout, changed_at = rollout_of(row), row[-1]
            state = self._move(rollout, changed_at, present, now_ms) if rollout.state == "running" else rollout.state
            found += self._due(rollout.id, state, present, seconds)
        return found

    def _move(self, rollout: Rollout, changed_at: int, present: Collection[str], now_ms: int) -> State:
        """Its next step, where there is one; the state after it. Whoever was slower finds that it has changed."""
        step = next_step(rollout, self._group_state(rollout, now_ms))
        if step is None or (step.state == "running" and step.stage == rollout.stage and not step.add):
            return rollout.state
        add = self._fresh(rollout, present, step.add) if step.add else []
        at = max(now_ms, changed_at + 1)  # later than all before, whatever another collector's clock shows
        with self._driver.transaction():
            moved = self._driver.run(
                "update rollout set state = ?, why = ?, stage = ?, changed_at = ?"
                " where id = ? and state = 'running' and changed_at = ?",
                (step.state, step.why, step.stage, at, rollout.id, changed_at),
            )
            if moved:
                self._driver.run_many(
                    "insert into placed(node, rollout, at) values(?, ?, ?) on conflict do nothing",
                    [(node, rollout.id, at) for node in add],
                )
        if not moved:
            return rollout.state
        self._log(rollout, step, add, now_ms)
        return step.state

    def _group_state(self, rollout: Rollout, now_ms: int) -> GroupState:
        """Counted by the engine."""
        ((members, inside),) = self._driver.rows(_COUNTED, (rollout.id, rollout.group))
        placed = stands(self._driver, rollout, now_ms)
        refusal = None
        if failed := placed.get("failed"):
            sql = "select outcome, detail from placed where node = ? and rollout = ?"
            refusal = Report(False, *self._driver.rows(sql, (failed.first, rollout.id))[0])
        return GroupState(members, members - inside, placed, refusal)

    def _fresh(self, rollout: Rollout, present: Collection[str], count: int) -> list[str]:
        """The next nodes of its group, those that are connected first."""
        ordered = mixed(rollout.id, [row[0] for row in self._driver.rows(_OUTSIDE, (rollout.id, rollout.group))])
        ordered.sort(key=lambda node: node not in present)
        return ordered[:count]

    def _log(self, rollout: Rollout, step: Step, add: list[str], now_ms: int) -> None:
        """What a person should know."""
        if step.add:
            if self._logged.get(rollout.id) != (known := (step.stage, step.why)):
                self._logged[rollout.id] = known
                ROLLOUT_STAGE.write(number=rollout.id, names=", ".join(add[:3]), stage=step.stage + 1)
        elif step.state == "done":
            ROLLOUT_DONE.write(number=rollout.id, cause=f": {step.why}" if step.why else "")
        elif step.state == "failed":
            sentence = f"Roll-out {rollout.id} went back: {step.why}"
            ROLLOUT_FAILED.write(sentence=sentence)
            node = step.why.split(" ", 1)[0]
            with self._store.group([node]) as group:
                group.refused(node, Alarm("rollout_failed", sentence), now_ms)

    def _due(
        self, rollout: int, state: State, present: Collection[str], seconds: float
    ) -> list[tuple[str, str, bytes]]:
        """Offers to the next of its nodes, to those that should have something else and have had no offer of it lately.
        A round begins anew with another state of the roll-out, and after a while: offers may have been lost."""
        turn = self._rounds.get(rollout)
        if turn is None or turn.state != state or (turn.is_over and seconds - turn.since >= OFFER_AGAIN_S):
            turn = self._rounds[rollout] = _Round(state, seconds)
        found: list[tuple[str, str, bytes]] = []
        values = (rollout, turn.at, turn.at, turn.node, OFFERED_AT_ONCE)
        rows = self._driver.rows(_PLACED, values)
        turn.is_over = len(rows) < OFFERED_AT_ONCE
        for turn.at, turn.node, version, about, outcome, wanted in rows:
            if turn.node not in present or not _is_missing(wanted, version, about, outcome):
                continue
            offered, at = self._offered.get(turn.node, (-1, 0.0))
            if offered != wanted or seconds - at >= OFFER_AGAIN_S:
                self._offered[turn.node] = (wanted, seconds)
                found.append((turn.node, SETTINGS_OFFER, self._offer(wanted)))
        return found


_WANTED: Final = (
    "coalesce((select max(r.id) from rollout r left join placed p on p.node = s.node and p.rollout = r.id"
    " where r.fleet = s.fleet and (r.state = 'done' or r.state = 'running' and p.node is not null)),"
    " (select id from rollout where id = 0))"
)
"""The version that a node (s) should have: of its group the newest that is done, or that it is to try; else the
empty one. Null where nothing was ever pushed."""

_PLACED: Final = (
    f"select q.at, s.node, s.version, s.about, s.outcome, {_WANTED} from (select at, node from placed"  # noqa: S608 - fixed text
    " where rollout = ? and (at > ? or at = ? and node > ?) order by at, node limit ?) q"
    " join node_settings s on s.node = q.node order by q.at, q.node"
)
_COUNTED: Final = (
    "select count(*), count(q.node) from node_settings s"
    " left join placed q on q.node = s.node and q.rollout = ? where s.fleet = ?"
)
_OUTSIDE: Final = (
    "select s.node from node_settings s left join placed q on q.node = s.node and q.rollout = ?"
    " where s.fleet = ? and q.node is null order by s.node"
)


def _is_missing(wanted: int | None, version: int, about: int, outcome: str) -> bool:
    """Whether a node should get the wanted version: it has another one, and has not refused this one."""
    refused = about == wanted and outcome in ("refused", "rolled_back")
    return wanted is not None and wanted != version and not refused
