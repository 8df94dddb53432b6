"""The gateway shows what is newest, and confirms it."""

import asyncio
from unittest.mock import patch

from bench.demo.people.gateways import GATEWAY, Gateway, label_options
from edge.scenarios.labels.messages import LabelShow, LabelShown
from edge.scenarios.labels.options import LabelsOptions
from tests.bench.demo.people.recorded_world import RecordedWorld


def show(version: int, cents: int) -> LabelShow:
    """The node sends a version."""
    return LabelShow(shop="shop-r1", label="A0", sku="bread", binding=1, version=version, price_cents=cents)


async def test_it_confirms_and_keeps_the_newest() -> None:
    """Each version is confirmed once while that is unanswered; an older one that comes later is not shown."""
    recorded = RecordedWorld()
    gateway = Gateway(recorded.world)
    gateway.open()
    client = recorded.people[GATEWAY]
    with patch("bench.demo.people.gateways.LOST", 0.0):
        for version in (2, 1, 2):
            client.on_answer(show(version, 100 * version))
    for version in (1, 2):
        confirmation = await client.sends(LabelShown, version=version)
        client.answer(confirmation)
    assert len(client.sent) == 2
    assert recorded.records.labels["shop-r1", "A0"].price_cents == 200
    assert recorded.records.counts["confirmations"] == 2


async def test_it_loses_confirmations() -> None:
    """What is lost is shown, and not confirmed."""
    recorded = RecordedWorld()
    Gateway(recorded.world)
    client = recorded.people[GATEWAY]
    with patch("bench.demo.people.gateways.LOST", 1.0):
        client.on_answer(show(1, 100))
    await asyncio.sleep(0.05)
    assert client.sent == []
    assert recorded.records.labels["shop-r1", "A0"].version == 1
    assert recorded.records.counts["confirmations_lost"] == 1


async def test_it_goes_and_returns() -> None:
    """Once a day it has no power for a while."""
    recorded = RecordedWorld()
    gateway = Gateway(recorded.world)
    gateway.open()
    client = recorded.people[GATEWAY]
    gateway.plan()
    async with asyncio.timeout(10):
        while not client.left:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        assert not client.joined
        while not client.joined:  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def test_timeouts_follow_the_speed() -> None:
    """At any speed the options are valid, and leave the gateway some real time."""
    for speed in (1, 60, 300, 2_000):
        options = LabelsOptions(**label_options(speed))  # type: ignore[arg-type]
        assert options.resend_max_s >= options.resend_after_s >= min(0.5 * speed, 600)
