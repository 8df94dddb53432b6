"""Days, one after the other and several at once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.demo.district.instance import read
from bench.dispatch.days import POLICIES, Job, folders, run, run_all
from bench.dispatch.simulator.scorer import score
from bench.dispatch.simulator.solution import (
    ASSIGNMENTS,
    COURIERS,
    HEADERS,
    ORDERS,
    START,
    Delivery,
    Move,
    Solution,
    Trip,
)
from edge.errors import InputError
from tests.bench.dispatch.days import SMALL, TOWN, write
from tests.repo.project import ROOT


def test_instances_and_folders_of_them_are_found(tmp_path: Path) -> None:
    """A folder that is an instance is one; another stands for those in it; what is missing the reader names."""
    for name in ("b", "a"):
        write(TOWN, tmp_path / name)
    (tmp_path / "notes.txt").write_text("no instance")
    assert folders([str(tmp_path)]) == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert folders([str(tmp_path / "b"), str(tmp_path)]) == [str(tmp_path / "b"), str(tmp_path / "a")]
    with pytest.raises(InputError, match="no such folder"):
        run(Job(folders([str(tmp_path / "missing")])[0], "nearest"))


def test_two_instances_of_one_name_are_refused(tmp_path: Path) -> None:
    """Results are distinguished by name, so names must differ."""
    shutil.copytree(SMALL, tmp_path / SMALL.name)
    with pytest.raises(InputError, match="same name"):
        folders([str(SMALL), str(tmp_path / SMALL.name)])


def test_several_at_once_give_the_same(tmp_path: Path) -> None:
    """Two worker processes find the scores that one finds."""
    write(TOWN, tmp_path / "town")
    jobs = [Job(str(SMALL), "rolling-horizon"), Job(str(tmp_path / "town"), "nearest")]
    alone = {number: result.score for number, result in run_all(jobs, 1)}
    assert {number: result.score for number, result in run_all(jobs, 2)} == alone


@pytest.mark.parametrize("policy", POLICIES)
def test_the_solution_is_exported(tmp_path: Path, policy: str) -> None:
    """The files stand in a folder of the instance's name, score the same when they are read, and the first move of each
    courier, and no other, begins at 0."""
    scored = run(Job(str(SMALL), policy, export=str(tmp_path))).score
    files = {name: (tmp_path / SMALL.name / name).read_text().splitlines() for name in HEADERS}
    assert {name: lines[0] for name, lines in files.items()} == HEADERS
    rows = {name: [line.split() for line in lines[1:]] for name, lines in files.items()}
    exported = Solution(
        [
            Trip(int(assigned), int(pickup), courier, tuple(orders))
            for assigned, pickup, courier, *orders in rows[ASSIGNMENTS]
        ],
        [Delivery(each[0], int(each[1]), int(each[2]), int(each[3]), int(each[4]), each[5]) for each in rows[ORDERS]],
        [Move(courier, int(departure), begin, end) for courier, departure, begin, end in rows[COURIERS]],
    )
    assert score(read(SMALL), exported) == scored
    seen: set[str] = set()
    for move in exported.moves:
        assert (move.origin == START) == (move.courier not in seen)
        seen.add(move.courier)
    assert sorted(path.name for path in (tmp_path / SMALL.name).iterdir()) == sorted(HEADERS)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("uncertain", [False, True])
def test_results_are_deterministic_to_the_byte(tmp_path: Path, policy: str, uncertain: bool) -> None:
    """Two processes that hash differently write the same three files."""
    script = (
        "import sys; from bench.dispatch.days import Job, run; _, folder, policy, uncertain, out = sys.argv; "
        "run(Job(folder, policy, bool(uncertain), out))"
    )
    for seed in ("1", "2"):
        arguments = [str(SMALL), policy, "yes" if uncertain else "", str(tmp_path / seed)]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", script, *arguments], cwd=ROOT, env=environment, check=True)
    for name in HEADERS:
        assert len({(tmp_path / seed / SMALL.name / name).read_bytes() for seed in ("1", "2")}) == 1


def test_a_job_shows_how_a_policy_is_made() -> None:
    """Answers on a grid, orders held back: each changes what is run."""
    job = Job(str(SMALL), "doorstep")
    for changed in (replace(job, every=10), replace(job, held=10)):
        assert run(changed).score != run(job).score
