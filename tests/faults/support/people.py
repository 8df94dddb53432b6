"""Clients that keep the promise's other half: an event stays with them, and comes again, until they hold its receipt.

And the final check: when everything is quiet, what they hold, what the journal holds and what the centre counts must
agree.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self

import apsw

from bench.demo.proof.evidence import Evidence
from bench.lab.site import Site
from doorstep_client import Client, Event, Receipt
from edge.core.node import Node
from edge.core.replay import Replay
from edge.errors import MENDABLE
from edge.journal.reader import JournalReader
from edge.scenarios.dispatch import Dispatch
from tests import waiting
from tests.faults.support.site import NODE, WELL_S_MAX, Wires

RESEND_S: Final = (1.0, 30.0)
EVENTS_MAX: Final = 100_000
"""More than any of these tests sends."""

BACKOFF_S: Final = (0.05, 0.4)
ACK_DEADLINE_S: Final = 4.0
"""A node that acknowledges nothing for so long is left: how a client finds out that its connection is half open."""

SHOP: Final = {"lat": 31.2, "lon": 121.4}
DOOR: Final = {"lat": 31.205, "lon": 121.405}

WAIT_S_MAX = 300.0
"""A node that died in a fault which it should have survived must end its test, not hang the list."""


until: Final = partial(waiting.until, seconds=WAIT_S_MAX, step_s=0.02)
"""Wait for a fact. Whoever needs a closer bound puts it around this."""


class Person:
    """One client. `receipts` are each id's first one; `differing` the ids of which another one came."""

    def __init__(self, name: str, url: str, token: str) -> None:
        self.name = name
        self.receipts: dict[str, bytes] = {}
        self.differing: list[str] = []
        self._mendable: set[str] = set()  # what was refused and may be decided anew
        self.events = 0
        self.orders = 0
        self.on_receipt: Callable[[str], None] = lambda _: None
        """Called with each id whose first receipt has come."""
        self.client = Client(
            url,
            node=NODE,
            name=name,
            token=token,
            events_max=EVENTS_MAX,
            keep_alive_s=10,
            ack_deadline_s=ACK_DEADLINE_S,
            resend_s=RESEND_S,
            backoff_s=BACKOFF_S,
            random=random.Random(name).random,
            on_receipt=self._received,
        )
        self._sent: list[Event] = []

    @property
    def acknowledged(self) -> set[str]:
        """The ids with a PUBACK of success."""
        return {event.id for event in self._sent if event.acknowledged}

    async def read(self) -> None:
        """Take every answer, as a client does that follows its orders."""
        async for _ in self.client.answers():
            continue

    def send(self, kind: str, **fields: Any) -> None:
        """One event. It comes again by itself until its receipt is here."""
        self.events += 1
        self._sent.append(self.client.send(kind, id=f"e{self.events}", **fields))

    def order(self) -> None:
        """An order of one's own."""
        self.orders += 1
        order = f"o-{self.name}-{self.orders}"
        self.send("order.place", order=order, shop="shop-1", pickup=SHOP, dropoff=DOOR, prep_s=60)

    def act(self) -> None:
        """What a person does next: riders begin and end shifts, customers order and think better of it."""
        if self.name.startswith("r-"):
            self.send("rider.shift", on=self.events % 2 == 0, place=SHOP, capacity=2)
        elif self.events % 2 == 0:
            self.order()
        else:
            self.send("order.cancel", order=f"o-{self.name}-{self.orders}")

    def _received(self, receipt: Receipt) -> None:
        if receipt.id not in self.receipts:
            self.receipts[receipt.id] = receipt.payload
            if receipt.reason in MENDABLE:
                self._mendable.add(receipt.id)
            self.on_receipt(receipt.id)
        elif self.receipts[receipt.id] != receipt.payload and receipt.id not in self._mendable:
            self.differing.append(receipt.id)


class Crowd:
    """Some people of a site, connected while the block lasts; `pour` keeps them busy in the background."""

    def __init__(self, site: Site, url: str, names: tuple[str, ...] = ("c-1", "c-2", "r-1")) -> None:
        self.people = [Person(name, url, "" if "link" in site.settings else site.tokens[name]) for name in names]
        self._tasks: list[asyncio.Task[None]] = []
        self._pouring: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        for person in self.people:
            person.client.start()
        self._tasks = [asyncio.ensure_future(person.read()) for person in self.people]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.rest()
        for person in self.people:
            await person.client.stop()
        await asyncio.gather(*self._tasks)

    async def connected(self) -> None:
        """Wait until everybody is."""
        await until(lambda: all(person.client.connected for person in self.people))

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
        return sum(len(person.client.waiting) for person in self.people)

    def unacked(self) -> int:
        """Publishes on their way: an event may have its receipt while a copy of it is still to be counted."""
        return sum(person.client.in_flight for person in self.people)

    def sent_count(self) -> int:
        """Receipts that are here."""
        return sum(len(person.receipts) for person in self.people)

    async def answered(self, more: int) -> None:
        """Wait for so many receipts more than there are now."""
        goal = self.sent_count() + more
        await until(lambda: self.sent_count() >= goal)


@asynccontextmanager
async def playing(site: Site) -> AsyncIterator[tuple[Wires, Crowd]]:
    """The site's processes, the proxies and the people, while the block lasts."""
    site.start()
    async with Wires(site) as wires, Crowd(site, wires.door) as crowd:
        yield wires, crowd


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
        left = {
            person.name: (len(person.client.waiting), person.client.connected, person.client.error)
            for person in crowd.people
        }
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
        driven, sent_count, lost, doubled, well_s, sum(person.client.sent for person in crowd.people) - sent_count
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
