"""Tests of edge.scenarios.labels.options: defaults, bounds, and that a reload applies them."""

import msgspec
import pytest

from edge.core.model import Configure, Rules
from edge.scenarios.labels.options import LabelsOptions
from tests.edge.scenarios.labels.world import SHOP, World


@pytest.mark.parametrize(
    "fields",
    [
        {"resend_after_s": 0},
        {"resend_max_s": 3601},
        {"behind_after_s": 4},
        {"labels_max": 0},
        {"gateways": {"a/b": []}},
        {"other": 1},
    ],
)
def test_what_is_out_of_bounds_is_refused(fields):
    """No option can make a node resend without end, or keep without bound; unknown ones are refused."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(fields, LabelsOptions)


def test_a_reload_applies_to_the_next_round():
    """A new resend_after_s is the time of the next version that goes out."""
    world = World()
    world.bound("milk")
    section = msgspec.Raw(msgspec.msgpack.encode(LabelsOptions(resend_after_s=90, behind_after_s=3600)))
    world.handle(Configure(Rules(node="n-1", scenarios={"labels": section})))
    world.send(SHOP, "price.set", sku="milk", price_cents=1)
    assert [show["at"] for show in world.run(100)] == [90.0]
