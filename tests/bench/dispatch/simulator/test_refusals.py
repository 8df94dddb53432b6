"""Couriers who refuse: when they do follows from nothing but the offer."""

from hypothesis import given
from hypothesis import strategies as st

from bench.dispatch.simulator.refusals import WILLING, Answer, Unwilling

names = st.text("abc123", min_size=1, max_size=4)


@given(names, names, st.lists(names, min_size=1, unique=True), st.integers(0, 1_440))
def test_the_same_offer_gets_the_same_answer(day: str, courier: str, orders: list[str], now: int) -> None:
    """Whatever the sequence of its orders; with probabilities of 0 and 1 it is known."""
    half = Unwilling(0.25, 0.25)
    assert half.answer(day, courier, orders, now) is half.answer(day, courier, orders[::-1], now)
    assert WILLING.answer(day, courier, orders, now) is Answer.YES
    assert Unwilling(decline=1.0).answer(day, courier, orders, now) is Answer.NO
    assert Unwilling(silent=1.0).answer(day, courier, orders, now) is Answer.NOTHING


def test_answers_come_as_often_as_configured() -> None:
    """Of ten thousand offers 10 % are declined and 5 % not answered, within 1 %."""
    some = Unwilling(0.1, 0.05)
    answers = [some.answer("day", f"c{n % 100}", ("o1",), n // 100) for n in range(10_000)]
    assert abs(answers.count(Answer.NO) / 10_000 - 0.1) < 0.01
    assert abs(answers.count(Answer.NOTHING) / 10_000 - 0.05) < 0.01
