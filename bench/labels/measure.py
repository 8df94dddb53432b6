"""From a shop's `price.set` to the `label.show` at its gateway, in open loop, against a real node.

The gateway confirms each label at once, so that nothing accumulates. The latency counts from the instant at which the
price was due to be sent; the row with the price is on disk by the time its label is shown.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from edge.errors import DoorstepError
from edge.messages.envelope import Up, encode, topic_down, topic_up
from edge.mqtt.packets.codec import PublishPacket
from edge.scenarios.labels.messages import LabelBind, LabelShown, PriceSet

from ..cli_options import Progress
from ..load.client.connection import Connection, Door, connect
from ..load.client.openloop import Round, due_times
from ..load.client.workload import Workload
from ..load.latency_run import medians
from ..load.lateness import lateness
from ..load.subjects import NODE, node, token_of
from ..rows import label_show

SHOP: Final = "shop-1"
GATEWAY: Final = "gateway-1"
BIND_S_MAX: Final = 60.0
BINDS_AT_ONCE: Final = 256
"""A node keeps 1,000 answers for one client, so a shop waits for receipts."""

WARM_UP_S: Final = 0.5
CONFIRM_S_MAX: Final = 10.0


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for. `rate` is in prices a second."""

    labels: int = 500
    rate: float = 50.0
    seconds: float = 10.0
    seed: int = 1


class Shelves(Workload):
    """A shop and its gateway. What `Workload` calls an order is a price here: price `n` is `n` cents, for the labels in
    turn, and is answered when its label shows it, or a later price of the same label."""

    def __init__(self, labels: int) -> None:
        super().__init__(NODE)
        self._labels = labels
        self._waiting: dict[str, list[int]] = {}
        self._unbound = iter(range(labels))
        self._bound = 0
        self._all_bound = asyncio.Event()

    @classmethod
    async def open(cls, door: Door, labels: int) -> "Shelves":
        """Both connected, and each label bound to an article of its own, which has no price yet."""
        self = cls(labels)
        try:
            for name, on_message, into in (
                (SHOP, self._on_shop, self.tills),
                (GATEWAY, self._on_gateway, self.riders),
            ):
                filters = (topic_down(NODE, name, "#"),)
                into.append(await connect(door, name, token_of(name), filters, on_message))
            await self._bind()
        except BaseException:
            self.close()
            raise
        return self

    def place(self, number: int) -> None:
        """Price `number` leaves the shop."""
        sku = f"sku-{number % self._labels}"
        self._waiting.setdefault(sku, []).append(number)
        self._publish(self.tills[0], PriceSet(id=f"p-{number}", at=_now_ms(), sku=sku, price_cents=number))

    async def _bind(self) -> None:
        for _ in range(min(self._labels, BINDS_AT_ONCE)):
            self._bind_next()
        try:
            await asyncio.wait_for(self._all_bound.wait(), BIND_S_MAX)
        except TimeoutError:
            raise DoorstepError(
                f"Of {self._labels} labels only {self._bound} were bound within {BIND_S_MAX:g} s."
            ) from None

    def _bind_next(self) -> None:
        if (number := next(self._unbound, None)) is not None:
            label, sku = f"label-{number}", f"sku-{number}"
            bind = LabelBind(id=f"b-{number}", at=_now_ms(), label=label, sku=sku, gateway=GATEWAY)
            self._publish(self.tills[0], bind)

    def _publish(self, connection: Connection, body: Up) -> None:
        kind = str(body.__struct_config__.tag)
        connection.publish(topic_up(NODE, connection.name, kind), encode(body, json=False))
        connection.flush()

    def _on_shop(self, connection: Connection, packet: PublishPacket, read_at: float) -> None:
        """Receipts: the first ones are those of the bindings."""
        del connection, packet, read_at
        self._bound += 1
        self._bind_next()
        if self._bound == self._labels:
            self._all_bound.set()

    def _on_gateway(self, connection: Connection, packet: PublishPacket, read_at: float) -> None:
        if not packet.topic.endswith("/label.show"):
            return
        show = label_show(packet.payload)
        numbers = self._waiting.get(show.sku, [])
        while numbers and numbers[0] <= show.price_cents:
            self.on_answer(f"o{numbers.pop(0)}", read_at)
        id_ = f"s-{show.label}-{show.version}"
        shown = LabelShown(
            id=id_, at=_now_ms(), shop=show.shop, label=show.label, binding=show.binding, version=show.version
        )
        self._publish(connection, shown)


async def measure(plan: Plan, folder: Path, progress: Progress) -> dict[str, Any]:
    """Everything of the report but the machine."""
    async with AsyncExitStack() as stack:
        progress("starting the node")
        subject = await stack.enter_async_context(node(folder / "node", [SHOP, GATEWAY]))
        progress("binding labels")
        shelves = await Shelves.open(subject.door, plan.labels)
        stack.callback(shelves.close)
        warm_up = due_times(plan.rate, WARM_UP_S, plan.seed)
        progress("warming up")
        await Round(shelves, 0, warm_up).run()
        progress("prices")
        outcome = await Round(shelves, len(warm_up), due_times(plan.rate, plan.seconds, plan.seed + 1)).run()
        status = await _confirmed(subject.status)
    return {
        "benchmark": "labels",
        "set_to_show_ms": {**medians([outcome]), "max": outcome.max},
        "rate": plan.rate,
        "sent": outcome.sent,
        "shown": outcome.answered,
        "lost": outcome.lost,
        "refused": outcome.refused,
        "unconfirmed": status["labels"]["unconfirmed"],
        "generator_late": lateness([outcome]),
        "stages_ms": status["latency_ms"]["total"],
        "node": status["process"],
        "plan": asdict(plan),
    }


async def _confirmed(read: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """The node's report once each label is confirmed, or CONFIRM_S_MAX later."""
    until = time.monotonic() + CONFIRM_S_MAX
    while (status := await read())["labels"]["unconfirmed"] and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return status


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
