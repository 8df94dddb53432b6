"""A late generator is noted, a punctual one is not."""

from bench.load.client.openloop import Outcome
from bench.load.lateness import late, lateness, sentence


def outcome(share: float, p99: float) -> Outcome:
    nothing = dict.fromkeys(Outcome.__struct_fields__, 0)
    return Outcome(**{**nothing, "late_share": share, "late_p99": p99})


def test_the_worst_round_counts() -> None:
    """One round of many with more than one late send in a hundred is enough for the sentence."""
    found = lateness([outcome(0.0, 0.1), outcome(0.02, 3.5)])
    assert found == {"over_ms": 1.0, "share": 0.02, "p99_ms": 3.5, "too_late": True}
    assert "2.0%" in sentence(found)
    assert "3.50 ms" in sentence(found)


def test_a_punctual_generator_is_not_mentioned() -> None:
    """Up to one late send in a hundred nothing is noted; no round at all is no reason either."""
    assert sentence(late(0.01, 0.9)) == ""
    assert sentence(lateness([])) == ""
