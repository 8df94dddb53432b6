"""The core alone, with so many riders on its map and so many orders open. A process of its own, so that its memory is
its own too.

    python -m bench.scale.core RIDERS CARRIED WAITING ORDERS SEED       prints one JSON object

`carried` orders were accepted and are under way; `waiting` ones stand in a town without riders, so that every decision
considers them and cannot place them. Then ORDERS more come, one a round, and each is accepted and delivered before the
next: what is timed is the round in which an order is placed, so the decision, the row and the answers.
"""

import gc
import json
import sys
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any, Final

import msgspec
import numpy as np

from edge.core.model import Answer, Configure, Delivered, Effect, Event, Now, Observed, Rules
from edge.core.node import Node
from edge.errors import DoorstepError
from edge.messages.envelope import Place
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.down import Assignment
from edge.scenarios.dispatch.messages.up import (
    OrderCancel,
    OrderPlace,
    RiderPosition,
    RiderProgress,
    RiderReply,
    RiderShift,
)
from edge.scenarios.dispatch.options import DispatchOptions

from ..load.client.openloop import named_quantiles
from ..load.client.workload import CENTRE

WARM_UP: Final = 20
TRIES_MAX: Final = 20
"""Orders placed for each that is to be under way: an order beside a busy rider is planned for that one, not offered."""

WALL_MS: Final = 1_790_000_000_000
TOWN_DEG: Final = 0.1
"""Riders and shops are spread over a square of so many degrees, 11 by 9.5 km, however many they are."""

ELSEWHERE: Final = Place(CENTRE[0] + 2, CENTRE[1])
_ROOM: Final = msgspec.Raw(
    msgspec.msgpack.encode(DispatchOptions(orders_per_customer_max=10_000, orders_per_shop_max=10_000))
)
"""One shop has all orders."""

_assignment: Final = msgspec.msgpack.Decoder(Assignment).decode


class Core:
    """A node's core and its clock, which goes on by 10 ms a round."""

    def __init__(self, seed: int) -> None:
        self._node = Node([Dispatch])
        self._dice = Random(seed)
        self._seconds = 0.0
        self._events = 0
        self._handle([Configure(Rules(node="scale", scenarios={Dispatch.name: _ROOM}))])

    def riders(self, count: int) -> None:
        """They come on, each at a place of its own, in batches."""
        names = [f"rider-{number}" for number in range(count)]
        for start in range(0, count, 500):
            batch: list[Any] = []
            for name in names[start : start + 500]:
                shift = RiderShift(id=self._id(), at=self._wall(), on=True, capacity=8)
                place = self._place()
                position = RiderPosition(points=[(self._wall(), place.lat, place.lon)])
                batch += [Event(name, shift), Observed(name, position)]
            self._deliver(self._handle(batch))

    def carried(self, count: int) -> None:
        """Orders that a rider has accepted."""
        carried = 0
        for number in range(TRIES_MAX * count):
            if carried == count:
                return
            order = f"carried-{number}"
            accepted = self._accept(self._handle([self.order(order)]))
            carried += accepted is not None
            if accepted is None:
                self._cancel(order)
        if carried < count:
            raise DoorstepError(f"Of {count} orders only {carried} found a rider: take more riders or fewer orders.")

    def waiting(self, count: int) -> None:
        """Orders that nobody can take."""
        for number in range(count):
            self._deliver(self._handle([self.order(f"waiting-{number}", ELSEWHERE)]))

    def timed(self, number: int) -> float:
        """Seconds of the round that places one more order; then it is accepted and delivered."""
        order = self.order(f"timed-{number}")
        self._seconds += 0.01
        begin = perf_counter()
        effects = self._node.handle([order], Now(self._seconds, self._wall()))
        took_s = perf_counter() - begin
        accepted = self._accept(effects)
        if accepted is None:  # planned for a rider who is busy: decided too, and out of the way for the next
            self._deliver(effects)
            self._cancel(f"timed-{number}")
        else:
            done = RiderProgress(id=self._id(), at=self._wall(), order=accepted[1], step="delivered")
            self._deliver(self._handle([Event(accepted[0], done)]))
        return took_s

    def order(self, name: str, at: Place | None = None) -> Event:
        """One that is ready in a minute, so that it is offered at once."""
        pickup, dropoff = at or self._place(), at or self._place()
        body = OrderPlace(
            id=self._id(), at=self._wall(), order=name, shop="shop", pickup=pickup, dropoff=dropoff, prep_s=60
        )
        return Event("till", body)

    @property
    def orders_open(self) -> int:
        """How many have not ended."""
        return self._node.scenarios[Dispatch.name].queues()["orders"][0]

    def _accept(self, effects: list[Effect]) -> tuple[str, str] | None:
        """The rider who was offered an order accepts it. Its name, and the order's; None where none was offered."""
        for effect in effects:
            if isinstance(effect, Answer) and effect.kind == "assignment":
                offer = _assignment(effect.payload)
                if offer.state != "offered":
                    continue
                reply = RiderReply(id=self._id(), at=self._wall(), order=offer.order, offer=offer.offer, accept=True)
                self._deliver(effects)
                self._deliver(self._handle([Event(effect.client, reply)]))
                return effect.client, offer.order
        return None

    def _cancel(self, order: str) -> None:
        event = Event("till", OrderCancel(id=self._id(), at=self._wall(), order=order))
        self._deliver(self._handle([event]))

    def _deliver(self, effects: list[Effect]) -> None:
        """Clients acknowledge at once, so that answers do not pile up."""
        sequences = [effect.sequence for effect in effects if isinstance(effect, Answer)]
        if sequences:
            self._handle([Delivered(sequences)])

    def _handle(self, batch: list[Any]) -> list[Effect]:
        self._seconds += 0.01
        return self._node.handle(batch, Now(self._seconds, self._wall()))

    def _place(self) -> Place:
        return Place(CENTRE[0] + self._dice.random() * TOWN_DEG, CENTRE[1] + self._dice.random() * TOWN_DEG)

    def _id(self) -> str:
        self._events += 1
        return f"e{self._events}"

    def _wall(self) -> int:
        return WALL_MS + int(self._seconds * 1000)


def resident_mb(pid: int | str = "self") -> float:
    """Of a process, now. Source: VmRSS of /proc/<pid>/status, proc(5)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def run(riders: int, carried: int, waiting: int, orders: int, seed: int) -> dict[str, Any]:
    """One point. Milliseconds and MB; `memory_mb` is what riders and orders added."""
    before = resident_mb()
    core = Core(seed)
    core.riders(riders)
    core.carried(carried)
    core.waiting(waiting)
    memory = resident_mb() - before
    for number in range(WARM_UP):
        core.timed(-number - 1)
    gc.collect()
    gc.freeze()
    times = np.array([core.timed(number) for number in range(orders)]) * 1000
    return {
        "riders": riders,
        "carried": carried,
        "waiting": waiting,
        "decide_ms": named_quantiles(times),
        "memory_mb": round(memory, 2),
    }


if __name__ == "__main__":
    print(json.dumps(run(*map(int, sys.argv[1:]))))
