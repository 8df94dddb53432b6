"""What a row is found to contain."""

import msgspec
import pytest

from bench.rows import assignments, decided, opened, receipts, updates
from edge.core.model import Now, RecordedEvent, Rejected, Row, decode_row
from edge.core.node import Node
from edge.errors import Reason
from edge.messages.envelope import encode
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.down import Update
from tests.bench.demo.proof.journal_rows import Rows, good_day
from tests.edge.recorded import hour, play


def test_every_event_has_what_became_of_it() -> None:
    """An accepted event with its promise, a refused one with its reason, a rejected message that had no id."""
    rows = good_day()
    (placed,) = decided(decode_row(rows.bodies[1]))
    assert placed.accepted
    assert placed.receipt is not None
    assert placed.receipt.promise is not None
    assert placed.body is not None
    assert (placed.client, placed.id, placed.reason) == ("customer-o1", placed.body.id, "")
    rows.step("rider-1", "o1", "picked_up", 140, refuse="too_late")
    (refused,) = decided(decode_row(rows.bodies[-1]))
    assert (refused.accepted, refused.reason) == (False, "too_late")
    (rejected,) = decided(Row(1, Now(1.0, 1), [Rejected("x", "order.place", Reason.MALFORMED)], [], []))
    assert (rejected.id, rejected.body, rejected.receipt, rejected.reason) == ("", None, None, "malformed")


def test_events_of_other_scenarios_have_no_body() -> None:
    """They are in their place between those of dispatch."""
    row = decode_row(good_day().bodies[0])
    other = RecordedEvent("shop-1", msgspec.Raw(msgspec.msgpack.encode({"kind": "price.set", "id": "p-1", "sku": "a"})))
    found = decided(msgspec.structs.replace(row, inputs=[other, *row.inputs, other]))
    assert [(one.id, one.body is None) for one in found] == [("p-1", True), ("e1", False), ("p-1", True)]


@pytest.mark.parametrize("json", [False, True])
def test_messages_are_opened_in_either_encoding(json: bool) -> None:
    """What it contains does not depend on the client."""
    update = Update(order="o1", state="offered", at=5)
    assert opened("update", encode(update, json=json)) == update


def test_messages_come_by_kind_in_their_sequence() -> None:
    """Offers apart from states."""
    rows = Rows()
    rows.place("o1", 1, ("rider-1", rows.offer("o1", 1, 1)), ("rider-2", rows.offer("o1", 1, 1, "withdrawn")))
    row = decode_row(rows.bodies[0])
    assert [(client, body.state) for client, body in assignments(row)] == [
        ("rider-1", "offered"),
        ("rider-2", "withdrawn"),
    ]
    rows.ended("o1", "delivered", 9)
    assert [(client, body.state) for client, body in updates(decode_row(rows.bodies[1]))] == [
        ("customer-o1", "delivered")
    ]


def test_the_rows_of_a_node_are_read_whole() -> None:
    """Each event of a recorded hour is decided once: as many receipts as decided events."""
    rows = [decode_row(body) for body in play(Node([Dispatch]), hour(3))]
    events = [one for row in rows for one in decided(row)]
    assert len([one for one in events if one.receipt]) == len({(one.client, one.id) for one in events})
    assert sum(len(list(receipts(row))) for row in rows) == len([one for one in events if one.receipt])
