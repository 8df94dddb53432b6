"""What to promise a customer."""

from bench.dispatch.policies.promises import BEFORE, REMEMBERED, Promises


def test_a_promise_learns_what_plans_miss():
    """The promise moves to the mean error of its kind, and is as confident as often it would have been kept."""
    promises = Promises()
    assert promises.expect(0) == (0, BEFORE[0] / BEFORE[1])
    for error in [4, 6, 4, 6] * 100:
        promises.learn(0, error)
    shift, confidence = promises.expect(0)
    assert shift == 5
    assert 0.5 <= confidence < 0.52
    assert promises.expect(1) == (0, BEFORE[0] / BEFORE[1])


def test_old_errors_are_forgotten():
    """What is kept is bounded: after enough orders on time, nothing is left of a bad evening."""
    promises = Promises()
    for error in [30] * REMEMBERED + [0] * REMEMBERED:
        promises.learn(0, error)
    assert promises.expect(0)[0] == 0
    assert promises.expect(0)[1] > 0.99
