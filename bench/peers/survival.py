"""What a cut of the uplink and a SIGKILL cost each peer, in orders; and how long no order is answered after a kill.

Both are no measurements of speed. The cut hits all peers at once, at a rate that each of them holds; kills come one
peer after the other. A process that was killed is started again after 0.1 s, as its service manager would do.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from edge.errors import DoorstepError
from edge.messages.envelope import topic_up
from edge.mqtt.packets.codec import PublishPacket

from ..cli_options import Progress
from ..lab.process import Keeper
from ..lab.proxy import Proxy
from ..load.client.connection import Connection
from ..load.client.openloop import Round, due_times
from ..load.client.workload import Received, Workload, ignore_message, now_ms, order_of, riders, tills
from ..load.subjects import NODE
from .peer import PROBES, Kind, Peer, Plan

CUT_RATE: Final = 50.0
BEFORE_S, AFTER_S = 5.0, 5.0
KILL_ORDERS: Final = 500
TILLS: Final = 10
RIDERS: Final = 20
QUIET_S: Final = 3.0
"""Without another order for so long: nothing more will come."""

ANSWER_S_MAX: Final = 60.0
PROBE_EVERY_S: Final = 0.05
"""An order and a shift, once connected."""

CONNECT_EVERY_S: Final = 0.005
"""Where nobody listens yet: what is measured is the peer, not how often its clients try."""

_CUT_ORDERS: Final = 100_000_000
_KILL_ORDERS: Final = 200_000_000
_PROBES: Final = 300_000_000


async def survive(plan: Plan, kinds: list[Kind], folder: Path, progress: Progress) -> dict[str, dict[str, Any]]:
    """By peer: `uplink_cut` and `kill`, where they were asked for. Raises Missing where one of them is."""
    found: dict[str, dict[str, Any]] = {kind.name: {} for kind in kinds}
    if not plan.cut_s and not plan.kill:
        return found
    async with AsyncExitStack() as stack:
        running: list[tuple[Kind, Peer, Crowd, Proxy]] = []
        for kind in kinds:
            progress(f"starting {kind.name} with a centre")
            uplink = await stack.enter_async_context(Proxy(("127.0.0.1", 0)))
            peer = await stack.enter_async_context(kind.start(folder / f"{kind.name}-centre", plan, uplink))
            crowd = await Crowd.at(peer, plan)
            stack.callback(crowd.close)
            running.append((kind, peer, crowd, uplink))
        if plan.cut_s:
            progress(f"the uplink of all is cut for {plan.cut_s:g} s")
            cuts = await asyncio.gather(*(cut(plan, peer, crowd, uplink) for _, peer, crowd, uplink in running))
            for (kind, *_), one in zip(running, cuts, strict=True):
                found[kind.name]["uplink_cut"] = one
        if plan.kill:
            for kind, peer, crowd, _ in running:
                progress(f"kill -9: {kind.name}")
                found[kind.name]["kill"] = await kill(peer, crowd)
    return found


class Crowd(Workload):
    """Clients that come again, and riders who may keep what they have accepted. `seen` counts each order's offers."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(NODE, json=True)
        self.keeps = False
        self.kept: list[tuple[Connection, Received]] = []
        self.seen: dict[str, int] = {}
        self._door, self._passwords = peer.subject.door, peer.passwords

    @classmethod
    async def at(cls, peer: Peer, plan: Plan) -> "Crowd":
        """All connected and on shift."""
        names = tills(min(TILLS, plan.clients)), riders(min(RIDERS, plan.riders))
        return await cls(peer)._open(peer.subject.door, *names, peer.passwords)

    def _reply(self, rider: Connection, received: Received) -> None:
        self.seen[received.order] = self.seen.get(received.order, 0) + 1
        self._accept(rider, received)
        if self.keeps:
            self.kept.append((rider, received))
        else:
            self._deliver(rider, received)

    async def come_again(self) -> None:
        """Whoever was cut off connects, all riders begin a shift and deliver what they have."""
        for group, on_message in ((self.tills, self._on_till), (self.riders, self._on_rider)):
            for number, one in enumerate(group):
                if one.lost:
                    group[number] = await self.open_one(self._door, one.name, on_message, self._passwords)
        now = {rider.name: rider for rider in self.riders}
        for rider in self.riders:
            self.begin_shift(rider)
        self.keeps = False
        kept, self.kept = self.kept, []
        for rider, received in kept:
            self._deliver(now[rider.name], received)
            now[rider.name].flush()

    async def until_quiet(self, count: Callable[[], int]) -> None:
        """Until nothing has changed for QUIET_S."""
        last, since = count(), perf_counter()
        while perf_counter() - since < QUIET_S:
            await asyncio.sleep(0.05)
            if count() != last:
                last, since = count(), perf_counter()

    async def first_answer(self) -> bool:
        """Until a rider who begins its shift now has an order, whichever. Whether that was within ANSWER_S_MAX."""
        answered = asyncio.Event()

        def on_rider(rider: Connection, packet: PublishPacket, read_at: float) -> None:
            if packet.topic.endswith("/assignment"):
                answered.set()
            self._on_rider(rider, packet, read_at)

        pair: list[Connection] = []
        numbers, until = itertools.count(_PROBES), perf_counter() + ANSWER_S_MAX
        while perf_counter() < until:
            wait_s = CONNECT_EVERY_S
            with contextlib.suppress(DoorstepError, OSError, TimeoutError):
                if not pair or any(one.lost for one in pair):
                    pair = [
                        await self.open_one(self._door, PROBES[0], ignore_message, self._passwords),
                        await self.open_one(self._door, PROBES[1], on_rider, self._passwords),
                    ]
                till, rider = pair
                wait_s = PROBE_EVERY_S
                self.begin_shift(rider)
                order = order_of(next(numbers), till.name, now_ms(), True)
                till.publish(topic_up(NODE, till.name, "order.place"), order)
                till.flush()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(answered.wait(), wait_s)
                self.riders += pair[1:]
                return True
        return False


