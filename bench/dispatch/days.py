"""Days through the simulator and the scorer, one after the other or several at once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from edge.errors import InputError

from ..demo.district.instance import read
from .policies.doorstep import Doorstep
from .policies.nearest_courier import Nearest
from .policies.policy import Day, Policy, Promising
from .policies.rolling_horizon import RollingHorizon
from .policies.waiting import Waiting
from .promises import promise_outcomes
from .report import Result, timing_of
from .simulator.refusals import WILLING, Unwilling
from .simulator.scorer import score
from .simulator.solution import write
from .simulator.strict import simulate

POLICIES: Final[dict[str, Callable[..., Policy]]] = {
    "doorstep": Doorstep,
    "rolling-horizon": RollingHorizon,
    "nearest": Nearest,
}
"""By name. Each is made from a Day, and takes `every`: minutes between two answers."""


class Job(Struct, frozen=True):
    """One day to be run: its folder, by whom, and where its solution goes, if anywhere. 0 for `every` is the
    policy's own; orders are held back to the next multiple of `held` minutes. A node's options have `changes`."""

    folder: str
    policy: str
    uncertain: bool = False
    export: str = ""
    unwilling: Unwilling = WILLING
    every: int = 0
    held: int = 0
    changes: dict[str, Any] = {}

    def make(self, day: Day) -> Policy:
        """The policy for a day."""
        made = partial(POLICIES[self.policy], every=self.every) if self.every else POLICIES[self.policy]
        if self.changes and self.policy == "doorstep":
            made = partial(made, changes=self.changes)
        return Waiting(day, made, self.held) if self.held else made(day)


def folders(named: Sequence[str]) -> list[str]:
    """The instances meant by `named`: each is one, or a folder of several. Raises InputError."""
    found: list[Path] = []
    for name in named:
        path = Path(name)
        inside = [] if (path / "orders.txt").exists() or not path.is_dir() else sorted(path.glob("*/orders.txt"))
        found += [each.parent for each in inside] or [path]
    names: dict[str, Path] = {}
    for path in found:
        if names.setdefault(path.resolve().name, path).resolve() != path.resolve():
            hint = f"{names[path.resolve().name]} has the same name. Results are identified by it: rename one."
            raise InputError(str(path), None, hint)
    return [str(path) for path in names.values()]


def run(job: Job) -> Result:
    """One day. Raises InputError, IllegalDecision, Infeasible."""
    instance = read(Path(job.folder).resolve())
    made: list[Policy] = []

    def make(day: Day) -> Policy:
        made.append(job.make(day))
        return made[0]

    outcome = simulate(instance, make, job.uncertain, job.unwilling)
    scored = score(instance, outcome.solution)
    if job.export:
        write(outcome.solution, Path(job.export) / instance.name)
    promises = promise_outcomes(outcome.promises, outcome.solution) if isinstance(made[0], Promising) else None
    deciding = [call.cpu_ms for call in outcome.calls if not call.only_pickups]
    cpu_ms = sum(deciding) / len(deciding) if deciding else 0.0
    return Result(instance.name, scored, timing_of(outcome.decide_ms), cpu_ms, promises, outcome.refused)


def run_all(jobs: Sequence[Job], at_once: int) -> Iterator[tuple[int, Result]]:
    """Each job's number and result as it is done; with more than one at once in any sequence."""
    if at_once == 1:
        yield from enumerate(map(run, jobs))
        return
    # A fresh interpreter for each worker: what the parent has imported or opened does not matter.
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(run, job): number for number, job in enumerate(jobs)}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
