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

    def outcome(self, answered: int) -> Outcome:
        """With everything else as in a good round."""
        nothing = dict.fromkeys(Outcome.__struct_fields__, 0)
        return Outcome(**{**nothing, "p50": self.p50, "p99": self.p99, "p999": self.p999, "answered": answered})


def test_a_bad_round_does_not_spoil_the_figure() -> None:
    """Each quantile is the median over the rounds, on its own."""
    rounds = [Shown(1, 2, 900), Shown(2, 800, 4), Shown(700, 3, 5)]
    assert medians([shown.outcome(5_000) for shown in rounds]) == dict(zip(QUANTILES, (2, 3, 5), strict=True))


def test_few_values_have_no_p999() -> None:
    """Of fewer than 10,000 orders it would be a matter of a few."""
    rounds = [Shown(1, 2, 3).outcome(4_999), Shown(1, 2, 3).outcome(5_000)]
    assert medians(rounds) == {"p50": 1, "p99": 2, "p999": None}
    assert medians([*rounds, Shown(1, 2, 3).outcome(1)])["p999"] == 3
