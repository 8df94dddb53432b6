"""A journal with a few orders of a day, and the shop's ledger of the same day."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.core.model import Event, Input
from edge.journal.reader import FILE_NAME
from tests.edge.district import HOME, SHOP, T0, configured, event
from tests.edge.recorded import journal

DATE = "2026-09-21"
"""Of T0, in UTC."""

GOOD = f"""\
order,time,amount,note
o-1,{DATE} 14:13:20,1.00,"two
lines"
o-2,{T0 + 20_000},,
o-3,{DATE}T22:13:50+08:00,¥3.00,
o-5,{T0 // 1000 + 50},5.00 元,
"""
"""As the journal of `sell` has it; o-4 was cancelled."""


def order(name: str, at_s: float, shop: str = "shop-1", **fields: Any) -> Event:
    """A guest orders."""
    places = {"shop": shop, "pickup": SHOP, "dropoff": HOME, "prep_s": 60}
    return event("alice", "order.place", f"place-{name}-{at_s:g}", at_s, order=name, **places, **fields)


def sell(folder: Path, *more: tuple[float, Sequence[Input]]) -> None:
    """Orders o-1 to o-5 of shop-1, ten seconds apart and for 1 to 5 yuan; o-2 has no amount, o-4 is cancelled, and o-1
    comes a second time with another amount, which is refused. `more` are rounds after that."""
    rounds: list[tuple[float, Sequence[Input]]] = [(0, [configured()])]
    for number in range(1, 6):
        amount = None if number == 2 else 100 * number
        rounds.append((10 * number, [order(f"o-{number}", 10 * number, amount_cents=amount)]))
    rounds.append((60, [order("o-1", 60, amount_cents=7), event("alice", "order.cancel", "c-4", 60, order="o-4")]))
    journal(folder / FILE_NAME, [*rounds, *more])
