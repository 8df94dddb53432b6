"""Tests of edge.core.node: rounds, receipts, repeats, recovery and replay of the core as a whole."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge.core.outbox
from edge.core.model import (
    Acknowledge,
    Answer,
    Batch,
    Commit,
    Configure,
    Delivered,
    Now,
    Observed,
    Presence,
    RecordedEvent,
    Rejected,
    Repeat,
    Repeats,
    Rules,
    Shed,
    SyncAcked,
    SyncWelcomed,
    decode_row,
)
from edge.core.node import Node
from edge.errors import MENDABLE, JournalError, Reason
from edge.limits import WINDOW_GRACE_S, WINDOW_S
from edge.messages.batches import decode_body
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.up import OrderTrack
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.labels import Labels
from tests.edge.district import RULES, T0, configured, event, now, place, position, row_of, shift


def started(rules: Rules = RULES) -> Node:
    node = Node([Dispatch])
    node.handle([Configure(rules)], now(0))
    return node


def answers(effects, kind: str = "receipt") -> list[dict]:
    return [json.loads(e.payload) for e in effects if isinstance(e, Answer) and e.kind == kind]


def test_a_round_is_one_row_then_what_waits_for_it():
    """The first effect is the commit of the row; the row holds the inputs and every other effect."""
    node = started()
    batch = [*shift("r-1"), place(1)]
    effects = node.handle(batch, now(1))
    assert isinstance(effects[0], Commit)
    row = decode_row(effects[0].row)
    assert row.number == node.number == 2
    kept = [item for item in row.inputs if isinstance(item, RecordedEvent)]
    assert [node.catalog.opened(item) for item in kept] == [item for item in batch if not isinstance(item, Observed)]
    assert [record.scenario for record in row.scenarios] == ["dispatch"]
    assert row.effects == effects[1:]
    assert isinstance(effects[-1], Acknowledge)
    assert effects[-1].reasons == ["", ""]


def test_what_a_row_cannot_hold_is_refused_and_the_rest_goes_on():
    """An event that cannot be written down is refused as malformed; the round, its other events and the node go on."""
    node = started()
    poison = msgspec.structs.replace(place(1).body, v=2**64)
    effects = node.handle([msgspec.structs.replace(place(1), body=poison), place(2)], now(1))
    assert [(a["id"], a["status"]) for a in answers(effects)] == [
        (poison.id, "refused"),
        (place(2).body.id, "accepted"),
    ]
    assert answers(effects)[0]["reason"] == Reason.MALFORMED
    assert [e.reasons for e in effects if isinstance(e, Acknowledge)] == [[Reason.MALFORMED, ""]]
    assert node.handle([place(3)], now(2))


def test_an_order_is_received_promised_and_offered():
    """With a rider at hand an order gets its receipt with a promise, and the rider the assignment, in one round."""
    node = started()
    node.handle(shift("r-1"), now(1))
    effects = node.handle([place(1, 2)], now(2))
    (receipt,) = answers(effects)
    assert receipt["status"] == "accepted"
    assert receipt["order"] == "o-1"
    assert receipt["promise"]["dropoff_at"] > T0
    assert 0 < receipt["promise"]["confidence"] <= 1
    (assignment,) = answers(effects, "assignment")
    assert assignment["order"] == "o-1"
    assert [stop["at"] for stop in assignment["stops"]] == ["pickup", "dropoff"]


def test_receipts_come_before_updates():
    """A customer gets the receipt of an order before its updates."""
    node = started()
    node.handle(shift("r-1"), now(1))
    kinds = [e.kind for e in node.handle([place(1, 2)], now(2)) if isinstance(e, Answer) and e.client == "alice"]
    assert kinds[0] == "receipt"


def test_a_repeat_is_no_part_of_a_round():
    """A repeated id is not decided again: the row that decided it is named, and nothing is written but its count."""
    node = started()
    node.handle([place(1)], now(1))
    before = node.snapshot()
    assert node.handle([place(1)], now(2)) == []
    assert node.repeats == [Repeat("alice", "order.place", "place-1", 2, place(1).body)]
    assert node.snapshot() == before
    node.handle([Repeats("order.place", 3)], now(3))
    assert (node.counts.received, node.counts.duplicate) == (4, 3)


def test_reasons_have_a_place_for_each_repeat():
    """Whoever waits for acknowledgements gets one for each durable input; the row has those of its own inputs."""
    node = started()
    node.handle([place(1)], now(1))
    bad = Rejected("alice", "x", Reason.UNKNOWN_KIND, id="e-9")
    effects = node.handle([place(1), bad, place(1), place(2), bad, place(2)], now(2))
    assert isinstance(effects[0], Commit)
    assert list(effects[0].reasons) == [None, "unknown_kind", None, "", None, None]
    assert effects[-1] == Acknowledge(["unknown_kind", ""])
    assert [(one.id, one.row) for one in node.repeats] == [("place-1", 2), ("place-1", 2), ("e-9", 3), ("place-2", 3)]
    assert answers(node.handle([place(3)], now(3)))


@pytest.mark.parametrize("years", [10, -56])
def test_a_jump_of_the_wall_clock_forgets_no_decision(monkeypatch, years):
    """Ten years ahead or back in 1970, while running or across a restart: a known id is still a repeat."""
    monkeypatch.setattr("edge.core.dedup.RECENT_MAX", 2)
    node = started()
    jumped = T0 + years * 365 * 86_400_000
    for step in range(6):
        node.handle([place(step)], Now(float(step), jumped if step == 3 else T0))
    node.handle([configured()], Now(6.0, jumped))
    node.handle([configured()], Now(7.0, T0))
    node.handle([configured()], Now(7.0 + 7 * 86_400, jumped))  # what a restart makes of it
    for step in range(6):
        assert node.handle([place(step)], Now(8.0 + 7 * 86_400, T0)) == []
        assert [one.id for one in node.repeats] == [f"place-{step}"]


def test_one_id_of_two_clients_is_two_events():
    """Ids belong to their publishers: nobody can occupy the ids of another."""
    node = started()
    node.handle([place(1)], now(1))
    (receipt,) = answers(node.handle([place(1, client="bob")], now(2)))
    assert receipt["reason"] == Reason.DUPLICATE_ORDER
    assert node.counts.duplicate == 0


def test_a_refusal_is_a_decision_too():
    """A refused message with an id gets one receipt that names reason and field, for ever."""
    node = started()
    words = "a number of at most 90 is expected"
    bad = Rejected("alice", "order.place", Reason.MALFORMED, "pickup.lat", words, "e-9", True)
    effects = node.handle([bad], now(1))
    (receipt,) = answers(effects)
    assert (receipt["status"], receipt["reason"], receipt["field"]) == ("refused", "malformed", "pickup.lat")
    assert effects[-1] == Acknowledge(["malformed"])
    assert node.handle([bad], now(2)) == []
    assert node.repeats == [Repeat("alice", "rejected", "e-9", 2)]


@pytest.mark.parametrize("reason", Reason)
def test_what_time_can_mend_is_decided_anew(reason: Reason):
    """Only such a refusal is forgotten: then the same id is new, and whatever is decided next is remembered; live, and
    where the journal is read again."""
    node = started()
    first = node.handle([Rejected("alice", "order.place", reason, id="place-1", json=True)], now(1))
    assert (node.dedup.row_of("alice", "place-1") is None) == (reason in MENDABLE)
    again = started()
    assert isinstance(first[0], Commit)
    assert again.replay(decode_row(first[0].row)) == first
    assert again.dedup.snapshot() == node.dedup.snapshot()
    (refusal,) = answers(first)
    assert refusal.get("again", False) is (reason in MENDABLE)
    (*_, receipt) = [refusal, *answers(node.handle([place(1)], now(2)))]
    assert receipt["status"] == ("accepted" if reason in MENDABLE else "refused")
    assert node.handle([place(1)], now(3)) == []


def test_an_order_that_comes_late_mends_what_was_refused():
    """A cancellation before its order is unknown_order; sent again after it, it is accepted."""
    node = started()
    cancel = event("alice", "order.cancel", "c-1", 2, order="o-1")
    (receipt,) = answers(node.handle([cancel], now(1)))
    assert receipt["reason"] == Reason.UNKNOWN_ORDER
    node.handle([place(1)], now(2))
    (receipt, *_) = answers(node.handle([cancel], now(3)))
    assert receipt["status"] == "accepted"


def test_a_refusal_without_an_id_is_counted_and_acknowledged():
    """Where nobody can be answered the refusal is still a row, a count and an acknowledgement."""
    node = started()
    effects = node.handle([Rejected("alice", "x", Reason.UNKNOWN_KIND)], now(1))
    assert [type(effect) for effect in effects] == [Commit, Acknowledge]
    assert node.counts.refused == {"unknown_kind": 1}


def test_positions_alone_make_no_row():
    """What is never stored leaves no trace: no effects, no row number."""
    node = started()
    number = node.number
    assert node.handle([position("r-1", [(T0, 31.2, 121.4)]), Presence("r-1", True)], now(1)) == []
    assert node.number == number


def test_no_position_is_in_any_row():
    """The canary coordinates of a rider appear in no row, as text or as eight bytes."""
    node = started()
    lat, lon = 31.20123456789, 121.40123456789
    rows = []
    for step in range(20):
        effects = node.handle([*shift(f"r-{step}", at_s=step, lat=lat, lon=lon), place(step, step)], now(step + 1))
        rows.append(row_of(effects))
    blob = b"".join(rows) + node.snapshot()
    for value in (lat, lon):
        assert msgspec.msgpack.encode(value) not in blob
        assert str(value).encode()[:8] not in blob


def test_the_place_of_a_rider_is_answered_and_in_no_row():
    """The question makes no row, and the answer is in none: it is the round's, in the encoding of its client."""
    lat, lon = 31.20123456789, 121.40123456789
    options = msgspec.Raw(msgspec.msgpack.encode(DispatchOptions(show_rider=True)))
    node = started(msgspec.structs.replace(RULES, scenarios={"dispatch": options}))
    node.handle([*shift("r-1", lat=lat, lon=lon), place(1, 1)], now(1))
    node.handle([event("r-1", "rider.reply", "a", 2, order="o-1", offer=1, accept=True)], now(2))
    node.handle([event("r-1", "rider.progress", "b", 3, order="o-1", step="picked_up")], now(3))
    node.handle([position("r-1", [(T0 + 3_000, lat, lon)])], now(3))
    before = node.snapshot()
    question = Observed("alice", OrderTrack(order="o-1"))
    assert node.handle([question], now(4)) == []
    (answer,) = node.replies
    assert (answer.sequence, answer.client, answer.kind) == (0, "alice", "rider.place")
    assert msgspec.json.decode(answer.payload)["lat"] == lat
    assert node.snapshot() == before
    assert msgspec.msgpack.encode(lat) not in row_of(node.handle([question, place(2, 5)], now(5)))
    assert len(node.replies) == 1
    node.handle([], now(6))
    assert node.replies == []


