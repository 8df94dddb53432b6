"""What is wanted at which node, in the store: reports in, offers out, stages forward or back.

Everything runs in the store's thread. Several collectors may do it at one time: a roll-out moves by one conditional
update, and a node is placed once.
"""

import time
from collections.abc import Collection
from typing import Any, Final

from edge.log.events import ROLLOUT_DONE, ROLLOUT_FAILED, ROLLOUT_STAGE
from edge.messages.sync.settings import SETTINGS_OFFER, SettingsOffer, decode_state, encode
from edge.mqtt.seam import Publish

from ..ingest.validate import BatchOutcome
from ..ingest.verify import Alarm
from ..store.engine.driver import Driver
from ..store.store import Store
from .plan import Report, Rollout, Step, mixed, next_step

LOOK_S: Final = 2.0
"""Between two looks at what runs, in seconds."""

OFFER_AGAIN_S: Final = 60.0
"""A node that has not answered an offer gets it again after so many seconds."""

ENDED_MS: Final = 3_600_000
"""So long after its end the nodes of a roll-out that went back are offered what counts, if they are there; the others
when they come."""

ALL: Final = "all"
"""The group of a node that nobody has put into another one."""

_ROLLOUT: Final = "id, fleet, stages, deadline_ms, state, why, stage"


class Rollouts:
    """For one thread, that of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._driver: Driver = store.driver
        self._looked = 0.0
        self._offered: dict[str, tuple[int, float]] = {}
        self._offers: dict[int, bytes] = {}

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
            f"select {_ROLLOUT} from rollout where id > 0 and (state = 'running' or changed_at > ?) order by id",  # noqa: S608 - fixed names
            (now_ms - ENDED_MS,),
        )
        found: list[tuple[str, str, bytes]] = []
        for row in rows:
            rollout = _rollout(row)
            if rollout.state == "running":
                self._move(rollout, present, now_ms)
            found += self._due(rollout.id, present, seconds)
        return found

    def _move(self, rollout: Rollout, present: Collection[str], now_ms: int) -> None:
        """Its next step, where there is one."""
        placed = dict(self._driver.rows("select node, at from placed where rollout = ?", (rollout.id,)))
        members = [row[0] for row in self._driver.rows(_MEMBERS, (rollout.group,))]
        ordered = mixed(rollout.id, members)
        ordered.sort(key=lambda node: node not in present)
        step = next_step(rollout, placed, self._reports(rollout.id), ordered, now_ms)
        if step is None or (step.state == "running" and step.stage == rollout.stage and not step.add):
            return
        with self._driver.transaction():
            moved = self._driver.run(
                "update rollout set state = ?, why = ?, stage = ?, changed_at = ?"
                " where id = ? and state = 'running' and stage = ?",
                (step.state, step.why, step.stage, now_ms, rollout.id, rollout.stage),
            )
            if moved:
                self._driver.run_many(
                    "insert into placed(node, rollout, at) values(?, ?, ?) on conflict do nothing",
                    [(node, rollout.id, now_ms) for node in step.add],
                )
        if moved:
            self._log(rollout, step, now_ms)

    def _log(self, rollout: Rollout, step: Step, now_ms: int) -> None:
        """What a person should know."""
        if step.add:
            ROLLOUT_STAGE.write(number=rollout.id, names=", ".join(step.add[:3]), stage=step.stage + 1)
        elif step.state == "done":
            ROLLOUT_DONE.write(number=rollout.id, cause=f": {step.why}" if step.why else "")
        elif step.state == "failed":
            sentence = f"Roll-out {rollout.id} went back: {step.why}"
            ROLLOUT_FAILED.write(sentence=sentence)
            node = step.why.split(" ", 1)[0]
            with self._store.group([node]) as group:
                group.refused(node, Alarm("rollout_failed", sentence), now_ms)

    def _due(self, rollout: int, present: Collection[str], seconds: float) -> list[tuple[str, str, bytes]]:
        """Offers to those of its nodes that should have something else, and have had no offer of it lately."""
        found: list[tuple[str, str, bytes]] = []
        for node, version, about, outcome, wanted in self._driver.rows(_PLACED, (rollout,)):
            if node not in present or not _is_missing(wanted, version, about, outcome):
                continue
            offered, at = self._offered.get(node, (-1, 0.0))
            if offered != wanted or seconds - at >= OFFER_AGAIN_S:
                self._offered[node] = (wanted, seconds)
                found.append((node, SETTINGS_OFFER, self._offer(wanted)))
        return found

    def _reports(self, rollout: int) -> dict[str, Report]:
        sql = (
            "select s.node, s.version, s.about, s.outcome, s.detail from placed p"
            " join node_settings s on s.node = p.node where p.rollout = ?"
        )
        return {row[0]: Report(*row[1:]) for row in self._driver.rows(sql, (rollout,))}


_WANTED: Final = (
    "coalesce((select max(r.id) from rollout r left join placed p on p.node = s.node and p.rollout = r.id"
    " where r.fleet = s.fleet and (r.state = 'done' or r.state = 'running' and p.node is not null)),"
    " (select id from rollout where id = 0))"
)
"""The version that a node (s) should have: of its group the newest that is done, or that it is to try; else the
empty one. Null where nothing was ever pushed."""

_PLACED: Final = (
    f"select s.node, s.version, s.about, s.outcome, {_WANTED} from placed q join node_settings s on s.node = q.node"  # noqa: S608 - fixed text
    " where q.rollout = ? order by s.node"
)
_MEMBERS: Final = "select node from node_settings where fleet = ? order by node"


def _is_missing(wanted: int | None, version: int, about: int, outcome: str) -> bool:
    """Whether a node should get the wanted version: it has another one, and has not refused this one."""
    refused = about == wanted and outcome in ("refused", "rolled_back")
    return wanted is not None and wanted != version and not refused


def _rollout(row: tuple[Any, ...]) -> Rollout:
    id_, group, stages, deadline_ms, state, why, stage = row
    return Rollout(
        id=id_, group=group, stages=tuple(stages.split(",")), deadline_ms=deadline_ms, state=state, why=why, stage=stage
    )
