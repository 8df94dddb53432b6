"""The labels scenario: a shop's prices and stocks to its electronic shelf labels.

A round brings prices into force whose time has come, takes up the events, and sends each label what is newest, until
the label's gateway has confirmed it. That a gateway came back is the only thing that is in memory only; it reaches a
round through the `Sensor`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec
from msgspec import Struct

from ...core.effects import Effects
from ...core.model import Event, Now, Presence, Row
from ...core.scenario import Counter, Message, Moment, Outcome, Part, Refusal, Renaming, Scenario, Value, Zone
from ...errors import Reason
from ...messages.envelope import Client, Receipt
from ..rounds import failed_on, milliseconds, restored
from .examples import examples
from .explain import explain, subjects
from .labels import LabelsState, LabelTable
from .messages import (
    COUNTERS,
    MESSAGES,
    NAME,
    Durable,
    LabelBind,
    LabelShown,
    LabelUnbind,
    PriceGet,
    PriceReceipt,
    PriceSet,
    SkuRemove,
    StockSet,
)
from .options import LabelsOptions
from .prices import PricesState, PriceTable

STATE_VERSION: Final = 2


class _State(Struct, array_like=True):
    version: int
    prices: PricesState
    labels: LabelsState


class Sensor:
    """Gateways that came back since the last round: those of now, or those of a row. Who is connected is in memory
    only; what a gateway has not confirmed it gets then, which is a decision, so the row keeps the names."""

    def __init__(self, returned: list[str]) -> None:
        self.returned = returned

    def record(self) -> bytes:
        """The names; empty where there were none."""
        return msgspec.msgpack.encode(self.returned) if self.returned else b""


class Labels(Scenario):
    """Prices and stocks reach shelf labels."""

    name: ClassVar[str] = NAME
    zone: ClassVar[Zone] = "instant"
    messages: ClassVar[tuple[Message, ...]] = MESSAGES
    counters: ClassVar[tuple[Counter, ...]] = COUNTERS
    options: ClassVar[type[Any]] = LabelsOptions
    receipt: ClassVar[type[Receipt]] = PriceReceipt

    def __init__(self) -> None:
        self.prices = PriceTable()
        self.labels = LabelTable()
        self._options = LabelsOptions()
        self._returned: dict[str, None] = {}

    def configure(self, options: LabelsOptions) -> None:
        """Timers that run keep their time. What is beyond a lowered bound stays; nothing more is taken in."""
        self._options = options
        self.prices.options = options
        self.labels.configure(options)

    # -- in memory only ------------------------------------------------------------------------------------------------

    def observe(self, client: str, message: Any, now: Now) -> None:
        """A gateway came back, or went again."""
        if isinstance(message, Presence) and client in self.labels.delivery.gateways:
            if message.present:
                self._returned[client] = None
            else:
                self._returned.pop(client, None)

    def live_sensor(self) -> Sensor:
        """Gateways that came back, each once."""
        returned = list(self._returned)
        self._returned.clear()
        return Sensor(returned)

    def recorded_sensor(self, record: bytes, decided: bool) -> Sensor:
        """Gateways that came back then."""
        return Sensor(msgspec.msgpack.decode(record, type=list[str]) if record else [])

    # -- a round -------------------------------------------------------------------------------------------------------

    def round(self, events: Sequence[Event], now: Now, sensor: Sensor, out: Effects) -> list[Outcome]:
        """What the clocks bring, then the events, then one `label.show` for each label that wants one."""
        self.labels.came_back(sensor.returned, milliseconds(now))
        for key in self.prices.due(now):
            self._refresh(key, now, out)
        self.labels.expire(now, out)
        outcomes = [self._apply(event, now, out) for event in events]
        self.labels.delivery.send(self.prices.skus, now, out)
        self.prices.plan_look(now)
        return outcomes

    def next_deadline(self) -> float | None:
        """When a price comes into force, a label is to be sent again, or a gateway came back (0.0: at once)."""
        if self._returned:
            return 0.0
        due = [ms for ms in (self.prices.look_ms, self.labels.next_ms()) if ms is not None]
        return min(due) / 1000 if due else None

    def _apply(self, event: Event, now: Now, out: Effects) -> Outcome:
        try:
            return self._decided(event, event.body, now, out)  # pyright: ignore[reportArgumentType]
        except Exception as error:
            error.add_note(failed_on(NAME, event))
            raise

    def _decided(self, event: Event, body: Durable, now: Now, out: Effects) -> Outcome:
        shop = event.shop
        match body:
            case PriceSet():
                return Outcome(self._set_prices(shop, body, now, out))
            case StockSet():
                return Outcome(self._set_stock(shop, body, now, out))
            case SkuRemove():
                return Outcome(self._remove_sku(shop, body.sku, now, out))
            case LabelBind():
                return Outcome(self._bind(shop, body, now, out))
            case LabelUnbind():
                refusal = self.labels.unbind(shop, body.label)
                if refusal is None:
                    out.count("label.unbound", now.wall_ms)
                return Outcome(refusal)
            case LabelShown():
                return Outcome(self.labels.confirm(event.client, body, self.prices.skus, now, out))
            case PriceGet():
                return self._get_price(body, now, out)

    def _set_prices(self, shop: str, body: PriceSet, now: Now, out: Effects) -> Refusal | None:
        entries = body.prices or []
        keys = self.prices.set(shop, entries, now.wall_ms)
        if isinstance(keys, Refusal):
            return keys
        out.count("price.set", now.wall_ms, len(entries))
        for key in keys:
            self._refresh(key, now, out)
        return None

    def _set_stock(self, shop: str, body: StockSet, now: Now, out: Effects) -> Refusal | None:
        sku = self.prices.find_or_add(shop, body.sku)
        if isinstance(sku, Refusal):
            return sku
        out.count("stock.set", now.wall_ms)
        if sku.stock != body.count:
            sku.stock = body.count
            if sku.version:
                sku.version += 1
                self.labels.outdate(f"{shop}/{body.sku}", milliseconds(now))
        return None

    def _remove_sku(self, shop: str, sku: str, now: Now, out: Effects) -> Refusal | None:
        labels = self.labels.shown_on(f"{shop}/{sku}")
        if labels:
            return Refusal(Reason.OUT_OF_SEQUENCE, "sku", f"{labels} labels show it: unbind or move them first")
        refusal = self.prices.remove(shop, sku)
        if refusal is None:
            out.count("sku.removed", now.wall_ms)
        return refusal

    def _bind(self, shop: str, body: LabelBind, now: Now, out: Effects) -> Refusal | None:
        refusal = self.labels.check_bind(shop, body)
        if refusal is not None:
            return refusal
        sku = self.prices.find_or_add(shop, body.sku)
        if isinstance(sku, Refusal):
            return sku
        if self.labels.bind(shop, body, sku, milliseconds(now)):
            out.count("label.bound", now.wall_ms)
        return None

    def _get_price(self, body: PriceGet, now: Now, out: Effects) -> Outcome:
        key = f"{body.shop}/{body.sku}"
        sku = self.prices.skus.get(key)
        asked = {"shop": body.shop, "sku": body.sku}
        if sku is None:
            return Outcome(Refusal(Reason.UNKNOWN_SKU, "sku", "the shop has no such article"), asked)
        self._refresh(key, now, out)
        if sku.price_cents is None:
            return Outcome(Refusal(Reason.UNKNOWN_SKU, "sku", "it has no price yet"), asked)
        return Outcome(None, {**asked, "price_cents": sku.price_cents, "stock": sku.stock, "version": sku.version})

    def _refresh(self, key: str, now: Now, out: Effects) -> None:
        if self.prices.refresh(key, now.wall_ms):
            out.count("price.changed", now.wall_ms)
            self.labels.outdate(key, milliseconds(now))

    # -- snapshots -----------------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything durable."""
        return msgspec.msgpack.encode(_State(STATE_VERSION, self.prices.state(), self.labels.state()))

    def restore(self, body: bytes) -> None:
        """From a snapshot. Raises JournalError where it cannot be read."""
        state = restored(body, _State, STATE_VERSION, NAME)
        self.prices.restore(state.prices)
        self.labels.restore(state.labels)

    def renamed(self, body: bytes, part: Part, names: Renaming) -> bytes:
        """Shops and gateways."""
        return names.packed(body, _State if part == "state" else list[Client])

    # -- for people ----------------------------------------------------------------------------------------------------

    def gauges(self) -> Mapping[str, Mapping[str, Value]]:
        """Labels that are bound, not up to date, and that for too long; articles, and those with a price ahead."""
        labels = self.labels
        return {
            NAME: {
                "bound": len(labels.labels),
                "unconfirmed": labels.unconfirmed,
                "behind": len(labels.behind),
                "skus": len(self.prices.skus),
                "scheduled": self.prices.scheduled,
            }
        }

    def queues(self) -> Mapping[str, tuple[int, int]]:
        """Labels and articles, which are durable and bounded."""
        return {
            "labels": (len(self.labels.labels), self._options.labels_max),
            "skus": (len(self.prices.skus), self._options.skus_max),
        }

    def problems(self, now: Now) -> Mapping[str, str]:
        """Labels that are behind, and bounds that are reached."""
        found = {"labels_behind": self.labels.problem(now), "labels_full": self._full()}
        return {name: sentence for name, sentence in found.items() if sentence}

    def _full(self) -> str:
        """Which bounds are reached, and by which shop; empty where there is room for everybody."""
        options = self._options
        of_shop = {"skus": self.prices.of_shop, "labels": self.labels.of_shop}
        full: list[str] = []
        for name, counts in of_shop.items():
            largest = max(counts, key=lambda shop: (counts[shop], shop), default="")
            for option, used, whose in (
                (f"{name}_max", sum(counts.values()), f"all shops together, most of them {largest}"),
                (f"{name}_per_shop_max", counts.get(largest, 0), f"the shop {largest}"),
            ):
                if used >= getattr(options, option):
                    full.append(f"{option} ({used}, {whose})")
        if not full:
            return ""
        return (
            f"No further articles or labels are taken in where a bound is reached: {'; '.join(full)}. Have the shop "
            f"remove articles (sku.remove) and unbind labels that are gone, or raise the option in [labels]."
        )

    def explain(self, row: Row, key: str, when: Callable[[int], str]) -> Sequence[Moment]:
        """What a row contains about the article or the label `key`."""
        return explain(row, key, when)

    def subjects(self, row: Row) -> Sequence[str]:
        """Articles and labels that events of this row name."""
        return subjects(row)

    @classmethod
    def examples(cls, seed: int) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
        """A morning of one shop, with an offer, and a gateway that confirms."""
        return examples(seed)
