"""A small district to drive the scenario with: the round of the node, without the node."""

from types import SimpleNamespace

import pytest
from msgspec import structs

from edge.core.model import Event, Now, Presence
from edge.messages.envelope import Place
from edge.messages.grants import EVERY_SHOP
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.down import Assignment, Update
from edge.scenarios.dispatch.messages.up import (
    KitchenDelay,
    KitchenReady,
    OrderCancel,
    OrderPlace,
    OrderRedeliver,
    RiderPosition,
    RiderProgress,
    RiderReply,
    RiderShift,
)
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.times.messages import TimesReset

WALL_MS = 1_700_000_000_000
SHOP = Place(52.5, 13.4)
DOOR = Place(52.51, 13.41)


class Notes:
    """Records the effects of a round: messages, counts and measures."""

    def __init__(self):
        self.sent = []
        self.cancelled = []
        self.before = 0  # what earlier rounds have sent
        self.counts = {}
        self.measures = []
        self.shops = []  # what belongs to a shop
        self.located = []
        self.decisions = 0

    def send(self, client, body, expires_mono, topic="", spoken=None):
        self.sent.append((client, body, expires_mono))

    def cancel(self, client, kind, topic):
        self.cancelled.append((client, kind, topic))
        void = (client, "withdrawn", topic)
        self.sent[self.before :] = [
            (to, body, until)
            for to, body, until in self.sent[self.before :]
            if (to, body.state, body.order) != void or not isinstance(body, Assignment)
        ]

    def count(self, name, at_ms, n=1, shop="", person=""):
        self.counts[name] = self.counts.get(name, 0) + n
        if shop:
            self.shops.append((shop, name, person))

    def measure(self, name, at_ms, value, shop="", person=""):
        self.measures.append((name, value))
        if shop:
            self.shops.append((shop, name, person))

    def locate(self, name, at_ms, lat, lon, person):
        self.located.append((name, lat, lon, person))

    def assignments(self, rider, state="offered"):
        return [
            body
            for client, body, _ in self.sent
            if client == rider and isinstance(body, Assignment) and body.state == state
        ]

    def updates(self, client):
        return [body.state for to, body, _ in self.sent if to == client and isinstance(body, Update)]


