"""A door whose pipeline is played by the test: what is handed over is seen, and decided when the test wants it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from edge.api.events import Events
from edge.api.lookups import Lookups
from edge.api.routes import Routes
from edge.core.model import Answer, Now
from edge.core.node import Node
from edge.errors import Reason
from edge.messages.grants import Grant
from edge.messages.tolerance import identifier
from edge.mqtt.seam import Publish, Source
from edge.mqtt.server.endpoint import Endpoint, EndpointOptions
from edge.scenarios.dispatch import Dispatch

TOKENS = {
    "phone-7": ("secret-7", Grant(("customer",))),
    "till-1": ("secret-1", Grant(("shop",), "noodle-bar")),
    "rider-12": ("secret-12", Grant(("rider",))),
    "gate-1": ("secret-g", Grant(("gateway",))),
}
AT = 1_767_261_600_000
PLACE = {
    "id": "e-1",
    "at": AT,
    "order": "o-17",
    "shop": "noodle-bar",
    "prep_s": 60,
    "pickup": {"lat": 31.2304, "lon": 121.4737},
    "dropoff": {"lat": 31.2251, "lon": 121.4800},
}


class World:
    """The receiver behind the door. `decide` is what it does with each publish; None leaves them to the test."""

    def __init__(self, **options: Any) -> None:
        self.tokens = dict(TOKENS)
        self.endpoint = Endpoint("n-1", self, self._authenticate, EndpointOptions(**options), clock=lambda: self.now_s)
        self.now_s = 1000.0
        self.node = Node([Dispatch])
        self.committed = 0
        self.full = self.broken = False
        self.publishes: list[Publish] = []
        self.sources: list[Source] = []
        self.shed_: Counter[Reason] = Counter()
        self.delivered_: list[int] = []
        self.decide: Any = self.accept
        self.counts: Counter[str] = Counter()
        self.events = Events(self)
        self.lookups = Lookups(self, lambda: Now(self.now_s, AT))  # type: ignore[arg-type]
        self.routes = Routes([Dispatch], self, self.endpoint, self.events, self.lookups, self.counts)

    def _authenticate(self, name: str, secret: bytes) -> Grant | None:
        token, grant = self.tokens.get(name, ("", None))
        return grant if token.encode() == secret else None

    @asynccontextmanager
    async def client(self, name: str = "phone-7") -> AsyncIterator[httpx.AsyncClient]:
        """Requests of one client go straight to the routes."""
        headers = {"authorization": f"Bearer {name}~{TOKENS[name][0]}"} if name else {}
        transport = httpx.ASGITransport(self.routes.application(), client=("192.0.2.7", 1), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
            yield client

    # -- seam.Receiver -------------------------------------------------------------------------------------------------

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        self.publishes += publishes
        self.sources += [source] * len(publishes)
        if self.decide is not None:
            for publish in publishes:
                asyncio.get_running_loop().call_soon(self.decide, publish)

    def shed(self, client: str, reason: Reason, count: int) -> None:
        self.shed_[reason] += count

    def delivered(self, client: str, sequences: list[int]) -> None:
        self.delivered_ += sequences

    def present(self, client: str, present: bool) -> None: ...

    def pending(self, client: str, after: int, limit: int) -> list[Any]:
        return []

    # -- what becomes of a publish -------------------------------------------------------------------------------------

    def answer(self, publish: Publish, sequence: int = 0, **fields: Any) -> None:
        """Its receipt is on disk, and goes to the links; then it is acknowledged."""
        body = {"id": identifier(publish.payload, True), "of": publish.kind, "at": AT, **fields}
        receipt = Answer(sequence or publish.token, publish.client, "receipt", msgspec.json.encode(body), 1e9)
        self.events.wake({publish.client: [(receipt, 60.0)]})
        self.events.acknowledge([publish.token], [fields.get("reason", "")])

    def accept(self, publish: Publish) -> None:
        """The same, accepted."""
        self.answer(publish, status="accepted")

    def refuse(self, reason: str) -> None:
        """From now on everything is refused without a receipt."""
        self.decide = lambda publish: self.events.acknowledge([publish.token], [reason])


def names(items: Sequence[Any]) -> list[str]:
    """The orders in an answer."""
    return [each["order"] for each in items]
