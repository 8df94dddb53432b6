"""The three files of a solution."""

from pathlib import Path

from bench.dispatch.simulator.solution import Delivery, Move, Solution, Trip, write


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
