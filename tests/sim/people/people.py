"""Customers, shops and riders: they send again until they hold a receipt, decline, vanish and lie."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from edge.errors import Reason
from edge.messages.envelope import Place, encode
from edge.mqtt.seam import Publish
from edge.scenarios.dispatch.lifecycle import Cause
from edge.scenarios.dispatch.messages.catalog import DURABLE_KINDS
from edge.scenarios.dispatch.messages.overrides import OrderPreview
from edge.scenarios.dispatch.messages.up import RiderPosition
from edge.scenarios.labels.messages import MESSAGES as LABEL_MESSAGES

if TYPE_CHECKING:
    from tests.sim.world import World

SHOP = Place(31.2000, 121.4000)
STEPS = ("at_shop", "picked_up", "at_customer", "delivered", "failed", "returned")
RESEND_S = 20.0
RETRY = (Reason.DISK_FULL, Reason.OVERLOADED)
SHOWN_FIELDS = ("on", "order", "offer", "accept", "step", "label", "sku", "binding", "version")
"""Fields of an event that its line in the trace shows."""
KINDS = {**DURABLE_KINDS, **{each.kind: each.body for each in LABEL_MESSAGES if each.direction == "up"}}
BAD = (b"", b"{", b"\xc1", b"[1]", b'{"id": 7}', b'{"id":"bad-1","at":1,"order":"\\u0001"}', bytes(300))


def loose(payload: bytes) -> dict[str, Any]:
    """A message as its reader sees it."""
    return (msgspec.json if payload[:1] == b"{" else msgspec.msgpack).decode(payload)


class Sent(msgspec.Struct):
    """An event on its way. `done` once its publisher believes it is accepted, or refused for good."""

    kind: str
    payload: bytes
    last: float


class Person:
    """Whoever has an identity. `outbox` is what it must send again."""

    def __init__(self, world: "World", name: str, rng: Random) -> None:
        self.world, self.name, self.rng = world, name, rng
        self.json = rng.random() < world.plan.json_share
        self.trusting = not world.plan.broker and rng.random() < 0.5
        """Takes a PUBACK for the node's word; others wait for the receipt."""
        self.away_until = 0.0
        self.outbox: dict[str, Sent] = {}
        self.receipts: dict[str, bytes] = {}
        self.scheduled: list[tuple[float, Callable[[], None]]] = []
        self._count = 0

    @property
    def present(self) -> bool:
        return self.world.time.now >= self.away_until

    # -- out -----------------------------------------------------------------------------------------------------------

    def event(self, kind: str, **fields: Any) -> str:
        """A new event; it is sent until it is answered."""
        self._count += 1
        id_ = f"{self.name}-{self._count}"
        skew_ms = self.rng.choice((0, 0, 0, -3_000_000, 10**10, -(10**10))) if self.world.plan.bad_rate else 0
        if id_ in self.world.plan.skipped:
            return id_
        self.world.sent_ids.append(id_)
        self.world.note(f"sends {id_} {kind} {' '.join(str(fields[name]) for name in SHOWN_FIELDS if name in fields)}")
        body = KINDS[kind](id=id_, at=max(0, self.world.wall_ms() + skew_ms), **fields)
        self.raw(id_, kind, encode(body, self.json))
        return id_

    def raw(self, id_: str, kind: str, payload: bytes) -> None:
        """Bytes under an id of our own."""
        self.outbox[id_] = Sent(kind, payload, self.world.time.now)
        self._send(id_)

    def _send(self, id_: str) -> None:
        sent = self.outbox[id_]
        sent.last = self.world.time.now
        self.world.checks.sent[self.name, id_] = Publish(self.name, sent.kind, sent.payload, 1, 0)
        self.world.link.send(self, id_, sent.kind, sent.payload, 1)

    def later(self, delay_s: float, what: Callable[[], None]) -> None:
        self.scheduled.append((self.world.time.now + delay_s, what))

    def tick(self) -> None:
        """Come, go, do what is due, and repeat oneself."""
        if not self.present:
            self.world.link.disconnect(self)
            return
        self.world.link.connect(self)
        due = [item for item in self.scheduled if item[0] <= self.world.time.now]
        self.scheduled = [item for item in self.scheduled if item[0] > self.world.time.now]
        for _, what in due:
            what()
        for id_, sent in list(self.outbox.items()):
            if sent.last <= self.world.time.now - RESEND_S or (not self.world.quiet and self.rng.random() < 0.02):
                self._send(id_)
        if not self.world.quiet and self.rng.random() < self.world.plan.bad_rate:
            kind = self.rng.choice((*KINDS, "rider.position", "unknown"))
            self.world.link.send(self, "", kind, self.rng.choice(BAD), 1)
        self.act()

    def act(self) -> None:
        """What this kind of person does of its own accord."""

    # -- in ------------------------------------------------------------------------------------------------------------

    def acknowledged(self, id_: str, reason: str) -> None:
        if id_ in self.outbox and self.trusting and reason not in RETRY:
            del self.outbox[id_]
            self.world.checks.promised(self.name, id_)

    def answer(self, kind: str, payload: bytes) -> None:
        if not self.present:
            return
        body = loose(payload)
        if kind == "receipt":
            self.world.checks.receipt(self.name, body["id"], payload)
            self.outbox.pop(body["id"], None)
        else:
            self.receive(kind, body)

    def receive(self, kind: str, body: dict[str, Any]) -> None:
        """An assignment or an update."""


