"""What a peer is: something that takes orders over MQTT and sends each to the nearest free rider.

To add one, write a file with an async context manager that starts it in a folder and yields a Peer, and name it in
`measure.PEERS`. It gets JSON on `ds/bench/up/<client>/<kind>` (QoS 1) and has to answer:

    rider.shift      a `receipt` on ds/bench/down/<rider>/receipt; from now on the rider is free, at `place`
    order.place      an `assignment` on ds/bench/down/<rider>/assignment, to the nearest free rider;
                     where nobody is free, to the next who becomes so
    rider.progress   of `delivered`: the rider is free again
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from msgspec import Struct

from edge.errors import DoorstepError

from ..load.subjects import Subject


class Missing(DoorstepError):
    """A peer cannot be started here. The message names what is missing, and how to get it."""


class Peer(Struct, frozen=True):
    """A peer that runs, in its version. `passwords`: it knows its clients by their tokens."""

    subject: Subject
    version: str
    passwords: bool = False


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for. `seconds` are of load for each peer at each rate, over all rounds."""

    rates: tuple[float, ...] = (100.0, 500.0)
    seconds: float = 6.0
    rounds: int = 3
    steps: int = 6
    try_seconds: float = 3.0
    clients: int = 100
    riders: int = 200
    seed: int = 1
    node_red: str = ""


Start = Callable[[Path, Plan], AbstractAsyncContextManager[Peer]]
"""Starts a peer in a folder that does not exist yet. Raises Missing."""
