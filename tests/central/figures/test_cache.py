"""However many ask, an answer is worked out rarely, and its cost bounds how often."""

from central.figures.cache import ANSWERS_MAX, KEPT_S, SHARE, Cache


def test_work_takes_a_bounded_share_of_the_time() -> None:
    """Asked without a pause, work of any length takes at most a tenth of it."""
    clock, worked = [0.0], [0.0]

    def work() -> int:
        clock[0] += 3.0
        worked[0] += 3.0
        return 7

    cache = Cache(lambda: clock[0])
    while clock[0] < 1_000:
        assert cache.get("x", work) == 7
        clock[0] += 0.1
    assert worked[0] <= clock[0] / SHARE + 3


def test_an_answer_is_fresh_again_after_a_moment() -> None:
    """What was quick is asked again after KEPT_S; another key at once."""
    clock, cache = [0.0], Cache(lambda: clock[0])
    assert [cache.get("x", lambda: 1), cache.get("x", lambda: 2), cache.get("y", lambda: 3)] == [1, 1, 3]
    clock[0] = KEPT_S + 0.1
    assert cache.get("x", lambda: 4) == 4


def test_answers_are_bounded() -> None:
    """The oldest go."""
    cache = Cache()
    for number in range(3 * ANSWERS_MAX):
        cache.get(number, lambda: None)
    assert len(cache._answers) == ANSWERS_MAX


def test_what_was_changed_is_forgotten() -> None:
    """All answers about it, and no other one."""
    cache = Cache()
    for key in (("rollouts", 0), ("rollouts", 5), ("ledger", 0), "rollouts"):
        cache.get(key, lambda: 1)
    cache.forget("rollouts")
    assert [cache.get(key, lambda: 2) for key in (("rollouts", 0), ("rollouts", 5), ("ledger", 0))] == [2, 2, 1]
