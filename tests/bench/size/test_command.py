"""The size of the code base as a developer asks for it."""

import json
from pathlib import Path

import pytest

import bench.size.command
from bench.size.command import size_rows, trace_lines
from tests.bench.cli_options import call


def test_every_figure_is_printed_and_written(tmp_path: Path) -> None:
    """The table, the trace of one order, and the same as JSON."""
    result = call("size", "--orders", "1", "--trace", "--json", f"{tmp_path}/size.json")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "size.json").read_text(encoding="utf-8"))
    order = report["order"]
    assert order["of_orders"] == [[len(order["files"]), order["moves"], order["calls"]]]
    assert report["structure"]["parts"] > len(report["structure"]["flat_files"]) > 0
    assert report["lines"]["edge"] > report["lines"]["kernel"] > 0
    assert "\n  edge/mqtt/server/" in result.output
    assert "files one order passes through" in result.output


def test_a_trace_shows_depth_moves_and_pairs() -> None:
    """`>` marks a move; under the calls stand the pairs of files, most moves first."""
    trace = [[0, "a.py", "f", ""], [1, "a.py", "g", "a.py"], [2, "b.py", "h", "a.py"], [1, "b.py", "h", "a.py"]]
    wanted = ["a.py:f", "  a.py:g", "    > b.py:h", "  > b.py:h", "", "   2 a.py > b.py", ""]
    assert trace_lines({"trace": trace}) == wanted


def test_missing_figures_are_shown_as_words() -> None:
    """No contract, no list of words, no import cycle: each has a text, no empty cell."""
    report = {
        "structure": {"flat_files": ["a"], "parts": 2, "floors": 1, "arrows": 0, "circles": [], "upward": None},
        "lines": {
            **dict.fromkeys(("edge", "kernel", "dispatch", "bench_and_tests", "readme"), 1),
            "largest": {"a.py": 1},
            "full_folders": {},
        },
        "words": None,
        "order": {"files": ["a"], "moves": 0, "calls": 1},
    }
    rows: dict[str, str] = {row[0]: row[1] for row in size_rows(report)}
    assert rows["circles of imports"] == rows["folders of more than 10 files"] == "none"
    assert rows["upward imports"] == "no layers contract"
    assert rows["private words left"] == "not counted"


def test_without_the_sources_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation has no tests and no README to measure."""
    monkeypatch.setattr(bench.size.command, "ROOT", tmp_path)
    with pytest.raises(Exception, match="Run it in a clone"):
        call("size")
