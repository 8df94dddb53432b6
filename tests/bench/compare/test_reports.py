"""Report against report: what is compared, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bench.command import bench
from bench.compare.reports import compare
from edge.errors import InputError

PLAN = {"rate": 500.0, "rounds": 7, "seed": 1}
MACHINE = {"processor": "A Processor", "cores": 2, "kernel": "6.1", "file_system": "ext4", "python_loop_ms": 7.5}
ON_TIME = {"over_ms": 1.0, "share": 0.0, "p99_ms": 0.2, "too_late": False}
TOO_LATE = {"over_ms": 1.0, "share": 0.2, "p99_ms": 5.0, "too_late": True}


def latency(scale: float = 1.0, **other: Any) -> dict[str, Any]:
    """A report with seven rounds, each `scale` times as slow."""
    rounds = [{"p50": scale * (1 + number / 100), "p99": scale * 4} for number in range(7)]
    return {
        "benchmark": "latency",
        "plan": PLAN,
        "rounds": {"doorstep": rounds},
        "generator_late": ON_TIME,
        "machine": MACHINE,
        "versions": {"commit": "0123456789", "dirty": False},
        "lost": 0,
        "refused": 0,
        **other,
    }


def throughput(*tried: tuple[float, bool, float]) -> dict[str, Any]:
    """A report of a search: rate, whether it was held, CPU an order."""
    rows = [{"rate": rate, "held": held, "cpu_us": cpu_us} for rate, held, cpu_us in tried]
    return {"benchmark": "throughput", "search": {"start": 200.0}, "doorstep": {"tried": rows}, "machine": MACHINE}


def written(folder: Path, *reports: Any) -> tuple[str, str]:
    """Two files."""
    first, second = (folder / f"{name}.json" for name in ("first", "second"))
    for path, report in zip((first, second), reports, strict=True):
        path.write_text(report if isinstance(report, str) else json.dumps(report))
    return str(first), str(second)


def call(*words: str) -> Result:
    """The command's outcome."""
    return CliRunner().invoke(bench, ["compare", *words], catch_exceptions=False)


def test_rounds_are_paired(tmp_path: Path) -> None:
    """The ratio of each round, first over second, and where both come from."""
    report = compare(written(tmp_path, latency(1.2), latency()), None)
    assert "do_not_quote" not in report
    assert report["figures"].keys() == {"p50", "p99"}
    for figure in report["figures"].values():
        assert figure["ratios"] == [pytest.approx(1.2)] * 7
        assert (figure["low"], figure["high"], figure["verdict"]) == (1.2, 1.2, "slower")
    assert (report["this"]["commit"], report["this"]["dirty"], report["of"]) == ("0123456789", False, "latency")


def test_a_search_has_one_value_and_no_interval(tmp_path: Path) -> None:
    """The highest rates held, and CPU at the highest rate that both held."""
    first = throughput((200.0, True, 500.0), (400.0, True, 450.0), (800.0, True, 300.0))
    second = throughput((200.0, True, 500.0), (400.0, True, 500.0), (800.0, False, 100.0))
    figures = compare(written(tmp_path, first, second), None)["figures"]
    assert (figures["rate"]["ratio"], figures["cpu_us"]["ratio"]) == (2.0, 0.9)
    assert {figure["verdict"] for figure in figures.values()} == {"no difference shown"}
    assert {figure["low"] for figure in figures.values()} == {None}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (latency(plan={**PLAN, "rate": 100.0}), r"rate \(500.0 and 100.0\)\. Measure"),
        (latency(plan={"rate": 500.0, "seed": 1}), r"rounds \(7 and absent\)"),
        (throughput((200.0, True, 1.0)), "of throughput, .* of latency"),
        ({"benchmark": "phone"}, "no report of latency or throughput"),
        (["a list"], "no report of"),
        ("{", "no JSON"),
        (latency(rounds={}), "no figures to compare"),
        (latency(rounds={"doorstep": []}), "no figures to compare"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, other: Any, message: str) -> None:
    """Other parameters are named with both values; another kind, no report and a broken one are named too."""
    with pytest.raises(InputError, match=message) as raised:
        compare(written(tmp_path, latency(), other), None)
    assert raised.value.exit_code == 2


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    """With what to name instead."""
    with pytest.raises(InputError, match=r"gone\.json: No such file"):
        compare((written(tmp_path, latency(), latency())[0], str(tmp_path / "gone.json")), None)


def test_searches_without_a_common_rate_are_refused(tmp_path: Path) -> None:
    """There is nothing to compare CPU at."""
    with pytest.raises(InputError, match="no figures to compare"):
        compare(written(tmp_path, throughput((200.0, True, 1.0)), throughput((200.0, False, 1.0))), None)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (latency(generator_late=TOO_LATE), "second.json: The load generator was late"),
        (latency(machine={**MACHINE, "cores": 8}), r"two machines: cores \(2 and 8\)"),
        (latency(machine={**MACHINE, "python_loop_ms": 15.0}), "7.5 and 15.0 ms"),
    ],
)
def test_what_is_not_to_be_quoted_begins_with_the_reason(tmp_path: Path, other: Any, message: str) -> None:
    """A late generator, two machines, two paces: the first field of the report, and the first line on the screen."""
    paths = written(tmp_path, latency(), other)
    report = compare(paths, None)
    assert next(iter(report)) == "do_not_quote"
    assert message.replace("\\", "") in report["do_not_quote"]
    assert call(*paths).output.startswith("Do not quote:")


def test_the_exit_code_is_for_scripts(tmp_path: Path) -> None:
    """0 within the threshold, 1 beyond it or where an order was lost, 2 for wrong use."""
    slow, fast = written(tmp_path, latency(1.2), latency())
    out = tmp_path / "out.json"
    assert call(fast, slow, "--json", str(out)).exit_code == 0
    assert json.loads(out.read_text())["figures"]["p50"]["verdict"] == "faster"
    assert call(slow, fast).exit_code == 1
    assert call(slow, fast, "--threshold", "1.3").exit_code == 0
    assert call(slow, slow).exit_code == 0
    losing, whole = written(tmp_path, latency(lost=1), latency())
    assert call(losing, whole).exit_code == 1
    assert call(whole, losing).exit_code == 0
    for words in ((), (slow, fast, slow), (slow, fast, "--rate", "100")):
        assert call(*words).exit_code == 2
