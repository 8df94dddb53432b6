"""Riders: they come on shift, report positions, answer offers, do the work that `bench.courier` has, and go home."""

import math
from collections.abc import Callable
from typing import Final, get_args

from edge.messages.envelope import Receipt
from edge.scenarios.dispatch.lifecycle import Cause
from edge.scenarios.dispatch.messages.catalog import Durable
from edge.scenarios.dispatch.messages.down import Assignment
from edge.scenarios.dispatch.messages.overrides import RiderPause
from edge.scenarios.dispatch.messages.up import NO_LOAD, Load, RiderShift
from edge.scenarios.dispatch.options import VEHICLE_PACE, Vehicle

from ...courier import Action, Activity, Courier, Milestone
from ...job import Job, Place, Service
from ..district.instance import Courier as Shift
from ..district.instance import Order
from ..proof.records import CANARIES_MAX
from .clients import Answer
from .world import MINUTE_MS, World

REPLY_S: Final = (2, 15)
"""How long a rider looks at an offer."""

POSITION_S: Final = 30
"""One point in this many seconds."""

POSITION_REAL_S_MIN: Final = 0.2
"""Not more often than this in real time: at high speed several points travel in one message."""

CAPACITIES: Final = ((1, 2, 3), (0.4, 0.4, 0.2))
"""How many orders a rider carries, and the share of such riders. The published files do not contain it."""

LIMIT_G: Final = 8_000
"""What a rider with a small box carries."""

BREAK_MINUTES: Final = 15
BREAK_SHIFT_MINUTES: Final = 120
"""A break in the middle, and the shortest shift that has one."""

CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)

CANARY_PROBABILITY: Final = 0.01
"""Share of reported places, on the way between two stops, that are looked for in every file at the end."""


