"""Tests of edge.core.answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.answers import PendingAnswers
from edge.core.model import Answer
from edge.messages.envelope import ENCODE

SPARE = ("update",)


def answer(sequence: int, client: str = "c", expires: float = 100.0, kind: str = "receipt") -> Answer:
    return Answer(sequence, client, kind, b"x", expires)


def test_an_answer_is_pending_until_it_is_acknowledged():
    """Acknowledged answers are gone, the others stay, oldest first; a repeat of the acknowledgement changes nothing."""
    pending_answers = PendingAnswers()
    for sequence in (1, 2, 3):
        pending_answers.add([answer(sequence)])
    pending_answers.acknowledged([2])
    pending_answers.acknowledged([2, 99])
    assert [item.sequence for item in pending_answers.of("c", 0)] == [1, 3]
    assert [item.sequence for item in pending_answers.of("c", 1)] == [3]
    assert list(pending_answers.of("d", 0)) == []
    assert pending_answers.delivered == 1


def test_an_answer_expires():
    """What nobody fetched in time is dropped, counted, and reported once."""
    pending_answers = PendingAnswers()
    pending_answers.add([answer(1, expires=5.0)])
    pending_answers.add([answer(2, expires=50.0)])
    assert pending_answers.expire(5.0) == 1
    assert pending_answers.expire(5.0) == 0
    assert [item.sequence for item in pending_answers.of("c", 0)] == [2]
    assert pending_answers.expired == 1


def test_what_was_acknowledged_leaves_no_trace():
    """However long answers would have been kept, the queue of expiries does not grow with those that are gone; those
    that are left expire in their time."""
    pending_answers = PendingAnswers()
    pending_answers.add([answer(1, expires=50.0)])
    for sequence in range(2, 5_002):
        pending_answers.add([answer(sequence, expires=1e6)])
        pending_answers.acknowledged([sequence])
    assert len(pending_answers._expiry) <= 1_001
    assert pending_answers.expire(49.0) == 0
    assert pending_answers.expire(50.0) == 1


@pytest.mark.parametrize("bound", ["ANSWERS_PER_CLIENT_MAX", "ANSWERS_PENDING_MAX"])
def test_too_many_answers_drop_the_oldest(monkeypatch, bound):
    """The bound for one client and that for all hold; a share of them goes at a time, each counted."""
    monkeypatch.setattr(f"edge.core.answers.{bound}", 100)
    pending_answers = PendingAnswers()
    for sequence in range(1, 112):
        pending_answers.add([answer(sequence)])
        assert len(pending_answers) <= 100
    assert pending_answers.overflowed == 15
    assert next(pending_answers.of("c", 0)).sequence == 16


@pytest.mark.parametrize("bound", ["ANSWERS_PER_CLIENT_MAX", "ANSWERS_PENDING_MAX"])
@pytest.mark.parametrize(
    ("kinds", "left"),
    [
        ("rau" + "r", [1, 2, 4]),  # the update goes
        ("ruau" + "u", [1, 3, 5]),  # the oldest updates go first
        ("raa" + "r", [1, 3, 4]),  # no update: the oldest assignment
        ("rrr" + "u", [1, 2, 3]),  # a new update makes no receipt go
        ("rrr" + "r", [2, 3, 4]),
    ],
)
def test_updates_go_before_assignments_and_those_before_receipts(monkeypatch, bound, kinds, left):
    """Where more than three wait; each that goes is counted."""
    monkeypatch.setattr(f"edge.core.answers.{bound}", 3)
    monkeypatch.setattr("edge.core.answers.CROWDED", 2)
    names = {"r": "receipt", "a": "assignment", "u": "update"}
    pending_answers = PendingAnswers(SPARE)
    for sequence, kind in enumerate(kinds, 1):
        pending_answers.add([answer(sequence, kind=names[kind])])
    assert [item.sequence for item in pending_answers.of("c", 0)] == left
    assert pending_answers.overflowed == len(kinds) - 3


def test_who_has_most_waiting_makes_room(monkeypatch):
    """Where all together are too many, a client with a few answers keeps them, however old they are."""
    monkeypatch.setattr("edge.core.answers.ANSWERS_PENDING_MAX", 10)
    pending_answers = PendingAnswers()
    for sequence, client in enumerate("aabbbbbbbbb", 1):
        pending_answers.add([answer(sequence, client)])
    assert [item.sequence for item in pending_answers.of("a", 0)] == [1, 2]
    assert [item.sequence for item in pending_answers.of("b", 0)] == [4, 5, 6, 7, 8, 9, 10, 11]


def test_a_full_client_loses_updates_of_whoever_caused_most(monkeypatch):
    """One customer who orders and cancels all day takes no room from the others' updates at their shop."""
    monkeypatch.setattr("edge.core.answers.ANSWERS_PER_CLIENT_MAX", 9)
    monkeypatch.setattr("edge.core.answers.CROWDED", 2)
    senders = {"a": "amy", "b": "bob", **dict.fromkeys("vwxyzstu", "eve")}
    pending_answers = PendingAnswers(SPARE, {"update": ("order", senders.__getitem__)})
    for sequence, order in enumerate("abvwxyzstu", 1):
        pending_answers.add([Answer(sequence, "shop", "update", ENCODE[True]({"order": order}), 100.0)])
    assert [item.sequence for item in pending_answers.of("shop", 0)] == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    assert pending_answers.overflowed == 1


