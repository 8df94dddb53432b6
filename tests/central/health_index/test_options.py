"""The section of the configuration has a weight for each part, and bounds."""

import msgspec
import pytest

from central.health_index.options import HealthOptions
from central.health_index.parts import PARTS


def test_each_part_has_a_weight() -> None:
    """Of 100 in all, by default."""
    weights = HealthOptions().weights()
    assert (tuple(weights), sum(weights.values())) == (PARTS, 100)
    assert all(weights[name] == getattr(HealthOptions(), name) for name in PARTS)


@pytest.mark.parametrize(
    "values", [{"quality": -1}, {"use": 1_001}, {"response_ms": {"dispatch": 0}}, {"events_min": 0}]
)
def test_what_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    """By its bounds."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(values, HealthOptions)
