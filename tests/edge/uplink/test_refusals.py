"""Tests of edge.uplink.refusals: each reason has a hint of its own."""

from edge.uplink.refusals import LASTING, hint


def test_every_lasting_refusal_has_what_to_do() -> None:
    """Where a person has to act the hint is not the general one, which an unknown reason has."""
    assert "see its log" in hint("unheard_of")
    assert len({hint(reason) for reason in (*LASTING, "unheard_of")}) == len(LASTING) + 1
