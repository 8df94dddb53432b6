"""A journal of one evening with dispatch and labels, in which any party may have any name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from edge.core.model import Commit, Configure, Event, Input, Now, Observed, Rules
from edge.core.node import Node
from edge.core.scenario import Scenario
from edge.messages.grants import EVERYBODY, Grant
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.labels import Labels
from tests.edge.journals import Writing, commit, session

T0 = 1_790_000_000_000
KINDS: list[type[Scenario]] = [Dispatch, Labels]
PARTIES = {"customer": "cu-1", "rider": "ri-1", "shop": "sh-1", "gateway": "ga-1"}
OTHERS = {"other": "cu-2", "till": "ti-2", "far": "ri-2"}
SHOP = {"lat": 31.2, "lon": 121.4}
DOORS = {"customer": {"lat": 31.2043, "lon": 121.4043}, "other": {"lat": 31.2051, "lon": 121.4052}}
WORDS_OF_SENTENCES = """
at a cost of s can pick up in min drop off nobody else could take it the bell is broken no time rider to
""".split()
"""A client's name that is one of them is taken for it there."""
NOTE = "the bell is broken"


def now(seconds: float) -> Now:
    """`seconds` after the first instant."""
    return Now(float(seconds), T0 + int(seconds * 1000))


class Life:
    """A node and its rows. Messages are JSON and MessagePack in turn; ids do not depend on names."""

    def __init__(self, **parties: str) -> None:
        self.names = {**PARTIES, **OTHERS, **parties}
        self.node = Node(KINDS)
        self.rows: list[bytes] = []
        self.seconds = 0
        sections = {kind.name: msgspec.Raw(msgspec.msgpack.encode(kind.options())) for kind in KINDS}
        self._handle(Configure(Rules(node="n-1", keep_free_text=True, scenarios=sections)))

    def send(self, party: str, kind: str, **fields: Any) -> None:
        """A message in a round of its own, ten seconds after the one before. A till acts for the shop."""
        self.seconds += 10
        number = len(self.rows)
        body = {"id": f"e-{number}", "at": now(self.seconds).wall_ms, **fields}
        grant = Grant(("shop",), self.names["shop"]) if party == "till" else EVERYBODY
        payload = (msgspec.json, msgspec.msgpack)[number % 2].encode(body)
        made = self.node.catalog.decode(self.names[party], kind, payload, "wgs84", grant)
        assert isinstance(made, Event | Observed), made
        self._handle(made)

    def order(self, party: str, number: int) -> None:
        """From the tap to the door; a second one is cancelled, with words. Offers are taken as they come."""
        fields: Mapping[str, Any] = {"shop": self.names["shop"], "pickup": SHOP, "dropoff": DOORS[party], "prep_s": 0}
        self.send(party, "order.place", order=f"o-{number}", **fields)
        self._accept(f"o-{number}")
        self.send("till", "kitchen.delay", order=f"o-{number}", ready_at=now(self.seconds + 60).wall_ms)
        for step in ("at_shop", "picked_up", "delivered"):
            self.send("rider", "rider.progress", order=f"o-{number}", step=step)
        self.send(party, "order.place", order=f"o-{number + 1}", **fields)
        self._accept(f"o-{number + 1}")
        self.send(party, "order.cancel", order=f"o-{number + 1}", reason=NOTE if party == "customer" else "no time")

    def evening(self) -> "Life":
        """Both customers have orders, a shop has labels; at the end nothing is open."""
        for party in ("rider", "far"):
            self.send(party, "rider.shift", on=True, capacity=2)
        near, far = ([now(self.seconds).wall_ms, 31.2 + off, 121.4] for off in (0.001, 0.02))
        self.send("rider", "rider.position", points=[near])
        self.send("far", "rider.position", points=[far])
        shop, gateway = self.names["shop"], self.names["gateway"]
        self.send("shop", "price.set", sku="milk", price_cents=100)
        self.send("shop", "label.bind", label="L1", sku="milk", gateway=gateway)
        self.order("customer", 1)
        self.send("gateway", "label.shown", shop=shop, label="L1", binding=1, version=1)
        self.order("other", 3)
        self.send("shop", "stock.set", sku="milk", count=3)
        self.send("other", "price.get", shop=shop, sku="milk")
        self.send("other", "times.reset", shop=shop)
        for party in ("rider", "far"):
            self.send(party, "rider.shift", on=False)
        return self

    def write(self, folder: Path) -> None:
        """As a data directory, with two snapshots."""
        half = Node(KINDS)
        half.recover(None, self.rows[: len(self.rows) // 2])
        folder.mkdir(0o700, parents=True)

        async def work(writing: Writing) -> None:
            for number, body in enumerate(self.rows, 1):
                writing.journal.submit(commit(body))
                for node in (half, self.node):
                    if node.number == number:
                        await writing.keep(number, node.snapshot())
            await writing.until(lambda: writing.journal.queued == 0)

        session(folder / "journal.sqlite3", work)

    def _accept(self, order: str) -> None:
        offer = self.node.scenarios["dispatch"].state.orders.open[order].offer  # type: ignore[attr-defined]
        self.send("rider", "rider.reply", order=order, offer=offer, accept=True)

    def _handle(self, item: Input) -> None:
        effects = self.node.handle([item], now(self.seconds))
        if effects:
            assert isinstance(effects[0], Commit)
            self.rows.append(effects[0].row)