def test_acknowledged_answers_are_not_pending():
    """What its client has acknowledged is not offered again."""
    node = started()
    effects = node.handle([place(1)], now(1))
    sequences = [e.sequence for e in effects if isinstance(e, Answer) and e.client == "alice"]
    assert [a.sequence for a in node.pending_answers.of("alice", 0)] == sequences
    node.handle([Delivered(sequences)], now(2))
    assert list(node.pending_answers.of("alice", 0)) == []


def test_every_durable_input_is_counted_once():
    """received = accepted + duplicate + refused, also in the windows."""
    node = started()
    node.handle([SyncWelcomed(1, 0)], now(1))
    node.handle([place(1), place(1), place(2), Rejected("x", "y", Reason.MALFORMED)], now(2))
    again = [Repeats(one.kind, 1) for one in node.repeats]
    node.handle([event("eve", "order.cancel", "c-1", 2, order="o-1"), Shed(Reason.OVER_QUOTA, 7), *again], now(3))
    counts = node.counts
    assert counts.received == 5
    assert counts.received == counts.accepted + counts.duplicate + sum(counts.refused.values())
    assert counts.shed == {"over_quota": 7}
    effects = node.handle([], now(WINDOW_S + WINDOW_GRACE_S + 61))
    windows = [w for e in effects if isinstance(e, Batch) for w in decode_body(e.body)]
    assert sum(window.events for window in windows) == 5
    assert sum(window.counters.get("shed.over_quota", 0) for window in windows) == 7


