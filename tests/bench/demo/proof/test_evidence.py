"""The evidence that a journal yields."""

import msgspec
import pytest

from edge.core.model import (
    Acknowledge,
    Now,
    RecordedEvent,
    Rejected,
    Repeats,
    Row,
    Shed,
    decode_row,
    encode_row,
)
from edge.errors import Reason
from edge.messages.envelope import Receipt, encode
from edge.scenarios.dispatch.messages.down import OrderReceipt
from edge.scenarios.dispatch.messages.overrides import RiderPause
from edge.scenarios.dispatch.messages.up import Load
from edge.scenarios.dispatch.records import events_in
from tests.bench.demo.proof.journal_rows import MINUTE, START, Rows, good_day


def test_a_good_day_has_no_findings() -> None:
    """Orders that went as they should leave no finding, and every event is accounted for."""
    evidence = good_day().evidence()
    assert evidence.findings == {}
    assert evidence.received == evidence.accepted == evidence.acknowledged == 12
    assert evidence.delivered_at == {"o1": START + 46 * MINUTE, "o2": START + 76 * MINUTE}
    assert evidence.promised == {"o1": START + 60 * MINUTE, "o2": START + 90 * MINUTE}


def test_two_riders_for_one_order_are_found() -> None:
    """An order that a second rider may take while the first one holds it is a finding."""
    rows = good_day()
    rows.shift("rider-2", 130, 500)
    rows.shift("rider-3", 130, 500)
    rows.place("o3", 131, ("rider-2", rows.offer("o3", 7, 131)))
    rows.reply("rider-2", "o3", 7, 132)
    rows.add(133, [], ("rider-3", rows.offer("o3", 8, 133)))
    rows.reply("rider-3", "o3", 8, 134)
    assert len(rows.evidence().findings["no_order_with_two_riders"]) == 2


def test_a_withdrawn_order_may_go_to_another_rider() -> None:
    """Withdrawal, decline, the end of a shift, and an unanswered offer each free the order for the next rider."""
    for how in ("withdrawn", "declined", "off", "silent"):
        rows = Rows()
        rows.shift("rider-1", 0, 500)
        rows.shift("rider-2", 0, 500)
        rows.place("o1", 1, ("rider-1", rows.offer("o1", 1, 1)))
        if how != "silent":
            rows.reply("rider-1", "o1", 1, 2)
        if how == "withdrawn":
            back = ("rider-1", rows.offer("o1", 1, 3, "withdrawn"))
            rows.add(3, [], ("rider-2", rows.offer("o1", 2, 3)), back)
        elif how == "declined":
            rows.reply("rider-1", "o1", 1, 3, accept=False)
        elif how == "off":
            rows.shift("rider-1", 3, 0, on=False)
        if how != "withdrawn":
            rows.add(4, [], ("rider-2", rows.offer("o1", 2, 4)))
        rows.reply("rider-2", "o1", 2, 5)
        assert rows.evidence().findings == {}, how


@pytest.mark.parametrize("reason", ["reassigned", "silent"])
def test_an_order_that_the_node_has_moved_is_its_second_riders(reason: str) -> None:
    """In one row it is withdrawn from the first and the second has it; withdrawn for another reason, nobody has."""
    rows = Rows()
    rows.shift("rider-1", 0, 500)
    rows.shift("rider-2", 0, 500)
    rows.place("o1", 1, ("rider-1", rows.offer("o1", 1, 1)))
    rows.reply("rider-1", "o1", 1, 2)
    second = ("rider-2", rows.offer("o1", 2, 3, "accepted"))
    rows.add(3, [], second, ("rider-1", rows.offer("o1", 1, 3, "withdrawn", reason)))
    rows.step("rider-2", "o1", "at_shop", 5)
    assert ("no_order_with_two_riders" in rows.evidence().findings) is (reason != "reassigned")


def test_a_rider_who_was_given_up_may_come_with_the_food() -> None:
    """A pickup by the rider from whom the order was withdrawn is no second rider, as long as nobody else holds it."""
    rows = Rows()
    rows.shift("rider-1", 0, 500)
    rows.place("o1", 1, ("rider-1", rows.offer("o1", 1, 1)))
    rows.reply("rider-1", "o1", 1, 2)
    rows.add(3, [], ("rider-1", rows.offer("o1", 1, 3, "withdrawn")))
    rows.step("rider-1", "o1", "picked_up", 4)
    rows.step("rider-1", "o1", "delivered", 9)
    assert rows.evidence().findings == {}


def test_too_many_orders_are_found() -> None:
    """An offer beyond a rider's room is a finding; one after an order has ended is not."""
    rows = Rows()
    rows.shift("rider-1", 0, 500)
    rows.place("o1", 1, ("rider-1", rows.offer("o1", 1, 1)))
    rows.reply("rider-1", "o1", 1, 2)
    rows.ended("o1", "undeliverable", 3)
    rows.place("o2", 4, ("rider-1", rows.offer("o2", 2, 4)))
    assert rows.evidence().findings == {}
    rows.reply("rider-1", "o2", 2, 5)
    rows.place("o3", 6, ("rider-1", rows.offer("o3", 3, 6)))
    assert list(rows.evidence().findings) == ["capacity_respected"]


