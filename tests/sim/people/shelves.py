"""A shop that changes prices and labels, and the gateways that show them: they lose, repeat and reorder."""

from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from tests.sim.people.people import Person

if TYPE_CHECKING:
    from tests.sim.world import World

SHOP = "shop-2"
GATEWAYS = ("gateway-1", "gateway-2")
SKUS = ("bread", "eggs", "milk", "rice", "salt", "tea")
LABELS = tuple(f"A0:{number:02}" for number in range(8))
WINDOWS_S = (30, 120, 600, 1800)


class Display(msgspec.Struct, frozen=True):
    """What one label shows. Of two messages the one with the greater (binding, version) is the newer one."""

    binding: int
    version: int
    sku: str
    price_cents: int
    stock: int | None


class Shelves(Person):
    """A shop with labels. Each price that it sets is a number of its own, so that a price names the `price.set`."""

    def __init__(self, world: "World", name: str, rng: Random) -> None:
        super().__init__(world, name, rng)
        self.prices = 0
        self.open = False

    def act(self) -> None:
        plan, rng = self.world.plan, self.rng
        if self.world.quiet or rng.random() >= plan.price_rate:
            return
        if not self.open:
            self._open()
        what, sku = rng.random(), rng.choice(SKUS)
        if what < 0.45:
            self._set_price(sku)
        elif what < 0.6:
            self.event("stock.set", sku=sku, count=rng.randint(0, 20))
        elif what < 0.85:
            self.event("label.bind", label=rng.choice(LABELS), sku=sku, gateway=rng.choice(GATEWAYS))
        elif what < 0.9:
            self.event("label.unbind", label=rng.choice(LABELS))
        else:
            self.ask(sku)

    def _open(self) -> None:
        """Most labels stand on their shelves from the beginning."""
        self.open = True
        self.event("price.set", prices=[{"sku": sku, "price_cents": self._next_price()} for sku in SKUS[:4]])
        for label in LABELS[:6]:
            self.event("label.bind", label=label, sku=self.rng.choice(SKUS), gateway=self.rng.choice(GATEWAYS))

    def _next_price(self) -> int:
        self.prices += 1
        return self.prices

    def ask(self, sku: str) -> None:
        """For the price in force."""
        self.event("price.get", shop=self.name, sku=sku)

    def _set_price(self, sku: str) -> None:
        price = self._price(sku)
        if self.rng.random() < 0.7:
            self.event("price.set", **price)
        else:
            self.event("price.set", prices=[price, self._price(self.rng.choice(SKUS))])

    def _price(self, sku: str) -> dict[str, Any]:
        price: dict[str, Any] = {"sku": sku, "price_cents": self._next_price()}
        now_ms = self.world.wall_ms()
        if self.rng.random() < 0.4:
            price["from_at"] = now_ms + self.rng.choice(WINDOWS_S) * 1000
        if self.rng.random() < 0.4:
            price["until_at"] = price.get("from_at", now_ms) + self.rng.choice(WINDOWS_S) * 1000
        return price


class Gateway(Person):
    """Shows what is newest, and confirms it sooner or later, twice, or never."""

    def __init__(self, world: "World", name: str, rng: Random) -> None:
        super().__init__(world, name, rng)
        self.displays: dict[str, Display] = {}
        self._confirming: dict[str, dict[str, Any]] = {}

    def receive(self, kind: str, body: dict[str, Any]) -> None:
        if kind != "label.show":
            return
        made = Display(body["binding"], body["version"], body["sku"], body["price_cents"], body.get("stock"))
        self.world.checks.labels.arrived(self.name, body["label"], made)
        shown = self.displays.get(body["label"])
        if shown is None or (made.binding, made.version) > (shown.binding, shown.version):
            self.displays[body["label"]] = made
        plan, rng = self.world.plan, self.rng
        if not self.world.quiet and rng.random() < plan.unconfirmed:
            return
        confirmation = {name: body[name] for name in ("shop", "label", "binding", "version")}
        for _ in range(2 if rng.random() < 0.1 else 1):
            delay_s = rng.choice((0.0, 0.0, 10.0, 60.0))
            self.later(delay_s, lambda: self._confirm(confirmation))
        if not self.world.quiet and rng.random() < plan.lie:
            name = rng.choice(("binding", "version"))
            self._confirm({**confirmation, name: confirmation[name] + 1_000})

    def _confirm(self, confirmation: dict[str, Any]) -> None:
        """One that still waits for its receipt is sent again as it is."""
        key = (confirmation["label"], confirmation["binding"], confirmation["version"])
        self.world.checks.labels.confirmations[key] = None
        self._confirming = {id_: known for id_, known in self._confirming.items() if id_ in self.outbox}
        again = next((id_ for id_, known in self._confirming.items() if known == confirmation), None)
        if again is not None and self.rng.random() < 0.9:
            self._send(again)
        else:
            self._confirming[self.event("label.shown", **confirmation)] = confirmation

    def restart(self) -> None:
        """The node begins again from a backup, and with it the numbers of bindings and versions: the operator restarts
        the gateways, which forget them, and what they were about to confirm."""
        self.displays, self.scheduled = {}, []
        self.outbox = {id_: sent for id_, sent in self.outbox.items() if sent.kind != "label.shown"}
