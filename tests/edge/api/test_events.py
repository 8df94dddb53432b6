"""Tests of edge.api.events: each waits for its own decision, and for nothing longer than it has to."""

import asyncio

import pytest

from edge.api import events
from edge.api.events import WAITING_MAX, WAITING_PER_CLIENT_MAX
from edge.messages.grants import Grant
from tests.edge.api.doors import PLACE, World
from tests.waiting import until

URL = "/v1/events/order.place"


async def test_the_answer_is_the_receipt_and_comes_after_the_disk() -> None:
    """Byte for byte what the links were given; then the node knows that it was delivered."""
    world = World()
    world.decide = None
    async with world.client() as client:
        asked = asyncio.ensure_future(client.post(URL, json=PLACE))
        await until(lambda: world.publishes)
        publish = world.publishes[0]
        assert (publish.client, publish.kind, publish.qos) == ("phone-7", "order.place", 1)
        assert publish.grant == Grant(("customer",))
        assert not asked.done()
        world.answer(publish, 41, status="accepted", order="o-17")
        answer = await asked
    assert answer.status_code == 200
    assert answer.json()["order"] == "o-17"
    assert world.delivered_ == [41]


async def test_two_events_of_one_client_do_not_take_each_others_receipt() -> None:
    """Decided in another sequence than they came in."""
    world = World()
    world.decide = None
    async with world.client() as client:
        asked = [asyncio.ensure_future(client.post(URL, json=PLACE | {"id": f"e-{n}"})) for n in range(2)]
        await until(lambda: len(world.publishes) == 2)
        for publish in reversed(world.publishes):
            world.accept(publish)
        assert [(await each).json()["id"] for each in asked] == ["e-0", "e-1"]


async def test_one_event_sent_twice_at_once_is_answered_twice() -> None:
    """The second is a repeat: its receipt has no sequence, and needs no delivery."""
    world = World()
    world.decide = None
    async with world.client() as client:
        asked = [asyncio.ensure_future(client.post(URL, json=PLACE)) for _ in range(2)]
        await until(lambda: len(world.publishes) == 2)
        world.answer(world.publishes[0], 7, status="accepted")
        world.events.acknowledge([world.publishes[1].token], [""])
        assert [(await each).status_code for each in asked] == [200, 200]


async def test_what_is_not_decided_in_time_is_answered_without_a_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After: it is sent again with its id. A decision that comes later disturbs nobody."""
    monkeypatch.setattr(events, "DECISION_S_MAX", 0.05)
    world = World()
    world.decide = None
    async with world.client() as client:
        answer = await client.post(URL, json=PLACE)
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
        assert world.events.undecided == 1
        world.accept(world.publishes[0])
    assert not len(world.events)


async def test_those_that_wait_are_bounded_for_each_client_and_in_all() -> None:
    """429 for one that has too many under way, 503 where all together have; counted, and over when they are decided."""
    world = World()
    world.decide = None
    clients = [f"c-{number}" for number in range(WAITING_MAX // WAITING_PER_CLIENT_MAX + 1)]
    world.tokens |= {name: ("s", Grant(("customer",))) for name in clients}

    async with world.client("") as client:

        async def post(name: str, number: int) -> int:
            headers = {"authorization": f"Bearer {name}~s"}
            return (await client.post(URL, json=PLACE | {"id": f"e-{number}"}, headers=headers)).status_code

        asked = [
            asyncio.ensure_future(post(name, number))
            for name in clients[:-1]
            for number in range(WAITING_PER_CLIENT_MAX)
        ]
        await until(lambda: len(world.events) == WAITING_MAX)
        assert await post(clients[0], 1000) == 429
        assert await post(clients[-1], 1000) == 503
        assert world.shed_ == {"over_quota": 1, "overloaded": 1}
        for publish in list(world.publishes):
            world.accept(publish)
        assert {await each for each in asked} == {200}
        world.decide = world.accept
        assert await post(clients[-1], 1001) == 200


async def test_receipts_of_others_cost_a_look_at_a_table() -> None:
    """Where nobody waits, and for clients who do not, nothing is decoded."""
    world = World()
    world.events.wake({"phone-7": [(None, 0.0)]})  # type: ignore[list-item]
