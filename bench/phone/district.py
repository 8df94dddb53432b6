"""One network and the people behind it, and what became of each tap.

All networks lead to the same node, at the same time, each in a town of its own, so that no rider of one is offered an
order of another. The time of an order divides into

    connection      on the phone, which had none
    way up          until the node decided, what was lost and sent again included
    rider           in the node, until somebody was free
    node            commit and publish, by the node's own account (its median)
    way down        until the rider's phone had it

The node stamps its answers in whole milliseconds of the wall clock that both sides have here.

Phones have the client that developers get. A connection that gives no acknowledgement for ACK_DEADLINE_S is given up
and made anew; what has no receipt is then sent again, with the same id, and the session brings what came meanwhile.
"""

import asyncio
import random
import time
from time import perf_counter
from typing import Any, Final

import numpy as np
from msgspec import Struct

from doorstep_client import Answer, Client, Event, Receipt
from edge.errors import DoorstepError

from ..lab.proxy import NetworkConditions, Proxy
from ..load.client.openloop import named_quantiles
from ..load.client.workload import CENTRE
from ..load.subjects import NODE, token_of

STAGES: Final = ("connection", "way up", "rider", "node", "way down")
SLOWEST_SHARE: Final = 0.01
OPEN_S_MAX: Final = 60.0
ACK_DEADLINE_S: Final = 6.0
"""Longer than a round trip of a second and two stalls of one; shorter than the eight seconds."""

KEEP_ALIVE_S: Final = 10
BACKOFF_S: Final = (0.2, 2.0)
BUDGET_MS: Final = 8_000.0
_STEP_DEG: Final = 0.0005


class Network(Struct, frozen=True, kw_only=True):
    """Round trip in ms, to which each way adds up to `jitter` of itself; stalls in percent of reads, of `stall_s` each;
    one dead spot of so many seconds, in the middle of the run."""

    rtt_ms: float
    stalls_pct: float = 0.0
    stall_s: float = 1.0
    jitter: float = 0.2
    dead_spot_s: float = 0.0

    @property
    def name(self) -> str:
        """For tables."""
        dead = f", dead spot {self.dead_spot_s:g} s" if self.dead_spot_s else ""
        return f"{self.rtt_ms:g} ms, {self.stalls_pct:g} % stalls{dead}"

    def conditions(self) -> NetworkConditions:
        """One way of it."""
        way_s = self.rtt_ms / 2000
        return NetworkConditions(way_s, way_s * self.jitter, self.stalls_pct / 100, self.stall_s)


class Tap(Struct):
    """One order: `time.perf_counter()` of its due time, of its handing over, and of its arrival; the node's two stamps,
    on the same clock, in between. 0 where it did not come so far."""

    due: float
    handed: float = 0.0
    decided: float = 0.0
    offered: float = 0.0
    arrived: float = 0.0