def waiting(*kinds: str) -> PendingAnswers:
    """One client has one answer of each kind, about the order after the colon, in JSON and MessagePack by turns."""
    pending_answers = PendingAnswers(SPARE, dict.fromkeys(("update", "assignment"), ("order", str)))
    for sequence, kind in enumerate(kinds, 1):
        name, _, order = kind.partition(":")
        payload = ENCODE[sequence % 2]({"order": order})
        pending_answers.add([Answer(sequence, "c", name, payload, 100.0)])
    return pending_answers


def test_of_many_updates_the_newest_about_each_order_stays(monkeypatch):
    """A client that was away gets the last state of each order, and all that is no update; whoever has few answers
    waiting gets each of them."""
    monkeypatch.setattr("edge.core.answers.CROWDED", 6)
    kinds = ["update:a", "update:b", "assignment:a", "update:a", "receipt", "update:a"]
    assert len(waiting(*kinds[:5])) == 5
    pending_answers = waiting(*kinds)
    assert [item.sequence for item in pending_answers.of("c", 0)] == [2, 3, 5, 6]
    assert (pending_answers.outdated, pending_answers.overflowed) == (2, 0)


def test_what_is_cancelled_does_not_wait():
    """Messages of this kind about this thing go, for this client alone; others stay."""
    pending_answers = waiting("assignment:a", "assignment:b", "update:a", "assignment:a", "receipt:a")
    pending_answers.add([Answer(6, "d", "assignment", ENCODE[True]({"order": "a"}), 100.0)])
    pending_answers.cancel([("c", "assignment", "a"), ("nobody", "assignment", "a")])
    assert [item.sequence for item in pending_answers.of("c", 0)] == [2, 3, 5]
    assert [item.sequence for item in pending_answers.of("d", 0)] == [6]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 20), st.booleans()), max_size=60))
def test_a_snapshot_behaves_the_same(steps):
    """At every moment a restored copy has the same answers, counts and future."""
    pending_answers = PendingAnswers()
    for sequence, (client, seconds, acknowledge) in enumerate(steps, 1):
        pending_answers.add([answer(sequence, client, float(seconds))])
        if acknowledge:
            pending_answers.acknowledged([sequence // 2])
        pending_answers.expire(sequence / 3)
        again = restored(pending_answers)
        assert again.snapshot() == pending_answers.snapshot()
        assert again.clients() == pending_answers.clients()
        assert again.expire(10.0) == restored(pending_answers).expire(10.0)


def restored(pending_answers: PendingAnswers) -> PendingAnswers:
    again = PendingAnswers()
    again.restore(pending_answers.snapshot())
    return again


def test_what_a_person_wrote_goes_out_and_is_in_no_snapshot():
    """Whoever fetches an answer has the words, until it is acknowledged, dropped, or the node was restarted."""
    pending_answers = PendingAnswers()
    for sequence in (1, 2, 3):
        pending_answers.speak(sequence, b"words")
        pending_answers.add([answer(sequence, expires=sequence * 10.0)])
    pending_answers.add([answer(4)])
    assert [each.payload for each in pending_answers.of("c", 0)] == [b"words"] * 3 + [b"x"]
    assert [each.payload for each in pending_answers.of("c", 2)] == [b"words", b"x"]
    assert b"words" not in pending_answers.snapshot()
    pending_answers.acknowledged([2])
    pending_answers.expire(10.0)
    assert list(pending_answers._spoken) == [3]
    pending_answers.restore(pending_answers.snapshot())
    assert [each.payload for each in pending_answers.of("c", 0)] == [b"x", b"x"]
