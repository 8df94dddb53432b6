"""A simulated rider, who rides, waits, hands over, and answers offers as on the recorded day.

It answers its k-th offer as it did on the recorded day, with the same delay, and begins again after the last reply; a
rider without an offer on that day uses the replies of all others in turn. At a shop it picks up everything that it has
accepted there at once, and delivers in the sequence that the node sent last; afterwards it stays at its last door.
While it is silent it neither reports its place nor answers, but finishes what it has accepted.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from edge.core.scenario import Refusal
from edge.scenarios.dispatch.messages import Assignment, Durable, RiderProgress, RiderReply, RiderShift

from .day import Day, Order, Place, Reply, Shift

Then = Callable[[Refusal | None], None]


class Environment(Protocol):
    """The part of the simulation that a rider uses."""

    day: Day
    now_ms: int
    orders: dict[str, Order]

    def at(self, ms: int, happens: Callable[[], None]) -> None:
        """Call `happens` at that time."""
        ...

    def send(self, client: str, body: Durable, then: Then | None = None) -> None:
        """Send an event to the node now; `then` gets its refusal, or None."""
        ...

    def next_id(self) -> str:
        """An id for an event."""
        ...

    def ride_ms(self, here: Place, there: Place) -> int:
        """How long a ride takes."""
        ...


class Job(Struct):
    """An accepted order."""

    order: Order
    offer: int
    carried: bool = False


class Courier:
    """One rider, for all of its shifts."""

    def __init__(self, env: Environment, name: str, shifts: Sequence[Shift], replies: Sequence[Reply]) -> None:
        self.name = name
        self.on = False
        self._env = env
        self._replies = replies
        self._silences = env.day.silences.get(name, ())
        self._answered = 0
        self._leaving = False
        self._shift = -1
        self._jobs: list[Job] = []
        self._withdrawn: dict[int, None] = {}
        self._replying: dict[int, Place] = {}
        """The shop of each offer that it has not answered yet."""
        self._expected: dict[str, int] = {}
        self._busy: Literal["", "to_shop", "at_shop", "handing", "to_door"] = ""
        self._turn = 0
        """The number of the current activity; callbacks of an earlier one do nothing."""
        self._from, self._to = shifts[0].start, shifts[0].start
        self._left_ms = self._arrives_ms = 0
        self._shop_from_ms = 0
        for number, shift in enumerate(shifts):
            env.at(shift.on_ms, lambda number=number, shift=shift: self._begin(number, shift))
            end_ms = shift.off_ms if shift.until_ms is None else min(shift.until_ms, shift.off_ms or shift.until_ms)
            if end_ms is not None:
                env.at(max(end_ms, shift.on_ms + 1), lambda number=number: self._home(number))

    def place(self) -> Place | None:
        """Where it is now; None while it reports no place."""
        now_ms = self._env.now_ms
        if not (self.on or self._jobs) or self._silent():
            return None
        if now_ms >= self._arrives_ms:
            return self._to
        share = (now_ms - self._left_ms) / (self._arrives_ms - self._left_ms)
        (lat, lon), (to_lat, to_lon) = self._from, self._to
        return lat + (to_lat - lat) * share, lon + (to_lon - lon) * share

    def touch(self, message: Assignment) -> None:
        """Handle an offer or a withdrawal."""
        if message.state == "withdrawn":
            self._withdrawn[message.offer] = None
            self._drop([job for job in self._jobs if job.offer == message.offer and not job.carried])
            return
        self._expected |= {stop.order: stop.expected_at for stop in message.stops if stop.at == "dropoff"}
        reply = self._replies[self._answered % len(self._replies)] if self._replies else Reply("accept", 0)
        self._answered += 1
        if reply.answer == "lapse" or self._silent():
            return
        self._replying[message.offer] = self._env.orders[message.order].pickup
        self._env.at(self._env.now_ms + reply.after_ms, lambda: self._reply(message, reply.answer == "accept"))

    # -- shifts --------------------------------------------------------------------------------------------------------

    def _begin(self, number: int, shift: Shift) -> None:
        env = self._env
        if not self._jobs:
            self._from = self._to = shift.start
        self._shift, self.on, self._leaving = number, True, False
        body = RiderShift(id=env.next_id(), at=env.now_ms, on=True, capacity=shift.capacity, until=shift.until_ms)
        env.send(self.name, body)

    def _home(self, number: int) -> None:
        if number == self._shift:
            self._leaving = True
            self._next()

    # -- offers --------------------------------------------------------------------------------------------------------

    def _reply(self, message: Assignment, accept: bool) -> None:
        if message.offer in self._withdrawn:
            self._answer(message, None)
            return
        accept = accept and not self._leaving
        job = Job(self._env.orders[message.order], message.offer) if accept else None
        body = RiderReply(
            id=self._env.next_id(),
            at=self._env.now_ms,
            order=message.order,
            offer=message.offer,
            accept=accept,
        )
        self._env.send(self.name, body, lambda refusal: self._answer(message, None if refusal else job))

    def _answer(self, message: Assignment, job: Job | None) -> None:
        del self._replying[message.offer]
        if job is not None:
            self._jobs.append(job)
            if self._busy == "at_shop" and job.order.pickup == self._to:
                self._stand(job)
        if self._busy == "at_shop":
            self._look()
        self._next()

    def _drop(self, jobs: Sequence[Job]) -> None:
        """Remove jobs that the rider has lost."""
        if not jobs:
            return
        self._jobs = [job for job in self._jobs if job not in jobs]
        here = [job for job in self._jobs if job.order.pickup == self._to]
        if self._busy in ("to_shop", "at_shop") and not here:
            self._from = self._to = self.place() or self._to
            self._arrives_ms = self._env.now_ms
            self._turn += 1
            self._busy = ""
        elif self._busy == "at_shop":
            self._look()
        self._next()

    # -- the work ------------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Begin the next activity, if none is under way."""
        if self._busy:
            return
        bag = [job for job in self._jobs if job.carried]
        if bag:
            job = min(bag, key=lambda job: self._expected.get(job.order.name, 0))
            self._ride(job.order.dropoff, "to_door", lambda: self._at_door(job))
        elif self._jobs:
            self._ride(self._jobs[0].order.pickup, "to_shop", self._at_shop)
        elif self._leaving and self.on:
            self.on = False
            self._env.send(self.name, RiderShift(id=self._env.next_id(), at=self._env.now_ms, on=False, capacity=1))

    def _ride(self, there: Place, busy: Literal["to_shop", "to_door"], arrive: Callable[[], None]) -> None:
        self._busy = busy
        # A ride begins only after the last arrival, so the rider stands at `_to`.
        self._from, self._to = self._to, there
        self._left_ms = self._env.now_ms
        self._arrives_ms = self._left_ms + self._env.ride_ms(self._from, there)
        self._then(self._arrives_ms, arrive)

    def _then(self, ms: int, happens: Callable[[], None]) -> None:
        """Call `happens` at that time, unless another activity begins before."""
        self._turn += 1
        turn = self._turn
        self._env.at(ms, lambda: happens() if turn == self._turn else None)

    def _paced(self, ms: int) -> int:
        return math.ceil(ms * self._env.day.pace)

    def _at_shop(self) -> None:
        self._busy = "at_shop"
        before_ms = self._env.day.rules.pickup_service_s // 2 * 1000
        self._shop_from_ms = self._env.now_ms + self._paced(before_ms)
        for job in self._jobs:
            if job.order.pickup == self._to:
                self._stand(job)
        self._look()

    def _stand(self, job: Job) -> None:
        self._progress(job, "at_shop")

    def _look(self) -> None:
        """Pick up when everything is ready and no offer of this shop is unanswered."""
        waiting = [job for job in self._jobs if job.order.pickup == self._to]
        if waiting and self._to not in self._replying.values():
            ready_ms = max(job.order.ready_ms for job in waiting)
            self._then(max(self._env.now_ms, self._shop_from_ms, ready_ms), self._pick_up)
        elif waiting or self._replying:
            self._turn += 1
        else:
            self._free()

    def _pick_up(self) -> None:
        self._busy = "handing"
        for job in self._jobs:
            if job.order.pickup == self._to:
                job.carried = True
                self._progress(job, "picked_up")
        service_s = self._env.day.rules.pickup_service_s
        self._then(self._env.now_ms + self._paced((service_s - service_s // 2) * 1000), self._free)

    def _at_door(self, job: Job) -> None:
        before_ms = self._env.day.rules.dropoff_service_s // 2 * 1000
        self._then(self._env.now_ms + self._paced(before_ms), lambda: self._deliver(job))

    def _deliver(self, job: Job) -> None:
        self._progress(job, "delivered")
        service_s = self._env.day.rules.dropoff_service_s

        def done() -> None:
            if job in self._jobs:
                self._jobs.remove(job)
            self._free()

        self._then(self._env.now_ms + self._paced((service_s - service_s // 2) * 1000), done)

    def _free(self) -> None:
        self._busy = ""
        self._next()

    def _progress(self, job: Job, step: Literal["at_shop", "picked_up", "delivered"]) -> None:
        def then(refusal: Refusal | None) -> None:
            if refusal is not None:
                job.carried = False
                self._drop([job])

        body = RiderProgress(id=self._env.next_id(), at=self._env.now_ms, order=job.order.name, step=step)
        self._env.send(self.name, body, then)

    def _silent(self) -> bool:
        now_ms = self._env.now_ms
        return any(begin <= now_ms < end for begin, end in self._silences)