class District:
    """Customers and riders of one network."""

    def __init__(self, network: Network, number: int, customers: int, riders: int, seed: int) -> None:
        self.network = network
        self.taps: dict[str, Tap] = {}
        self.again = 0
        self.town = CENTRE[0] - number, CENTRE[1]  # a degree, 111 km, from the next
        self.names = [f"n{number}-till-{n}" for n in range(customers)]
        self.rider_names = [f"n{number}-rider-{n}" for n in range(riders)]
        self._number, self._seed = number, seed
        self._tills: list[Client] = []
        self._riders: list[Client] = []
        self._events: dict[str, Event] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.proxy: Proxy | None = None
        self._wall_to_perf = perf_counter() - time.time()
        self._progress = asyncio.Event()

    async def open(self, node_port: int) -> None:
        """Everybody connected, riders on shift, on a fair network; then the network conditions change."""
        self.proxy = Proxy(("127.0.0.1", node_port), seed=self._seed * 1000 + self._number)
        await self.proxy.start()
        self._tills = [self._phone(name) for name in self.names]
        self._riders = [self._phone(name) for name in self.rider_names]
        for phone in (*self._tills, *self._riders):
            phone.start()
            self._tasks.append(asyncio.ensure_future(self._read(phone)))
        for number, rider in enumerate(self._riders):
            rider.send("rider.shift", on=True, capacity=8, place=self._place(number))
        try:
            async with asyncio.timeout(OPEN_S_MAX):
                while any(rider.waiting for rider in self._riders) or not all(t.connected for t in self._tills):
                    await self._news()
        except TimeoutError:
            raise DoorstepError(f"Not everybody of {self.network.name} was connected in {OPEN_S_MAX:g} s.") from None
        self.proxy.up = self.proxy.down = self.network.conditions()

    def tap(self, number: int, due: float) -> None:
        """A customer places order `number`, which was due at this instant of `time.perf_counter()`."""
        till = self._tills[number % len(self._tills)]
        name = f"o{self._number}-{number}"
        self.taps[name] = Tap(due)
        places = {"pickup": self._place(number % 40, 1), "dropoff": self._place(number % 40, 21)}
        self._events[name] = till.send("order.place", id=name, order=name, shop=till.name, prep_s=60, **places)

    async def dead_spot(self) -> None:
        """Nothing moves for a while."""
        assert self.proxy is not None
        await self.proxy.dead_spot(self.network.dead_spot_s)

    async def settle(self, grace_s: float) -> None:
        """Until every order has arrived; at most so long."""
        try:
            async with asyncio.timeout(grace_s):
                while any(not tap.arrived for tap in self.taps.values()):
                    await self._news()
        except TimeoutError:
            return  # what is missing is reported as lost

    async def close(self) -> None:
        """Hang up, and take the network away."""
        await asyncio.gather(*(phone.stop() for phone in (*self._tills, *self._riders)))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.proxy is not None:
            await self.proxy.close()

    def report(self, node_ms: float) -> dict[str, Any]:
        """See the module. `node_ms` is the node's own account of commit and publish."""
        assert self.proxy is not None
        here = [tap for tap in self.taps.values() if tap.arrived]
        here.sort(key=lambda tap: tap.arrived - tap.due)
        times = np.array([tap.arrived - tap.due for tap in here]) * 1000
        slowest = here[-max(round(len(here) * SLOWEST_SHARE), 1) :]
        phones = (*self._tills, *self._riders)
        return {
            "name": self.network.name,
            "rtt_ms": self.network.rtt_ms,
            "stalls_pct": self.network.stalls_pct,
            "dead_spot_s": self.network.dead_spot_s,
            "orders": len(self.taps),
            "lost": len(self.taps) - len(here),
            "again": self.again,
            "phone_ms": named_quantiles(times),
            "within_8_s": round(float(np.mean(times <= BUDGET_MS)), 5) if here else 0.0,
            "waterfall_ms": {"mean": waterfall(here, node_ms), "slowest": waterfall(slowest, node_ms)},
            "reconnects": sum(max(phone.connects - 1, 0) for phone in phones),
            "resent": sum(phone.resent for phone in phones),
            "stalls": self.proxy.stats.stalls,
        }

    async def _news(self) -> None:
        self._progress.clear()
        try:
            await asyncio.wait_for(self._progress.wait(), 0.1)
        except TimeoutError:
            return  # connecting makes no sound

    def _phone(self, name: str) -> Client:
        assert self.proxy is not None
        return Client(
            f"mqtt://127.0.0.1:{self.proxy.port}",
            node=NODE,
            name=name,
            token=token_of(name),
            encoding="msgpack",
            keep_alive_s=KEEP_ALIVE_S,
            ack_deadline_s=ACK_DEADLINE_S,
            resend_s=(ACK_DEADLINE_S, 60.0),
            backoff_s=BACKOFF_S,
            random=random.Random(f"{self._seed} {name}").random,
            on_receipt=self._on_receipt,
        )

    def _place(self, north: int, east: int = 0) -> dict[str, float]:
        return {"lat": self.town[0] + north * _STEP_DEG, "lon": self.town[1] + east * _STEP_DEG}

    # -- what phones receive ------------------------------------------------------------------------------------------

    def _on_receipt(self, receipt: Receipt) -> None:
        self._progress.set()
        tap = self.taps.get(receipt.id)
        if tap is not None and receipt.accepted:
            tap.handed = self._events[receipt.id].sent_at
            tap.decided = self._perf(receipt.body["at"])

    async def _read(self, phone: Client) -> None:
        async for answer in phone.answers():
            if answer.kind == "assignment" and answer.body["state"] == "offered":
                self._on_offer(phone, answer)

    def _on_offer(self, rider: Client, offer: Answer) -> None:
        """A rider accepts it and delivers at once: what happens on the road is no part of this measurement."""
        self._progress.set()
        order, number = offer.body["order"], offer.body["offer"]
        name = f"{order}-{number}"
        rider.send("rider.reply", id=f"a-{name}", order=order, offer=number, accept=True)
        rider.send("rider.progress", id=f"d-{name}", order=order, step="delivered")
        tap = self.taps[order]
        if tap.arrived:
            self.again += 1
            return
        tap.arrived = offer.received_at
        tap.offered = self._perf(offer.body["at"])

    def _perf(self, wall_ms: int) -> float:
        return wall_ms / 1000 + self._wall_to_perf


def waterfall(taps: list[Tap], node_ms: float) -> dict[str, float]:
    """The mean of each stage in ms, of orders whose receipt has come too."""
    known = [tap for tap in taps if tap.decided and tap.handed]
    if not known:
        return dict.fromkeys(STAGES, 0.0)
    found: list[tuple[float, ...]] = []
    for tap in known:
        decided = min(max(tap.decided, tap.handed), tap.arrived)  # the stamp has whole milliseconds
        offered = min(max(tap.offered, decided), tap.arrived)
        node = min(node_ms / 1000, tap.arrived - offered)
        found.append(
            (tap.handed - tap.due, decided - tap.handed, offered - decided, node, tap.arrived - offered - node)
        )
    means = np.array(found).mean(axis=0) * 1000
    return {name: round(float(value), 3) for name, value in zip(STAGES, means, strict=True)}
