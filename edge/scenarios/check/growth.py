"""Whether a scenario's durable state stays bounded: what its snapshot weighs along a long random walk."""

from typing import Final

from msgspec import Struct

from .life import Life
from .subject import Subject
from .walk import Walk

SAMPLED_EVERY: Final = 100
"""Messages between two looks at the state."""

FACTOR: Final = 1.1
SLACK_BYTES: Final = 4_096
"""The last quarter of a walk may weigh so much more than the one before it: what is open differs from day to day."""

DOUBLINGS: Final = 2
"""A state that still grows is walked on with, to twice the length so many times: a memory of the last 2,000 orders may
take more than 20,000 messages to fill."""


class Growth(Struct, frozen=True):
    """How a walk went. `problem` is empty where the state is bounded; else it describes how it grew."""

    problem: str
    summary: str
    us_per_message: float


class _Sample(Struct, frozen=True):
    """Bytes of the snapshot, and how many entries the scenario's queues hold: those have a declared bound."""

    size: int
    depth: int


def grow(subject: Subject, messages: int) -> Growth:
    """Walk over so many messages, further where the state still grows."""
    life = Life(subject.kind, subject.package, keep=False, wakes_max=3)
    samples: list[_Sample] = []
    length, still = messages, True
    for _ in life.steps(Walk(subject.kind, 1, messages << DOUBLINGS, jumps=False)):
        if life.messages >= SAMPLED_EVERY * (len(samples) + 1):
            samples.append(_sampled(life))
        if life.messages >= length:
            still = _grows(samples)
            if not still:
                break
            length *= 2
    us = life.seconds / max(life.messages, 1) * 1e6
    if life.crashed:
        return Growth(f"after {life.messages} messages: {next(iter(life.problems))}", "", us)
    before, end = _mean(samples, 3)[0] / 1000, _mean(samples, 4)[0] / 1000
    if still:
        problem = (
            f"the state grows without end: {before:.1f} kB in the third quarter of {life.messages} random messages, "
            f"{end:.1f} kB in the fourth. Forget by age (a deadline) or by number (a limit), and refuse beyond it; how "
            "long and how much is yours to choose. What queues() reports with a bound may grow up to it"
        )
        return Growth(problem, "", us)
    most = max(sample.size for sample in samples) / 1000
    return Growth("", f"{most:.1f} kB at most over {life.messages} messages{_at_bounds(life, samples)}", us)


def _sampled(life: Life) -> _Sample:
    """The names of figures weigh too, since they may not become more; their values may, since some count."""
    scenario = life.scenario
    names = sum(len(section) + sum(map(len, figures)) for section, figures in scenario.gauges().items())
    return _Sample(len(scenario.snapshot()) + names, sum(depth for depth, _ in scenario.queues().values()))


def _grows(samples: list[_Sample]) -> bool:
    """Whether the last quarter weighs more than the third, and more than its longer queues account for."""
    (before, depth_before), (end, depth) = _mean(samples, 3), _mean(samples, 4)
    if end <= before * FACTOR + SLACK_BYTES:
        return False
    return depth <= depth_before or end / depth > before / max(depth_before, 1.0) * FACTOR


def _at_bounds(life: Life, samples: list[_Sample]) -> str:
    """What the state would weigh with full queues."""
    queues = life.scenario.queues()
    size, depth = _mean(samples, 4)
    if not queues or depth < 1:
        return ""
    bounds = ", ".join(f"{bound} {name}" for name, (_, bound) in queues.items())
    full = size / depth * sum(bound for _, bound in queues.values()) / 1e6
    return f"; about {full:.1f} MB with {bounds}"


def _mean(samples: list[_Sample], quarter: int) -> tuple[float, float]:
    """The mean size and depth in a quarter (1 to 4) of the walk."""
    part = samples[len(samples) * (quarter - 1) // 4 : len(samples) * quarter // 4] or samples
    return sum(each.size for each in part) / len(part), sum(each.depth for each in part) / len(part)