class Customer(Person):
    """Places orders, sometimes takes one back, sometimes one that is not its own."""

    def act(self) -> None:
        if self.world.quiet or self.rng.random() >= self.world.plan.order_rate:
            return
        self.place(self.rng.random() < 0.05)

    def place(self, twice: bool = False) -> str:
        number = self.world.orders if twice else self.world.orders + 1
        self.world.orders = max(number, 1)
        order = f"o-{self.world.orders}"
        where = Place(SHOP.lat + self.rng.uniform(-0.02, 0.02), SHOP.lon + self.rng.uniform(-0.02, 0.02))
        ready = {"prep_s": self.rng.choice((0, 60, 600))}
        self.event("order.place", order=order, shop="shop-1", pickup=SHOP, dropoff=where, **ready)
        if self.rng.random() < 0.1:
            target = order if self.rng.random() < 0.8 else f"o-{self.rng.randint(1, 30)}"
            self.later(self.rng.choice((0, 30, 300)), lambda: self._cancel(target))
        return order

    def _cancel(self, order: str) -> None:
        self.event("order.cancel", order=order)


class Shop(Person):
    """Reports when an order is ready, or late."""

    def receive(self, kind: str, body: dict[str, Any]) -> None:
        if kind == "update" and body["state"] == "returning" and self.rng.random() < 0.4:
            order = body["order"]
            where = Place(SHOP.lat + 0.01, SHOP.lon) if self.rng.random() < 0.5 else None
            self.later(self.rng.choice((0, 60)), lambda: self._redeliver(order, where))
        if kind == "update" and body["state"] == "placed" and self.rng.random() < 0.4:
            order = body["order"]
            if self.rng.random() < 0.5:
                self.later(30, lambda: self._ready(order))
            else:
                ready_at = self.world.wall_ms() + self.rng.choice((-60_000, 120_000, 600_000))
                self.event("kitchen.delay", order=order, ready_at=max(0, ready_at))

    def _redeliver(self, order: str, dropoff: Place | None) -> None:
        self.event("order.redeliver", order=order, dropoff=dropoff)

    def _ready(self, order: str) -> None:
        self.event("kitchen.ready", order=order)


