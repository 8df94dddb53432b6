"""When a label's version is sent to its gateway, and sent again until the label shows it.

A label that is not up to date is in one of three states:

    queued      it waits for its turn, since GATEWAY_WINDOW labels of its gateway are in flight, or its shop's
                part of them
    in flight   the version was sent; the slot is free again after `resend_after_s`, or when the label confirms
    resting     the back-off goes on, without a slot: labels with a flat battery must not hold up the others

Shops that share a gateway take turns, one label each, and an equal share of its window: what one has waiting, and
labels of it that never confirm, do not hold up those of another.

Two things are sent again, on two levels. MQTT repeats an answer, across reconnects, until the gateway acknowledges its
arrival, but only while its slot lasts: then it expires. The resend here goes on until the label *shows* the version,
and carries what is newest by then. So a gateway that was away for long finds only what was sent within the last slot,
beside what its return causes. Where an article changes while a version is in flight the new one is sent at once; both
may arrive, and the gateway keeps the one with the greater (binding, version).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from ...core.effects import Effects
from ...core.model import Now
from ...messages.envelope import Client, ClientKey
from ..rounds import Deadlines, milliseconds
from .messages import LabelShow
from .options import LabelsOptions
from .prices import Sku

GATEWAY_WINDOW: Final = 256
"""Labels in flight at one gateway. With those from before it came back, and the receipts of its confirmations, its
answers stay below ANSWERS_PER_CLIENT_MAX, beyond which the oldest are dropped."""

SENDS_PER_ROUND_MAX: Final = 1_024
"""`label.show` in one round, some 15 us each; more take the next round."""

DOUBLINGS_MAX: Final = 16
"""From one second to more than any `resend_max_s`."""


class Label(Struct, array_like=True):
    """One label of a shop. Times are monotonic ms."""

    shop: Client
    label: str
    sku: str
    gateway: Client
    binding: int
    """Which `label.bind` this is; they are numbered."""
    sent: int = 0
    """The newest version sent."""
    shown: int = 0
    """The newest version confirmed."""
    attempts: int = 0
    """How often the newest version was sent."""
    in_flight: bool = False
    due_ms: int | None = None
    """When its slot is free, or its rest is over."""
    changed_ms: int = 0
    """When the newest version came about."""
    since_ms: int | None = None
    """Since when it is not up to date; None: it is."""
    behind: bool = False
    """For longer than `behind_after_s`."""


class Share(Struct, array_like=True):
    """What one shop has at a gateway. `queue` has keys of labels."""

    labels: int = 0
    in_flight: int = 0
    queue: dict[ClientKey, None] = {}


class Gateway(Struct, array_like=True):
    """A client that serves labels. `turns` are the shops with a queue and a free slot, the next one first."""

    in_flight: int = 0
    shops: dict[Client, Share] = {}
    turns: dict[Client, None] = {}
    returned_ms: int | None = None

    def has_slot(self, share: Share) -> bool:
        """Whether one label more of a shop may be in flight."""
        return share.in_flight < max(GATEWAY_WINDOW // len(self.shops), 1)


class DeliveryState(Struct, array_like=True):
    """For the snapshot; `busy` in its sequence."""

    gateways: dict[Client, Gateway]
    busy: list[Client]


class Delivery:
    """The queues of all gateways, and the timers of all labels. `labels` are those of the table, by key."""

    def __init__(self, labels: Mapping[str, Label]) -> None:
        self.gateways: dict[str, Gateway] = {}
        self.options = LabelsOptions()
        self._labels = labels
        self._busy: dict[str, None] = {}  # gateways with turns and a free slot
        self._timers = Deadlines()

    def add(self, label: Label) -> None:
        """Its gateway serves one label more."""
        self.gateways.setdefault(label.gateway, Gateway()).shops.setdefault(label.shop, Share()).labels += 1

    def remove(self, key: str, label: Label) -> None:
        """And one less."""
        self.rest(key, label)
        gateway = self.gateways[label.gateway]
        share = gateway.shops[label.shop]
        share.labels -= 1
        if not share.labels:
            del gateway.shops[label.shop]
        if not gateway.shops:
            del self.gateways[label.gateway]

    def queue(self, key: str, label: Label) -> None:
        """It is sent as soon as there is a slot."""
        self._free(label)
        self._timers.drop(key)
        label.due_ms = None
        self.gateways[label.gateway].shops[label.shop].queue[key] = None
        self._serve(label)

    def rest(self, key: str, label: Label) -> None:
        """Nothing is to be sent until it is queued again."""
        self._free(label)
        self._timers.drop(key)
        label.due_ms = None
        gateway = self.gateways[label.gateway]
        share = gateway.shops[label.shop]
        share.queue.pop(key, None)
        if not share.queue:
            gateway.turns.pop(label.shop, None)
        if not gateway.turns:
            self._busy.pop(label.gateway, None)

    def returned(self, names: Sequence[str], now_ms: int) -> dict[str, None]:
        """Those of them that get everything again. A gateway that comes and goes does once in `resend_after_s`: what it
        missed since then is on its way."""
        back: dict[str, None] = {}
        for name in names:
            gateway = self.gateways.get(name)
            if gateway is None:
                continue
            if gateway.returned_ms is None or now_ms >= gateway.returned_ms + self._slot_ms:
                gateway.returned_ms = now_ms
                back[name] = None
        return back

    def expire(self, now_ms: int) -> None:
        """Slots and rests that are over."""
        while (key := self._timers.pop(now_ms)) is not None:
            label = self._labels[key]
            label.due_ms = None
            rest_ms = min(self._slot_ms << min(label.attempts - 1, DOUBLINGS_MAX), self.options.resend_max_s * 1000)
            if label.in_flight and rest_ms > self._slot_ms:
                self._free(label)
                self._set_timer(key, label, now_ms + rest_ms - self._slot_ms)
            else:
                self.queue(key, label)

    def send(self, skus: Mapping[str, Sku], now: Now, out: Effects) -> None:
        """At the end of a round: what gateways have slots for. So in one round a label is sent once at most, with what
        is newest."""
        left = SENDS_PER_ROUND_MAX
        while self._busy and left:
            name = next(iter(self._busy))
            gateway = self.gateways[name]
            while gateway.turns and gateway.in_flight < GATEWAY_WINDOW and left:
                shop = next(iter(gateway.turns))
                del gateway.turns[shop]
                share = gateway.shops[shop]
                if not gateway.has_slot(share):
                    continue  # another shop has come since; a slot of its own that gets free gives it a turn again
                key = next(iter(share.queue))
                del share.queue[key]
                gateway.in_flight += 1
                share.in_flight += 1
                left -= 1
                label = self._labels[key]
                self._show(key, label, skus[f"{label.shop}/{label.sku}"], now, out)
                self._serve(label)
            if not gateway.turns or gateway.in_flight >= GATEWAY_WINDOW:
                del self._busy[name]

    def next_ms(self) -> int | None:
        """When `expire` or `send` has something to do; 0 at once."""
        return 0 if self._busy else self._timers.next()

    def state(self) -> DeliveryState:
        """For the snapshot. The timers are in the labels."""
        return DeliveryState(self.gateways, list(self._busy))

    def restore(self, state: DeliveryState) -> None:
        """From a snapshot, after the labels."""
        self.gateways, self._busy = state.gateways, dict.fromkeys(state.busy)
        self._timers = Deadlines()
        for key, label in self._labels.items():
            if label.due_ms is not None:
                self._timers.set(key, label.due_ms)

    @property
    def _slot_ms(self) -> int:
        return self.options.resend_after_s * 1000

    def _set_timer(self, key: str, label: Label, due_ms: int) -> None:
        label.due_ms = due_ms
        self._timers.set(key, due_ms)

    def _free(self, label: Label) -> None:
        if label.in_flight:
            label.in_flight = False
            gateway = self.gateways[label.gateway]
            gateway.in_flight -= 1
            gateway.shops[label.shop].in_flight -= 1
            self._serve(label)

    def _serve(self, label: Label) -> None:
        """The shop of the label has its turn at the label's gateway, after those that wait for theirs."""
        gateway = self.gateways[label.gateway]
        share = gateway.shops[label.shop]
        if share.queue and gateway.has_slot(share):
            gateway.turns[label.shop] = None
        if gateway.turns and gateway.in_flight < GATEWAY_WINDOW:
            self._busy[label.gateway] = None

    def _show(self, key: str, label: Label, sku: Sku, now: Now, out: Effects) -> None:
        assert sku.price_cents is not None, "an article without a price has no version to show"
        now_ms = milliseconds(now)
        if label.sent == sku.version:
            out.count("label.resent", now.wall_ms)
        else:
            out.measure("set_to_shown_ms", now.wall_ms, max(now_ms - label.changed_ms, 0))
        label.sent = sku.version
        label.attempts += 1
        label.in_flight = True
        self._set_timer(key, label, now_ms + self._slot_ms)
        show = LabelShow(
            shop=label.shop,
            label=label.label,
            sku=label.sku,
            binding=label.binding,
            version=sku.version,
            price_cents=sku.price_cents,
            stock=sku.stock,
        )
        out.send(label.gateway, show, now.mono + self.options.resend_after_s)
