"""One round of load in open loop: orders leave when they are due, whatever became of those before.

Latency counts from the due time, not from the sending (no coordinated omission), so lateness of the generator itself
is in it, and is reported beside it. Every latency of a round is kept, so quantiles are exact: a histogram's buckets
would save memory that a bounded round does not need.
"""

import asyncio
import gc
from array import array
from collections.abc import Iterator
from random import Random
from time import perf_counter, time_ns
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .pacer import Pacer
from .workload import Workload, ignore_answer

LEAD_S: Final = 0.05
"""Between the plan and the first due time."""

GRACE_S: Final = 3.0
"""What has not come back this long after the last answer is lost."""

LATE_S: Final = 0.001
"""A send later than this counts as late."""

P999_SAMPLES_MIN: Final = 10_000
"""Of fewer values p99.9 is a matter of a few of them."""

UNFIT_MS: Final = 1_000.0
"""A round whose answers lag by more than this in the end is over: the rate is beyond what the subject can do."""


class Outcome(Struct, kw_only=True):
    """What one round showed. Latencies in milliseconds of the answered orders, `late` of all sends."""

    rate: float
    seconds: float
    sent: int
    answered: int
    lost: int
    duplicates: int
    refused: int
    p50: float
    p99: float
    p999: float
    max: float
    late_p99: float
    late_share: float
    cut_short: bool


class Order(Struct, frozen=True):
    """One order of a round: its number, and when it was due, sent and answered (0: never), in Unix nanoseconds."""

    number: int
    due_ns: int
    sent_ns: int
    answered_ns: int


def due_times(rate: float, seconds: float, seed: int) -> NDArray[np.float64]:
    """When orders come, in seconds from the start: independent of each other (exponential gaps), `rate` a second on
    average and exactly `rate * seconds` of them."""
    dice = Random(seed)
    gaps = np.array([dice.expovariate(1.0) for _ in range(max(round(rate * seconds), 1))])
    times = np.cumsum(gaps)
    return times * (seconds / times[-1])


class Round:
    """One round; `first` is the number of its first order, and no other round's orders have such numbers. Unless
    `to_the_end`, it stops where answers lag hopelessly."""

    def __init__(self, workload: Workload, first: int, due: NDArray[np.float64], to_the_end: bool = False) -> None:
        self._workload, self._first, self._to_the_end = workload, first, to_the_end
        self._due: list[float] = due.tolist()
        self._begin = 0.0
        self._begin_ns = 0
        self._sent = 0
        self._answered = bytearray(len(self._due))
        self._latencies = array("d")
        self._latency_of = array("d", [0.0]) * len(self._due)
        self._late = array("d")
        self._duplicates = 0
        self._last_at = 0.0
        self._cut_short = False
        self._over = asyncio.Event()
        self._pacer: Pacer | None = None

    async def run(self) -> Outcome:
        """Send everything, wait for the answers."""
        workload = self._workload
        refused = workload.refused
        workload.on_answer = self._on_answer
        gc.collect()
        gc.disable()  # a collection here would be late sends
        self._pacer = Pacer(asyncio.get_running_loop(), self._fire)
        self._begin = self._last_at = perf_counter() + LEAD_S
        self._begin_ns = time_ns() + int(LEAD_S * 1e9)
        try:
            self._pacer.at(self._begin + self._due[0])
            await self._finish()
        finally:
            gc.enable()
            self._pacer.close()
            workload.on_answer = ignore_answer
        return self._outcome(workload.refused - refused)

    def orders(self) -> Iterator[Order]:
        """Those that were sent, once the round is over."""
        for index in range(self._sent):
            due_ns = self._begin_ns + int(self._due[index] * 1e9)
            answered_ns = due_ns + int(self._latency_of[index] * 1e9) if self._answered[index] else 0
            yield Order(self._first + index, due_ns, due_ns + int(self._late[index] * 1e9), answered_ns)

    def _fire(self) -> None:
        due, now = self._due, perf_counter() - self._begin
        while self._sent < len(due) and due[self._sent] <= now:
            self._late.append(max(now - due[self._sent], 0.0))
            self._workload.place(self._first + self._sent)
            self._sent += 1
            now = perf_counter() - self._begin
        if self._sent < len(due) and not self._cut_short and self._pacer is not None:
            self._pacer.at(self._begin + due[self._sent])

    def _on_answer(self, order: str, at: float) -> None:
        index = int(order[1:]) - self._first
        if not 0 <= index < self._sent:
            return  # of an earlier round, which has counted it as lost
        if self._answered[index]:
            self._duplicates += 1
            return
        self._answered[index] = 1
        self._last_at = at
        self._latency_of[index] = latency = at - self._begin - self._due[index]
        self._latencies.append(latency)
        if len(self._latencies) == len(self._due):
            self._over.set()

    async def _finish(self) -> None:
        """Until everything is answered, or nothing has come for GRACE_S. Where answers lag hopelessly it stops sending:
        a longer queue would show nothing more."""
        while not self._over.is_set():
            try:
                await asyncio.wait_for(self._over.wait(), 0.1)
            except TimeoutError:
                now = perf_counter()
                behind = self._sent - len(self._latencies)
                oldest_ms = self._latencies[-1] * 1000 if self._latencies else 0.0
                lags = oldest_ms > UNFIT_MS and not self._to_the_end
                if lags and behind and self._sent < len(self._due):
                    self._cut_short = True
                ended = self._cut_short or self._sent == len(self._due)
                if ended and (
                    not behind or now - max(self._last_at, self._begin + self._due[self._sent - 1]) > GRACE_S
                ):
                    return

    def _outcome(self, refused: int) -> Outcome:
        latencies = np.array(self._latencies) * 1000
        late = np.array(self._late)
        p50, p99, p999, most = quantiles(latencies)
        return Outcome(
            rate=round(len(self._due) / self._due[-1], 1),
            seconds=self._due[self._sent - 1],
            sent=self._sent,
            answered=len(latencies),
            lost=self._sent - len(latencies),
            duplicates=self._duplicates,
            refused=refused,
            p50=p50,
            p99=p99,
            p999=p999,
            max=most,
            late_p99=round(float(np.quantile(late, 0.99)) * 1000, 4),
            late_share=round(float(np.mean(late > LATE_S)), 5),
            cut_short=self._cut_short,
        )


def quantiles(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """p50, p99, p99.9 and the maximum; zeros where there are no values."""
    if not len(values):
        return 0.0, 0.0, 0.0, 0.0
    p50, p99, p999, most = np.quantile(values, [0.5, 0.99, 0.999, 1.0], method="higher")
    return round(float(p50), 4), round(float(p99), 4), round(float(p999), 4), round(float(most), 4)


def named_quantiles(values: NDArray[np.float64]) -> dict[str, float | None]:
    """The same for a report, in which p99.9 is None where there are fewer than P999_SAMPLES_MIN values."""
    p50, p99, p999, most = quantiles(values)
    return {"p50": p50, "p99": p99, "p999": p999 if len(values) >= P999_SAMPLES_MIN else None, "max": most}
