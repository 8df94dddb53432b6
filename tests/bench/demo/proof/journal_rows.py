"""Journal rows for tests, made by hand: an order's life as a node would have written it."""

from typing import Any

import msgspec

from bench.demo.proof.evidence import Evidence
from bench.demo.proof.invariants import Case
from bench.demo.proof.records import Records
from edge.core.model import Acknowledge, Answer, Now, RecordedEvent, Row, encode_row
from edge.messages.envelope import Place, encode
from edge.scenarios.dispatch.messages.down import Assignment, OrderReceipt, Stop, Update
from edge.scenarios.dispatch.messages.up import OrderPlace, RiderProgress, RiderReply, RiderShift
from edge.scenarios.dispatch.times.messages import DropoffPromise
from edge.scenarios.labels.messages import LabelShow

START = 1_790_000_000_000
MINUTE = 60_000
_KINDS = {Assignment: "assignment", Update: "update", LabelShow: "label.show"}


class Rows:
    """A journal that grows by calls; `bodies` are the rows."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.receipts: dict[tuple[str, str], bytes] = {}
        self._sequence = 0
        self._events = 0

    def add(self, at: int, events: list[tuple[str, Any]], *answers: tuple[str, Any], refuse: str = "") -> None:
        """A row at minute `at`: these events, each with its receipt, and these further answers."""
        wall = START + at * MINUTE
        effects: list[Any] = []
        for client, body in events:
            promise = DropoffPromise(wall + 30 * MINUTE, 0.5) if isinstance(body, OrderPlace) and not refuse else None
            kind = str(body.__struct_config__.tag)
            receipt = OrderReceipt(
                id=body.id,
                of=kind,
                status="refused" if refuse else "accepted",
                at=wall,
                order=getattr(body, "order", ""),
                reason=refuse,
                promise=promise,
            )
            payload = encode(receipt, json=False)
            self.receipts[client, body.id] = payload
            effects.append(self.answer(client, "receipt", payload))
        for client, body in answers:
            kind = _KINDS[type(body)]
            effects.append(self.answer(client, kind, encode(body, json=client.startswith("customer"))))
        if events:
            effects.append(Acknowledge([refuse] * len(events)))
        inputs: list[Any] = [RecordedEvent(client, msgspec.Raw(encode(body, json=False))) for client, body in events]
        self.bodies.append(encode_row(Row(len(self.bodies) + 1, Now(float(at * 60), wall), inputs, [], effects)))

    def evidence(self) -> Evidence:
        """What these rows prove."""
        evidence = Evidence()
        evidence.read(self.bodies)
        return evidence

    def answer(self, client: str, kind: str, payload: bytes) -> Answer:
        """The next answer."""
        self._sequence += 1
        return Answer(self._sequence, client, kind, payload, 1e9)

    def id(self) -> str:
        """The next event's id."""
        self._events += 1
        return f"e{self._events}"

    def shift(self, rider: str, at: int, until: int, capacity: int = 1, on: bool = True, **more: Any) -> None:
        """A rider comes or goes."""
        end = START + until * MINUTE
        at_ms = START + at * MINUTE
        event = RiderShift(id=self.id(), at=at_ms, on=on, capacity=capacity, until=end if on else None, **more)
        self.add(at, [(rider, event)])

    def place(self, order: str, at: int, *answers: tuple[str, Any], **more: Any) -> None:
        """An order is placed; with it may go its offer."""
        here = Place(lat=31.0, lon=121.0)
        fields = {"shop": "shop-1", "pickup": here, "dropoff": here, "prep_s": 600, **more}
        event = OrderPlace(id=self.id(), at=START + at * MINUTE, order=order, **fields)
        self.add(at, [(f"customer-{order}", event)], *answers)

    def offer(self, order: str, number: int, at: int, state: Any = "offered", reason: str = "") -> Assignment:
        """An assignment, open for two minutes."""
        wall = START + at * MINUTE
        stop = Stop(at="pickup", order=order, lat=31.0, lon=121.0, expected_at=wall)
        answer_by = wall + 2 * MINUTE
        return Assignment(
            offer=number, order=order, state=state, at=wall, stops=[stop], answer_by=answer_by, reason=reason
        )

    def reply(self, rider: str, order: str, number: int, at: int, accept: bool = True) -> None:
        """A rider answers an offer."""
        event = RiderReply(id=self.id(), at=START + at * MINUTE, order=order, offer=number, accept=accept)
        self.add(at, [(rider, event)])

    def step(self, rider: str, order: str, step: Any, at: int, refuse: str = "") -> None:
        """A rider reports progress."""
        event = RiderProgress(id=self.id(), at=START + at * MINUTE, order=order, step=step)
        self.add(at, [(rider, event)], refuse=refuse)

    def ended(self, order: str, state: str, at: int) -> None:
        """The node's update to the customer that an order has ended."""
        self.add(at, [], (f"customer-{order}", Update(order=order, state=state, at=START + at * MINUTE)))


def case_of(records: Records, evidence: Evidence, **more: Any) -> Case:
    """A case in which node and centre count what the journal has, with `more`."""
    counted = evidence.received
    fields: dict[str, Any] = {"open_orders": {}, "unanswered": [], "queues": {}, "folders": [], "unpacked": {}}
    fields |= {"visible": [], "events_at_node": counted, "events_at_centre": counted, **more}
    return Case(records=records, evidence=evidence, **fields)


def good_day() -> Rows:
    """Two orders, one rider with room for one: offered, accepted, delivered, one after the other."""
    rows = Rows()
    rows.shift("rider-1", 0, 120)
    for number, order in enumerate(("o1", "o2"), start=1):
        begin = number * 30
        rows.place(order, begin, ("rider-1", rows.offer(order, number, begin)))
        rows.reply("rider-1", order, number, begin + 1)
        for minutes, step in enumerate(("at_shop", "picked_up", "delivered"), start=2):
            rows.step("rider-1", order, step, begin + 4 * minutes)
    rows.shift("rider-1", 121, 0, on=False)
    return rows
