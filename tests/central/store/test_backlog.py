"""Which bucket is summed up next: the fullest under load, each one in time otherwise."""

from central.store.backlog import LOOK_EVERY_S, SUM_EVERY_S, WAITING_MAX, Backlog
from central.store.tiers import BUCKETS


def looked_at_all() -> Backlog:
    """Nothing is known to wait at 1000 s."""
    backlog = Backlog(1000.0)
    for bucket in range(BUCKETS):
        backlog.summed(bucket, 0, 512, 1000.0)
    return backlog


def test_each_bucket_is_looked_at_after_the_start() -> None:
    """What an earlier process left is found, one bucket a second."""
    backlog = Backlog(0.0)
    seen: list[int] = []
    for second in range(BUCKETS + 1):
        while (bucket := backlog.due(float(second), busy=False)) is not None:
            seen.append(bucket)
            backlog.summed(bucket, 0, 512, float(second))
    assert seen == list(range(BUCKETS))


def test_new_windows_are_summed_up_in_time_and_under_load_the_fullest_first() -> None:
    """While batches wait nothing is summed up before it is much; nobody waits long without load."""
    backlog = looked_at_all()
    assert backlog.due(1001.0, busy=False) is None
    backlog.add(7, 3, 1001.0)
    assert backlog.waiting == 3
    assert backlog.due(1001.0 + SUM_EVERY_S - 1, busy=False) is None
    assert backlog.due(1001.0 + SUM_EVERY_S, busy=True) is None
    assert backlog.due(1001.0 + SUM_EVERY_S, busy=False) == 7
    backlog.add(9, WAITING_MAX, 1002.0)
    assert backlog.due(1002.0, busy=True) == 9
    backlog.summed(9, 512, 512, 1003.0)
    assert backlog.due(1003.0, busy=True) is None
    assert backlog.due(1000.0 + LOOK_EVERY_S, busy=False) is not None


def test_a_step_that_was_full_is_followed_by_another() -> None:
    """Where more was there than this process had stored."""
    backlog = looked_at_all()
    backlog.summed(3, 512, 512, 1000.0)
    assert backlog.due(1000.0, busy=False) == 3
    backlog.summed(3, 511, 512, 1000.0)
    assert backlog.due(1000.0 + SUM_EVERY_S, busy=False) is None
