"""Tills and riders that live through restarts of their node, on the client that developers get."""

import asyncio
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Final

from doorstep_client import Answer, Client, NotConnected, Receipt
from edge.errors import DoorstepError

RESEND_S: Final = (3.0, 3.0)
"""Real seconds after which an event without a receipt is sent again."""

POSITION_S: Final = 1.0
"""Real seconds between two positions of a rider: at 2,880 times real speed the node believes one for 2.5."""

BACKOFF_S: Final = (0.1, 1.0)
EVENTS_MAX: Final = 100_000
"""Of one person: more than a till has to keep while the node is away."""

CENTRE: Final = (31.2304, 121.4737)
_SPREAD: Final = 16
_STEP_DEG: Final = 0.004  # about 400 m: shops and doors lie in some hundred H3 cells
_TURNS: Final = 10


class Person:
    """One client. `on_answer` is called with each of its answers."""

    def __init__(self, crowd: "Crowd", name: str, token: str, on_answer: Callable[["Person", Answer], None]) -> None:
        self.name = name
        self.place = {"lat": CENTRE[0], "lon": CENTRE[1]}
        self._on_answer = on_answer
        self.client = Client(
            crowd.url,
            node=crowd.node,
            name=name,
            token=token,
            encoding="msgpack",
            events_max=EVENTS_MAX,
            resend_s=RESEND_S,
            backoff_s=BACKOFF_S,
            random=crowd.dice.random,
            on_receipt=lambda receipt: crowd.received(name, receipt),
        )

    async def read(self) -> None:
        """Take every answer until the client hangs up."""
        async for answer in self.client.answers():
            self._on_answer(self, answer)


class Crowd:
    """Everybody at one node. `on_offer` is called with the first offer of each order: its number and `perf_counter`."""

    def __init__(self, node: str, url: str, tokens: dict[str, str], wall_ms: Callable[[], int], seed: int) -> None:
        self.node, self.url = node, url
        self.dice = Random(f"crowd {seed}")
        self.sent = 0
        self._receipts: set[tuple[str, str]] = set()
        self.on_offer: Callable[[int, float], None] = _ignore_offer
        self.tills = [Person(self, name, tokens[name], _ignore) for name in tokens if name.startswith("till")]
        self.riders: list[Person] = []
        self._wall_ms = wall_ms
        self._tasks: list[asyncio.Task[None]] = []
        self._turn = 0
        for number, name in enumerate(name for name in tokens if name.startswith("rider")):
            rider = Person(self, name, tokens[name], self._offered)
            rider.place = {
                "lat": CENTRE[0] + number % _SPREAD * _STEP_DEG,
                "lon": CENTRE[1] + number // _SPREAD % _SPREAD * _STEP_DEG,
            }
            self.riders.append(rider)

    @property
    def people(self) -> list[Person]:
        """All of them."""
        return [*self.tills, *self.riders]

    @property
    def connected(self) -> int:
        """How many have a connection now."""
        return sum(person.client.connected for person in self.people)

    @property
    def waiting(self) -> int:
        """Events without a receipt."""
        return sum(len(person.client.waiting) for person in self.people)

    @property
    def resent(self) -> int:
        """Events that left once more."""
        return sum(person.client.resent for person in self.people)

    @property
    def promised(self) -> set[tuple[str, str]]:
        """(client, id) of every event that was acknowledged or has its receipt."""
        waiting = ((person.name, event) for person in self.people for event in person.client.waiting.values())
        return self._receipts | {(name, event.id) for name, event in waiting if event.acknowledged}

    def received(self, name: str, receipt: Receipt) -> None:
        """A client has a receipt."""
        self._receipts.add((name, receipt.id))

    def start(self) -> None:
        """Everybody connects, and the riders begin their shifts."""
        for person in self.people:
            person.client.start()
            self._tasks.append(asyncio.ensure_future(person.read()))
        for rider in self.riders:
            self._send(rider, "rider.shift", f"shift-{rider.name}", on=True, capacity=8, place=rider.place)
        self._tasks.append(asyncio.ensure_future(self._positions()))

    def place(self, number: int) -> None:
        """Order `number` leaves its till."""
        till = self.tills[number % len(self.tills)]
        lat = CENTRE[0] + number * 7 % _SPREAD * _STEP_DEG
        lon = CENTRE[1] + number * 11 // _SPREAD % _SPREAD * _STEP_DEG
        name = f"o{number:09}"
        places = {"pickup": {"lat": lat, "lon": lon}, "dropoff": {"lat": lat + _STEP_DEG, "lon": lon}}
        self._send(till, "order.place", name, order=name, shop=till.name, prep_s=60, **places)

    async def everybody(self, timeout_s: float) -> None:
        """Wait until all are connected. Raises DoorstepError."""
        try:
            await asyncio.gather(*(person.client.wait_connected(timeout_s) for person in self.people))
        except NotConnected as error:
            raise DoorstepError(str(error)) from None

    def storm(self, share: float) -> int:
        """A share of them loses its connection at once, and comes back. Returns how many."""
        gone = [person for person in self.people if self.dice.random() < share]
        for person in gone:
            person.client.reconnect()
        return len(gone)

    async def close(self) -> None:
        """Everybody hangs up."""
        await asyncio.gather(*(person.client.stop() for person in self.people))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self, person: Person, kind: str, id_: str, **fields: Any) -> None:
        self.sent += 1
        person.client.send(kind, id=id_, at=self._wall_ms(), **fields)

    def _offered(self, rider: Person, answer: Answer) -> None:
        if answer.kind != "assignment" or answer.body["state"] != "offered":
            return
        order, offer = answer.body["order"], answer.body["offer"]
        self.on_offer(int(order[1:]), answer.received_at)
        name = f"{order}-{offer}"
        self._send(rider, "rider.reply", f"a-{name}", order=order, offer=offer, accept=True)
        self._send(rider, "rider.progress", f"d-{name}", order=order, step="delivered")

    async def _positions(self) -> None:
        """A tenth of the riders after the other, so that a second's positions do not come at once."""
        while True:
            for rider in self.riders[self._turn :: _TURNS]:
                point = (self._wall_ms(), rider.place["lat"], rider.place["lon"])
                rider.client.report("rider.position", points=[point])
            self._turn = (self._turn + 1) % _TURNS
            await asyncio.sleep(POSITION_S / _TURNS)


def names(tills: int, riders: int) -> Iterable[str]:
    """Of all clients."""
    yield from (f"till-{number}" for number in range(tills))
    yield from (f"rider-{number}" for number in range(riders))


def _ignore_offer(number: int, at: float) -> None:
    """Before anybody measures."""
    del number, at


def _ignore(person: Person, answer: Answer) -> None:
    """A till's answers are updates, which nobody looks at."""
    del person, answer
