"""A rider of the simulated day: works as `bench.courier` does, and answers offers as on the recorded day.

It answers its k-th offer as it did on the recorded day, with the same delay, and begins again after the last reply; a
rider without an offer on that day uses the replies of all others in turn. While it is silent it neither reports its
place nor answers, but finishes what it has accepted.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from edge.scenarios.dispatch.messages.catalog import Durable
from edge.scenarios.dispatch.messages.down import Assignment
from edge.scenarios.dispatch.messages.up import RiderShift

from ..courier import Action, Courier
from ..job import Job, Place, Service
from .day import Reply, Shift

if TYPE_CHECKING:
    from .simulation import Simulation

Then = Callable[[str], None]
"""Gets the reason of a refusal, empty where the event is accepted."""


class Rider(Courier):
    """One rider, for all of its shifts; places are (latitude, longitude)."""

    def __init__(self, env: "Simulation", name: str, shifts: Sequence[Shift], replies: Sequence[Reply]) -> None:
        rules, pace = env.day.rules, env.day.pace
        pickup_s, dropoff_s = rules.pickup_service_s, rules.dropoff_service_s
        parts_s = (pickup_s // 2, pickup_s - pickup_s // 2, dropoff_s // 2, dropoff_s - dropoff_s // 2)
        super().__init__(env, Service(*(math.ceil(seconds * 1000 * pace) for seconds in parts_s)), shifts[0].start)
        self.name = name
        self._env = env
        self._replies = replies
        self._shifts = shifts
        self._silences = env.day.silences.get(name, ())
        self._answered_offers = 0
        self._shift = -1
        for number, shift in enumerate(shifts):
            env.at(shift.on_ms, lambda _, number=number, shift=shift: self._begin(number, shift))
            end_ms = shift.off_ms if shift.until_ms is None else min(shift.until_ms, shift.off_ms or shift.until_ms)
            if end_ms is not None:
                env.at(max(end_ms, shift.on_ms + 1), lambda due_ms, number=number: self._end(number, due_ms))

    def place(self) -> Place | None:
        """Where it is now; None while it reports no place."""
        return self.leg.at(self.clock.now_ms()) if (self.on or self.jobs) and not self._silent() else None

    def next_id(self) -> str:
        """An id for an event."""
        return self._env.next_id()

    def send(self, event: Durable, due_ms: int, then: Then | None = None) -> None:  # noqa: ARG002 it is due now
        """Send it now: messages take no time."""
        self._env.send(self.name, event, then)

    def ride_ms(self, here: Place, there: Place) -> int:
        """How long a ride takes."""
        vehicle = self._shifts[max(0, self._shift)].limits.get("vehicle")
        return round(self._env.ride_ms(here, there) * self._env.day.rules.pace_with(vehicle))

    def await_meal(self, job: Job, see: Action) -> None:
        """Kitchens are ready as on the day."""
        see(self._env.orders[job.order].ready_ms)

    def look_at(self, offer: Assignment) -> tuple[Job, bool, int] | None:
        """The next reply of the day."""
        reply = self._replies[self._answered_offers % len(self._replies)] if self._replies else Reply("accept", 0)
        self._answered_offers += 1
        if reply.answer == "lapse" or self._silent():
            return None
        return self.given(offer), reply.answer == "accept", reply.after_ms

    def given(self, assignment: Assignment) -> Job:
        """The node has moved an order to this rider, who was not asked and takes it."""
        order = self._env.orders[assignment.order]
        # A shop is where it is: recorded days may name one place differently.
        return Job(order.name, assignment.offer, f"{order.pickup}", order.pickup, order.dropoff)

    def go_home(self, due_ms: int) -> None:
        """It waits at its last door."""
        self.send(RiderShift(id=self.next_id(), at=due_ms, on=False), due_ms)

    def _begin(self, number: int, shift: Shift) -> None:
        self._shift = number
        self.begin_shift(shift.start)
        now_ms = self.clock.now_ms()
        self.send(
            RiderShift(
                id=self.next_id(),
                at=now_ms,
                on=True,
                capacity=shift.capacity,
                until=shift.until_ms,
                **shift.limits,
            ),
            now_ms,
        )

    def _end(self, number: int, due_ms: int) -> None:
        if number == self._shift:
            self.end_shift(due_ms)

    def _silent(self) -> bool:
        now_ms = self.clock.now_ms()
        return any(begin <= now_ms < end for begin, end in self._silences)
