"""Riders: they come on shift, report positions, answer offers, drive, wait, hand over, and go home.

A rider believes receipts: a job is theirs when the acceptance has been receipted, the bag when the pickup has. Whoever
gets a withdrawal lets the order go, so two riders never carry one order even where the network misled both.

At a shop a rider waits for everything that it has accepted there, takes it all at once, and brings it to the doors in
the sequence that the node last named.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Final, Literal

from msgspec import Struct

from edge.messages.envelope import Receipt
from edge.scenarios.dispatch.messages import Assignment, RiderProgress, RiderReply, RiderShift

from ..district.geometry import Leg, drive
from ..district.instance import Courier, Order
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

CANARY_PROBABILITY: Final = 0.01
"""Share of reported places, on the way between two stops, that are looked for in every file at the end."""

Step = Literal["accepted", "to_shop", "at_shop", "handing", "in_bag", "to_door", "at_door"]


class Job(Struct):
    """An order that a rider has accepted. `ready_ms` is 0 until the rider has seen the meal."""

    order: Order
    offer: int
    step: Step = "accepted"
    ready_ms: int = 0

    @property
    def carried(self) -> bool:
        """The bag is with the rider: nobody can take the job away now."""
        return self.step in ("in_bag", "to_door", "at_door")

    @property
    def under_way(self) -> bool:
        """The rider is busy with it right now."""
        return self.step not in ("accepted", "in_bag")


class Rider:
    """One courier of the instance for one shift. A third of them speak JSON."""

    def __init__(self, world: World, courier: Courier, orders: dict[str, Order]) -> None:
        self._world = world
        self._courier = courier
        self._orders = orders
        self._draw = world.draw(f"rider {courier.name}")
        self._leg = Leg(courier.x, courier.y, courier.x, courier.y, 0, 0)
        self._jobs: list[Job] = []
        self._seen: set[int] = set()
        self._withdrawn: set[int] = set()
        self._expected: dict[str, int] = {}
        """When each order is expected at its door, by the latest assignment that names it, wall ms."""
        self._replying: list[str] = []
        """The shops of the offers that the rider is looking at."""
        self._on = False
        self._turn = 0
        self._shop_from_ms = 0
        """When the rider came to the shop where it is, or got the last update about what to fetch there."""
        self._leave_ms = 0
        """When the service at the shop is over."""
        self._reported_ms = 0
        self.capacity = self._draw.choices(*CAPACITIES)[0]
        self.client = world.fleet.client(
            f"rider-{courier.name}", json=self._draw.random() < 1 / 3, on_answer=self._on_answer
        )
        self._state("off")

    def plan(self) -> None:
        """Schedule the shift."""
        on_ms, off_ms = self._world.ms(self._courier.on), self._world.ms(self._courier.off)
        self._world.scheduler.at(self._world.ahead(on_ms), lambda _: self._world.closed or self.client.join())
        self._world.scheduler.at(on_ms, self._begin)
        self._world.scheduler.at(off_ms, self._home)

    # -- the shift -----------------------------------------------------------------------------------------------------

    def _begin(self, due_ms: int) -> None:
        if self._world.closed:
            return
        self.client.join()
        self._on = True
        self._leg = Leg(self._courier.x, self._courier.y, self._courier.x, self._courier.y, due_ms, due_ms)
        event = RiderShift(
            id=self.client.next_id(),
            at=due_ms,
            on=True,
            capacity=self.capacity,
            until=self._world.ms(self._courier.off),
            place=self._world.geometry.place(*self._leg.at(due_ms)),
        )
        self.client.send(event, due_ms, self._begun)
        self._world.records.log(due_ms, f"{self.client.name} is on shift, room for {self.capacity}")
        self._state("free")
        self._reported_ms = due_ms
        self._report(due_ms)

    def _begun(self, receipt: Receipt) -> None:
        if receipt.status == "refused":
            self._world.records.problem(f"{self.client.name} was not let on shift: {receipt.reason} {receipt.detail}")

    def _home(self, due_ms: int) -> None:
        """The shift is over: go when nothing is left to do."""
        if not self._on or self._jobs or self._replying or self._world.closed:
            return
        self._on = False
        self.client.send(RiderShift(id=self.client.next_id(), at=due_ms, on=False), due_ms)
        self._world.records.log(due_ms, f"{self.client.name} goes home")
        self.client.leave()
        self._state("off")

    def _report(self, due_ms: int) -> None:
        """Where one has been since the last report, and again in a while."""
        if not self._on or self._world.closed:
            return
        step_ms = POSITION_S * 1000
        points: list[tuple[int, float, float]] = []
        for at_ms in range(self._reported_ms + step_ms, due_ms + 1, step_ms):
            place = self._world.geometry.place(*self._leg.at(at_ms))
            points.append((at_ms, place.lat, place.lon))
            self._canary(at_ms, place.lat, place.lon)
        if points:
            self.client.here(points)
        self._reported_ms = due_ms
        steps = math.ceil(POSITION_REAL_S_MIN * self._world.scheduler.clock.speed / POSITION_S)
        self._world.scheduler.at(due_ms + max(steps, 1) * step_ms, self._report)

    def _canary(self, at_ms: int, lat: float, lon: float) -> None:
        """Remember some places that nothing but a position message knows: they must not be found on any disk."""
        leg = self._leg
        oblique = leg.x0 != leg.x1 and leg.y0 != leg.y1  # else one coordinate would be that of a shop or a door
        moving = oblique and leg.start_ms < at_ms < leg.end_ms
        if moving and self._draw.random() < CANARY_PROBABILITY and len(self._world.records.canaries) < CANARIES_MAX:
            self._world.records.canaries.append((lat, lon))

    # -- offers --------------------------------------------------------------------------------------------------------

    def _on_answer(self, answer: Answer) -> None:
        if not isinstance(answer, Assignment):
            return
        if answer.state == "withdrawn":
            self._withdraw(answer)
        elif answer.offer not in self._seen:
            self._seen.add(answer.offer)
            self._expected |= {stop.order: stop.expected_at for stop in answer.stops if stop.at == "dropoff"}
            self._offered(answer)

    def _offered(self, offer: Assignment) -> None:
        world = self._world
        order = self._orders.get(offer.order)
        if order is None:
            world.records.problem(f"{self.client.name} was offered {offer.order!r}, which nobody placed")
            return
        record = world.record(order)
        world.records.counts["offers"] += 1
        if not record.first_offer_at:
            record.first_offer_at = offer.at
            record.offer_ms_real = world.scheduler.late_real_s(record.placed_at) * 1000
        die = self._draw.random()
        if die < world.habits.silent or world.closed:
            world.records.counts["offers_ignored"] += 1
            return
        accept = self._on and die >= world.habits.silent + world.habits.decline
        world.records.counts["offers_declined"] += not accept
        self._replying.append(order.restaurant)
        delay_s = self._draw.uniform(*REPLY_S)
        world.scheduler.after(delay_s, lambda due_ms: self._reply(order, offer.offer, accept, due_ms))

    def _reply(self, order: Order, offer: int, accept: bool, due_ms: int) -> None:
        if offer in self._withdrawn or self._world.closed:
            self._answered(order, None)
            return
        reason = "" if accept else "not now"
        event = RiderReply(
            id=self.client.next_id(), at=due_ms, order=order.name, offer=offer, accept=accept, reason=reason
        )

        def receipted(receipt: Receipt) -> None:
            mine = accept and receipt.status == "accepted" and offer not in self._withdrawn
            self._answered(order, Job(order, offer) if mine else None)

        self.client.send(event, due_ms, receipted)

    def _answered(self, order: Order, job: Job | None) -> None:
        """The reply has its receipt: an accepted job is ours from now on, and its meal is waited for too."""
        self._replying.remove(order.restaurant)
        now_ms = self._world.scheduler.now_ms()
        waiting = self._jobs_at("at_shop")
        if job is not None:
            self._world.record(job.order).accepted_by.append(self.client.name)
            self._jobs.append(job)
        if waiting and waiting[0].order.restaurant == order.restaurant:
            self._shop_from_ms = max(self._shop_from_ms, now_ms)
            if job is not None:
                self._stand(job, now_ms)
            self._look()
        self._next()

    def _withdraw(self, offer: Assignment) -> None:
        self._withdrawn.add(offer.offer)
        for job in [job for job in self._jobs if job.offer == offer.offer]:
            self._drop(job)

    def _drop(self, job: Job) -> None:
        """A job is no longer ours, unless its bag is in our hands."""
        if job not in self._jobs or job.carried:
            return
        self._jobs.remove(job)
        self._world.records.counts["jobs_withdrawn"] += 1
        if job.under_way and not any(other.under_way for other in self._jobs):
            self._stop()
        self._look()
        self._next()

    # -- the work ------------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Where nothing is under way: bring what is in the bag, else fetch, else go home if the shift is over."""
        if self._world.closed or not self._on or any(job.under_way for job in self._jobs):
            return
        now_ms = self._world.scheduler.now_ms()
        if not self._jobs:
            self._state("free")
            if now_ms >= self._world.ms(self._courier.off):
                self._home(now_ms)
        elif self._jobs_at("in_bag"):
            self._turn += 1
            turn = self._turn
            leave_ms = max(self._leave_ms, now_ms)
            self._world.scheduler.at(leave_ms, lambda at_ms: self._still(turn) and self._leave(at_ms))
        else:
            self._set_out(self._jobs[0], now_ms)

    def _set_out(self, job: Job, now_ms: int) -> None:
        job.step = "to_shop"
        self._state("to_shop")
        shop = self._world.shops[job.order.restaurant]
        self._drive(shop.x, shop.y, now_ms, lambda due_ms: self._at_shop(shop.name, due_ms))

    def _at_shop(self, shop: str, due_ms: int) -> None:
        """Ask for everything that is ours here."""
        self._state("at_shop")
        half_ms = self._world.instance.parameters.pickup_service * MINUTE_MS // 2
        self._shop_from_ms = due_ms + half_ms
        for job in [job for job in self._jobs if job.order.restaurant == shop and not job.carried]:
            self._stand(job, due_ms)
        self._look()

    def _stand(self, job: Job, due_ms: int) -> None:
        """Wait for a meal."""
        job.step = "at_shop"
        self._progress(job, "at_shop", due_ms, None)

        def see(ready_ms: int) -> None:
            job.ready_ms = ready_ms
            self._look()

        self._world.await_meal(job.order.name, see)

    def _look(self) -> None:
        """Take everything when it is all there, and no offer of this shop is being looked at."""
        waiting = self._jobs_at("at_shop")
        if not waiting or not all(job.ready_ms for job in waiting) or waiting[0].order.restaurant in self._replying:
            return
        at_ms = max(self._shop_from_ms, *(job.ready_ms for job in waiting))
        self._turn += 1
        turn = self._turn
        self._world.scheduler.at(at_ms, lambda due_ms: self._still(turn) and self._pick_up(due_ms))

    def _pick_up(self, due_ms: int) -> None:
        """Each bag changes hands when the node has confirmed that it is ours."""
        waiting = self._jobs_at("at_shop")
        if waiting[0].order.restaurant in self._replying or not all(job.ready_ms for job in waiting):
            return
        self._leave_ms = due_ms + self._world.instance.parameters.pickup_service * MINUTE_MS // 2
        for job in sorted(waiting, key=self._sequence):
            job.step = "handing"
        for job in sorted(waiting, key=self._sequence):
            self._progress(job, "picked_up", due_ms, partial(self._handed, job))

    def _handed(self, job: Job, _: Receipt) -> None:
        if job not in self._jobs:
            self._regain(job)
        job.step = "in_bag"
        self._world.record(job.order).picked_up_by.append(self.client.name)
        self._next()

    def _regain(self, job: Job) -> None:
        """Take back a job that was withdrawn while its pickup was on the way to the node; it becomes the first."""
        if not self._jobs_at("at_door"):
            self._stop()
        for other in self._jobs:
            if other.step in ("to_shop", "at_shop"):
                other.step, other.ready_ms = "accepted", 0
            elif other.step == "to_door":
                other.step = "in_bag"
        self._jobs.insert(0, job)

    def _stop(self) -> None:
        """Stay where one is, whatever one was about to do."""
        self._turn += 1
        now_ms = self._world.scheduler.now_ms()
        x, y = self._leg.at(now_ms)
        self._leg = Leg(x, y, x, y, now_ms, now_ms)

    def _leave(self, due_ms: int) -> None:
        """To the next door."""
        job = min(self._jobs_at("in_bag"), key=self._sequence)
        job.step = "to_door"
        self._state("to_door")
        self._drive(job.order.x, job.order.y, due_ms, lambda at_ms: self._at_door(job, at_ms))

    def _at_door(self, job: Job, due_ms: int) -> None:
        job.step = "at_door"
        half_ms = self._world.instance.parameters.dropoff_service * MINUTE_MS // 2
        self._world.scheduler.at(due_ms + half_ms, lambda at_ms: self._deliver(job, at_ms))

    def _deliver(self, job: Job, due_ms: int) -> None:
        record = self._world.record(job.order)
        record.delivered_by.append(self.client.name)
        record.delivered_at = due_ms
        half_ms = self._world.instance.parameters.dropoff_service * MINUTE_MS // 2
        self._progress(job, "delivered", due_ms, None)
        self._world.scheduler.at(due_ms + half_ms, lambda _: self._done(job))

    def _done(self, job: Job) -> None:
        self._jobs.remove(job)
        self._next()

    def _progress(
        self,
        job: Job,
        step: Literal["at_shop", "picked_up", "delivered"],
        due_ms: int,
        then: Callable[[Receipt], None] | None,
    ) -> None:
        if self._world.closed:
            return
        event = RiderProgress(id=self.client.next_id(), at=due_ms, order=job.order.name, step=step)

        def receipted(receipt: Receipt) -> None:
            if receipt.status == "accepted":
                if then is not None:
                    then(receipt)
            elif job.carried:
                text = f"{self.client.name} carries {job.order.name}, but {step} was {receipt.reason}"
                self._world.records.problem(text)
            else:
                self._drop(job)

        self.client.send(event, due_ms, receipted)

    # -- small things --------------------------------------------------------------------------------------------------

    def _jobs_at(self, step: Step) -> list[Job]:
        return [job for job in self._jobs if job.step == step]

    def _sequence(self, job: Job) -> int:
        """By when the door expects it; `min` and `sorted` keep the sequence of acceptance among equals."""
        return self._expected.get(job.order.name, 0)

    def _drive(self, x: float, y: float, start_ms: int, arrive: Callable[[int], None]) -> None:
        """Drive to (x, y), metres; `arrive` is called there, unless the rider was sent elsewhere meanwhile."""
        self._turn += 1
        turn = self._turn
        x0, y0 = self._leg.at(start_ms)
        self._leg = drive(x0, y0, x, y, start_ms, self._world.instance.parameters.metres_per_minute)
        self._world.scheduler.at(self._leg.end_ms, lambda at_ms: self._still(turn) and arrive(at_ms))

    def _still(self, turn: int) -> bool:
        """Whether the rider does what it did at `turn`, and the day goes on."""
        return turn == self._turn and not self._world.closed

    def _state(self, state: str) -> None:
        self._world.records.riders[self.client.name] = state