class Dispatcher(Person):
    """Overrides the plan, mostly about orders and riders that there are."""

    def act(self) -> None:
        if self.world.quiet or self.rng.random() >= self.world.plan.overrides:
            return
        kind = self.rng.choice(
            ("assign", "assign", "pin", "hold", "release", "pause", "resume", "preview", "reschedule")
        )
        rider = f"r-{self.rng.randrange(self.world.plan.riders)}"
        order = f"o-{self.rng.randint(max(1, self.world.orders - 6), self.world.orders + 1)}"
        if kind in ("pause", "resume"):
            self.event(f"rider.{kind}", rider=rider)
        elif kind == "preview":
            asked = OrderPreview(order=order, rider=self.rng.choice((None, rider)))
            self.world.link.send(self, "", "order.preview", encode(asked, self.json), 0)
        elif kind == "reschedule":
            at = self.world.wall_ms() + self.rng.choice((-60_000, 300_000, 900_000))
            field = self.rng.choice(("ready_at", "dropoff_from", "dropoff_by"))
            self.event("order.reschedule", order=order, **{field: at}, priority=self.rng.choice((None, 100)))
        elif kind == "assign":
            self.event("order.assign", order=order, rider=rider, position=self.rng.choice((None, 0, 1)))
        else:
            self.event(f"order.{kind}", order=order, **({"rider": rider} if kind == "pin" else {}))
            if kind == "hold":
                self.later(self.rng.choice((60, 300)), lambda: self._release(order))

    def _release(self, order: str) -> None:
        self.event("order.release", order=order)


class Rider(Person):
    """Begins and ends shifts, moves about, takes offers or does not."""

    def __init__(self, world: "World", name: str, rng: Random) -> None:
        super().__init__(world, name, rng)
        self.on = False
        self.seen: list[tuple[str, int]] = []

    def act(self) -> None:
        plan, rng = self.world.plan, self.rng
        if not self.world.quiet:
            if not self.on and rng.random() < 0.5:
                self.begin()
            elif self.on and rng.random() < 0.03:
                self.begin()  # other terms
            elif self.on and rng.random() < 0.02:
                self.on = False
                self.event("rider.shift", on=False)
            if self.seen and rng.random() < plan.lie:
                self._lie()
        if self.on and rng.random() < 0.7:
            self.position()

    def begin(self) -> None:
        self.on = True
        until = self.world.wall_ms() + self.rng.choice((60, 300, 1800)) * 1000 if self.rng.random() < 0.4 else None
        place = Place(SHOP.lat + self.rng.uniform(-0.01, 0.01), SHOP.lon) if self.rng.random() < 0.5 else None
        self.event("rider.shift", on=True, capacity=self.rng.randint(1, 3), until=until, place=place)

    def position(self) -> None:
        at = max(0, self.world.wall_ms())
        point = (at, SHOP.lat + self.rng.uniform(-0.01, 0.01), SHOP.lon + self.rng.uniform(-0.01, 0.01))
        self.world.link.send(self, "", "rider.position", encode(RiderPosition(points=[point]), self.json), 0)

    def _lie(self) -> None:
        order, offer = self.rng.choice(self.seen)
        what = self.rng.random()
        if what < 0.4:
            self.event("rider.reply", order=order, offer=offer, accept=self.rng.random() < 0.5)
        elif what < 0.5:
            self.event("rider.reply", order=f"o-{self.rng.randint(1, 30)}", offer=self.rng.randint(1, 30), accept=True)
        else:
            self.step(order, self.rng.choice(STEPS))

    def receive(self, kind: str, body: dict[str, Any]) -> None:
        if kind != "assignment" or body["state"] != "offered":
            return
        order, offer = body["order"], body["offer"]
        self.seen.append((order, offer))
        if self.rng.random() < self.world.plan.ignore:
            return
        accept = self.rng.random() >= self.world.plan.decline
        self.event("rider.reply", order=order, offer=offer, accept=accept)
        if accept:
            fails = self.rng.random() < 0.1
            end = ((200, "failed"), (300, "returned")) if fails else ((200, "delivered"),)
            for delay, step in ((40, "at_shop"), (90, "picked_up"), (190, "at_customer"), *end):
                if self.rng.random() < 0.9:
                    self.later(delay * self.rng.uniform(0.5, 2), lambda step=step: self.step(order, step))

    def step(self, order: str, step: str) -> None:
        cause = self.rng.choice(get_args(Cause)) if step == "failed" else None
        self.event("rider.progress", order=order, step=step, cause=cause)
