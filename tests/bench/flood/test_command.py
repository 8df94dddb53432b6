"""`doorstep bench flood` as a user calls it: short, on a real node."""

import json
from pathlib import Path

from click.testing import CliRunner

from bench.command import bench
from bench.flood.flood_plot import flood_plot
from bench.flood.floods import FLOODS
from bench.flood.measure import PHASES, Plan, refusals
from edge.mqtt.server.budgets import REFUSALS

STOPPED = {
    "filters": "malformed",
    "forbidden": "forbidden_topic",
    "positions-qos0": "over_quota",
    "failed-connects": "connects_refused_credentials",
    "http": "",
}
"""Some floods, and what the node notes of each: reading from whoever asks the page is paced, and no event."""


def test_floods_are_stopped_and_orders_go_on(tmp_path: Path) -> None:
    """Every order gets its rider beside each flood; the node refuses or holds back what the sink takes; the report has
    the figures, and nothing else is left on the disk."""
    words = ["flood", "--seconds", "1", "--turns", "1", "--clients", "4", "--rate", "40", "--data-dir", str(tmp_path)]
    words += ["--megabytes-per-s", "20", "--connects-per-s", "500", "--json", f"{tmp_path}/out.json"]
    for name in STOPPED:
        words += ["--flood", name]
    result = CliRunner().invoke(bench, words, catch_exceptions=False)
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"], result.output
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (report["benchmark"], report["lost"], report["refused"]) == ("flood", 0, 0)
    assert list(report["floods"]) == list(STOPPED)
    for name, reason in STOPPED.items():
        flood = report["floods"][name]
        highest = max(flood["p99_before_ms"], flood["p99_sink_ms"])
        assert highest > 0
        assert flood["ratio"] == round(flood["p99_during_ms"] / highest, 3)
        assert flood["noted"].get(reason, 0) > 0 if reason else flood["megabytes"] < flood["sink_megabytes"] / 2
        assert name in result.output
    assert len(flood_plot(report).axes[0].lines) == len(PHASES)


def test_the_standard_plan_is_every_flood_at_the_rate_of_the_issue() -> None:
    """What the command measures without options."""
    assert Plan() == Plan(floods=tuple(FLOODS), rate=100.0, connects_per_s=7_000.0, seconds=10.0, turns=5)


def test_what_a_node_refuses_is_one_count_of_reasons() -> None:
    """Whether it refused an event, dropped a publish, or closed a connection; what is 0 is left out of a difference."""
    counts = {"duplicate": 0, "refused": {"malformed": 2}, "dropped": {"malformed": 1, "over_quota": 4}}
    link: dict[str, object] = {f"connects_refused_{reason}": 0 for reason in REFUSALS}
    link |= {"held_back": 3, "connections_refused": 0, "takeovers": 0, "slow_readers": 0, "connects_refused_budget": 5}
    quiet = {"counts": {"duplicate": 0, "refused": {}, "dropped": {}}, "link": dict.fromkeys(link, 0)}
    found = refusals({"counts": counts, "link": link}) - refusals(quiet)
    assert found == {"malformed": 3, "over_quota": 4, "held_back": 3, "connects_refused_budget": 5}


def test_an_unknown_flood_is_refused() -> None:
    """With the names of those that there are."""
    result = CliRunner().invoke(bench, ["flood", "--flood", "water"])
    assert result.exit_code == 2
    assert all(name in result.output.replace("\n", " ") for name in ("'water'", *FLOODS))
