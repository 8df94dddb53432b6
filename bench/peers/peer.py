"""What a peer is: something that takes orders over MQTT and sends each to the nearest free rider.

To add one, write a file with an async context manager that starts it in a folder and yields a Peer, describe it there
as a Kind, and name that in `measure.PEERS`. It gets JSON on `ds/bench/up/<client>/<kind>` (QoS 1) and has to answer:

    rider.shift      a `receipt` on ds/bench/down/<rider>/receipt; from now on the rider is free, at `place`
    order.place      an `assignment` on ds/bench/down/<rider>/assignment, to the nearest free rider;
                     where nobody is free, to the next who becomes so
    rider.progress   of `delivered`: the rider is free again

Where it has an uplink, it reports each order that has a rider to a centre: a broker gets the order's name on
`centre/orders`, Doorstep's own centre what the node sends.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from msgspec import Struct

from edge.errors import DoorstepError

from ..lab.process import Process
from ..lab.proxy import Proxy
from ..load.client.connection import connect
from ..load.subjects import Subject, door_to, mosquitto

PROBES: Final = ("probe-till", "probe-rider")
"""Two clients of every peer, who show when it answers again after a kill."""


class Missing(DoorstepError):
    """A peer cannot be started here. The message names what is missing, and how to get it."""


NotAtCentre = Callable[[int], Awaitable[int]]
"""Of so many orders, how many the centre does not know yet."""


class Peer(Struct, frozen=True):
    """A peer that runs, in its version. `killed` is the process that a SIGKILL hits. `passwords`: it knows its clients
    by their tokens. `not_at_centre` is None where it was started without an uplink; what has not come for `drain_s`
    seconds will never come."""

    subject: Subject
    version: str
    killed: Process
    passwords: bool = False
    not_at_centre: NotAtCentre | None = None
    drain_s: float = 5.0


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for. `seconds` are of load for each peer at each rate, over all rounds; `cut_s` without uplink and
    `kills` of each peer: 0 for none."""

    rates: tuple[float, ...] = (100.0, 500.0, 1000.0)
    seconds: float = 6.0
    rounds: int = 3
    steps: int = 6
    try_seconds: float = 3.0
    clients: int = 100
    riders: int = 200
    seed: int = 1
    cut_s: float = 60.0
    kill: bool = True
    node_red: str = ""


Start = Callable[[Path, Plan, Proxy | None], AbstractAsyncContextManager[Peer]]
"""Starts a peer in a folder that does not exist yet; through that proxy it reaches its centre, of which it sets the
address. Raises Missing."""


class Kind(Struct, frozen=True):
    """A peer by its `name`, how it is called in tables, and whether it has each answer on disk before it leaves."""

    name: str
    what: str
    durable: bool
    start: Start


@contextlib.asynccontextmanager
async def centre_broker(folder: Path, uplink: Proxy | None) -> AsyncIterator[NotAtCentre | None]:
    """A broker as the centre of a peer that has none of its own, with a client that counts the orders."""
    if uplink is None:
        yield None
        return
    async with mosquitto(folder / "centre") as broker:
        uplink.target = ("127.0.0.1", broker.port)
        seen: set[bytes] = set()
        counter = await connect(
            door_to(broker), "counter", "", ("centre/orders",), lambda _, packet, __: seen.add(packet.payload)
        )

        async def not_at_centre(orders: int) -> int:
            return orders - len(seen)

        yield not_at_centre
        counter.close()
