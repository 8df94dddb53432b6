"""Which article each label shows, what it has confirmed, and which labels are behind.

A label is up to date once its gateway has confirmed the newest version of its article. `delivery` sees to it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from ...core.effects import Effects
from ...core.model import Now
from ...core.scenario import Refusal
from ...errors import Reason
from ...messages.envelope import ClientKey
from ..rounds import milliseconds
from .delivery import Delivery, DeliveryState, Label
from .messages import LabelBind, LabelShown
from .options import LabelsOptions
from .prices import Sku

LABELS_PER_SKU_MAX: Final = 64
"""An article stands on a few shelves. Bounds what one change causes."""

GATEWAYS_NAMED_MAX: Final = 5
"""In a sentence for the operator."""


class LabelsState(Struct, array_like=True):
    """For the snapshot. `unconfirmed` are keys in their sequence; `bindings` is the last number."""

    labels: list[Label]
    unconfirmed: list[ClientKey]
    delivery: DeliveryState
    bindings: int


class LabelTable:
    """All labels, by `shop/label`."""

    def __init__(self) -> None:
        self.labels: dict[str, Label] = {}
        self.delivery = Delivery(self.labels)
        self.behind: dict[str, None] = {}
        """Labels not up to date for longer than `behind_after_s`, those that wait longest first."""
        self._fresh: dict[str, None] = {}  # the others that are not up to date, likewise
        self.of_shop: dict[str, int] = {}
        """How many labels each shop has."""
        self._of: dict[str, dict[str, Label]] = {}  # by article
        self._bindings = 0

    def configure(self, options: LabelsOptions) -> None:
        """Timers that run keep their time."""
        self.delivery.options = options

    @property
    def unconfirmed(self) -> int:
        """Labels that are not up to date."""
        return len(self._fresh) + len(self.behind)

    # -- shops ---------------------------------------------------------------------------------------------------------

    def bind(self, shop: str, body: LabelBind, sku: Sku, now_ms: int) -> bool:
        """Whether anything changed: the same binding again does nothing. `check_bind` comes first."""
        key = f"{shop}/{body.label}"
        known = self.labels.get(key)
        if known is not None:
            if (known.sku, known.gateway) == (body.sku, body.gateway):
                return False
            self._remove(key, known)
        self._bindings += 1
        label = self.labels[key] = Label(shop, body.label, body.sku, body.gateway, self._bindings)
        self.of_shop[shop] = self.of_shop.get(shop, 0) + 1
        self._of.setdefault(f"{shop}/{body.sku}", {})[key] = label
        self.delivery.add(label)
        if sku.version:
            self._outdate(key, label, now_ms)
        return True

    def check_bind(self, shop: str, body: LabelBind) -> Refusal | None:
        """Why the label cannot be bound."""
        key = f"{shop}/{body.label}"
        options = self.delivery.options
        served = options.gateways.get(body.gateway)
        if served is not None and shop not in served:
            detail = f"{body.gateway} serves other shops: have this one added to the option gateways of labels"
            return Refusal(Reason.NOT_ALLOWED, "gateway", detail)
        if key not in self.labels and self.of_shop.get(shop, 0) >= options.labels_per_shop_max:
            detail = (
                f"a shop binds at most {options.labels_per_shop_max} labels: unbind some; the option "
                f"labels_per_shop_max of labels raises it"
            )
            return Refusal(Reason.OVER_CAPACITY, "label", detail)
        if key not in self.labels and len(self.labels) >= options.labels_max:
            detail = f"{options.labels_max} labels are bound; the option labels_max of labels raises it"
            return Refusal(Reason.OVER_CAPACITY, "label", detail)
        others = self._of.get(f"{shop}/{body.sku}", {})
        if key not in others and len(others) >= LABELS_PER_SKU_MAX:
            return Refusal(Reason.OVER_CAPACITY, "sku", f"{LABELS_PER_SKU_MAX} labels show it")
        return None

    def unbind(self, shop: str, name: str) -> Refusal | None:
        """The label is forgotten."""
        key = f"{shop}/{name}"
        known = self.labels.get(key)
        if known is None:
            return Refusal(Reason.UNKNOWN_LABEL, "label", "it is not bound")
        self._remove(key, known)
        return None

    def shown_on(self, sku_key: str) -> int:
        """How many labels show an article."""
        return len(self._of.get(sku_key, ()))

    def outdate(self, sku_key: str, now_ms: int) -> None:
        """An article has a new version: its labels have to show it."""
        for key, label in self._of.get(sku_key, {}).items():
            self._outdate(key, label, now_ms)

    # -- gateways ------------------------------------------------------------------------------------------------------

    def confirm(self, client: str, body: LabelShown, skus: Mapping[str, Sku], now: Now, out: Effects) -> Refusal | None:
        """A label shows a version. One that is not the newest, or of an earlier binding, changes nothing."""
        key = f"{body.shop}/{body.label}"
        label = self.labels.get(key)
        if label is None:
            return Refusal(Reason.UNKNOWN_LABEL, "label", "it is not bound")
        if label.gateway != client:
            return Refusal(Reason.NOT_YOURS, "label", "another gateway serves it")
        if body.binding > label.binding:
            return Refusal(Reason.MALFORMED, "binding", "no such binding")
        if body.binding < label.binding:
            return None
        if body.version > label.sent:
            return Refusal(Reason.MALFORMED, "version", "no such version was sent")
        version = skus[f"{label.shop}/{label.sku}"].version
        label.shown = max(label.shown, body.version)
        if label.shown == version and label.since_ms is not None:
            out.count("label.shown", now.wall_ms)
            if label.behind:
                out.count("label.confirmed_late", now.wall_ms)
            out.measure("set_to_confirmed_ms", now.wall_ms, max(milliseconds(now) - label.changed_ms, 0))
            self._complete(key, label)
        return None

    def came_back(self, names: Sequence[str], now_ms: int) -> None:
        """Everything that these gateways have not confirmed is sent at once."""
        back = self.delivery.returned(names, now_ms)
        if back:
            for key in (*self.behind, *self._fresh):
                label = self.labels[key]
                if label.gateway in back:
                    label.attempts = 0
                    self.delivery.queue(key, label)

    # -- time ----------------------------------------------------------------------------------------------------------

    def expire(self, now: Now, out: Effects) -> None:
        """Resends that are due, and labels that are behind from now on."""
        now_ms = milliseconds(now)
        self.delivery.expire(now_ms)
        while self._fresh and self._behind_ms() <= now_ms:
            first = next(iter(self._fresh))
            del self._fresh[first]
            self.behind[first] = None
            self.labels[first].behind = True
            out.count("label.behind", now.wall_ms)

    def next_ms(self) -> int | None:
        """When a round has something to do for labels, in monotonic ms; 0 at once."""
        due_ms = self.delivery.next_ms()
        if not self._fresh:
            return due_ms
        return self._behind_ms() if due_ms is None else min(due_ms, self._behind_ms())

    # -- for people ----------------------------------------------------------------------------------------------------

    def problem(self, now: Now) -> str:
        """How many labels of which gateways are behind, and since when; empty where none is."""
        if not self.behind:
            return ""
        counts: dict[str, int] = {}
        for key in self.behind:
            name = self.labels[key].gateway
            counts[name] = counts.get(name, 0) + 1
        first = next(iter(self.behind))
        since_s = max(milliseconds(now) - (self.labels[first].since_ms or 0), 0) // 1000
        count = "1 label does" if len(self.behind) == 1 else f"{len(self.behind)} labels do"
        worst = sorted(counts, key=lambda name: (-counts[name], name))
        names = ", ".join(f"{name} ({counts[name]})" for name in worst[:GATEWAYS_NAMED_MAX])
        more = f" and {len(worst) - GATEWAYS_NAMED_MAX} more" if len(worst) > GATEWAYS_NAMED_MAX else ""
        return (
            f"{count} not show the price or stock in force, {first} for "
            f"{since_s} s. Gateways, with their labels: {names}{more}. Look whether each gateway is on and connected, "
            f"then whether the labels are in its reach and their batteries good. Unbind labels that are gone."
        )

    # -- snapshots -----------------------------------------------------------------------------------------------------

    def state(self) -> LabelsState:
        """For the snapshot."""
        unconfirmed = [*self.behind, *self._fresh]
        return LabelsState(list(self.labels.values()), unconfirmed, self.delivery.state(), self._bindings)

    def restore(self, state: LabelsState) -> None:
        """From a snapshot."""
        self.labels.clear()
        self._of.clear()
        self.of_shop.clear()
        for label in state.labels:
            key = f"{label.shop}/{label.label}"
            self.labels[key] = label
            self._of.setdefault(f"{label.shop}/{label.sku}", {})[key] = label
            self.of_shop[label.shop] = self.of_shop.get(label.shop, 0) + 1
        self.behind = {key: None for key in state.unconfirmed if self.labels[key].behind}
        self._fresh = {key: None for key in state.unconfirmed if not self.labels[key].behind}
        self.delivery.restore(state.delivery)
        self._bindings = state.bindings

    def _behind_ms(self) -> int:
        """When the first of those that are not up to date is behind."""
        since_ms = self.labels[next(iter(self._fresh))].since_ms
        assert since_ms is not None, "only labels that are not up to date are in the table"
        return since_ms + self.delivery.options.behind_after_s * 1000

    def _outdate(self, key: str, label: Label, now_ms: int) -> None:
        label.changed_ms, label.attempts = now_ms, 0
        if label.since_ms is None:
            label.since_ms = now_ms
            self._fresh[key] = None
        self.delivery.queue(key, label)

    def _complete(self, key: str, label: Label) -> None:
        label.since_ms, label.behind, label.attempts = None, False, 0
        self._fresh.pop(key, None)
        self.behind.pop(key, None)
        self.delivery.rest(key, label)

    def _remove(self, key: str, label: Label) -> None:
        self._fresh.pop(key, None)
        self.behind.pop(key, None)
        self.delivery.remove(key, label)
        del self.labels[key]
        self.of_shop[label.shop] -= 1
        if not self.of_shop[label.shop]:
            del self.of_shop[label.shop]
        of = self._of[f"{label.shop}/{label.sku}"]
        del of[key]
        if not of:
            del self._of[f"{label.shop}/{label.sku}"]
