"""The script: what a developer writes in an hour with aiomqtt. A process of its own.

    python -m bench.peers.plain_script PORT

Nothing is validated, nothing is kept: a restart forgets every rider and every order.
"""

import asyncio
import json
import sys
from typing import Any

riders: dict[str, tuple[float, float]] = {}
busy: set[str] = set()
waiting: list[dict[str, Any]] = []


def nearest(place: dict[str, float]) -> str | None:
    """The free rider who is nearest."""
    free = [name for name in riders if name not in busy]
    if not free:
        return None
    return min(free, key=lambda name: (riders[name][0] - place["lat"]) ** 2 + (riders[name][1] - place["lon"]) ** 2)


def handle(client: str, kind: str, message: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """What to answer: the topic's end, and the body."""
    if kind == "rider.shift":
        riders[client] = (message["place"]["lat"], message["place"]["lon"])
        return f"{client}/receipt", {"id": message["id"], "of": kind, "status": "accepted", "at": message["at"]}
    if kind == "order.place":
        waiting.append(message)
    elif kind == "rider.progress" and message["step"] == "delivered":
        busy.discard(client)
    if not waiting:
        return None
    rider = nearest(waiting[0]["pickup"])
    if rider is None:
        return None
    busy.add(rider)
    order = waiting.pop(0)
    stops = [{"at": at, "order": order["order"], **order[at]} for at in ("pickup", "dropoff")]
    body = {"offer": 1, "order": order["order"], "state": "offered", "at": order["at"], "stops": stops}
    return f"{rider}/assignment", body


async def main(port: int) -> None:
    """For ever."""
    import aiomqtt

    async with aiomqtt.Client("127.0.0.1", port, identifier="plain-script") as client:
        await client.subscribe("ds/bench/up/+/+", qos=1)
        print("joined", flush=True)
        async for message in client.messages:
            _, _, _, sender, kind = str(message.topic).split("/")
            answer = handle(sender, kind, json.loads(bytes(message.payload)))  # pyright: ignore[reportArgumentType]
            if answer is not None:
                await client.publish(f"ds/bench/down/{answer[0]}", json.dumps(answer[1]), qos=1)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
