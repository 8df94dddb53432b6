"""Days through the simulator and the scorer, one after the other or several at once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from msgspec import Struct

from bench.demo.instance import read
from edge.errors import InputError

from .nearest import Nearest
from .plot import WAITS_MIN, Line
from .policy import Policy
from .report import Result, timing_of
from .rolling_horizon import RollingHorizon
from .scorer import score
from .solution import write
from .strict import simulate

POLICIES: Final[dict[str, Callable[..., Policy]]] = {"rolling-horizon": RollingHorizon, "nearest": Nearest}
"""By name. Each is made from a Day, and takes `every`: minutes between two answers."""


class Job(Struct, frozen=True):
    """One day to be run: its folder, by whom, and where its solution goes, if anywhere."""

    folder: str
    policy: str
    uncertain: bool = False
    export: str = ""


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
            hint = f"{names[path.resolve().name]} has the same name. Results are told apart by it: rename one."
            raise InputError(str(path), None, hint)
    return [str(path) for path in names.values()]


def run(job: Job) -> Result:
    """One day. Raises InputError, IllegalDecision, Infeasible."""
    instance = read(Path(job.folder).resolve())
    outcome = simulate(instance, POLICIES[job.policy], job.uncertain)
    result = Result(instance.name, score(instance, outcome.solution), timing_of(outcome.decide_ms))
    if job.export:
        write(outcome.solution, Path(job.export) / instance.name)
    return result


def run_all(jobs: Sequence[Job], at_once: int) -> Iterator[Result]:
    """Each day's result as it is done; with more than one at once in any sequence."""
    if at_once == 1:
        yield from map(run, jobs)
        return
    # A fresh interpreter for each worker: what the parent has imported or opened does not matter.
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(run, job) for job in jobs]
        try:
            for done in as_completed(waiting):
                yield done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def waits(job: Job) -> Line:
    """The same day with less and less frequent answers."""
    instance = read(Path(job.folder).resolve())
    scores = {
        wait: score(instance, simulate(instance, partial(POLICIES[job.policy], every=wait), job.uncertain).solution)
        for wait in WAITS_MIN
    }
    return Line(instance.name, scores)
