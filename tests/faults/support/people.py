"""Clients that keep the promise's other half: an event stays with them, and comes again, until they hold its receipt.

And the final check: when everything is quiet, what they hold, what the journal holds and what the centre counts must
agree.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Self

import apsw

from bench.demo.proof.evidence import Evidence
from bench.lab.site import Site
from edge.core.node import Node
from edge.core.replay import Replay
from edge.journal.reader import JournalReader
from edge.messages.envelope import topic_down, topic_up
from edge.mqtt.client.connection import ConnectionState, Message, MqttConnection
from edge.scenarios.dispatch import Dispatch
from tests.faults.support.site import NODE, WELL_S_MAX

RESEND_S: Final = (1.0, 30.0)
"""After which an event that was acknowledged (or refused for now) and has no receipt is sent again: doubled each time,
between these. Without that, a node that is behind gets the more to do the further behind it is."""

BACKOFF_S: Final = (0.05, 0.4)
ACK_DEADLINE_S: Final = 4.0
"""A node that acknowledges nothing for so long is left: how a client finds out that its connection is half open."""

SHOP: Final = {"lat": 31.2, "lon": 121.4}
DOOR: Final = {"lat": 31.205, "lon": 121.405}

WAIT_S_MAX = 300.0
"""A node that died in a fault which it should have survived must end its test, not hang the list."""


async def until(done: Callable[[], object], step_s: float = 0.02) -> None:
    """Wait for a fact, at most WAIT_S_MAX. Whoever needs a closer bound puts it around this."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not done():  # noqa: ASYNC110 - facts of many kinds, of which only some could ring a bell
            await asyncio.sleep(step_s)


class Person:
    """One client. `acknowledged` are the ids with a PUBACK of success; `receipts` each id's first one."""

    def __init__(self, name: str, url: str, token: str) -> None:
        self.name = name
        self.pending: dict[str, tuple[str, bytes]] = {}
        self.receipts: dict[str, bytes] = {}
        self.acknowledged: set[str] = set()
        self.differing: list[str] = []
        self.connects = 0
        self.sent = 0
        self.answers = 0
        self._again_at: dict[str, float] = {}
        self._tries: dict[str, int] = {}
        self.events = 0
        self._orders = 0
        self.on_receipt: Callable[[str], None] = lambda _: None
        """Called with each id whose first receipt has come."""
        self.link = MqttConnection(
            url,
            client_id=name,
            username=name,
            token=token,
            clean_start=False,
            session_expiry_s=3600,
            keep_alive_s=10,
            on_messages=self._received,
            on_state=self._state,
            subscriptions=[(topic_down(NODE, name, "#"), 1)],
            backoff=BACKOFF_S,
            ack_deadline_s=ACK_DEADLINE_S,
            random=random.Random(name).random,
        )

    def send(self, kind: str, **fields: Any) -> str:
        """One event. It comes again by itself until its receipt is here. Returns its id."""
        self.events += 1
        id_ = f"e{self.events}"
        body = {"id": id_, "at": int(time.time() * 1000), **fields}
        self.pending[id_] = (kind, json.dumps(body).encode())
        self._send(id_)
        return id_

    def order(self) -> str:
        """An order of one's own."""
        self._orders += 1
        order = f"o-{self.name}-{self._orders}"
        return self.send("order.place", order=order, shop="shop-1", pickup=SHOP, dropoff=DOOR, prep_s=60)

    def act(self) -> None:
        """What a person does next: riders begin and end shifts, customers order and think better of it."""
        if self.name.startswith("r-"):
            self.send("rider.shift", on=self.events % 2 == 0, place=SHOP, capacity=2)
        elif self.events % 2 == 0:
            self.order()
        else:
            self.send("order.cancel", order=f"o-{self.name}-{self._orders}")

    def sweep(self) -> None:
        """Send again what is due."""
        now = time.monotonic()
        for id_ in [id_ for id_, at in self._again_at.items() if at <= now]:
            self._send(id_)

    def _send(self, id_: str) -> None:
        self._again_at[id_] = float("inf")  # from here on it is the link's, until it is acknowledged
        kind, payload = self.pending[id_]

        def acknowledged(code: int) -> None:
            if code < 0x80:
                self.acknowledged.add(id_)
            if id_ in self.pending:
                tries = self._tries[id_] = self._tries.get(id_, 0) + 1
                self._again_at[id_] = time.monotonic() + min(RESEND_S[1], RESEND_S[0] * 2 ** (tries - 1))

        if self.link.publish(topic_up(NODE, self.name, kind), payload, on_ack=acknowledged):
            self.sent += 1
        else:
            self._again_at[id_] = time.monotonic() + 0.05

    def _received(self, messages: list[Message]) -> None:
        for message in messages:
            self.answers += 1
            if not message.topic.endswith("/receipt"):
                continue
            payload = bytes(message.payload)
            id_ = json.loads(payload)["id"]
            if id_ not in self.receipts:
                self.receipts[id_] = payload
                self.on_receipt(id_)
            elif self.receipts[id_] != payload:
                self.differing.append(id_)
            self.pending.pop(id_, None)
            self._again_at.pop(id_, None)
            self._tries.pop(id_, None)
        self.link.acknowledge(messages)

    def _state(self, state: ConnectionState) -> None:
        self.connects += state is ConnectionState.CONNECTED


