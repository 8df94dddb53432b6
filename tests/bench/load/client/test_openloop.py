"""The open loop, against a bare echo of its own and an echo that loses and repeats."""

import asyncio
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.load.client.openloop import Outcome, Round, due_times, quantiles
from bench.load.client.workload import Workload
from bench.load.subjects import bare_echo


@given(rate=st.floats(1, 5_000), seconds=st.floats(0.1, 2), seed=st.integers(0, 1_000))
def test_arrivals_are_as_many_as_asked_for_and_in_order(rate: float, seconds: float, seed: int) -> None:
    """Due times ascend, end with the round, have the rate asked for, and come again for the same seed."""
    due = due_times(rate, seconds, seed)
    assert len(due) == max(round(rate * seconds), 1)
    assert (np.diff(due) >= 0).all()
    assert abs(due[-1] - seconds) < 1e-9
    assert (due == due_times(rate, seconds, seed)).all()


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_quantiles_are_values_that_occurred(values: list[float]) -> None:
    """No quantile lies between two measurements, and they ascend up to the maximum."""
    found = quantiles(np.array(values))
    assert list(found) == sorted(found)
    assert found[-1] == round(max(values), 4)
    assert all(any(abs(one - round(value, 4)) < 1e-6 for value in values) for one in found)


def _run(tmp_path: Path, seconds: float) -> tuple[Outcome, Outcome]:
    async def main() -> tuple[Outcome, Outcome]:
        async with bare_echo(tmp_path) as echo:
            workload = await Workload.at_echo(echo.door, 3)
            try:
                first = await Round(workload, 0, due_times(100, seconds, 1)).run()
                second = await Round(workload, 1_000, due_times(100, seconds, 2)).run()
            finally:
                workload.close()
            return first, second

    return asyncio.run(main())


def test_every_order_is_sent_and_answered_once(tmp_path: Path) -> None:
    """Against an echo nothing is lost or doubled, in one round after the other on the same connections."""
    for outcome in _run(tmp_path, 0.5):
        assert (outcome.sent, outcome.answered) == (50, 50)
        assert (outcome.lost, outcome.duplicates, outcome.refused) == (0, 0, 0)
        assert 0 < outcome.p50 <= outcome.p99 <= outcome.p999 <= outcome.max
        assert not outcome.cut_short


class _Odd(Workload):
    """A workload whose orders 0, 10, 20, … never come back, and whose order 1 comes back twice."""

    def place(self, number: int) -> None:
        order = f"o{number:09}"
        loop = asyncio.get_running_loop()
        for _ in range(0 if number % 10 == 0 else 2 if number == 1 else 1):
            loop.call_soon(lambda: self.on_answer(order, loop.time()))


def test_losses_and_repeats_are_counted() -> None:
    """What does not come back is lost, what comes back twice is a duplicate; neither ends the round early or never."""

    async def main() -> Outcome:
        return await Round(_Odd("odd"), 0, due_times(100, 0.3, 1)).run()

    outcome = asyncio.run(main())
    assert (outcome.sent, outcome.answered, outcome.lost, outcome.duplicates) == (30, 27, 3, 1)
