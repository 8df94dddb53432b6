"""What clients that others wrote are tried against: an endpoint in a thread of its own, and a small receiver.

The tests use nothing but what a client sees: an order gets a receipt, and a receipt that nobody took is kept. So the
whole node can stand in here.
"""

import asyncio
import json
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvloop

from edge.core.model import Answer
from edge.errors import Reason
from edge.identity.credentials import Credentials, Newcomer, add
from edge.messages.envelope import FORBIDDEN
from edge.messages.roles import ROLES
from edge.mqtt.seam import Publish, Source
from edge.mqtt.server.endpoint import Endpoint

ANSWERED = "order.place"


class Server(NamedTuple):
    """Where the endpoint is, and who may use it."""

    host: str
    port: int
    websocket_port: int
    node: str
    username: str
    token: str

    def up(self, kind: str = ANSWERED, client: str | None = None) -> str:
        """Where to publish."""
        return f"ds/{self.node}/up/{client or self.username}/{kind}"

    @property
    def down(self) -> str:
        """What to subscribe to."""
        return f"ds/{self.node}/down/{self.username}/#"


class Desk:
    """Gives every order a receipt, and keeps it until it is taken."""

    def __init__(self) -> None:
        self.endpoint: Endpoint | None = None
        self._answers: list[Answer] = []
        self._sequence = 0

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        clients: list[str] = []
        for publish in publishes:
            if publish.kind == ANSWERED:
                self._sequence += 1
                receipt = {"id": json.loads(publish.payload)["id"], "of": publish.kind, "status": "accepted"}
                payload = json.dumps(receipt).encode()
                self._answers.append(Answer(self._sequence, publish.client, "receipt", payload, 0.0))
                clients.append(publish.client)
        assert self.endpoint is not None
        self.endpoint.wake(dict.fromkeys(clients, ()))
        reasons = [Reason.FORBIDDEN_TOPIC if publish.kind == FORBIDDEN else "" for publish in publishes]
        source.acknowledge([publish.token for publish in publishes], reasons)

    def shed(self, client: str, reason: Reason, count: int) -> None:
        pass

    def delivered(self, client: str, sequences: list[int]) -> None:
        self._answers = [a for a in self._answers if a.client != client or a.sequence not in sequences]

    def present(self, client: str, present: bool) -> None:
        pass

    def pending(self, client: str, after: int, limit: int) -> list[tuple[Answer, float]]:
        return [(a, 600.0) for a in self._answers if a.client == client and a.sequence > after][:limit]


@pytest.fixture
def endpoint_server(tmp_path: Path) -> Generator[Server, None, None]:
    """An endpoint with one client, over TCP and WebSocket."""
    credentials = tmp_path / "credentials"
    token = add(credentials, [Newcomer("till-1", ROLES)])["till-1"]
    started = threading.Event()
    found: dict[str, Any] = {}

    async def serve() -> None:
        stop = found["stop"] = asyncio.Event()
        found["loop"] = asyncio.get_running_loop()
        desk = Desk()
        known = Credentials.load(credentials)
        desk.endpoint = Endpoint("n1", desk, known.verify)
        found["address"] = await desk.endpoint.listen("127.0.0.1:0")
        found["websocket"] = await desk.endpoint.listen("127.0.0.1:0", websocket=True)
        started.set()
        await stop.wait()
        await desk.endpoint.close()

    thread = threading.Thread(target=lambda: uvloop.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    host, port = found["address"]
    yield Server(host, port, found["websocket"][1], "n1", "till-1", token)
    found["loop"].call_soon_threadsafe(found["stop"].set)
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def order() -> str:
    """An order, as JSON."""
    place = {"lat": 31.2, "lon": 121.4}
    fields = {"id": "e-1", "at": 1_790_000_000_000, "order": "o-1", "shop": "shop-1", "pickup": place, "dropoff": place}
    return json.dumps(fields | {"prep_s": 600})


@pytest.fixture
def oversized() -> int:
    """Bytes of a payload that no packet of the endpoint may have."""
    return 64 * 1024
