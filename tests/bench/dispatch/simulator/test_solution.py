"""The three files of a solution."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.dispatch.simulator.solution import ASSIGNMENTS, COURIERS, ORDERS, Delivery, Move, Solution, Trip, read, write
from edge.errors import InputError

minute = st.integers(0, 3_000)
name = st.from_regex(r"[a-z][0-9]{1,3}", fullmatch=True)
solutions = st.builds(
    Solution,
    st.lists(st.builds(Trip, minute, minute, name, st.lists(name, min_size=1, max_size=4).map(tuple))),
    st.lists(st.builds(Delivery, name, minute, minute, minute, minute, name)),
    st.lists(st.builds(Move, name, minute, name, name)),
)


@given(solutions)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, solution: Solution) -> None:
    """Writing a solution and reading it gives the same solution."""
    folder = tmp_path_factory.mktemp("solutions") / "any"
    write(solution, folder)
    assert read(folder) == solution


def test_the_files_are_those_of_the_sets_evaluator(tmp_path: Path) -> None:
    """Names, headers and columns are what the evaluator of the instance set reads."""
    write(
        Solution([Trip(1, 9, "c1", ("o2", "o1"))], [Delivery("o1", 1, 2, 9, 20, "c1")], [Move("c1", 1, "0", "r1")]),
        tmp_path,
    )
    assert (tmp_path / "solution_info_assignments.txt").read_text().splitlines()[1:] == ["1 9 c1 o2 o1"]
    assert (tmp_path / "solution_info_orders.txt").read_text().splitlines() == [
        "order placement_time ready_time pickup_time dropoff_time courier",
        "o1 1 2 9 20 c1",
    ]
    assert (tmp_path / "solution_info_couriers.txt").read_text().splitlines()[1:] == ["c1 1 0 r1"]


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        (ASSIGNMENTS, "1 9 c1", "3 columns"),
        (ASSIGNMENTS, "1 soon c1 o1", "'soon' is no time"),
        (ORDERS, "o1 1 2 9 20 c1 c2", "7 columns"),
        (COURIERS, "c1 1.5 0 r1", "'1.5' is no time"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, file: str, line: str, message: str) -> None:
    """What cannot be read is refused with the file, the line and the reason."""
    write(Solution([], [], []), tmp_path)
    with (tmp_path / file).open("a") as out:
        out.write(line + "\n")
    with pytest.raises(InputError, match=f"{file}, line 2.*{message}"):
        read(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """An empty folder is no solution."""
    with pytest.raises(InputError, match=ASSIGNMENTS):
        read(tmp_path)