def test_what_is_too_heavy_together_is_found() -> None:
    """A rider with a limit has an order, and is offered another one that fits the bag and is too much beside it."""
    rows = Rows()
    rows.shift("rider-1", 0, 500, capacity=3, load_limit=Load(weight_g=8_000))
    rows.place("o1", 1, ("rider-1", rows.offer("o1", 1, 1)), load=Load(weight_g=5_000))
    rows.reply("rider-1", "o1", 1, 2)
    rows.place("o2", 3, ("rider-1", rows.offer("o2", 2, 3)), load=Load(weight_g=3_000))
    assert rows.evidence().findings == {}
    rows.place("o3", 4, ("rider-1", rows.offer("o3", 3, 4)), load=Load(weight_g=1))
    (found,) = rows.evidence().findings["capacity_respected"]
    assert "8001 g" in found


def test_offers_in_a_break_are_found() -> None:
    """From the minute in which it begins to the one in which it ends; not before, and not after."""
    rows = Rows()
    rows.shift("rider-1", 0, 500, capacity=8)
    from_ms, until_ms = START + 10 * MINUTE, START + 25 * MINUTE
    rows.add(1, [("rider-1", RiderPause(id="pause", at=START, rider="rider-1", starts_at=from_ms, until=until_ms))])
    for number, minute in enumerate((9, 11, 24, 26), 1):
        rows.place(f"o{number}", minute, ("rider-1", rows.offer(f"o{number}", number, minute)))
        rows.add(minute, [], ("rider-1", rows.offer(f"o{number}", number, minute, "withdrawn")))
    assert [text.split()[2] for text in rows.evidence().findings["breaks_respected"]] == ["o2", "o3"]


def test_offers_after_the_shift_are_found() -> None:
    """An offer after the planned end of a shift, or after its real one, is a finding."""
    rows = good_day()
    rows.place("o8", 122, ("rider-1", rows.offer("o8", 8, 122)))
    rows.shift("rider-2", 0, 100)
    rows.place("o9", 101, ("rider-2", rows.offer("o9", 9, 101)))
    assert len(rows.evidence().findings["none_assigned_after_shift_end"]) == 2


def test_what_time_can_mend_may_be_decided_again() -> None:
    """An event that was refused as unknown_order may be decided again, once for good."""
    rows = good_day()
    event = decode_row(rows.bodies[0]).inputs[0]
    assert isinstance(event, RecordedEvent)
    again = msgspec.structs.replace(event, client="carol")
    for number, reason in ((90, "unknown_order"), (91, "unknown_order"), (92, "too_late")):
        id_ = events_in(decode_row(rows.bodies[0]))[0][1].id
        receipt = encode(Receipt(id=id_, of="x", status="refused", at=number, reason=reason), True)
        answer = rows.answer("carol", "receipt", receipt)
        rows.bodies.append(encode_row(Row(number, Now(1.0, START), [again], [], [answer, Acknowledge([reason])])))
    assert rows.evidence().findings == {}
    rows.bodies.append(rows.bodies[-1])
    assert "decided again" in rows.evidence().findings["one_decision_per_id"][1]


def test_repeats_are_counted_and_no_id_is_decided_twice() -> None:
    """Repeats are counts in the rows; an event that is decided again is a finding, and so is another receipt of it."""
    rows = good_day()
    first = decode_row(rows.bodies[0])
    event = first.inputs[0]
    assert isinstance(event, RecordedEvent)
    ((client, body),) = events_in(first)
    payload = rows.receipts[client, body.id]
    rows.bodies.append(encode_row(Row(90, Now(1.0, START), [Repeats("order.place", 2)], [], [])))
    evidence = rows.evidence()
    assert (evidence.findings, evidence.duplicate, evidence.received) == ({}, 2, 14)
    assert evidence.acknowledged == 14

    again = Row(91, Now(1.0, START), [event], [], [Acknowledge([""])])
    rows.bodies.append(encode_row(again))
    assert "decided again" in rows.evidence().findings["one_decision_per_id"][0]
    rows.bodies[-1] = encode_row(Row(92, Now(1.0, START), [], [], [rows.answer("rider-1", "receipt", _later(payload))]))
    assert "other bytes" in rows.evidence().findings["one_decision_per_id"][0]


def _later(payload: bytes) -> bytes:
    """The same receipt, decided at another time."""
    receipt = msgspec.msgpack.decode(payload, type=OrderReceipt)
    return encode(msgspec.structs.replace(receipt, at=receipt.at + 1), json=False)


def test_refusals_and_shed_messages_are_counted_by_reason() -> None:
    """Refused events, messages that were none, and shed ones are distinguished, each with its reason."""
    rows = good_day()
    rows.step("rider-1", "o1", "picked_up", 140, refuse="too_late")
    inputs = [Rejected("x", "order.place", Reason.MALFORMED), Shed(Reason.OVER_QUOTA, 7)]
    rows.bodies.append(encode_row(Row(99, Now(1.0, START), inputs, [], [Acknowledge(["malformed"])])))
    evidence = rows.evidence()
    assert evidence.refused == {"too_late": 1, "malformed": 1}
    assert evidence.shed == {"over_quota": 7}
    assert evidence.received == evidence.accepted + evidence.duplicate + evidence.refused.total()


def test_a_decision_without_a_receipt_is_found() -> None:
    """An event whose row holds no receipt for it is a finding."""
    rows = good_day()
    row = decode_row(rows.bodies[1])
    bare = Row(row.number, row.now, row.inputs, [], row.effects[1:])
    rows.bodies[1] = encode_row(bare)
    assert list(rows.evidence().findings) == ["every_event_has_a_receipt"]