def test_the_centre_takes_batches_off_the_node():
    """A batch is numbered after the welcome, stays in flight until stored, and is gone then."""
    node = started()
    node.handle([SyncWelcomed(3, 0)], now(1))
    node.handle([place(1)], now(2))
    node.handle([], now(140))
    (batch,) = node.outbox.in_flight()
    assert (batch.epoch, batch.seq) == (3, 1)
    node.handle([SyncAcked(3, 1)], now(141))
    assert node.outbox.in_flight() == []


def drive(node: Node, seed: int, steps: int = 60) -> list[bytes]:
    """A small busy day, drawn from the seed. Returns the rows."""
    import random

    draw = random.Random(seed)
    rows: list[bytes] = []
    clock = 1.0
    offers: list[tuple[str, str, int]] = []
    for step in range(steps):
        batch = []
        for _ in range(draw.randint(0, 4)):
            what = draw.random()
            rider = f"r-{draw.randint(1, 5)}"
            if what < 0.25:
                batch += shift(rider, at_s=clock, on=draw.random() < 0.8, capacity=draw.randint(1, 2))
            elif what < 0.5:
                batch.append(place(draw.randint(1, 40), clock, ready_s=draw.randint(0, 900)))
            elif what < 0.6:
                batch.append(position(rider, [(T0, 31.2 + draw.random() / 50, 121.4 + draw.random() / 50)]))
            elif what < 0.65:
                batch.append(Presence(rider, draw.random() < 0.5))
            elif what < 0.85 and offers:
                who, order, offer = offers.pop(draw.randrange(len(offers)))
                fields = {"order": order, "offer": offer, "accept": draw.random() < 0.8}
                batch.append(event(who, "rider.reply", f"reply-{offer}", clock, **fields))
                for index, progress in enumerate(("at_shop", "picked_up", "delivered")):
                    if draw.random() < 0.7:
                        fields = {"order": order, "step": progress}
                        batch.append(event(who, "rider.progress", f"p-{offer}-{index}", clock, **fields))
            elif what < 0.9:
                batch.append(event("alice", "order.cancel", f"c-{step}", clock, order=f"o-{draw.randint(1, 40)}"))
            elif what < 0.95:
                batch.append(SyncWelcomed(1, 0))
            else:
                batch.append(Rejected("x", "y", Reason.MALFORMED, id=f"bad-{draw.randint(1, 9)}"))
        clock += draw.choice([0.01, 1.0, 20.0, 100.0])
        for effect in node.handle(batch, now(clock)):
            if isinstance(effect, Commit):
                rows.append(effect.row)
            elif isinstance(effect, Answer) and effect.kind == "assignment":
                body = (
                    json.loads(effect.payload) if effect.payload[:1] == b"{" else msgspec.msgpack.decode(effect.payload)
                )
                if body["state"] == "offered":
                    offers.append((effect.client, body["order"], body["offer"]))
    return rows


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_replay_comes_to_the_same_bytes(seed):
    """Feeding the rows through a fresh core makes every row again, byte for byte."""
    node = started()
    first = row_of(Node([Dispatch]).handle([configured()], now(0)))
    rows = [first, *drive(node, seed)]
    again = Node([Dispatch])
    for row in rows:
        assert row_of(again.replay(decode_row(row))) == row


