"""The invariants of labels: none is ahead of the price in force, and in the quiet all show what `price.get` answers.

The ledger works out prices in force by itself, from the accepted `price.set` of the rows. After the wall clock was set
back only the weaker rule is left: no price is shown whose time has never come.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from edge.core.model import Answer, Event, Row
from edge.core.node import Node
from edge.scenarios.labels import Labels, prices
from edge.scenarios.labels.messages import LabelBind, LabelShown, LabelUnbind, PriceGet, PriceSet
from tests.sim.checks.broken import need
from tests.sim.people.people import loose
from tests.sim.people.shelves import GATEWAYS, SHOP, Display, Gateway, Shelves

if TYPE_CHECKING:
    from tests.sim.world import World

FOREVER_MS = 2**62
ASKED_MAX = 5
"""How often all prices are asked for at the end: one may change by itself between answer and comparison."""


def labels_of(node: Node) -> Labels:
    """The node's labels."""
    labels = node.scenarios["labels"]
    assert isinstance(labels, Labels)
    return labels


class LabelLedger:
    """What the durable rows contain about labels. Keys are `shop/sku` and `shop/label`."""

    def __init__(self) -> None:
        self.sent: dict[tuple[str, str, int, int], Display] = {}
        """Each (gateway, shop/label, binding, version) that a row has sent."""
        self.confirmed: dict[str, tuple[int, int]] = {}
        """The greatest (binding, version) that was accepted as shown."""
        self.bound: dict[str, tuple[str, str]] = {}
        """Article and gateway of each label."""
        self.newest: dict[str, int] = {}
        self.answered: dict[str, dict[str, Any]] = {}
        """The last answer to a `price.get`, by article."""
        self._binding: dict[str, int] = {}
        self._bindings = 0
        self._prices: dict[str, list[tuple[int, int, int]]] = {}
        self._wall_ms = 0
        self._set_back = False

    def begin(self, row: Row) -> None:
        """One more row, before its events."""
        self._set_back |= row.now.wall_ms < self._wall_ms
        self._wall_ms = max(self._wall_ms, row.now.wall_ms)

    def accept(self, event: Event, receipt: bytes, row: Row) -> None:
        """An accepted event of labels."""
        body, client = event.body, event.client
        if isinstance(body, PriceSet):
            for price in body.prices or ():
                until_ms = FOREVER_MS if price.until_at is None else price.until_at
                window = (price.price_cents, price.from_at, until_ms)
                self._prices.setdefault(f"{client}/{price.sku}", []).append(window)
        elif isinstance(body, LabelBind):
            label, bound = f"{client}/{body.label}", (f"{client}/{body.sku}", body.gateway)
            if self.bound.get(label) != bound:
                self._bindings += 1
                self.bound[label], self._binding[label] = bound, self._bindings
        elif isinstance(body, LabelUnbind):
            self.bound.pop(f"{client}/{body.label}", None)
        elif isinstance(body, LabelShown):
            self._confirm(client, body, row)
        elif isinstance(body, PriceGet):
            answer = self.answered[f"{body.shop}/{body.sku}"] = loose(receipt)
            self._in_force(f"{body.shop}/{body.sku}", answer["price_cents"], answer["version"], row)

    def send(self, answer: Answer, row: Row) -> None:
        """A `label.show` leaves, after the events of its row."""
        body = loose(answer.payload)
        label, sku = f"{body['shop']}/{body['label']}", f"{body['shop']}/{body['sku']}"
        binding, version = body["binding"], body["version"]
        made = Display(binding, version, body["sku"], body["price_cents"], body.get("stock"))
        before = self.sent.setdefault((answer.client, label, binding, version), made)
        need(before == made, "L1", lambda: f"row {row.number}: {label} shows {made}, and {before} under one version")
        bound = (*self.bound.get(label, ()), self._binding.get(label))
        need(
            bound == (sku, answer.client, binding),
            "L1",
            lambda: f"row {row.number}: {label} is bound as {bound}, not {made}",
        )
        self._in_force(sku, made.price_cents, version, row)

    def _confirm(self, gateway: str, body: LabelShown, row: Row) -> None:
        label = f"{body.shop}/{body.label}"
        if body.binding < self._binding.get(label, 0):
            return  # a confirmation of an earlier binding changes nothing, whatever it names
        version = (body.binding, body.version)
        sent = (gateway, label, *version) in self.sent
        need(sent, "L1", lambda: f"row {row.number}: {label} confirms {version}, which was never sent")
        self.confirmed[label] = max(version, self.confirmed.get(label, (0, 0)))

    def _in_force(self, sku: str, price_cents: int, version: int, row: Row) -> None:
        """What is shown or answered now is not ahead of its time, and not behind."""
        newest = self.newest.setdefault(sku, version)
        need(version >= newest, "L1", lambda: f"row {row.number}: version {version} of {sku} comes after {newest}")
        self.newest[sku] = version
        known, wall_ms = self._prices.get(sku, []), row.now.wall_ms
        begun = any(cents == price_cents and from_ms <= self._wall_ms for cents, from_ms, _ in known)
        need(begun, "L1", lambda: f"row {row.number}: {price_cents} of {sku} is ahead of {self._wall_ms}: {known}")
        if self._set_back or len(self._prices) > prices.CHANGES_PER_ROUND_MAX:
            return
        right = [cents for cents, from_ms, until_ms in known if from_ms <= wall_ms < until_ms][-1:]
        need(
            right == [price_cents],
            "L1",
            lambda: f"row {row.number}: {sku} costs {price_cents} at {wall_ms}, {right} is in force",
        )


