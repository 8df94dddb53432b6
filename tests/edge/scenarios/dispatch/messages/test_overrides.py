"""What dispatchers send, and get."""

import msgspec
import pytest

from edge.scenarios.dispatch.messages.overrides import OrderAssign, OrderPreview, Preview


@pytest.mark.parametrize("position", [-1, 8])
def test_a_position_is_one_of_a_riders_orders(position):
    """A rider has eight at most: what lies beyond is refused by name, in the assignment and in the question."""
    fields = {"order": "o-1", "rider": "r-1", "position": position, "id": "d-1", "at": 1_790_000_000_000}
    for form, kind in ((OrderAssign, "order.assign"), (OrderPreview, "order.preview")):
        with pytest.raises(msgspec.ValidationError, match="position"):
            msgspec.convert({**fields, "kind": kind}, form)


def test_an_empty_answer_is_short():
    """Fields that have nothing are absent."""
    assert msgspec.json.encode(Preview(order="o-1", at=1)) == b'{"order":"o-1","at":1}'
