"""A node's dispatch outside of a node."""

from bench.driver import Driver
from edge.core.model import Event, Now
from edge.messages.envelope import Place
from edge.scenarios.dispatch.messages.down import Assignment, Update
from edge.scenarios.dispatch.messages.up import OrderPlace, RiderPosition, RiderShift
from edge.scenarios.dispatch.options import DispatchOptions

NOW = Now(3_600.0, 1_767_225_600_000)
SHOP, DOOR = Place(1.0, 1.0), Place(1.01, 1.0)


def place(order: str) -> Event:
    """A customer orders."""
    body = OrderPlace(id=order, at=NOW.wall_ms, order=order, shop="shop", pickup=SHOP, dropoff=DOOR, prep_s=0)
    return Event("customer", body)


def test_messages_come_out_decoded() -> None:
    """A rider in sight gets the offer, customer and shop their updates, and each event has its outcome."""
    driver = Driver(DispatchOptions())
    shift = Event("rider", RiderShift(id="s", at=NOW.wall_ms, on=True))
    driver.dispatch.observe("rider", RiderPosition(points=[(NOW.wall_ms, SHOP.lat, SHOP.lon)]), NOW)
    outcomes, sent = driver.round([shift, place("o-1")], NOW)
    assert [outcome.refusal for outcome in outcomes] == [None, None]
    kinds = {client: type(body) for client, body in sent}
    assert kinds == {"rider": Assignment, "customer": Update, "shop": Update}


def test_a_policy_can_be_another() -> None:
    """With one that decides nothing, nobody is offered anything."""
    driver = Driver(DispatchOptions(), lambda *_: [])
    outcomes, sent = driver.round([place("o-1")], NOW)
    assert outcomes[0].refusal is None
    assert not [body for _, body in sent if isinstance(body, Assignment)]
