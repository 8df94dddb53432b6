"""A node that runs labels alone, with a shop and gateways around it, for tests of the scenario."""

import json
from typing import Any

import msgspec

from edge.core.model import Answer, Commit, Configure, Delivered, Effect, Event, Input, Now, Rejected, Rules
from edge.core.node import Node
from edge.scenarios.labels import Labels
from edge.scenarios.labels.options import LabelsOptions

T0 = 1_790_000_000_000
SHOP, GATEWAY = "shop-1", "gateway-1"


def now(seconds: float, wall_s: float | None = None) -> Now:
    """`seconds` after the first instant; the wall clock at `wall_s`, where it goes its own way."""
    return Now(float(seconds), T0 + round((seconds if wall_s is None else wall_s) * 1000))


class World:
    """One node. `rows` is its journal. Every answer is JSON, and stays pending until `take`."""

    def __init__(self, **options: Any) -> None:
        section = msgspec.Raw(msgspec.msgpack.encode(LabelsOptions(**options)))
        self.node = Node([Labels])
        self.rows: list[bytes] = []
        self.at = now(0)
        self._ids = 0
        self.handle(Configure(Rules(node="n-1", scenarios={"labels": section})))

    @property
    def labels(self) -> Labels:
        """The scenario."""
        scenario = self.node.scenarios["labels"]
        assert isinstance(scenario, Labels)
        return scenario

    def handle(self, *inputs: Input, at: Now | None = None) -> list[Effect]:
        """A round, at this instant or a later one."""
        self.at = at or self.at
        effects = self.node.handle(inputs, self.at)
        if effects:
            assert isinstance(effects[0], Commit)
            self.rows.append(effects[0].row)
        return effects

    def event(self, client: str, kind: str, **fields: Any) -> Event | Rejected:
        """What the decoder makes of a message."""
        self._ids += 1
        body = {"id": f"e-{self._ids}", "at": self.at.wall_ms, **fields}
        made = self.node.catalog.decode(client, kind, json.dumps(body).encode(), "wgs84")
        assert isinstance(made, Event | Rejected)
        return made

    def send(self, client: str, kind: str, **fields: Any) -> dict[str, Any]:
        """A message in a round of its own: its receipt."""
        (receipt, *_) = messages(self.handle(self.event(client, kind, **fields)), "receipt")
        return receipt

    def refused(self, client: str, kind: str, **fields: Any) -> tuple[str, str]:
        """Reason and field of a message that must be refused, and must change nothing."""
        self.send("customer-1", "price.get", shop="nobody", sku="nothing")  # what is due by now is done
        before = self.labels.snapshot()
        receipt = self.send(client, kind, **fields)
        assert receipt["status"] == "refused", receipt
        assert receipt["detail"]
        assert self.labels.snapshot() == before
        return receipt["reason"], receipt.get("field", "")

    def price(self, sku: str, shop: str = SHOP) -> dict[str, Any]:
        """What `price.get` answers."""
        return self.send("customer-1", "price.get", shop=shop, sku=sku)

    def bound(self, *skus: str, gateway: str = GATEWAY) -> None:
        """A label `l-SKU` for each article."""
        for sku in skus:
            receipt = self.send(SHOP, "label.bind", label=f"l-{sku}", sku=sku, gateway=gateway)
            assert receipt["status"] == "accepted", receipt

    def restart(self) -> None:
        """The node comes back from a snapshot."""
        snapshot = self.node.snapshot()
        self.node = Node([Labels])
        self.node.recover(snapshot, ())

    def take(self, gateway: str = GATEWAY) -> list[dict[str, Any]]:
        """What a connected gateway finds, oldest first; it acknowledges everything."""
        self.node.pending_answers.expire(self.at.mono)
        answers = list(self.node.pending_answers.of(gateway, 0))
        if answers:
            self.handle(Delivered([answer.sequence for answer in answers]))
        return messages(answers, "label.show")

    def confirm(self, show: dict[str, Any], gateway: str = GATEWAY) -> dict[str, Any]:
        """The label shows it. The receipt."""
        return self.send(gateway, "label.shown", **echo(show))

    def run(self, seconds: float) -> list[dict[str, Any]]:
        """Time passes, with a round at each deadline. What was shown meanwhile, each with its `at` in seconds."""
        end = self.at.mono + seconds
        skew_ms = self.at.wall_ms - T0 - self.at.mono * 1000
        shows: list[dict[str, Any]] = []
        while (due := self.node.next_decision()) is not None and due <= end:
            at_s = max(due, self.at.mono)
            at = Now(at_s, T0 + int(at_s * 1000 + skew_ms))
            shows += [{**show, "at": at_s} for show in messages(self.handle(at=at), "label.show")]
        self.at = Now(end, T0 + int(end * 1000 + skew_ms))
        return shows


def messages(effects: list[Effect] | list[Answer], kind: str) -> list[dict[str, Any]]:
    """The messages of one kind."""
    return [_fields(each.payload) for each in effects if isinstance(each, Answer) and each.kind == kind]


def echo(show: dict[str, Any]) -> dict[str, Any]:
    """The fields of a confirmation."""
    return {name: show[name] for name in ("shop", "label", "binding", "version")}


def again(world: World, snapshot: bytes | None = None, first: int = 0) -> Node:
    """Another node that recovers from a snapshot and the rows from `first` on."""
    node = Node([Labels])
    node.recover(snapshot, world.rows[first:])
    return node


def _fields(payload: bytes) -> dict[str, Any]:
    return json.loads(payload) if payload[:1] == b"{" else msgspec.msgpack.decode(payload)
