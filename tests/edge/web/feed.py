"""A district that moves, reported through the real Status: what the page's tests look at."""

import asyncio
import contextlib
import math
import random
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from edge.core.model import Now
from edge.core.scenario import Dot
from edge.health.status import Queue, Status, Value
from edge.service.http import HttpServer
from edge.web.board import Place
from edge.web.server import serve

TOKEN = "t" * 43
BOARD = Place("shop-7", {"listen_ws": 9001})
ORDER_STATES = ("placed", "offered", "accepted", "at_shop", "picked_up")


def now() -> Now:
    """Both real clocks."""
    return Now(time.monotonic(), int(time.time() * 1000))


class Feed:
    """Riders on circles, orders around shops, latencies from a seeded distribution. `step` is one second of it."""

    def __init__(self, shops: int = 12, riders: int = 40, orders: int = 30, data_dir: Path | None = None) -> None:
        self.random = random.Random(7)
        self.status = Status("shop-7", now(), data_dir=data_dir)
        self.status.keeping(7.0, 5)
        self.status.phase = "running"
        self.counts = (shops, riders, orders)
        self.turn = 0
        self.sync = {"connected": True, "last_ack_age_s": 1.2, "in_flight": 1, "backlog_bytes": 4200, "epoch": 3}
        self.sync |= {
            "batches_sent": 118,
            "batches_acked": 117,
            "bytes": 482_113,
            "pool_windows": 2,
            "events_at_node": 9,
        }
        self.depth, self.done = 3, 0
        queues = {"commit": Queue(lambda: self.depth, lambda: self.done, 4096), "publish": Queue(int, int, 100_000)}
        self.status.register("district", self.gauges, queues)

    def gauges(self) -> Mapping[str, Mapping[str, Value]]:
        """What the parts of a node report."""
        _, riders, orders = self.counts
        return {
            "sync": dict(self.sync),
            "orders": dict.fromkeys(ORDER_STATES, orders // 5) | {"delivered": self.turn},
            "riders": {"idle": riders // 4, "busy": riders - riders // 4, "silent": 1},
            "journal": {"bytes": 18_400_000 + self.turn * 1000},
        }

    def step(self) -> None:
        """One second passes."""
        self.turn += 1
        self.done += 40
        wave = 1 + 0.4 * math.sin(self.turn / 20)
        for kind, share in (("rider.position", 40), ("order.place", 2), ("rider.progress", 5), ("rider.reply", 2)):
            self.status.received[kind] = self.status.received.get(kind, 0) + int(share * wave)
        counts = self.status.counts
        counts["accepted"] += 9
        counts["decisions"] += int(3 * wave) + 1
        counts["answers"] += 12
        for _ in range(20):
            parts = [
                self.random.lognormvariate(math.log(median), 0.4) * wave for median in (8e-5, 3e-5, 4e-4, 6e-4, 1e-4)
            ]
            for stage, seconds in zip(("queue", "decode", "decide", "commit", "publish"), parts, strict=True):
                self.status.stage(stage, seconds)
            self.status.stage("total", sum(parts))
        if self.turn % 9 == 0:
            self.status.refused("too_late")
        if self.turn % 31 == 0:
            self.status.dropped("malformed")
            counts["duplicate"] += 1

    def layers(self) -> dict[str, list[Dot]]:
        """Where everything is."""
        places = random.Random(3)

        def dot(name: str, state: str, age_s: float | None) -> Dot:
            lat, lon = 39.9 + places.gauss(0, 0.012), 116.4 + places.gauss(0, 0.018)
            late_s = age_s - 200 if age_s is not None and name.startswith("o") else None
            return Dot(name, lat, lon, state, age_s, late_s, f"r{name[1:]} is at the door" if late_s else "")

        shops, riders, orders = self.counts
        moving: list[Dot] = []
        for i in range(riders):
            state, age_s = (("idle", "busy", "busy", "offered")[i % 4], i % 9) if i else ("silent", 400.0)
            rider, angle = dot(f"r{i}", state, age_s), self.turn / 30 + i
            place = {"lat": rider.lat + 0.002 * math.cos(angle), "lon": rider.lon + 0.002 * math.sin(angle)}
            moving.append(msgspec.structs.replace(rider, **place))
        return {
            "shops": [dot(f"s{i}", f"{i % 4} open", None) for i in range(shops)],
            "riders": moving,
            "orders": [dot(f"o{i}", ORDER_STATES[i % 5], 60 + i * 20) for i in range(orders)],
        }


class Served:
    """A page served by a thread with its own event loop, as the node serves it."""

    def __init__(self, server: HttpServer, feed: Feed) -> None:
        self.feed, self.url, self.port = feed, server.url, server.port
        self.link = f"{server.url}?token={TOKEN}"


@contextlib.contextmanager
def served(feed: Feed, port: int = 0) -> Iterator[Served]:
    """Serve `feed` on loopback until the block ends."""
    ready: list[HttpServer] = []
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        server = await serve(f"127.0.0.1:{port}", feed.status, feed.layers, TOKEN, now, board=BOARD)
        ready.append(server)
        started.set()
        await stop.wait()
        await server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert started.wait(20), "the page did not start"
        yield Served(ready[0], feed)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