class Rider(Courier):
    """One courier of the instance for one shift; places in metres. A third of them speak JSON."""

    def __init__(self, world: World, shift: Shift, orders: dict[str, Order]) -> None:
        parameters = world.instance.parameters
        pickup_ms, dropoff_ms = (
            service * MINUTE_MS // 2 for service in (parameters.pickup_service, parameters.dropoff_service)
        )
        super().__init__(world, Service(pickup_ms, pickup_ms, dropoff_ms, dropoff_ms), (shift.x, shift.y))
        self._world = world
        self._shift = shift
        self._orders = orders
        self._draw = world.draw(f"rider {shift.name}")
        self._reported_ms = 0
        self.capacity = self._draw.choices(*CAPACITIES)[0]
        kit = world.draw(f"kit {shift.name}")
        bike, small, rests = (kit.random() < world.habits.varied for _ in range(3))
        self.vehicle: Vehicle | None = "bike" if bike else None
        self.load_limit = Load(weight_g=LIMIT_G) if small else NO_LOAD
        self.rests = rests and shift.off - shift.on >= BREAK_SHIFT_MINUTES
        self.client = world.fleet.client(
            f"rider-{shift.name}", json=self._draw.random() < 1 / 3, on_answer=self._on_answer
        )
        self.busy_with("off")

    def plan(self) -> None:
        """Schedule the shift."""
        on_ms, off_ms = self._world.ms(self._shift.on), self._world.ms(self._shift.off)
        self._world.at(self._world.ahead(on_ms), lambda _: self.client.join())
        self._world.at(on_ms, self._begin)
        self._world.at(off_ms, self.end_shift)

    # -- what is around a rider ----------------------------------------------------------------------------------------

    def next_id(self) -> str:
        """The client's next id."""
        return self.client.next_id()

    def send(self, event: Durable, due_ms: int, then: Callable[[str], None]) -> None:
        """Send over MQTT; what comes after the day is over is not looked at."""

        def receipted(receipt: Receipt) -> None:
            if not self._world.closed:
                then(receipt.reason)

        if not self._world.closed:
            self.client.send(event, due_ms, receipted)

    def ride_ms(self, here: Place, there: Place) -> int:
        """The straight way at the instance's speed, slower on a bicycle and in the rain."""
        pace = self._world.pace()
        self._world.records.counts["slow_rides"] += pace > 1 and here != there
        minutes = math.dist(here, there) / self._world.instance.parameters.metres_per_minute
        return round(minutes * pace * MINUTE_MS * (VEHICLE_PACE[self.vehicle] if self.vehicle else 1))

    def await_meal(self, job: Job, see: Action) -> None:
        """Stand at the counter."""
        self._world.await_meal(job.order, see)

    def look_at(self, offer: Assignment) -> tuple[Job, bool, int] | None:
        """The dice decide."""
        world = self._world
        order = self._orders.get(offer.order)
        if order is None:
            world.records.problem(f"{self.client.name} was offered {offer.order!r}, which nobody placed")
            return None
        record = world.record(order)
        world.records.counts["offers"] += 1
        if not record.first_offer_at:
            record.first_offer_at = offer.at
            record.offer_ms_real = world.scheduler.late_real_s(record.placed_at) * 1000
        die = self._draw.random()
        if die < world.habits.silent or world.closed:
            return None
        accept = self.on and die >= world.habits.silent + world.habits.decline
        return self._job(order, offer), accept, round(self._draw.uniform(*REPLY_S) * 1000)

    def given(self, assignment: Assignment) -> Job | None:
        """The dispatcher, or the node, has decided it."""
        order = self._orders.get(assignment.order)
        return None if order is None or self._world.closed else self._job(order, assignment)

    def _job(self, order: Order, assignment: Assignment) -> Job:
        shop = self._world.shops[order.restaurant]
        return Job(order.name, assignment.offer, shop.name, (shop.x, shop.y), (order.x, order.y))

    def trouble(self, job: Job) -> Cause | None:  # noqa: ARG002 each door is like any other
        """The dice decide."""
        return self._draw.choice(CAUSES) if self._draw.random() < self._world.habits.fail else None

    def happened(self, what: Milestone, job: Job, due_ms: int) -> None:
        """Into the records."""
        record = self._world.record(self._orders[job.order])
        if what == "accepted":
            record.accepted_by.append(self.client.name)
        elif what == "lost":
            self._world.records.counts["jobs_withdrawn"] += 1
        elif what == "picked_up":
            record.picked_up_by.append(self.client.name)
        elif what == "returned":
            self._world.records.log(due_ms, f"{self.client.name} has brought {job.order} back")
        else:
            record.delivered_by.append(self.client.name)
            record.delivered_at = due_ms

    def busy_with(self, activity: Activity) -> None:
        """For the screen."""
        self._world.records.riders[self.client.name] = activity

    def refused(self, job: Job, step: str, reason: str) -> None:
        """Who carries an order must be believed."""
        self._world.records.problem(f"{self.client.name} carries {job.order}, but {step} was {reason}")

    # -- the shift -----------------------------------------------------------------------------------------------------

    def _begin(self, due_ms: int) -> None:
        self.client.join()
        self.begin_shift((self._shift.x, self._shift.y))
        event = RiderShift(
            id=self.next_id(),
            at=due_ms,
            on=True,
            capacity=self.capacity,
            vehicle=self.vehicle,
            load_limit=self.load_limit,
            until=self._world.ms(self._shift.off),
            place=self._world.geometry.place(self._shift.x, self._shift.y),
        )
        self.client.send(event, due_ms, self._begun)
        if self.rests:
            self._plan_break(due_ms)
        self._world.records.log(due_ms, f"{self.client.name} is on shift, room for {self.capacity}")
        self.busy_with("free")
        self._reported_ms = due_ms
        self._report(due_ms)

    def _plan_break(self, due_ms: int) -> None:
        middle = (self._shift.on + self._shift.off) // 2
        from_ms, until_ms = self._world.ms(middle), self._world.ms(middle + BREAK_MINUTES)
        event = RiderPause(id=self.next_id(), at=due_ms, rider=self.client.name, starts_at=from_ms, until=until_ms)
        self.client.send(event, due_ms)

    def _begun(self, receipt: Receipt) -> None:
        if receipt.status == "refused":
            self._world.records.problem(f"{self.client.name} was not let on shift: {receipt.reason} {receipt.detail}")

    def go_home(self, due_ms: int) -> None:
        """Leave when that has its receipt."""
        self.client.send(RiderShift(id=self.next_id(), at=due_ms, on=False), due_ms)
        self._world.records.log(due_ms, f"{self.client.name} goes home")
        self.client.leave()
        self.busy_with("off")

    def _report(self, due_ms: int) -> None:
        """Where one has been since the last report, and again in a while."""
        if not self.on:
            return
        step_ms = POSITION_S * 1000
        points: list[tuple[int, float, float]] = []
        for at_ms in range(self._reported_ms + step_ms, due_ms + 1, step_ms):
            place = self._world.geometry.place(*self.leg.at(at_ms))
            points.append((at_ms, place.lat, place.lon))
            self._canary(at_ms, place.lat, place.lon)
        if points:
            self.client.here(points)
        self._reported_ms = due_ms
        steps = math.ceil(POSITION_REAL_S_MIN * self._world.scheduler.clock.speed / POSITION_S)
        self._world.at(due_ms + max(steps, 1) * step_ms, self._report)

    def _canary(self, at_ms: int, lat: float, lon: float) -> None:
        """Remember some places that nothing but a position message knows: they must not be found on any disk."""
        (x0, y0), (x1, y1) = self.leg.begin, self.leg.end
        oblique = x0 != x1 and y0 != y1  # else one coordinate would be that of a shop or a door
        moving = oblique and self.leg.start_ms < at_ms < self.leg.end_ms
        if moving and self._draw.random() < CANARY_PROBABILITY and len(self._world.records.canaries) < CANARIES_MAX:
            self._world.records.canaries.append((lat, lon))

    def _on_answer(self, answer: Answer) -> None:
        if isinstance(answer, Assignment):
            self.touch(answer)