class District:
    """A live scenario, its clock, and the rows that a node would keep."""

    def __init__(self, rules=None, **changes):
        self.dispatch = Dispatch(rules or DispatchOptions(**changes))
        self.seconds = 1000.0
        self.notes = Notes()
        self.rows = []
        self.ids = 0

    @property
    def now(self):
        return Now(self.seconds, WALL_MS + round(self.seconds * 1000))

    @property
    def dispatch_state(self):
        return self.dispatch.state

    def round(self, *events):
        """One round as the node runs it; the refusals (None: accepted) of its events."""
        notes, now, sensor = self.notes, self.now, self.dispatch.live_sensor()
        notes.before = len(notes.sent)
        for event in events:
            self.dispatch.observe(event.client, event.body, now)
        outcomes = self.dispatch.round(events, now, sensor, notes)  # pyright: ignore[reportArgumentType]
        self.decisions = sensor.decisions
        self.outcomes = outcomes
        seen = SimpleNamespace(seen=list(sensor.log), decisions=self.decisions, outcomes=outcomes)
        self.rows.append(SimpleNamespace(now=now, events=events, record=sensor.record(), **vars(seen)))
        return [outcome.refusal for outcome in outcomes]

    def presence(self, client, present):
        self.dispatch.observe(client, Presence(client, present), self.now)

    def one(self, event):
        """A round with one event: its refusal's reason, or None."""
        (refusal,) = self.round(event)
        return None if refusal is None else refusal.reason

    def later(self, seconds):
        """Time passes, with a round at each deadline, and one at the end."""
        end = self.seconds + seconds
        for _ in range(10_000):
            deadline = self.dispatch.next_deadline()
            if deadline is None or deadline > end:
                break
            self.seconds = max(self.seconds, deadline)
            self.round()
        else:
            raise AssertionError("the deadlines do not come to an end")
        self.seconds = end
        self.round()

    def event(self, client, kind, **fields):
        self.ids += 1
        return Event(client, kind(id=f"e{self.ids}", at=self.now.wall_ms, **fields), shop=client)

    def shift(self, rider, on=True, **fields):
        return self.event(rider, RiderShift, on=on, **fields)

    def place(self, order, client="customer", shop="shop", pickup=SHOP, dropoff=DOOR, **fields):
        fields = fields or {"prep_s": 0}
        return self.event(client, OrderPlace, order=order, shop=shop, pickup=pickup, dropoff=dropoff, **fields)

    def cancel(self, client, order):
        return self.event(client, OrderCancel, order=order)

    def reply(self, rider, order, offer, accept=True):
        return self.event(rider, RiderReply, order=order, offer=offer, accept=accept)

    def step(self, rider, order, step, **fields):
        fields = {"cause": "customer_absent", **fields} if step == "failed" else fields
        return self.event(rider, RiderProgress, order=order, step=step, **fields)

    def redeliver(self, client, order, **fields):
        return self.event(client, OrderRedeliver, order=order, **fields)

    def by_hand(self, kind, client="desk", **fields):
        """What a dispatcher sends."""
        return structs.replace(self.event(client, kind, **fields), shop=EVERY_SHOP)

    def ready(self, shop, order):
        return self.event(shop, KitchenReady, order=order)

    def delay(self, shop, order, in_s):
        return self.event(shop, KitchenDelay, order=order, ready_at=self.now.wall_ms + in_s * 1000)

    def reset(self, client, shop):
        return self.event(client, TimesReset, shop=shop)

    def report_position(self, rider, lat=52.501, lon=13.401):
        self.dispatch.observe(rider, RiderPosition(points=[(self.now.wall_ms, lat, lon)]), self.now)

    def begin(self, rider, lat=52.501, lon=13.401, **fields):
        """A rider on shift whose place is known."""
        assert self.one(self.shift(rider, **fields)) is None
        self.report_position(rider, lat, lon)

    def promise(self, order):
        """What was promised about an open order; None where nothing was."""
        found = self.dispatch_state.orders.open.get(order)
        return None if found is None or not found.promised_ms else self.dispatch.promise(found)

    def state(self, order):
        found = self.dispatch_state.orders.find(order)
        assert found is not None
        return found.state

    def offer_of(self, order):
        found = self.dispatch_state.orders.open[order]
        return found.rider, found.offer

    def bring_to(self, state, order="o1", rider="r1"):
        """An order in that state; the rider is the one of the offer, or would be."""
        self.begin(rider)
        if state == "placed":
            # Nobody may take it: the only rider has declined it.
            self.round(self.place(order))
            self.round(self.reply(rider, order, self.offer_of(order)[1], accept=False))
            return
        self.round(self.place(order))
        offer = self.offer_of(order)[1]
        steps = {
            "accepted": (),
            "at_shop": ("at_shop",),
            "picked_up": ("at_shop", "picked_up"),
            "at_customer": ("at_shop", "picked_up", "at_customer"),
            "delivered": ("at_shop", "picked_up", "delivered"),
            "returning": ("at_shop", "picked_up", "at_customer", "failed"),
            "returned": ("at_shop", "picked_up", "at_customer", "failed", "returned"),
        }
        if state in steps:
            self.round(self.reply(rider, order, offer))
        for step in steps.get(state, ()):
            self.round(self.step(rider, order, step))
        if state == "cancelled":
            self.round(self.cancel("customer", order))
        if state == "undeliverable":
            self.round(self.shift(rider, on=False))
            self.later(self.dispatch_state.rules.give_up_s + 1)
        assert self.state(order) == state


class Mirror:
    """A second scenario that sees only the rows: replay decides again, recovery takes the recorded decisions."""

    def __init__(self, rules, decides):
        self.dispatch = Dispatch(rules)
        self.decides = decides
        self.notes = Notes()

    def follow(self, row):
        self.notes.before = len(self.notes.sent)
        sensor = self.dispatch.recorded_sensor(row.record, not self.decides)
        self.notes.before = len(self.notes.sent)
        outcomes = self.dispatch.round(row.events, row.now, sensor, self.notes)  # pyright: ignore[reportArgumentType]
        assert outcomes == row.outcomes
        if self.decides:
            assert sensor.record() == row.record


@pytest.fixture(scope="session")
def district():
    """The class of small districts."""
    return District


@pytest.fixture(scope="session")
def mirror():
    """The class of scenarios that follow rows."""
    return Mirror
