"""How rounds become one figure. (The whole measurement runs in test_command.)"""

from dataclasses import dataclass

from bench.load.client.openloop import Outcome
from bench.load.latency_run import QUANTILES, medians


@dataclass
class Shown:
    """One round's quantiles."""

    p50: float
    p99: float
    p999: float

    def outcome(self) -> Outcome:
        """With everything else as in a good round."""
        nothing = dict.fromkeys(Outcome.__struct_fields__, 0)
        return Outcome(**{**nothing, "p50": self.p50, "p99": self.p99, "p999": self.p999})


def test_a_bad_round_does_not_spoil_the_figure() -> None:
    """Each quantile is the median over the rounds, on its own."""
    rounds = [Shown(1, 2, 900), Shown(2, 800, 4), Shown(700, 3, 5)]
    assert medians([shown.outcome() for shown in rounds]) == dict(zip(QUANTILES, (2, 3, 5), strict=True))