@given(st.integers(0, 10_000), st.integers(0, 60))
@settings(max_examples=25)
def test_recovery_comes_to_the_same_state(seed, cut):
    """From nothing, or from a snapshot and the rows after it, recovery ends where the live core stood."""
    node = started()
    rows = [row_of(Node([Dispatch]).handle([configured()], now(0))), *drive(node, seed)]
    whole = Node([Dispatch])
    whole.recover(None, rows)
    assert whole.snapshot() == node.snapshot()
    assert whole.recovery_differences == 0
    cut = min(cut, len(rows) - 1) + 1
    half = Node([Dispatch])
    half.recover(None, rows[:cut])
    resumed = Node([Dispatch])
    resumed.recover(half.snapshot(), rows[cut:])
    assert resumed.snapshot() == node.snapshot()


def test_recovery_numbers_nothing_anew(monkeypatch):
    """A version that cuts batches otherwise goes on with those of the one before: the centre may hold them already."""
    node = started()
    rows = [row_of(Node([Dispatch]).handle([configured()], now(0)))]
    rows += [row_of(node.handle([place(n, 200 * n)], now(200 * n))) for n in range(1, 6)]
    rows += [row_of(node.handle([SyncWelcomed(1, 0)], now(2000)))]
    monkeypatch.setattr(edge.core.outbox, "BATCH_BYTES_AIM", 1)
    recovered, decided = Node([Dispatch]), Node([Dispatch])
    recovered.recover(None, rows)
    for row in rows:
        decided.replay(decode_row(row))
    assert recovered.outbox.in_flight() == node.outbox.in_flight()
    assert recovered.snapshot() == node.snapshot()
    assert recovered.recovery_differences == 0
    assert decided.outbox.in_flight() != node.outbox.in_flight()


def test_a_missing_row_is_noticed():
    """Recovery refuses a journal with a hole."""
    rows = [row_of(Node([Dispatch]).handle([configured()], now(0))), *drive(started(), 3)]
    with pytest.raises(JournalError, match="rows are missing"):
        Node([Dispatch]).recover(None, [*rows[:3], *rows[4:]])


