"""Tests of edge.pipeline.pending."""

import asyncio

from edge.core.model import Delivered, Shed
from edge.errors import Reason
from edge.pipeline.pending import LINGER_S, Gathered


def test_everything_goes_with_the_next_round():
    """Deliveries come as one input, drops as one for each reason, and each of them once."""

    async def main() -> None:
        gathered = Gathered(asyncio.get_running_loop(), lambda: None)
        assert not gathered
        gathered.delivered([1, 2])
        gathered.shed(Reason.OVER_QUOTA, 2)
        gathered.delivered([3])
        gathered.shed(Reason.FORBIDDEN_TOPIC, 1)
        gathered.shed(Reason.OVER_QUOTA, 5)
        assert gathered
        assert gathered.take() == [
            Delivered([1, 2, 3]),
            Shed(Reason.OVER_QUOTA, 7),
            Shed(Reason.FORBIDDEN_TOPIC, 1),
        ]
        assert gathered.take() == []

    asyncio.run(main())


def test_without_a_round_it_asks_for_one():
    """The timer calls once, and not at all where a round in between took everything along."""

    async def main() -> None:
        asked: list[int] = []
        gathered = Gathered(asyncio.get_running_loop(), lambda: asked.append(len(gathered.take())))
        gathered.delivered([1])
        gathered.take()
        await asyncio.sleep(LINGER_S * 1.5)
        assert asked == []
        gathered.delivered([2])
        gathered.delivered([3])
        await asyncio.sleep(LINGER_S * 1.5)
        assert asked == [1]

    asyncio.run(main())