class Crowd:
    """Some people of a site, connected while the block lasts; `pour` keeps them busy in the background."""

    def __init__(self, site: Site, url: str, names: tuple[str, ...] = ("c-1", "c-2", "r-1")) -> None:
        self.people = [Person(name, url, "" if "link" in site.settings else site.tokens[name]) for name in names]
        self._tasks: list[asyncio.Task[None]] = []
        self._pouring: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.ensure_future(person.link.run()) for person in self.people]
        self._tasks.append(asyncio.ensure_future(self._sweep()))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.rest()
        for person in self.people:
            await person.link.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def connected(self) -> None:
        """Wait until everybody is."""
        await until(lambda: all(person.link.connected for person in self.people))

    def pour(self, per_s: float = 100.0) -> None:
        """From now on somebody acts so often."""

        async def work() -> None:
            number = 0
            while True:
                self.people[number % len(self.people)].act()
                number += 1
                await asyncio.sleep(1 / per_s)

        self._pouring = asyncio.ensure_future(work())

    async def rest(self) -> None:
        """Nobody acts any more."""
        if self._pouring is not None:
            self._pouring.cancel()
            with suppress(asyncio.CancelledError):
                await self._pouring
            self._pouring = None

    def waiting(self) -> int:
        """Events without a receipt."""
        return sum(len(person.pending) for person in self.people)

    def unacked(self) -> int:
        """Publishes on their way: an event may have its receipt while a copy of it is still to be counted."""
        return sum(person.link.unacked for person in self.people)

    def sent_count(self) -> int:
        """Receipts that are here."""
        return sum(len(person.receipts) for person in self.people)

    async def answered(self, more: int) -> None:
        """Wait for so many receipts more than there are now."""
        goal = self.sent_count() + more
        await until(lambda: self.sent_count() >= goal)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            for person in self.people:
                person.sweep()


@dataclass
class Outcome:
    """What a fault cost: how often it was driven, what was lost and doubled, and real seconds until all was well."""

    driven: int
    events: int = 0
    lost: int = 0
    doubled: int = 0
    well_s: float = 0.0
    resent: int = 0
    note: str = ""
    """What else was measured, in words."""


async def well(site: Site, crowd: Crowd, *, uplink: bool = True) -> float:
    """Wait until one more order of everybody has its receipt, nothing is unanswered, and the centre has counted every
    event (I6). Returns how long that took, in real seconds."""
    await crowd.rest()
    begin = time.monotonic()
    for person in crowd.people:
        person.act()
    try:
        async with asyncio.timeout(WELL_S_MAX):
            await until(lambda: not crowd.waiting() and not crowd.unacked())
            if uplink:
                await until(lambda: agreed(site))
    except TimeoutError:
        left = {person.name: (len(person.pending), person.link.state, person.link.error) for person in crowd.people}
        raise AssertionError(
            f"I6: not well {WELL_S_MAX:.0f} s after the last fault: {left}, {sums(site)}\n{site.node.output()[-2000:]}"
        ) from None
    return time.monotonic() - begin


def sums(site: Site) -> tuple[int, int]:
    """Events as the node and as the centre counts them; -1 where one of them does not answer."""
    found = [-1, -1]
    with suppress(OSError):
        found[0] = site.status()["sync"]["events_at_node"]
    with suppress(OSError):
        found[1] = site.summary()["events"]
    return found[0], found[1]


def agreed(site: Site) -> bool:
    """Whether both count the same."""
    node, centre = sums(site)
    return node == centre >= 0


async def verify_outcome(site: Site, crowd: Crowd, driven: int, *, uplink: bool = True) -> Outcome:
    """All is well again, and I1 to I4 hold: what clients received is what the journal holds, once, and what the centre
    counts. Stops the node."""
    well_s = await well(site, crowd, uplink=uplink)
    events = sums(site)
    assert await asyncio.to_thread(site.node.stop) == 0, site.node.output()[-2000:]
    evidence = read(site)
    held = evidence.receipts
    lost = doubled = 0
    for person in crowd.people:
        for id_ in person.acknowledged | set(person.receipts):
            lost += held.get((person.name, id_)) != person.receipts.get(id_, held.get((person.name, id_)))
            lost += (person.name, id_) not in held
        doubled += len(person.differing)
    doubled += evidence.counts["one_decision_per_id"]
    sent_count = sum(len(person.receipts) for person in crowd.people)
    outcome = Outcome(
        driven, sent_count, lost, doubled, well_s, sum(person.sent for person in crowd.people) - sent_count
    )
    assert not lost, f"I1: {lost} acknowledged events are not in the journal, or otherwise"
    assert not doubled, f"I2: {doubled} events were decided twice"
    assert not evidence.findings, evidence.findings
    decided = evidence.accepted + evidence.duplicate + evidence.refused.total()
    assert evidence.received == decided == evidence.acknowledged, "I3: received is not decided + duplicate + refused"
    if uplink:
        assert events[0] == events[1] == evidence.received, f"I3: {events}, the journal has {evidence.received}"
    return outcome


def read(site: Site) -> Evidence:
    """The journal's content, read without the core; and that the core decides it all again to the byte."""
    evidence, replay = Evidence(), Replay(Node([Dispatch]), None)
    with JournalReader.open(site.journal) as reader:
        rows = [body for _, body in reader.rows(0)]
    evidence.read(rows)
    for body in rows:
        assert (difference := replay.feed(body)) is None, f"I2: {difference}"
    db = apsw.Connection(str(site.journal), flags=apsw.SQLITE_OPEN_READONLY)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()
    return evidence
