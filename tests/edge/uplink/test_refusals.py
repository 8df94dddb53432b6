"""Tests of edge.uplink.refusals: what is mended by the next hello has a hint of its own."""

from edge.uplink.refusals import HEALING, hint


def test_a_refusal_that_heals_is_no_reason_to_look_at_the_centre() -> None:
    """An unknown reason leads to the centre's log; one that heals itself does not."""
    assert "its log" in hint("unheard_of")
    assert not any("its log" in hint(reason) for reason in HEALING)
