"""What the people of the district experienced: the half of the evidence that does not come from the node.

Kept for one day, then checked (`invariants.py`) and shown (`report.py`, `screen.py`). Times are simulated wall
milliseconds unless a name contains `real`.
"""

from collections import Counter, deque
from typing import Final

from msgspec import Struct

from edge.errors import MENDABLE
from edge.messages.envelope import Receipt
from edge.scenarios.labels.messages import PriceReceipt

LOG_LINES_KEPT: Final = 200
"""The screen shows the last few; the rest is for whoever asks why it went wrong just now."""

CANARIES_MAX: Final = 12
"""Places of riders remembered, to be searched for in every file at the end. Each costs a scan of them."""

ENDED: Final = frozenset({"delivered", "returned", "cancelled", "undeliverable"})
"""States after which nothing happens to an order any more."""


class EventRecord(Struct):
    """One event that was sent: its first receipt, and another one that is not the same bytes although the first was a
    decision for good."""

    receipt: bytes | None = None
    mendable: bool = False
    differing: bytes | None = None


class OrderRecord(Struct):
    """One order, as customer, shop and riders lived it. `offer_ms_real` is from the due instant of the placing to the
    first offer's arrival at a rider, in real milliseconds; the `*_by` are riders."""

    placed_at: int
    state: str = "unsent"
    receipt: Receipt | None = None
    first_offer_at: int = 0
    offer_ms_real: float = 0.0
    accepted_by: list[str] = []
    picked_up_by: list[str] = []
    delivered_by: list[str] = []
    delivered_at: int = 0
    amount_cents: int = 0

    @property
    def offered_at_once(self) -> bool:
        """The node offered it in the same breath as it accepted it: no rider had to become free first."""
        return self.receipt is not None and 0 < self.first_offer_at <= self.receipt.at

    @property
    def ended(self) -> bool:
        """Nothing will happen to it any more."""
        return self.state in ENDED or self.state == "refused"


class LabelRecord(Struct, frozen=True):
    """What a shelf label was sent."""

    binding: int
    version: int
    sku: str
    price_cents: int
    stock: int | None = None


class Records:
    """Everything written down during the day. Bounded by the instance: a few entries for each event that is sent."""

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], EventRecord] = {}
        self.orders: dict[str, OrderRecord] = {}
        self.riders: dict[str, str] = {}
        self.labels: dict[tuple[str, str], LabelRecord] = {}
        """What each label shows, by shop and label."""
        self.settled: dict[tuple[str, str], LabelRecord] | None = None
        """What they showed when all agreed with the prices asked for; offers begin and end after that moment too."""
        self.shows: dict[tuple[str, str, int, int], LabelRecord] = {}
        """Everything that the gateway got, by shop, label, binding and version."""
        self.prices: dict[tuple[str, str], PriceReceipt] = {}
        """The last answer to a `price.get`, by shop and article."""
        self.receipt_ms_real: list[float] = []
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.problems: list[str] = []
        self.canaries: list[tuple[float, float]] = []
        self.log_lines: deque[tuple[int, str]] = deque(maxlen=LOG_LINES_KEPT)

    def log(self, wall_ms: int, text: str) -> None:
        """Something worth a line on the screen."""
        self.log_lines.append((wall_ms, text))

    def problem(self, text: str) -> None:
        """Something that must never happen. The first hundred are kept as evidence, all are counted."""
        self.counts["problems"] += 1
        if len(self.problems) < 100:
            self.problems.append(text)

    def receipt(self, client: str, receipt: Receipt, payload: bytes, late_ms_real: float) -> bool:
        """A receipt arrived, `late_ms_real` after its event was due. True at the first one for this event."""
        record = self.events.get((client, receipt.id))
        if record is None:
            self.problem(f"{client} got a receipt for {receipt.id!r}, which it never sent")
            return False
        if record.receipt is None:
            record.receipt, record.mendable = payload, receipt.reason in MENDABLE
            self.receipt_ms_real.append(late_ms_real)
            self.counts["receipts"] += 1
            if receipt.status == "refused":
                self.refused[receipt.reason] += 1
            return True
        self.counts["receipts_again"] += 1
        if record.receipt != payload and not record.mendable:
            record.differing = payload
        return False

    def accepted(self) -> set[str]:
        """The orders that the node has accepted, as their customers know it."""
        return {
            name
            for name, order in self.orders.items()
            if order.receipt is not None and order.receipt.status == "accepted"
        }

    def order_states(self) -> Counter[str]:
        """How many orders are in each state, as their customers know it."""
        return Counter(order.state for order in self.orders.values())