def test_a_foreign_row_or_snapshot_is_refused_with_a_hint():
    """Bytes of another version are an error with a hint."""
    with pytest.raises(JournalError, match="another doorstep write it"):
        Node([Dispatch]).recover(None, [b"\x01"])
    with pytest.raises(JournalError, match="another version"):
        Node([Dispatch]).recover(b"\x01", [])
    state = msgspec.msgpack.decode(started().snapshot())
    state[0] = 99
    with pytest.raises(JournalError, match="version 99"):
        Node([Dispatch]).recover(msgspec.msgpack.encode(state), [])


def test_a_pickup_in_the_round_of_the_silence_deadline_prevents_it():
    """A rider whose silence deadline is in the round of its `picked_up` keeps the order and gets no withdrawal, and the
    round replays to the same bytes."""
    node = started()
    node.handle([*shift("r-1")], now(1))
    node.handle([place(1)], now(2))
    offer = answers(node.handle([], now(3)), "assignment") or [{"offer": 1}]
    accepted = event("r-1", "rider.reply", "reply-1", 4, order="o-1", offer=offer[0]["offer"], accept=True)
    node.handle([accepted], now(4))
    late_s = 5 + DispatchOptions().silent_s
    before = node.snapshot()
    step = event("r-1", "rider.progress", "step-1", late_s, order="o-1", step="picked_up")
    effects = node.handle([step], now(late_s))
    assert [receipt["status"] for receipt in answers(effects)] == ["accepted"]
    assert answers(effects, "assignment") == []
    again = Node([Dispatch])
    again.recover(before, [])
    assert again.replay(decode_row(row_of(effects)))[0] == effects[0]


def test_an_order_reclaimed_in_the_round_of_its_withdrawal_is_not_withdrawn_last():
    """Off and on shift in one batch, then `picked_up`: the order comes back, and it is confirmed, not withdrawn."""
    node = started()
    node.handle([*shift("r-1")], now(1))
    node.handle([place(1)], now(2))
    node.handle([event("r-1", "rider.reply", "reply-1", 3, order="o-1", offer=1, accept=True)], now(3))
    step = event("r-1", "rider.progress", "step-1", 5, order="o-1", step="picked_up")
    effects = node.handle([*shift("r-1", on=False, at_s=4), *shift("r-1", at_s=5), step], now(5))
    assert [receipt["status"] for receipt in answers(effects)] == ["accepted"] * 3
    assert [each["state"] for each in answers(effects, "assignment")] == ["accepted"]


def test_a_door_that_waits_for_its_rider_goes_with_the_order():
    """Neither the offer nor the confirmation of an order is delivered once the order was taken back."""
    node = started()
    node.handle([*shift("r-1")], now(1))
    node.handle([place(1)], now(2))
    node.handle([event("r-1", "rider.reply", "reply-1", 3, order="o-1", offer=1, accept=True)], now(3))
    assert states_waiting(node, "r-1") == ["offered", "accepted"]
    node.handle([*shift("r-1", on=False, at_s=4)], now(4))
    assert states_waiting(node, "r-1") == ["withdrawn"]


def states_waiting(node: Node, rider: str) -> list[str]:
    waiting = [each for each in node.pending_answers.of(rider, 0) if each.kind == "assignment"]
    return [msgspec.json.decode(each.payload)["state"] for each in waiting]


def test_who_speaks_messagepack_is_remembered_of_so_many(monkeypatch):
    """Beyond the bound the client known for longest is forgotten, and a snapshot keeps exactly the others."""
    monkeypatch.setattr("edge.core.effects.PACKED_CLIENTS_MAX", 3)
    node = started()
    for number in range(5):
        ready = event(f"c-{number}", "kitchen.ready", f"e-{number}", order="o-1")
        node.handle([msgspec.structs.replace(ready, json=False)], now(number + 1))
    assert list(node._packed) == ["c-2", "c-3", "c-4"]
    again = Node([Dispatch])
    again.recover(node.snapshot(), [])
    assert again.snapshot() == node.snapshot()


def test_a_welcome_discards_in_a_new_epoch_only():
    """One that comes again, in the epoch that the node is in already, takes nothing from its open windows."""
    node = started()
    far_ms = T0 + 10**9
    node.handle([SyncWelcomed(3, 0)], now(1))
    node.handle([place(1)], now(2))
    node.handle([SyncWelcomed(3, 0, 0, far_ms)], now(3))
    assert node.outbox.events_discarded == 0
    node.handle([SyncWelcomed(4, 0, 0, far_ms)], now(4))
    assert node.outbox.events_discarded == 1


