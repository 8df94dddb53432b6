"""Riders for an app that has none yet: they move, accept what they are offered, fetch it and bring it."""

import asyncio
import contextlib
import math
import time
from collections.abc import Mapping
from typing import Any, Final

from doorstep_client import Client, ClientError

METRES_PER_DEGREE: Final = 111_195.0
SPEED_MPS: Final = 12.0
"""Of a moped without traffic lights: an order takes about two minutes."""

REPLY_S: Final = 2.0
SERVICE_S: Final = 3.0
"""At the shop and at the door."""

SHOP: Final = (31.2304, 121.4737)
"""Where the examples order."""

Place = tuple[float, float]


async def ride(url: str, node: str, number: int) -> None:
    """One rider, for as long as the node is there. It waits some hundred metres from SHOP, so that a rider who plays at
    the shop is asked first."""
    rider = _Rider(number)
    async with Client(url, node=node, name=f"robot-{number}") as client:
        at = rider.place
        await client.send("rider.shift", on=True, capacity=1, place={"lat": at[0], "lon": at[1]})
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_report(client, rider))
            async for answer in client.answers():
                if answer.kind == "assignment":
                    tasks.create_task(_work(client, rider, answer.body))


class _Rider:
    """Where it is, and which offers it has lost."""

    def __init__(self, number: int) -> None:
        turn = number * 2.4  # the golden angle: any number of them stand apart
        self.place: Place = (SHOP[0] + 0.004 * math.cos(turn), SHOP[1] + 0.004 * math.sin(turn))
        self.withdrawn: set[int] = set()


async def _report(client: Client, rider: _Rider) -> None:
    while True:
        now = asyncio.get_running_loop().time()
        client.report("rider.position", points=[(time.time_ns() // 1_000_000, *rider.place)])
        await asyncio.sleep(max(0.0, now + 1 - asyncio.get_running_loop().time()))


async def _work(client: Client, rider: _Rider, offered: Mapping[str, Any]) -> None:
    order, offer = offered["order"], offered["offer"]
    with contextlib.suppress(ClientError):  # it went to somebody else meanwhile
        if offered["state"] == "offered":
            await asyncio.sleep(REPLY_S)
            await client.send("rider.reply", order=order, offer=offer, accept=True)
        elif offered["state"] == "withdrawn":
            rider.withdrawn.add(offer)
        elif offered["state"] == "accepted":
            for step, stop in (("at_shop", "pickup"), ("picked_up", ""), ("delivered", "dropoff")):
                where = next((each for each in offered["stops"] if each["at"] == stop and each["order"] == order), None)
                if where is not None:
                    await _go(rider, (where["lat"], where["lon"]))
                await asyncio.sleep(SERVICE_S)
                if offer in rider.withdrawn:
                    return
                await client.send("rider.progress", order=order, step=step)


async def _go(rider: _Rider, to: Place) -> None:
    """A second for each SPEED_MPS metres of the straight line."""
    north, east = to[0] - rider.place[0], to[1] - rider.place[1]
    metres = math.hypot(north, east * math.cos(math.radians(to[0]))) * METRES_PER_DEGREE
    begin, seconds = rider.place, max(1, round(metres / SPEED_MPS))
    for second in range(1, seconds + 1):
        rider.place = begin[0] + north * second / seconds, begin[1] + east * second / seconds
        await asyncio.sleep(1)
