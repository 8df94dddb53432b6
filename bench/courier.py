"""A rider at work: answers offers, rides, waits, hands over. Who is simulated around it, and how time passes, is the
subclass's part: real time and MQTT in the demonstration, events of a queue in the what-if.

A rider believes receipts: an order is theirs when the acceptance has been receipted, the bag when the pickup has.
Whoever gets a withdrawal lets the order go, so two riders never carry one order even where the network misled both.

At a shop a rider waits for everything that it has accepted there, takes it all at once, and brings it to the doors in
the sequence that the node last named. What nobody takes at a door it brings back to its shop after the other doors,
unless it is sent out again on the way. Without anything to do it stays where it is.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal, Protocol

from edge.scenarios.dispatch.lifecycle import Cause
from edge.scenarios.dispatch.messages.catalog import Durable
from edge.scenarios.dispatch.messages.down import Assignment
from edge.scenarios.dispatch.messages.up import RiderProgress, RiderReply

from .job import Job, Leg, Place, Service, Step

Action = Callable[[int], object]
"""Called with the milliseconds at which it was due."""

Milestone = Literal["accepted", "lost", "picked_up", "delivered", "returned"]
Activity = Literal["free", "to_shop", "at_shop", "to_door", "off"]


class Clock(Protocol):
    """Wall milliseconds, real or not."""

    def now_ms(self) -> int:
        """What time it is."""
        ...

    def at(self, wall_ms: int, action: Action) -> None:
        """Do `action` at that time, or at once where it has passed."""
        ...


class Courier(ABC):
    """One rider. `on` from the begin of a shift until everything of it is done; `leaving` from its end."""

    def __init__(self, clock: Clock, service: Service, here: Place) -> None:
        self.clock = clock
        self.on = False
        self.leaving = False
        self.jobs: list[Job] = []
        self.leg = Leg(here, here)
        self._service = service
        self._seen: set[int] = set()
        self._withdrawn: set[int] = set()
        self._replying: dict[int, str] = {}
        """The shop of each offer that the rider is looking at."""
        self._expected: dict[str, int] = {}
        """When each order is expected at its door, by the latest assignment that names it, wall ms."""
        self._turn = 0
        self._shop_from_ms = 0
        """The earliest handing over at the shop where the rider is."""
        self._leave_ms = 0
        """When the service at the shop is over."""

    # -- what is around a rider ----------------------------------------------------------------------------------------

    @abstractmethod
    def next_id(self) -> str:
        """An id for an event."""

    @abstractmethod
    def send(self, event: Durable, due_ms: int, then: Callable[[str], None]) -> None:
        """Send an event that was due at `due_ms`. `then` gets the reason of its refusal, empty where it is accepted."""

    @abstractmethod
    def ride_ms(self, here: Place, there: Place) -> int:
        """How long a ride takes."""

    @abstractmethod
    def await_meal(self, job: Job, see: Action) -> None:
        """Stand at the counter: `see` is called with the time at which the meal is ready, once that is known."""

    @abstractmethod
    def look_at(self, offer: Assignment) -> tuple[Job, bool, int] | None:
        """The job that is offered, whether the rider accepts it, and after how many milliseconds; None is silence."""

    @abstractmethod
    def given(self, assignment: Assignment) -> Job | None:
        """The job that a dispatcher gave to this rider, or the node moved to it, without an offer; None where it is
        none of its."""

    @abstractmethod
    def go_home(self, due_ms: int) -> None:
        """The shift is over and nothing is left to do: `on` has just become False."""

    def trouble(self, job: Job) -> Cause | None:  # noqa: ARG002 a what-if has none
        """Why nobody takes the job at its door; None where somebody does."""
        return None

    def happened(self, what: Milestone, job: Job, due_ms: int) -> None:  # noqa: B027 a what-if keeps no record
        """Something became of a job."""

    def busy_with(self, activity: Activity) -> None:  # noqa: B027 a what-if keeps no record
        """The rider does something else now."""

    def refused(self, job: Job, step: str, reason: str) -> None:  # noqa: B027 a what-if keeps no record
        """The node refused a step of a job whose bag the rider carries."""

    # -- the shift -----------------------------------------------------------------------------------------------------

    def begin_shift(self, here: Place) -> None:
        """Begin at `here`; in the middle of a job of the shift before, go on with it."""
        if not self.jobs:
            self.leg = Leg(here, here)
        self.on, self.leaving = True, False

    def end_shift(self, _: int) -> None:
        """The shift is over: go when nothing is left to do."""
        self.leaving = True
        self._next()

    # -- offers --------------------------------------------------------------------------------------------------------

    def touch(self, message: Assignment) -> None:
        """Handle an offer or a withdrawal; what comes again, and a confirmation, change nothing."""
        if message.state == "withdrawn":
            self._withdrawn.add(message.offer)
            for job in [job for job in self.jobs if job.offer == message.offer]:
                self._drop(job)
        elif message.state == "offered" and message.offer not in self._seen:
            self._seen.add(message.offer)
            self._expected |= {stop.order: stop.expected_at for stop in message.stops if stop.at == "dropoff"}
            looked = self.look_at(message)
            if looked is not None:
                job, accept, after_ms = looked
                self._replying[job.offer] = job.shop
                self.clock.at(self.clock.now_ms() + after_ms, lambda due_ms: self._reply(job, accept, due_ms))
        elif message.state == "accepted" and message.offer not in self._seen:
            self._seen.add(message.offer)
            self._take(message)
        elif message.state == "accepted" and message.stops and message.stops[-1].at == "dropoff":
            for job in [job for job in self.jobs if job.order == message.order]:
                self._go_again(job)

    def _take(self, message: Assignment) -> None:
        """Nobody asked: the job is ours."""
        job = self.given(message) if self.on else None
        if job is None:
            return
        self._expected |= {stop.order: stop.expected_at for stop in message.stops if stop.at == "dropoff"}
        self._settle(job, True)

    def _reply(self, job: Job, accept: bool, due_ms: int) -> None:
        if job.offer in self._withdrawn:
            self._answered(job, False)
            return
        accept = accept and not self.leaving
        event = RiderReply(
            id=self.next_id(),
            at=due_ms,
            order=job.order,
            offer=job.offer,
            accept=accept,
            reason="" if accept else "not now",
        )
        self.send(event, due_ms, lambda refusal: self._answered(job, accept and not refusal))

    def _answered(self, job: Job, accepted: bool) -> None:
        """The reply has its receipt."""
        del self._replying[job.offer]
        self._settle(job, accepted and job.offer not in self._withdrawn)

    def _settle(self, job: Job, mine: bool) -> None:
        """A job is ours from now on, and its meal is waited for too, or it is not."""
        now_ms = self.clock.now_ms()
        waiting = self._jobs_at("at_shop")
        if mine:
            self.jobs.append(job)
            self.happened("accepted", job, now_ms)
        if waiting and waiting[0].shop == job.shop:
            self._shop_from_ms = max(self._shop_from_ms, now_ms)
            if mine:
                self._stand(job, now_ms)
            self._look()
        self._next()

    def _drop(self, job: Job) -> None:
        """A job is no longer ours, unless its bag is in our hands."""
        if job not in self.jobs or job.carried:
            return
        self.jobs.remove(job)
        self.happened("lost", job, self.clock.now_ms())
        if job.under_way and not any(other.under_way for other in self.jobs):
            self._stop()
        self._look()
        self._next()

    # -- the work ------------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Where nothing is under way: bring what is in the bag, else fetch, else go home if the shift is over."""
        if not self.on or any(job.under_way for job in self.jobs):
            return
        now_ms = self.clock.now_ms()
        if self._jobs_at("in_bag"):
            self._then(max(self._leave_ms, now_ms), self._leave)
        elif self._jobs_at("to_return"):
            self._then(max(self._leave_ms, now_ms), self._go_back)
        elif self.jobs:
            self._set_out(self.jobs[0], now_ms)
        elif self.leaving and not self._replying:
            self.on = False
            self.go_home(now_ms)
        else:
            self.busy_with("free")

    def _set_out(self, job: Job, now_ms: int) -> None:
        job.step = "to_shop"
        self.busy_with("to_shop")
        self._ride(job.pickup, now_ms, lambda due_ms: self._at_shop(job.shop, due_ms))

    def _at_shop(self, shop: str, due_ms: int) -> None:
        """Ask for everything that is ours here."""
        self.busy_with("at_shop")
        self._shop_from_ms = due_ms + self._service.before_pickup
        for job in [job for job in self.jobs if job.shop == shop and not job.carried]:
            self._stand(job, due_ms)
        self._look()

    def _stand(self, job: Job, due_ms: int) -> None:
        """Wait for a meal."""
        job.step = "at_shop"
        self._progress(job, "at_shop", due_ms, None)

        def see(ready_ms: int) -> None:
            job.ready_ms = ready_ms
            self._look()

        self.await_meal(job, see)

    def _look(self) -> None:
        """Take everything when it is all there, and no offer of this shop is being looked at."""
        waiting = self._complete()
        if waiting:
            self._then(max(self._shop_from_ms, *(job.ready_ms for job in waiting)), self._pick_up)

    def _complete(self) -> list[Job]:
        """The jobs of the shop where the rider is; none where it still has to wait for a meal's time or an answer."""
        waiting = self._jobs_at("at_shop")
        whole = all(job.ready_ms for job in waiting) and not any(job.shop in self._replying.values() for job in waiting)
        return waiting if whole else []

    def _pick_up(self, due_ms: int) -> None:
        """Each bag changes hands when the node has confirmed that it is ours."""
        waiting = sorted(self._complete(), key=self._sequence)
        self._leave_ms = due_ms + self._service.after_pickup
        for job in waiting:
            job.step = "handing"
        for job in waiting:
            self._progress(job, "picked_up", due_ms, lambda job=job: self._handed(job, due_ms))

    def _handed(self, job: Job, due_ms: int) -> None:
        if job not in self.jobs:
            self._regain(job)
        job.step = "in_bag"
        self.happened("picked_up", job, due_ms)
        self._next()

    def _regain(self, job: Job) -> None:
        """Take back a job that was withdrawn while its pickup was on the way to the node; it becomes the first."""
        if not self._jobs_at("at_door"):
            self._stop()
        for other in self.jobs:
            if other.step in ("to_shop", "at_shop"):
                other.step, other.ready_ms = "accepted", 0
            elif other.step == "to_door":
                other.step = "in_bag"
            elif other.step == "going_back":
                other.step = "to_return"
        self.jobs.insert(0, job)

    def _stop(self) -> None:
        """Stay where one is, whatever one was about to do."""
        self._turn += 1
        here = self.leg.at(self.clock.now_ms())
        self.leg = Leg(here, here)

    def _leave(self, due_ms: int) -> None:
        """To the next door."""
        job = min(self._jobs_at("in_bag"), key=self._sequence)
        job.step = "to_door"
        self.busy_with("to_door")
        self._ride(job.dropoff, due_ms, lambda at_ms: self._at_door(job, at_ms))

    def _at_door(self, job: Job, due_ms: int) -> None:
        job.step = "at_door"
        cause = self.trouble(job)
        if cause is None:
            self.clock.at(due_ms + self._service.before_dropoff, lambda at_ms: self._deliver(job, at_ms))
        else:
            self._progress(job, "at_customer", due_ms, None)
            self.clock.at(due_ms + self._service.before_dropoff, lambda at_ms: self._fail(job, cause, at_ms))

    def _deliver(self, job: Job, due_ms: int) -> None:
        self.happened("delivered", job, due_ms)
        self._progress(job, "delivered", due_ms, None)
        self.clock.at(due_ms + self._service.after_dropoff, lambda _: self._done(job))

    def _done(self, job: Job) -> None:
        self.jobs.remove(job)
        self._next()

    # -- the way back --------------------------------------------------------------------------------------------------

    def _fail(self, job: Job, cause: Cause, due_ms: int) -> None:
        """Nobody takes it."""
        job.step = "to_return"
        self._leave_ms = due_ms + self._service.after_dropoff
        self._progress(job, "failed", due_ms, None, cause)
        self._next()

    def _go_back(self, due_ms: int) -> None:
        job = self._jobs_at("to_return")[0]
        job.step = "going_back"
        self.busy_with("to_shop")
        self._ride(job.pickup, due_ms, lambda at_ms: self._back(job, at_ms))

    def _back(self, job: Job, due_ms: int) -> None:
        """At the shop. Where it was sent out again meanwhile, it is not taken back."""

        def receipted(refusal: str) -> None:
            if refusal:
                self._go_again(job)
            else:
                self.jobs.remove(job)
                self.happened("returned", job, due_ms)
                self._next()

        self.send(RiderProgress(id=self.next_id(), at=due_ms, order=job.order, step="returned"), due_ms, receipted)

    def _go_again(self, job: Job) -> None:
        """What is on its way back goes to its door once more."""
        if job.step == "going_back":
            self._stop()
        elif job.step != "to_return":
            return
        job.step = "in_bag"
        self._next()

    def _progress(
        self,
        job: Job,
        step: Literal["at_shop", "picked_up", "at_customer", "delivered", "failed"],
        due_ms: int,
        then: Callable[[], None] | None,
        cause: Cause | None = None,
    ) -> None:
        event = RiderProgress(id=self.next_id(), at=due_ms, order=job.order, step=step, cause=cause)

        def receipted(refusal: str) -> None:
            if refusal and job.carried:
                self.refused(job, step, refusal)
            elif refusal:
                self._drop(job)
            elif then is not None:
                then()

        self.send(event, due_ms, receipted)

    def _ride(self, there: Place, start_ms: int, arrive: Action) -> None:
        here = self.leg.at(start_ms)
        self.leg = Leg(here, there, start_ms, start_ms + self.ride_ms(here, there))
        self._then(self.leg.end_ms, arrive)

    def _then(self, ms: int, action: Action) -> None:
        """Do `action` at that time, unless the rider does something else before."""
        self._turn += 1
        turn = self._turn
        self.clock.at(ms, lambda due_ms: action(due_ms) if turn == self._turn else None)

    def _jobs_at(self, step: Step) -> list[Job]:
        return [job for job in self.jobs if job.step == step]

    def _sequence(self, job: Job) -> int:
        """By when the door expects it; `min` and `sorted` keep the sequence of acceptance among equals."""
        return self._expected.get(job.order, 0)
