"""The open loop."""

import asyncio
from time import perf_counter

import numpy as np

from bench.outage.people.orders import Orders


def test_orders_leave_when_due_and_count_from_then() -> None:
    """They come at the rate, whoever answers; the first answer counts, from the due time; the others are unanswered."""

    async def main() -> tuple[Orders, float]:
        orders = Orders(400.0, 1, lambda number: None)
        orders.start()
        await asyncio.sleep(0.5)
        at = perf_counter()
        orders.offered(0, at)
        orders.offered(0, at + 100)
        orders.stop()
        return orders, at

    orders, at = asyncio.run(main())
    assert 100 < orders.count < 400
    assert orders.unanswered == orders.count - 1
    values = orders.between(orders.begun, at)
    dues = orders.dues(orders.begun, at)
    assert len(values) == len(dues) == orders.count
    assert values[0] == np.float64((at - dues[0]) * 1000)
    assert orders.between(at, at + 9).size == 0
