"""Sums from another process: the same as here, and nothing is lost with it."""

import os
import resource
import time
from pathlib import Path

from central.store.backlog import WAITING_MAX
from central.store.beside import Order, SummingProcess
from central.store.open import open_store
from central.store.store import Store
from tests.central.stores import START, Place, merge, windows

DEADLINE_S = 60.0


def sum_up_beside(store: Store) -> None:
    """Until nothing waits."""
    deadline = time.monotonic() + DEADLINE_S
    for bucket in range(64):
        store.backlog.add(bucket, WAITING_MAX, time.monotonic())
    while store.backlog.waiting or store.is_summing:
        assert time.monotonic() < deadline
        if not store.sum_up(busy=True) and not store.is_summing:
            break


def test_sums_come_from_the_other_process(place: Place) -> None:
    """Everything is in the tiers, once, and the process ends with the store; one that dies is started again."""
    store, reader = place.store(sums_beside=True), place.reader()
    for seq in range(1, 4):
        merge(store, seq, windows(seq))
    sum_up_beside(store)
    assert store.driver.rows("select number from rolled") == [(6,)]
    assert store.summing is not None
    process = store.summing._process
    assert process is not None
    process.kill()
    process.wait()
    merge(store, 4, windows(4))
    sum_up_beside(store)
    assert store.driver.rows("select number from rolled") == [(8,)]
    assert reader.summary(0, 2 * START)["events"] == 24
    process = store.summing._process
    store.close()
    reader.close()
    assert process is not None
    assert process.poll() == 0


def test_a_process_that_dies_at_work_has_done_nothing(place: Place) -> None:
    """Its step is done later."""
    store = place.store()
    merge(store, 1, windows(1))
    summing = SummingProcess(Order(str(place.where), "", "", "UTC"))
    summing.ask(0)
    process = summing._process
    assert process is not None
    process.kill()
    process.wait()
    work = summing.answer(DEADLINE_S)
    assert work is not None
    assert store.apply(work) in (0, 2)
    assert not summing.at_work
    summing.close()
    store.close()


def test_the_number_of_its_descriptors_does_not_matter(tmp_path: Path) -> None:
    """A centre with thousands of sessions starts it with descriptors far beyond 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        open_store(tmp_path).close()
        summing = SummingProcess(Order(str(tmp_path), "", "", "UTC"))
        summing.ask(0)
        work = summing.answer(DEADLINE_S)
        assert work is not None
        assert work.windows == 0
        summing.close()
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
