"""What a board asks, and gets."""

import msgspec
import pytest

from edge.scenarios.dispatch.messages.board import OFFSET_MAX, Board, BoardList, RidersKnown, RidersList


@pytest.mark.parametrize("offset", [-1, OFFSET_MAX + 1])
def test_an_offset_is_bounded(offset):
    """So that nobody makes a node count to where nothing is."""
    for form, kind in ((BoardList, "board.list"), (RidersList, "riders.list")):
        with pytest.raises(msgspec.ValidationError, match="offset"):
            msgspec.convert({"offset": offset, "kind": kind}, form)


def test_an_empty_board_is_short():
    """Fields that have nothing are absent."""
    assert msgspec.json.encode(Board(at=1, orders=[], open=0)) == b'{"at":1,"orders":[],"open":0}'
    assert msgspec.json.encode(RidersKnown(at=1, riders=[], known=0)) == b'{"at":1,"riders":[],"known":0}'
