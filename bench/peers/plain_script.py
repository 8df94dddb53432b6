"""The script: what a good engineer writes in an hour with aiomqtt. A process of its own.

    python -m bench.peers.plain_script PORT [UPLINK_PORT]

No socket waits for Nagle's algorithm, no publish is awaited. Nothing is validated, nothing is kept: a restart forgets
every rider and every order.
"""

import asyncio
import json
import socket
import sys
from typing import Any, Final

riders: dict[str, tuple[float, float]] = {}
busy: set[str] = set()
waiting: list[dict[str, Any]] = []

AT_ONCE: Final = 1_000
OPTIONS: Final[dict[str, Any]] = {
    "socket_options": [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    "max_inflight_messages": AT_ONCE,
}
RETRY_S: Final = 1.0


def nearest(place: dict[str, float]) -> str | None:
    """The free rider who is nearest."""
    free = [name for name in riders if name not in busy]
    if not free:
        return None
    return min(free, key=lambda name: (riders[name][0] - place["lat"]) ** 2 + (riders[name][1] - place["lon"]) ** 2)


def assign() -> tuple[str, dict[str, Any]] | None:
    """The next waiting order to its rider, where one is free: the topic's end, and the body."""
    rider = nearest(waiting[0]["pickup"]) if waiting else None
    if rider is None:
        return None
    busy.add(rider)
    return assignment(rider, waiting.pop(0))


def assignment(rider: str, order: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What a rider gets."""
    stops = [{"at": at, "order": order["order"], **order[at]} for at in ("pickup", "dropoff")]
    body = {"offer": 1, "order": order["order"], "state": "offered", "at": order["at"], "stops": stops}
    return f"{rider}/assignment", body


def handle(client: str, kind: str, message: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """What to answer."""
    if kind == "rider.shift":
        riders[client] = (message["place"]["lat"], message["place"]["lon"])
        return f"{client}/receipt", {"id": message["id"], "of": kind, "status": "accepted", "at": message["at"]}
    if kind == "order.place":
        waiting.append(message)
    elif kind == "rider.progress" and message["step"] == "delivered":
        busy.discard(client)
    return assign()


def read(message: Any) -> tuple[str, str, dict[str, Any]]:
    """Client, kind and body of an MQTT message."""
    _, _, _, client, kind = str(message.topic).split("/")
    return client, kind, json.loads(message.payload)


async def report(port: int, decided: asyncio.Queue[str]) -> None:
    """Orders to the centre, whenever it can be reached."""
    import aiomqtt

    while True:
        try:
            async with aiomqtt.Client("127.0.0.1", port, **OPTIONS) as centre:
                while True:
                    await centre.publish("centre/orders", await decided.get(), qos=1)
        except aiomqtt.MqttError:
            await asyncio.sleep(RETRY_S)


async def main(port: int, uplink: int = 0) -> None:
    """For ever."""
    import aiomqtt

    decided: asyncio.Queue[str] = asyncio.Queue()
    async with asyncio.TaskGroup() as tasks, aiomqtt.Client("127.0.0.1", port, **OPTIONS) as client:
        client.pending_calls_threshold = AT_ONCE
        await client.subscribe("ds/bench/up/+/+", qos=1)
        if uplink:
            tasks.create_task(report(uplink, decided))
        print("joined", flush=True)
        async for message in client.messages:
            answer = handle(*read(message))
            if answer is not None:
                tasks.create_task(client.publish(f"ds/bench/down/{answer[0]}", json.dumps(answer[1]), qos=1))
                if uplink and "order" in answer[1]:
                    decided.put_nowait(answer[1]["order"])


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
