"""A recorded world for tests: the people of a tiny district, and a stand-in for the node that a test plays by hand.

The clients keep what they receive and send; the test answers. Time runs 6,000 times faster: a simulated minute is 10
ms.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from bench.demo.district.instance import Courier, Instance, Order, Restaurant
from bench.demo.people.scheduler import Scheduler
from bench.demo.people.world import Habits, World
from bench.demo.proof.records import Records
from edge.clock import Clock
from edge.messages.envelope import Receipt
from edge.scenarios.dispatch.messages import Assignment, Stop, Update

MORNING = 1_790_000_000_000
SPEED = 6_000.0

TINY = Instance(
    "tiny",
    [
        Order("o1", 1_000, 0, 1, "r1", 6),
        Order("o2", 0, 1_000, 2, "r1", 8),
        Order("o3", 0, -1_000, 3, "r2", 9),
    ],
    [Courier("c1", 300, 400, 0, 240)],
    [Restaurant("r1", 0, 0), Restaurant("r2", 0, -500)],
)


class Person:
    """A stand-in for `clients.Client`: what it received, and a way to answer."""

    def __init__(self, name: str, on_answer: Callable[[Any], None]) -> None:
        self.name = name
        self.on_answer = on_answer
        self.sent: list[Any] = []
        self.places: list[tuple[int, float, float]] = []
        self.joined = self.left = False
        self._then: dict[str, Callable[[Receipt], None] | None] = {}

    def join(self) -> None:
        """Connect."""
        self.joined = True

    def hang_up(self) -> None:
        """Disconnect for a while."""
        self.left, self.joined = True, False

    def leave(self) -> None:
        """Go."""
        self.left = True

    def next_id(self) -> str:
        """The next id."""
        return f"e{len(self.sent) + 1}"

    def send(self, event: Any, _: int, then: Callable[[Receipt], None] | None = None) -> None:
        """Send."""
        self.sent.append(event)
        self._then[event.id] = then

    def here(self, points: list[tuple[int, float, float]]) -> None:
        """Report places."""
        self.places += points

    def answer(self, event: Any, reason: str = "", at: int = MORNING) -> None:
        """The node's receipt for an event."""
        kind = str(event.__struct_config__.tag)
        status = "refused" if reason else "accepted"
        self.receipt(event, Receipt(id=event.id, of=kind, status=status, at=at, reason=reason))

    def receipt(self, event: Any, receipt: Receipt) -> None:
        """The same, whole."""
        then = self._then.pop(event.id)
        if then is not None:
            then(receipt)

    async def sends(self, kind: type, **fields: Any) -> Any:
        """Wait for an event of a kind, with these fields."""
        async with asyncio.timeout(10):
            while True:
                for event in self.sent:
                    if isinstance(event, kind) and all(getattr(event, k) == v for k, v in fields.items()):
                        return event
                await asyncio.sleep(0.002)


class RecordedWorld:
    """A stand-in for `clients.Fleet`, and the world around it."""

    def __init__(self, instance: Instance = TINY, habits: Habits | None = None) -> None:
        self.people: dict[str, Person] = {}
        self.scheduler = Scheduler(Clock(SPEED, MORNING, int(time.time() * 1000)))
        self.records = Records()
        never = Habits(decline=0, silent=0, cancel=0, delay=0, repeat=0)
        self.world = World(instance, self.scheduler, self, self.records, 1, habits or never)  # type: ignore[arg-type]
        self.world.day_ms = self.scheduler.now_ms() + 60_000

    def client(self, name: str, json: bool, on_answer: Callable[[Any], None]) -> Person:
        """A new person."""
        self.people[name] = Person(name, on_answer)
        return self.people[name]

    def offer(self, order: str, number: int, state: Any = "offered", dropoffs: tuple[str, ...] = ()) -> Assignment:
        """An assignment from the node, of a trip to these doors in sequence."""
        now = self.scheduler.now_ms()
        stops = [Stop(at="pickup", order=order, lat=31.0, lon=121.0, expected_at=now)]
        stops += [
            Stop(at="dropoff", order=name, lat=31.0, lon=121.0, expected_at=now + minute * 60_000)
            for minute, name in enumerate(dropoffs)
        ]
        return Assignment(offer=number, order=order, state=state, at=now, stops=stops, answer_by=now + 60_000)

    def update(self, order: str, state: str) -> Update:
        """A message to customer and shop."""
        return Update(order=order, state=state, at=self.scheduler.now_ms())
