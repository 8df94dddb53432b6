"""Valid messages of labels, for the harness, the documents and the fuzzers. Pure: drawn from a seed by arithmetic."""

from collections.abc import Mapping
from typing import Any, Final

AT: Final = 1_790_000_000_000
"""Wall ms of the first message."""

SKUS: Final = ("4006381333931", "milk-1l", "bread")


def examples(seed: int) -> list[tuple[str, str, Mapping[str, Any]]]:
    """A morning of one shop with three articles and a gateway, as (client, kind, fields); every kind occurs."""
    made: list[tuple[str, str, Mapping[str, Any]]] = []

    def add(client: str, kind: str, **fields: Any) -> None:
        number = len(made) + 1
        made.append((client, kind, {"id": f"l-{seed}-{number}", "at": AT + 1_000 * number, **fields}))

    def cents(number: int) -> int:
        """Numerical Recipes' generator: equal on every machine."""
        return 50 + ((1_664_525 * (seed + number) + 1_013_904_223) >> 8) % 2_000

    for number, sku in enumerate(SKUS):
        add("shop-1", "label.bind", label=f"A0:{number:02}", sku=sku, gateway="gateway-1")
    add("shop-1", "price.set", prices=[{"sku": sku, "price_cents": cents(index)} for index, sku in enumerate(SKUS)])
    for number, sku in enumerate(SKUS):
        add("shop-1", "stock.set", sku=sku, count=cents(number) % 100)
    for number in range(len(SKUS)):
        add("gateway-1", "label.shown", shop="shop-1", label=f"A0:{number:02}", binding=number + 1, version=2)
    offer = {"from_at": AT + 60_000, "until_at": AT + 7_200_000}
    add("shop-1", "price.set", sku=SKUS[0], price_cents=cents(3), **offer)
    add("customer-1", "price.get", shop="shop-1", sku=SKUS[0])
    add("shop-1", "price.set", sku=SKUS[1], price_cents=cents(4))
    add("gateway-1", "label.shown", shop="shop-1", label="A0:01", binding=2, version=3)
    add("shop-1", "label.unbind", label="A0:02")
    add("shop-1", "sku.remove", sku=SKUS[2])
    return made
