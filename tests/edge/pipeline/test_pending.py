"""Tests of edge.pipeline.pending."""

import asyncio

from edge.core.model import Delivered, Repeats, Shed
from edge.errors import Reason
from edge.pipeline.pending import FLUSH_DELAY_S, PendingInputs


def test_everything_goes_with_the_next_round():
    """Deliveries come as one input, drops as one for each reason, repeats for each kind, and each of them once."""

    async def main() -> None:
        pending = PendingInputs(asyncio.get_running_loop(), lambda: None)
        assert not pending.waiting
        pending.delivered([1, 2])
        pending.shed(Reason.OVER_QUOTA, 2)
        pending.delivered([3])
        pending.shed(Reason.FORBIDDEN_TOPIC, 1)
        pending.shed(Reason.OVER_QUOTA, 5)
        pending.repeated("order.place")
        pending.repeated("order.place")
        assert pending.waiting
        assert pending.take() == [
            Delivered([1, 2, 3]),
            Shed(Reason.OVER_QUOTA, 7),
            Shed(Reason.FORBIDDEN_TOPIC, 1),
            Repeats("order.place", 2),
        ]
        assert pending.take() == []

    asyncio.run(main())


def test_without_a_round_it_asks_for_one():
    """The timer calls once, and not at all where a round in between took everything along."""

    async def main() -> None:
        asked: list[int] = []
        pending = PendingInputs(asyncio.get_running_loop(), lambda: asked.append(len(pending.take())))
        pending.delivered([1])
        pending.take()
        await asyncio.sleep(FLUSH_DELAY_S * 1.5)
        assert asked == []
        pending.delivered([2])
        pending.delivered([3])
        await asyncio.sleep(FLUSH_DELAY_S * 1.5)
        assert asked == [1]

    asyncio.run(main())
