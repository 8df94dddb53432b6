"""What a person reads of a comparison."""

from typing import Any

from bench.compare.paired import evaluate
from bench.compare.screen import compare_lines, compare_table


def shown(report: dict[str, Any]) -> str:
    """All words of the table and of the lines under it."""
    table = compare_table(report)
    return "\n".join([table.title, *(cell for row in table.rows for cell in row), *compare_lines(report)])


def report(scale: float, rounds: int = 7, **other: Any) -> dict[str, Any]:
    """This tree, `scale` times as slow."""
    one = {"commit": "0123456789abcdef", "dirty": False, "environment": "its own", "lost": 0, "refused": 0}
    return {
        "this": {**one, "dirty": True},
        "other": {**one, "commit": None, "revision": "v1"},
        "figures": {"p50": evaluate("p50", [scale] * rounds, [1.0] * rounds)},
        "others_cores": 0.1,
        **other,
    }


def test_the_ratio_stands_with_its_interval_and_result() -> None:
    """And with whose it is: a changed tree is marked, an unknown commit too."""
    text = shown(report(1.05))
    for words in (
        "this tree (0123456, dirty) over v1 (commit unknown)",
        "1.050–1.050",
        "slower, within × 1.1",
        "0.1 cores",
    ):
        assert words in text
    by_commit = report(1.0)
    by_commit["other"] |= {"commit": "fedcba987654", "revision": "fedcba98"}
    assert "over fedcba9; medians" in shown(by_commit)
    assert "within" not in shown(report(1.2))


def test_what_spoils_a_comparison_is_shown() -> None:
    """Too few rounds, lost orders, reports that were not taken in turns."""
    lossy = report(1.0, rounds=1)
    lossy["other"]["lost"] = 3
    del lossy["others_cores"]
    text = shown(lossy)
    for words in (
        "1 pair of rounds",
        "v1 (commit unknown): 3 orders lost, 0 messages refused",
        "Not measured in turns",
    ):
        assert words in text
