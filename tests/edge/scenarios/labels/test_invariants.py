"""A random day of shops and gateways that lose, delay and repeat, with clocks that jump and restarts in between.

At any time: no label confirms a version newer than that in force, one version is one price and stock for ever, and the
price in force is the one that a plain list of all prices gives. Once it is quiet: every label shows what `price.get`
answers. Afterwards: every row replays to the byte, and a node that recovers from any snapshot is the one that lived.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import edge.scenarios.labels.delivery as delivery
import edge.scenarios.labels.prices as prices_module
from edge.core.model import Delivered, Now, Presence
from edge.core.node import Node
from edge.core.replay import Replay
from edge.scenarios.labels import Labels
from edge.scenarios.labels.prices import FOREVER_MS, Price, in_force
from tests.edge.scenarios.labels.world import T0, World, again, echo, messages

SHOP = "shop-1"
SKUS = st.sampled_from(["milk", "bread"])
NAMES = st.sampled_from(["l-1", "l-2", "l-3", "l-4"])
GATEWAYS = st.sampled_from(["gateway-1", "gateway-2"])
CENTS = st.integers(1, 9)
SECONDS = st.integers(-50, 200)


class Day(RuleBasedStateMachine):
    """Gateways apply a `label.show` where its (binding, version) is newer than what the label shows."""

    def __init__(self) -> None:
        super().__init__()
        self._bounds = (delivery.GATEWAY_WINDOW, delivery.SENDS_PER_ROUND_MAX, prices_module.CHANGES_PER_ROUND_MAX)
        delivery.GATEWAY_WINDOW, delivery.SENDS_PER_ROUND_MAX, prices_module.CHANGES_PER_ROUND_MAX = 2, 1, 1
        self.world = World(resend_after_s=5, resend_max_s=40, behind_after_s=30)
        self.online = {"gateway-1": True, "gateway-2": True}
        self.shown: dict[tuple[str, str], dict[str, Any]] = {}
        self.confirmations: list[tuple[str, dict[str, Any]]] = []
        self.contents: dict[tuple[str, str, int], tuple[int, int | None]] = {}
        self.prices: dict[str, list[Price]] = {}
        self.set_back = False
        self.snapshots: list[tuple[int, bytes]] = []

    def teardown(self) -> None:
        """The day ends: it gets quiet, then everything is compared."""
        try:
            self._get_quiet()
            for label in self.world.labels.labels.labels.values():
                answer = self.world.price(label.sku, label.shop)
                if answer["status"] == "accepted":
                    show = self.shown[label.shop, label.label]
                    fields = ("sku", "price_cents", "version")
                    assert [show[name] for name in fields] == [answer[name] for name in fields]
                    assert show.get("stock") == answer.get("stock")
            self._compare()
        finally:
            delivery.GATEWAY_WINDOW, delivery.SENDS_PER_ROUND_MAX, prices_module.CHANGES_PER_ROUND_MAX = self._bounds

    # -- shops ---------------------------------------------------------------------------------------------------------

    @initialize(sku=SKUS)
    def open(self, sku):
        """The first shop has a label and a price."""
        self.bind("l-1", sku, "gateway-1")
        self.set_price([(sku, 5, None, None)])

    @rule(
        entries=st.lists(
            st.tuples(SKUS, CENTS, st.none() | SECONDS, st.none() | st.integers(1, 100)), min_size=1, max_size=3
        ),
    )
    def set_price(self, entries):
        """Some prices, some with windows around the present."""
        wall, wanted, made = self.world.at.wall_ms, [], []
        for sku, cents, begin, length in entries:
            from_ms = 0 if begin is None else wall + begin * 1000
            until_ms = FOREVER_MS if length is None else (from_ms or wall) + length * 1000
            until = {} if length is None else {"until_at": until_ms}
            wanted.append({"sku": sku, "price_cents": cents, "from_at": from_ms, **until})
            made.append((sku, Price(cents, from_ms, until_ms)))
        if self._send(SHOP, "price.set", prices=wanted)["status"] == "accepted":
            for sku, price in made:
                self.prices.setdefault(sku, []).append(price)

    @rule(sku=SKUS, count=st.integers(0, 3))
    def set_stock(self, sku, count):
        """A stock."""
        self._send(SHOP, "stock.set", sku=sku, count=count)

    @rule(label=NAMES, sku=SKUS, gateway=GATEWAYS)
    def bind(self, label, sku, gateway):
        """A label gets an article, or moves."""
        self._send(SHOP, "label.bind", label=label, sku=sku, gateway=gateway)

    @rule(label=NAMES)
    def unbind(self, label):
        """A label goes, where it is there."""
        self._send(SHOP, "label.unbind", label=label)

    @rule(sku=SKUS)
    def remove(self, sku):
        """An article goes, where no label shows it; another one of its name begins anew."""
        if self._send(SHOP, "sku.remove", sku=sku)["status"] == "accepted":
            self.prices.pop(sku, None)
            self.contents = {key: content for key, content in self.contents.items() if key[1] != sku}

    # -- gateways ------------------------------------------------------------------------------------------------------

    @rule(gateway=GATEWAYS)
    def connect_or_go(self, gateway):
        """A gateway changes sides."""
        self.online[gateway] = not self.online[gateway]
        self.world.handle(Presence(gateway, self.online[gateway]))

    @rule(gateway=GATEWAYS)
    def serve(self, gateway):
        """All goes well at a gateway, for once."""
        self.take(gateway, lose=False)
        for name, fields in self.confirmations:
            if name == gateway:
                self._send(gateway, "label.shown", **fields)

    @rule(gateway=GATEWAYS, lose=st.booleans())
    def take(self, gateway, lose):
        """A connected gateway takes what waits for it. Radio loses all of it, or labels show it."""
        if not self.online[gateway]:
            return
        answers = list(self.world.node.pending_answers.of(gateway, 0))
        if answers:
            self._handle(Delivered([answer.sequence for answer in answers]))
        for show in messages(answers, "label.show"):
            if lose:
                continue
            key = (show["shop"], show["label"])
            known = self.shown.get(key)
            if known is None or (known["binding"], known["version"]) < (show["binding"], show["version"]):
                self.shown[key] = show
            self.confirmations.append((gateway, echo(self.shown[key])))

    @precondition(lambda self: self.confirmations)
    @rule(data=st.data(), keep=st.booleans(), lose=st.booleans())
    def confirm(self, data, keep, lose):
        """Any confirmation comes, in any sequence, perhaps again later, or never."""
        index = data.draw(st.integers(0, len(self.confirmations) - 1))
        gateway, fields = self.confirmations[index] if keep else self.confirmations.pop(index)
        if not lose:
            self._send(gateway, "label.shown", **fields)

    # -- time and restarts ---------------------------------------------------------------------------------------------

    @rule(seconds=st.integers(1, 90))
    def wait(self, seconds):
        """Time passes; deadlines are kept."""
        self.world.run(seconds)
        self._look(self._handle())

    @rule(seconds=st.integers(-300, 300))
    def jump(self, seconds):
        """The wall clock is set."""
        self.set_back |= seconds < 0
        self.world.at = Now(self.world.at.mono, max(self.world.at.wall_ms + seconds * 1000, T0))

    @rule()
    def snapshot(self):
        """As the journal makes one now and then."""
        self.snapshots.append((len(self.world.rows), self.world.node.snapshot()))

    @precondition(lambda self: self.snapshots)
    @rule()
    def restart(self):
        """The node comes back from the last snapshot and the rows since then; who is connected is unknown."""
        first, snapshot = self.snapshots[-1]
        lived = self.world.node.snapshot()
        self.world.node = again(self.world, snapshot, first)
        assert self.world.node.snapshot() == lived
        for gateway, online in self.online.items():
            if online:
                self.world.handle(Presence(gateway, True))

    # -- what must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def no_label_is_ahead(self):
        """No label confirmed what was not sent, and nothing was sent that is newer than what is in force."""
        skus = self.world.labels.prices.skus
        for label in self.world.labels.labels.labels.values():
            assert label.shown <= label.sent <= skus[f"{label.shop}/{label.sku}"].version

    @invariant()
    def slots_are_counted(self):
        """A gateway's slots are those of its labels, and stay within its window."""
        table = self.world.labels.labels
        for name, gateway in table.delivery.gateways.items():
            mine = [label for label in table.labels.values() if label.gateway == name]
            assert sum(label.in_flight for label in mine) == gateway.in_flight
            (share,) = gateway.shops.values()
            assert (len(mine), gateway.in_flight) == (share.labels, share.in_flight)
            assert bool(gateway.turns) <= bool(share.queue)
            assert gateway.in_flight <= delivery.GATEWAY_WINDOW

    @rule(sku=SKUS)
    def get_price(self, sku):
        """The answer is what a plain list of all prices gives, where that has one. Where the clock was set back, the
        list does not know which prices were over already."""
        answer = self._price(sku)
        expected = in_force(self.prices.get(sku, []), self.world.at.wall_ms)
        if expected is not None and not self.set_back:
            assert answer["price_cents"] == expected.price_cents

    # -- helpers -------------------------------------------------------------------------------------------------------

    def _price(self, sku: str) -> dict[str, Any]:
        answer = self.world.price(sku)
        if answer["status"] == "accepted":
            self._remember(answer)
        return answer

    def _send(self, client: str, kind: str, **fields: Any) -> dict[str, Any]:
        effects = self.world.handle(self.world.event(client, kind, **fields))
        self._look(effects)
        return messages(effects, "receipt")[0]

    def _handle(self, *inputs: Any) -> list[Any]:
        effects = self.world.handle(*inputs)
        self._look(effects)
        return effects

    def _look(self, effects: list[Any]) -> None:
        shows = messages(effects, "label.show")
        assert len({(show["shop"], show["label"]) for show in shows}) == len(shows)
        for show in shows:
            self._remember(show)

    def _remember(self, fields: dict[str, Any]) -> None:
        content = (fields["price_cents"], fields.get("stock"))
        key = (fields["shop"], fields["sku"], fields["version"])
        assert self.contents.setdefault(key, content) == content

    def _get_quiet(self) -> None:
        """Nobody changes anything, nothing is lost: each version arrives within some resends."""
        for gateway, online in self.online.items():
            if not online:
                self.connect_or_go(gateway)
        for _ in range(200):
            for gateway in self.online:
                self.take(gateway, lose=False)
            for gateway, fields in self.confirmations:
                self._send(gateway, "label.shown", **fields)
            self.confirmations.clear()
            gauges = self.world.labels.gauges()["labels"]
            if not gauges["unconfirmed"] and not gauges["scheduled"]:
                return
            self.world.run(5)
        raise AssertionError(f"it does not get quiet: {self.world.labels.gauges()}")

    def _compare(self) -> None:
        """Replay of every row, and recovery from the beginning and from each snapshot."""
        world = self.world
        replay = Replay(Node([Labels]), None)
        assert [found for row in world.rows if (found := replay.feed(row))] == []
        lived = world.node.snapshot()
        for first, snapshot in [(0, None), *self.snapshots]:
            node = again(world, snapshot, first)
            assert node.snapshot() == lived
            assert node.recovery_differences == 0
            assert node.next_decision() == world.node.next_decision()


TestDay = Day.TestCase
TestDay.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