class LabelChecks:
    """What is checked of labels while the world runs."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.confirmations: dict[tuple[str, int, int], None] = {}
        """What gateways have sent as shown: label, binding, version."""

    def arrived(self, gateway: str, label: str, made: Display) -> None:
        """A gateway got a `label.show`."""
        if self._world.was_restored:
            return
        sent = self._world.checks.ledger.labels.sent.get((gateway, f"{SHOP}/{label}", made.binding, made.version))
        need(sent == made, "I1", lambda: f"{gateway} got {made} for {label}; {sent} is on disk")

    def round(self, node: Node) -> None:
        """After each round: states that agree with each other, and bounds."""
        labels = labels_of(node)
        table, delivery, skus = labels.labels, labels.labels.delivery, labels.prices.skus
        limits, options = self._world.plan.limits, delivery.options
        late = 0
        in_flight: dict[str, int] = {}
        for key, label in table.labels.items():
            version = skus[f"{label.shop}/{label.sku}"].version
            need(
                label.shown <= label.sent <= version,
                "L1",
                lambda k=key, v=label, n=version: f"{k} confirmed {v.shown} of {v.sent} sent, {n} is in force",
            )
            need(
                not label.shown or (label.label, label.binding, label.shown) in self.confirmations,
                "L1",
                lambda k=key, v=label: f"{k} counts as showing {v.shown}, which its gateway never confirmed",
            )
            outdated = label.shown < version
            need(
                (label.since_ms is not None) == outdated,
                "L2",
                lambda k=key, v=label, n=version: f"{k} shows {v.shown} of {n}, not up to date since {v.since_ms}",
            )
            queued = key in delivery.gateways[label.gateway].shops[label.shop].queue
            need(
                outdated == (queued or label.due_ms is not None),
                "L2",
                lambda k=key, v=label, q=queued: f"{k} waits for nothing: {v}, queued {q}",
            )
            late += outdated
            in_flight[label.gateway] = in_flight.get(label.gateway, 0) + label.in_flight
        need(late == table.unconfirmed, "L2", lambda: f"{late} labels are late, {table.unconfirmed} are counted")
        for name, gateway in delivery.gateways.items():
            held = in_flight[name]
            need(held == gateway.in_flight, "L2", lambda n=name, g=gateway: f"{n} has {g.in_flight} slots taken")
            need(held <= limits["GATEWAY_WINDOW"], "I5", lambda n=name, h=held: f"{n} has {h} labels in flight")
        of = max((len(each) for each in table._of.values()), default=0)
        windows = max((len(sku.prices) for sku in skus.values()), default=0)
        for name, value, limit in (
            ("labels_max", len(table.labels), options.labels_max),
            ("skus_max", len(skus), options.skus_max),
            ("LABELS_PER_SKU_MAX", of, limits["LABELS_PER_SKU_MAX"]),
            ("PRICES_PER_SKU_MAX", windows, limits["PRICES_PER_SKU_MAX"]),
        ):
            need(value <= limit, "I5", lambda n=name, v=value, m=limit: f"{n} is {m}, there are {v}")


def check_labels(world: "World") -> None:
    """Once it is quiet: what the gateways show, what the node takes for shown, and what `price.get` answers agree.
    Raises Broken."""
    shop = next((person for person in world.people if isinstance(person, Shelves)), None)
    if shop is None or any(name in world.plan.absent for name in GATEWAYS):
        return
    if world.was_restored:
        return  # labels may show what only the lost disk knew, until their articles change again
    wrong = ""
    for _ in range(ASKED_MAX):
        _ask_all(world, shop)
        wrong = _differences(world)
        if not wrong:
            return
    need(condition=False, invariant="L2", detail=lambda: wrong)


def _ask_all(world: "World", shop: Shelves) -> None:
    """For every price, until the answers have come and every label is confirmed."""
    for sku in labels_of(world.process.pipeline.node).prices.skus.values():
        if sku.price_cents is not None and sku.shop == shop.name:
            shop.ask(sku.sku)
    world.settle()


def _differences(world: "World") -> str:
    """The first label that does not show what `price.get` answered; empty where all do."""
    ledger = world.checks.ledger.labels
    shown = {person.name: person.displays for person in world.people if isinstance(person, Gateway)}
    node = labels_of(world.process.pipeline.node)
    priced = {key for key, sku in node.prices.skus.items() if sku.price_cents is not None}
    for label, (sku, gateway) in ledger.bound.items():
        answer = ledger.answered.get(sku)
        if sku not in priced or answer is None:
            continue  # only where a failure is made shorter may the question be among what is not sent
        right = {name: answer.get(name) for name in ("version", "price_cents", "stock")}
        display = shown[gateway].get(label.partition("/")[2])
        fields = {} if display is None else msgspec.structs.asdict(display)
        if {name: fields.get(name) for name in right} != right:
            return f"{label} at {gateway} shows {display}, price.get answered {right}"
        if ledger.confirmed.get(label, (0, 0))[1] != right["version"]:
            return f"{label} confirmed {ledger.confirmed.get(label)}, price.get answered {right}"
    return ""
