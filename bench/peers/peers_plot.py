"""The drawing of `peers`."""

from typing import Any

from ..load.load_plot import rate_points


def peers_plot(report: dict[str, Any]) -> str:
    """p99 against the rate, for each peer; hollow points are rates that were not held."""
    tried = {name: peer["tried"] for name, peer in report["peers"].items()}
    return rate_points("the same job: p99 in ms against orders a second (hollow: not held)", tried)
