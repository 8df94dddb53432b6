"""A recorded world for tests: the people of a tiny district, and a stand-in for the node that a test plays by hand.

The clients keep what they receive and send; the test answers, and lets time pass: nothing waits for a real clock.
"""

import heapq
from collections.abc import Callable
from typing import Any

from bench.demo.district.instance import Courier, Instance, Order, Restaurant
from bench.demo.people.scheduler import Scheduler
from bench.demo.people.world import MINUTE_MS, Habits, World
from bench.demo.proof.records import Records
from edge.clock import Clock
from edge.messages.envelope import Receipt
from edge.scenarios.dispatch.messages.down import Assignment, Stop, Update

MORNING = 1_790_000_000_000
SPEED = 6_000.0
DAY_MS = 24 * 60 * MINUTE_MS

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


class PlayedScheduler(Scheduler):
    """The same queue, whose time a test lets pass."""

    def __init__(self) -> None:
        super().__init__(Clock(SPEED, MORNING, 0))
        self._wall_ms = MORNING

    def now_ms(self) -> int:
        """The simulated wall clock."""
        return self._wall_ms

    def _arm(self) -> None:
        """No timer."""

    def step(self) -> None:
        """The next action, when it is due."""
        due_ms, _, action = heapq.heappop(self._heap)
        self._wall_ms = max(self._wall_ms, due_ms)
        assert self._wall_ms < MORNING + DAY_MS, "what the test waits for never came"
        action(due_ms)

    def run(self, minutes: float) -> None:
        """Everything that happens in so many minutes."""
        until_ms = self._wall_ms + round(minutes * MINUTE_MS)
        while self._heap and self._heap[0][0] <= until_ms:
            self.step()
        self._wall_ms = until_ms


class Person:
    """A stand-in for `clients.Client`: what it received, and a way to answer."""

    def __init__(self, scheduler: PlayedScheduler, name: str, on_answer: Callable[[Any], None]) -> None:
        self.scheduler = scheduler
        self.name = name
        self.on_answer = on_answer
        self.sent: list[Any] = []
        self.asked: list[Any] = []
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

    def ask(self, question: Any) -> None:
        """Ask, QoS 0."""
        self.asked.append(question)

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

    def all_sent(self, kind: type, **fields: Any) -> list[Any]:
        """What it has sent of a kind, with these fields."""
        of_kind = [event for event in self.sent if isinstance(event, kind)]
        return [event for event in of_kind if all(getattr(event, k) == v for k, v in fields.items())]

    def sends(self, kind: type, **fields: Any) -> Any:
        """Let time pass until it has sent the first of these."""
        while not (found := self.all_sent(kind, **fields)):
            self.scheduler.step()
        return found[0]


class RecordedWorld:
    """A stand-in for `clients.Fleet`, and the world around it."""

    def __init__(self, instance: Instance = TINY, habits: Habits | None = None) -> None:
        self.people: dict[str, Person] = {}
        self.scheduler = PlayedScheduler()
        self.records = Records()
        never = Habits(decline=0, silent=0, cancel=0, fail=0, delay=0, repeat=0, mute=0, override=0, slow=0, varied=0)
        self.world = World(instance, self.scheduler, self, self.records, 1, habits or never)  # type: ignore[arg-type]
        self.world.day_ms = self.scheduler.now_ms() + 60_000

    def client(self, name: str, json: bool, on_answer: Callable[[Any], None]) -> Person:
        """A new person."""
        self.people[name] = Person(self.scheduler, name, on_answer)
        return self.people[name]

    def offer(self, order: str, number: int, state: Any = "offered", dropoffs: tuple[str, ...] = ()) -> Assignment:
        """An assignment from the node, of a trip to these doors in sequence."""
        now = self.scheduler.now_ms()
        stops = [Stop(at="pickup", order=order, lat=31.0, lon=121.0, expected_at=now)]
        stops += [
            Stop(at="dropoff", order=name, lat=31.0, lon=121.0, expected_at=now + minute * MINUTE_MS)
            for minute, name in enumerate(dropoffs)
        ]
        return Assignment(offer=number, order=order, state=state, at=now, stops=stops, answer_by=now + 60_000)

    def update(self, order: str, state: str) -> Update:
        """A message to customer and shop."""
        return Update(order=order, state=state, at=self.scheduler.now_ms())
