"""What people send, and what counts as promised. (With a node and through its kills: test_command.)"""

from bench.outage.people.people import Crowd, names
from doorstep_client import Answer, Receipt
from edge.messages.envelope import Receipt as Written
from edge.messages.envelope import encode


def crowd() -> Crowd:
    """A till and a rider without a connection."""
    tokens = dict.fromkeys(names(1, 1), "t")
    return Crowd("n", "mqtt://127.0.0.1:1", tokens, lambda: 1_767_225_600_000, 1)


def offer(state: str) -> Answer:
    """The node offers order 7 to the rider, or takes it back."""
    body = {"offer": 3, "order": "o000000007", "state": state, "at": 1}
    return Answer("assignment", body, b"", 1.0, lambda: None)


async def test_what_was_acknowledged_or_receipted_is_promised() -> None:
    """Without a connection nothing is promised and nothing forgotten; a PUBACK is a promise, and so is a receipt."""
    people = crowd()
    people.place(7)
    assert (people.waiting, people.promised) == (1, set())
    people.tills[0].client.waiting["o000000007"].acknowledged = True
    assert people.promised == {("till-0", "o000000007")}
    receipt = encode(Written(id="o000000008", of="order.place", status="accepted", at=1), json=False)
    people.received("till-0", Receipt.of(receipt))
    assert people.promised == {("till-0", "o000000007"), ("till-0", "o000000008")}


async def test_an_offer_is_taken_and_delivered_under_one_name() -> None:
    """The same offer again gives the same events; one that is withdrawn gives none."""
    people = crowd()
    rider = people.riders[0]
    received: list[int] = []
    people.on_offer = lambda number, at: received.append(number)
    people._offered(rider, offer("withdrawn"))
    assert (received, people.waiting) == ([], 0)
    people._offered(rider, offer("offered"))
    people._offered(rider, offer("offered"))
    assert received == [7, 7]
    assert list(rider.client.waiting) == ["a-o000000007-3", "d-o000000007-3"]


async def test_who_has_no_connection_is_not_counted() -> None:
    """Nobody is connected before it is."""
    assert crowd().connected == 0
    assert [person.name for person in crowd().people] == ["till-0", "rider-0"]
