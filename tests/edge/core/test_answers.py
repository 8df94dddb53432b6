"""Tests of edge.core.answers."""

from hypothesis import given
from hypothesis import strategies as st

from edge.core.answers import Outgoing
from edge.core.model import Answer
from edge.limits import ANSWERS_PER_CLIENT_MAX


def answer(sequence: int, client: str = "c", expires: float = 100.0) -> Answer:
    return Answer(sequence, client, "receipt", b"x", expires)


def test_an_answer_is_pending_until_it_is_acknowledged():
    """Acknowledged answers are gone, the others stay, oldest first; a repeat of the acknowledgement changes nothing."""
    outgoing = Outgoing()
    for sequence in (1, 2, 3):
        outgoing.add(answer(sequence))
    outgoing.acknowledged([2])
    outgoing.acknowledged([2, 99])
    assert [item.sequence for item in outgoing.of("c", 0)] == [1, 3]
    assert [item.sequence for item in outgoing.of("c", 1)] == [3]
    assert list(outgoing.of("d", 0)) == []
    assert outgoing.delivered == 1


def test_an_answer_expires():
    """What nobody fetched in time is dropped, counted, and reported once."""
    outgoing = Outgoing()
    outgoing.add(answer(1, expires=5.0))
    outgoing.add(answer(2, expires=50.0))
    assert outgoing.expire(5.0) == 1
    assert outgoing.expire(5.0) == 0
    assert [item.sequence for item in outgoing.of("c", 0)] == [2]
    assert outgoing.expired == 1


def test_too_many_answers_for_one_client_drop_its_oldest():
    """The bound for one client holds, and each drop is counted."""
    outgoing = Outgoing()
    for sequence in range(1, ANSWERS_PER_CLIENT_MAX + 11):
        outgoing.add(answer(sequence))
    assert len(outgoing) == ANSWERS_PER_CLIENT_MAX
    assert outgoing.overflowed == 10
    assert next(outgoing.of("c", 0)).sequence == 11


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 20), st.booleans()), max_size=60))
def test_a_snapshot_behaves_the_same(steps):
    """At every moment a restored copy has the same answers, counts and future."""
    outgoing = Outgoing()
    for sequence, (client, seconds, acknowledge) in enumerate(steps, 1):
        outgoing.add(answer(sequence, client, float(seconds)))
        if acknowledge:
            outgoing.acknowledged([sequence // 2])
        outgoing.expire(sequence / 3)
        again = Outgoing.restore(outgoing.snapshot())
        assert again.snapshot() == outgoing.snapshot()
        assert again.clients() == outgoing.clients()
        assert again.expire(10.0) == Outgoing.restore(outgoing.snapshot()).expire(10.0)