async def cut(plan: Plan, peer: Peer, crowd: Crowd, uplink: Proxy) -> dict[str, Any]:
    """Orders go on while the uplink is away; `lost` are those that the centre never has."""
    assert peer.not_at_centre is not None
    seconds = BEFORE_S + plan.cut_s + AFTER_S
    load = asyncio.create_task(
        Round(crowd, _CUT_ORDERS, due_times(CUT_RATE, seconds, plan.seed), to_the_end=True).run()
    )
    await asyncio.sleep(BEFORE_S)
    await uplink.refuse()
    uplink.reset()
    await asyncio.sleep(plan.cut_s)
    await uplink.start()
    outcome = await load
    lost, since = await peer.not_at_centre(outcome.answered), perf_counter()
    while lost and perf_counter() - since < peer.drain_s:
        await asyncio.sleep(0.5)
        if (now := await peer.not_at_centre(outcome.answered)) != lost:
            lost, since = now, perf_counter()
    return {"seconds": plan.cut_s, "orders": outcome.answered, "lost": max(lost, 0)}


async def kill(peer: Peer, crowd: Crowd) -> dict[str, Any]:
    """SIGKILL with KILL_ORDERS acknowledged orders, of which riders keep what they have. `lost` never reach a rider,
    `twice` come a second time; `hole_s` is from the kill to the first order at a rider who asks for one, None where
    there was none."""
    crowd.keeps, crowd.seen = True, {}
    for number in range(KILL_ORDERS):
        crowd.place(_KILL_ORDERS + number)
    await crowd.until_quiet(lambda: len(crowd.seen) + crowd.unacknowledged)
    acknowledged = KILL_ORDERS - sum(till.in_flight for till in crowd.tills)
    before = dict(crowd.seen)
    keeper = Keeper(peer.killed)
    keeper.start()
    try:
        killed = perf_counter()
        await asyncio.to_thread(peer.killed.kill)
        hole_s = round(perf_counter() - killed, 2) if await crowd.first_answer() else None
        await crowd.come_again()
        await crowd.until_quiet(lambda: len(crowd.seen))
    finally:
        await keeper.close()
    mine = [f"o{_KILL_ORDERS + number:09}" for number in range(KILL_ORDERS)]
    unseen = sum(name not in crowd.seen for name in mine)
    return {
        "acknowledged": acknowledged,
        "lost": max(unseen - (KILL_ORDERS - acknowledged), 0),
        "twice": sum(crowd.seen.get(name, 0) > max(before.get(name, 0), 1) for name in mine),
        "hole_s": hole_s,
    }
