"""The messages of labels, both ways: what shops and gateways send, and what the node answers.

Units: `*_cents` are hundredths of the shop's currency; `*_at` and `at` are Unix milliseconds.

A shop is the client that sends; its goods and labels have names of their own, which no other shop can touch.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from ...core.scenario import Counter, Message, Refusal
from ...errors import Reason
from ...messages.envelope import INSTANT_MS_MIN, Client, ClientName, Instant, Milliseconds, Number, Receipt, Up
from ...messages.roles import ROLES
from ...messages.sentences import LOOKS_LIKE_SECONDS

NAME: Final = "labels"

PRICES_PER_MESSAGE_MAX: Final = 256
"""With both times and a short sku a price takes 64 bytes: so many fill the 16 KiB of a payload."""

Code = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,63}\Z")]
"""What is printed on goods and labels: an article number, a GTIN, a hardware address. Without `/`, which joins it to
the shop's name in keys."""

Cents = Annotated[int, Meta(ge=0, le=10**9)]
Count = Annotated[int, Meta(ge=0, le=10**9)]

# -- towards the node --------------------------------------------------------------------------------------------------


class PriceEntry(Struct, frozen=True, omit_defaults=True):
    """One price of one article, from `from_at` (0: at once) until just before `until_at` (none: for good)."""

    sku: Code
    """The article."""
    price_cents: Cents
    from_at: Milliseconds = 0
    """When the price comes into force; 0 is at once."""
    until_at: Instant | None = None
    """When it ends, just before this; absent is for good."""


class PriceSet(Up, frozen=True, tag="price.set"):
    """A shop sets one price, or several as `prices`: then all of them or, where one is refused, none."""

    sku: Code | None = None
    """The article, with `price_cents`."""
    price_cents: Cents | None = None
    from_at: Milliseconds = 0
    """When the price comes into force; 0 is at once."""
    until_at: Instant | None = None
    """When it ends, just before this; absent is for good."""
    prices: Annotated[list[PriceEntry], Meta(min_length=1, max_length=PRICES_PER_MESSAGE_MAX)] | None = None
    """Several prices, in place of the fields of one."""


class StockSet(Up, frozen=True, tag="stock.set"):
    """A shop has so many pieces of an article."""

    sku: Code
    """The article."""
    count: Count
    """Pieces."""


class SkuRemove(Up, frozen=True, tag="sku.remove"):
    """A shop no longer has an article: its prices and its stock are forgotten. No label may show it."""

    sku: Code
    """The article."""


class LabelBind(Up, frozen=True, tag="label.bind"):
    """A label shows an article from now on, and `gateway` (a client) serves it. A label that was bound before moves."""

    label: Code
    """The label."""
    sku: Code
    """The article that it shows."""
    gateway: ClientName
    """The client name of the gateway that serves it."""


class LabelUnbind(Up, frozen=True, tag="label.unbind"):
    """A label shows nothing of this shop any more."""

    label: Code
    """The label."""


class LabelShown(Up, frozen=True, tag="label.shown"):
    """A gateway's label shows a version. All fields are those of the `label.show` that it confirms."""

    shop: ClientName
    """The client name of the shop."""
    label: Code
    """The label."""
    binding: Number
    """Which binding it shows."""
    version: Number
    """Which version of the article."""


class PriceGet(Up, frozen=True, tag="price.get"):
    """Anybody asks for the price in force. The receipt has it."""

    shop: ClientName
    """The client name of the shop."""
    sku: Code
    """The article."""


# -- from the node -----------------------------------------------------------------------------------------------------


class LabelShow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """To a gateway: what a label has to show. `stock` is missing until the shop has set one.

    `version` counts the changes of an article, `binding` every `label.bind` that changed something. So of two messages
    for one label the one with the greater (binding, version) is the newer one, in whatever sequence they arrive."""

    shop: Client
    """The client name of the shop."""
    label: str
    """The label."""
    sku: str
    """The article that it shows."""
    binding: int
    """Counts what the label was bound to."""
    version: int
    """Counts what changed about the article."""
    price_cents: int
    """The price in force."""
    stock: int | None = None
    """Pieces in stock."""


class PriceReceipt(Receipt, frozen=True, kw_only=True, omit_defaults=True):
    """The receipt of an event of labels. That of a `price.get` has the price in force."""

    shop: Client = ""
    """The client name of the shop."""
    sku: str = ""
    """The article."""
    price_cents: int | None = None
    """The price in force."""
    stock: int | None = None
    """Pieces in stock."""
    version: int = 0
    """Counts what changed about the article."""


# -- the catalogue -----------------------------------------------------------------------------------------------------


def _price_set(body: PriceSet) -> PriceSet | Refusal:
    """With `prices` alone, in whichever form they came."""
    single = [body.sku, body.price_cents, body.from_at or None, body.until_at]
    if body.prices is not None:
        if any(field is not None for field in single):
            return Refusal(Reason.MALFORMED, "prices", "give one price (sku, price_cents, ...) or prices, not both")
        for index, price in enumerate(body.prices):
            if (refusal := _window(price, f"prices[{index}].")) is not None:
                return refusal
        return body
    if body.sku is None:
        return Refusal(Reason.MALFORMED, "sku", "give one price (sku, price_cents, ...) or prices")
    if body.price_cents is None:
        return Refusal(Reason.MALFORMED, "price_cents", "a price needs price_cents")
    price = PriceEntry(body.sku, body.price_cents, body.from_at, body.until_at)
    return _window(price, "") or PriceSet(id=body.id, at=body.at, v=body.v, prices=[price])


def _window(price: PriceEntry, path: str) -> Refusal | None:
    if 0 < price.from_at < INSTANT_MS_MIN:
        return Refusal(Reason.MALFORMED, f"{path}from_at", f"{LOOKS_LIKE_SECONDS}; 0 is at once")
    if price.until_at is not None and price.until_at <= price.from_at:
        return Refusal(Reason.MALFORMED, f"{path}until_at", "until_at must be after from_at")
    return None


MESSAGES: Final = (
    Message(
        "price.set",
        PriceSet,
        roles=("shop",),
        prepare=_price_set,
        given=(("sku", "price_cents"), ("prices",)),
    ),
    Message("stock.set", StockSet, roles=("shop",)),
    Message("sku.remove", SkuRemove, roles=("shop",)),
    Message("label.bind", LabelBind, roles=("shop",)),
    Message("label.unbind", LabelUnbind, roles=("shop",)),
    Message("label.shown", LabelShown, roles=("gateway",)),
    Message("price.get", PriceGet, roles=ROLES),
    Message("label.show", LabelShow, "down", roles=("gateway",)),
)

Durable = PriceSet | StockSet | SkuRemove | LabelBind | LabelUnbind | LabelShown | PriceGet

COUNTERS: Final = (
    Counter("price.set", of="prices that shops set, in force or not"),
    Counter("price.changed", of="prices that came into force"),
    Counter("stock.set", of="stocks that shops set"),
    Counter("sku.removed", of="articles"),
    Counter("label.bound", of="labels that were bound or moved"),
    Counter("label.unbound", of="labels"),
    Counter("label.resent", of="versions sent to a gateway again"),
    Counter("label.shown", of="labels that confirmed the newest version"),
    Counter("label.behind", of="labels that had not confirmed the newest version after behind_after_s"),
    Counter("label.confirmed_late", of="labels that did so later"),
    Counter("set_to_shown_ms", "measure", "milliseconds from a change to its label.show"),
    Counter("set_to_confirmed_ms", "measure", "milliseconds from a change to its label.shown"),
)