@pytest.mark.parametrize("keep", [False, True])
def test_what_a_person_wrote_goes_out_and_is_in_no_row(keep):
    """Customer, shop and rider read why; row and snapshot have it only where that is asked for; a replay comes to the
    same bytes."""
    node, again = (started(msgspec.structs.replace(RULES, keep_free_text=keep)) for _ in range(2))
    for item in (shift("r-1"), [place(1, 2)]):
        again.replay(decode_row(row_of(node.handle(item, now(2)))))
    fields = {"order": "o-1", "id": "c-1", "at": T0, "reason": "the bell is broken"}
    cancel = node.catalog.decode("alice", "order.cancel", json.dumps(fields).encode(), "wgs84")
    effects = node.handle([cancel], now(3))
    commit = effects[0]
    assert isinstance(commit, Commit)
    words = {each.client: json.loads(each.payload).get("reason") for each in commit.answers if each.kind != "receipt"}
    assert words == dict.fromkeys(("r-1", "alice", "shop-1"), "the bell is broken")
    assert [json.loads(each.payload).get("reason") for each in node.pending_answers.of("shop-1", 0)][-1] == words["r-1"]
    assert (b"bell" in commit.row, b"bell" in node.snapshot()) == (keep, keep)
    recorded = [each["reason"] for each in answers(effects, "update")]
    assert recorded == ["the bell is broken" if keep else "cancelled"] * 2
    assert row_of(again.replay(decode_row(commit.row))) == commit.row
    assert again.snapshot() == node.snapshot()


def test_scenarios_come_by_name():
    """In whatever sequence the configuration has them: a row must not depend on it."""
    assert Node([Labels, Dispatch]).kinds == Node([Dispatch, Labels]).kinds == (Dispatch, Labels)


def test_the_next_decision_is_that_of_the_scenario_that_is_due_first(monkeypatch):
    """Whichever it is; a scenario without a deadline is not waited for."""
    node = Node([Dispatch, Labels])
    for dispatch, labels, expected in ((9.0, 5.0, 5.0), (5.0, 9.0, 5.0), (None, 9.0, 9.0), (None, None, None)):
        monkeypatch.setattr(node.scenarios["dispatch"], "next_deadline", lambda at=dispatch: at)
        monkeypatch.setattr(node.scenarios["labels"], "next_deadline", lambda at=labels: at)
        node._deadlines.clear()
        assert node.next_decision() == expected


def test_a_node_grows_older_by_its_rounds():
    """By the time between them, an hour at most, and never younger."""
    node = started()
    for number, (seconds, age_s) in enumerate(((60, 60), (50, 60), (110, 120), (50_000, 3_720))):
        node.handle([event("c", "order.cancel", f"e-{number}", seconds, order="o-9")], now(seconds))
        assert node.age_ms == age_s * 1000


def test_figures_of_shops_are_kept_only_where_they_may_leave():
    """With the option, with the threshold of people; what was counted goes with it. They are state: the same after a
    replay, and in a snapshot."""
    allowed = msgspec.structs.replace(RULES, shop_scores=True, k_anonymity=2)
    node, rows = started(), []
    for rules, second in ((RULES, 1), (allowed, 2)):
        effects = [*node.handle([Configure(rules)], now(second)), None]
        rows.append(effects[0])
        for number, client in enumerate(("alice", "bob")):
            made = place(2 * second + number, second, client)
            rows.append(node.handle([made, *shift(f"r-{number}-{second}", at_s=second)], now(second + number / 2))[0])
        shops = node.outbox.statements.shops
        assert bool(shops.days) is rules.shop_scores
    (opened,) = shops.days.values()
    mine = opened.shops["shop-1/dispatch"]
    assert (mine.people, mine.counts["order.placed"]) == (["alice", "bob"], 2)
    assert mine.counts["placed_to_offered_ms"] == mine.counts["order.offered"] == 2
    twin = started()
    for commit in rows:
        assert twin.replay(decode_row(commit.row))[0] == commit
    assert twin.snapshot() == node.snapshot()
    restored = Node([Dispatch])
    restored.recover(node.snapshot(), [])
    assert restored.snapshot() == node.snapshot()
    node.handle([Configure(RULES)], now(9))
    assert node.outbox.statements.shops.days == {}
