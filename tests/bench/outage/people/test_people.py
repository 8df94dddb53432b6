"""What a client keeps, and for how long. (With a node and through its kills: test_command.)"""

import asyncio

import pytest

from bench.outage.people.people import Crowd, names
from edge.messages.envelope import Receipt, encode
from edge.mqtt.client.connection import Message
from edge.scenarios.dispatch.messages import Assignment


def crowd() -> Crowd:
    """A till and a rider without a connection."""
    tokens = dict.fromkeys(names(1, 1), "t")
    return Crowd("n", "mqtt://127.0.0.1:1", tokens, lambda: 1_767_225_600_000, 1)


def offer(state: str) -> Message:
    """The node offers order 7 to the rider, or takes it back."""
    body = Assignment(offer=3, order="o000000007", state="offered" if state == "offered" else "withdrawn", at=1)
    return Message("ds/n/down/rider-0/assignment", encode(body, json=False), 1, 1, False)


@pytest.mark.parametrize("json", [False, True])
def test_an_event_is_kept_until_its_receipt(json: bool) -> None:
    """Without a connection nothing is forgotten; a receipt, in either encoding, ends it and counts as a promise."""

    async def main() -> None:
        people = crowd()
        till = people.tills[0]
        people.place(7)
        till.sweep(1e12)
        assert list(till.kept) == ["o000000007"]
        assert people.waiting == 1
        receipt = encode(Receipt(id="o000000007", of="order.place", status="accepted", at=1), json=json)
        till._received([Message("ds/n/down/till-0/receipt", receipt, 1, 1, False)])
        assert people.waiting == 0
        assert people.promised == {("till-0", "o000000007")}

    asyncio.run(main())


def test_an_offer_is_taken_and_delivered_under_one_name() -> None:
    """The same offer again gives the same events; one that is withdrawn gives none."""

    async def main() -> None:
        people = crowd()
        rider = people.riders[0]
        received: list[int] = []
        people.on_offer = lambda number, at: received.append(number)
        rider._received([offer("withdrawn")])
        assert (received, people.waiting) == ([], 0)
        rider._received([offer("offered")])
        rider._received([offer("offered")])
        assert received == [7, 7]
        assert list(rider.kept) == ["a-o000000007-3", "d-o000000007-3"]

    asyncio.run(main())


def test_who_has_no_connection_is_not_counted() -> None:
    """Nobody is connected before it is."""
    assert crowd().connected == 0
    assert [person.name for person in crowd().people] == ["till-0", "rider-0"]
