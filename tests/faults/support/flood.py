"""`python -m tests.faults.support.flood PORT NAME TOKEN PER_S`: one client that sends orders at a rate.

It is a process of its own, so that it takes no time from those whom it is to disturb. Each line on standard input
switches it on or off; at its end it prints how many it sent, and how many of them were refused."""

import asyncio
import json
import sys
import time
from typing import Any, Final

from edge.messages.envelope import topic_up
from tests.faults.support.people import DOOR, SHOP
from tests.faults.support.raw import Raw, publish
from tests.faults.support.site import NODE

STEP_S: Final = 0.01
WINDOW: Final = 500
"""Publishes on their way: below what a node lets a client have."""


def order(number: int, **more: Any) -> bytes:
    """An order of eve's."""
    at = int(time.time() * 1000)
    fields = {"id": f"x{number}", "at": at, "order": f"o-eve-{number}", "shop": "s", "pickup": SHOP, "dropoff": DOOR}
    return json.dumps({**fields, "prep_s": 60, **more}).encode()


async def flood(port: int, name: str, token: str, per_s: float) -> tuple[int, int]:
    """Until standard input ends. Returns how many were sent and refused."""
    raw = await Raw.open(port, name, token)
    loop = asyncio.get_running_loop()
    topic = topic_up(NODE, name, "order.place")
    wanted, ended = asyncio.Event(), asyncio.Event()
    sent = answered = refused = 0

    def progress() -> None:
        line = sys.stdin.readline()
        if not line:
            ended.set()
        elif wanted.is_set():
            wanted.clear()
        else:
            wanted.set()

    async def read() -> None:
        nonlocal answered, refused
        while not raw.closed:
            kind, body = await raw.next()
            if kind >> 4 == 4:
                answered += 1
                refused += len(body) > 2 and body[2] >= 0x80

    loop.add_reader(sys.stdin, progress)
    reading = asyncio.ensure_future(read())
    last = loop.time()
    while not ended.is_set():
        now = loop.time()  # a step takes longer on a machine with other work, and then more are due
        due, last = round(per_s * (now - last)), now
        if wanted.is_set():
            for _ in range(min(due, WINDOW - (sent - answered))):
                sent += 1
                raw.writer.write(publish(topic, order(sent), sent % 60_000 + 1))
        await asyncio.sleep(STEP_S)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await raw.close()
    return sent, refused


if __name__ == "__main__":
    print(*asyncio.run(flood(int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]))))
