"""The gateway shows what is newest, and confirms it."""

from unittest.mock import patch

from bench.demo.people.gateways import GATEWAY, Gateway, label_options
from edge.scenarios.labels.messages import LabelShow, LabelShown
from edge.scenarios.labels.options import LabelsOptions
from tests.bench.demo.people.recorded_world import RecordedWorld


def show(version: int, cents: int) -> LabelShow:
    """The node sends a version."""
    return LabelShow(shop="shop-r1", label="A0", sku="bread", binding=1, version=version, price_cents=cents)


def test_it_confirms_and_keeps_the_newest() -> None:
    """Each version is confirmed once while that is unanswered; an older one that comes later is not shown."""
    recorded = RecordedWorld()
    gateway = Gateway(recorded.world)
    gateway.open()
    client = recorded.people[GATEWAY]
    with patch("bench.demo.people.gateways.LOST", 0.0):
        for version in (2, 1, 2):
            client.on_answer(show(version, 100 * version))
    for version in (1, 2):
        confirmation = client.sends(LabelShown, version=version)
        client.answer(confirmation)
    assert len(client.sent) == 2
    assert recorded.records.labels["shop-r1", "A0"].price_cents == 200
    assert recorded.records.counts["confirmations"] == 2


def test_it_loses_confirmations() -> None:
    """What is lost is shown, and not confirmed."""
    recorded = RecordedWorld()
    Gateway(recorded.world)
    client = recorded.people[GATEWAY]
    with patch("bench.demo.people.gateways.LOST", 1.0):
        client.on_answer(show(1, 100))
    recorded.scheduler.run(5)
    assert client.sent == []
    assert recorded.records.labels["shop-r1", "A0"].version == 1
    assert recorded.records.counts["confirmations_lost"] == 1


def test_it_goes_and_returns() -> None:
    """Once a day it has no power for a while."""
    recorded = RecordedWorld()
    gateway = Gateway(recorded.world)
    gateway.open()
    client = recorded.people[GATEWAY]
    gateway.plan()
    while not client.left:
        recorded.scheduler.step()
    assert not client.joined
    while not client.joined:
        recorded.scheduler.step()


def test_timeouts_follow_the_speed() -> None:
    """At any speed the options are valid, and leave the gateway some real time."""
    for speed in (1, 60, 300, 2_000):
        options = LabelsOptions(**label_options(speed))  # type: ignore[arg-type]
        assert options.resend_max_s >= options.resend_after_s >= min(0.5 * speed, 600)
