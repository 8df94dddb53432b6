"""Tests of edge.messages.culprits: the worst are known, however many there are."""

from edge.messages.culprits import CULPRITS_MAX, CULPRITS_WINDOW_S, SHOWN_MAX, Culprits


def test_the_worst_are_named_with_their_counts() -> None:
    """Most first, as many as a sentence bears; characters that could fool a terminal are escaped."""
    culprits = Culprits()
    for number in range(SHOWN_MAX + 2):
        culprits.blame(f"c{number}", 0.0, number + 1)
    culprits.blame("x\u202e", 0.0, 100)
    assert culprits.names(0.0) == "x\\u202e (100), c4 (5), c3 (4)"
    assert culprits.lately(0.0) == 115
    culprits.blame("b0", 0.0, 4)
    assert culprits.names(0.0) == "x\\u202e (100), c4 (5), b0 (4)"


def test_one_who_floods_stays_known_among_thousands() -> None:
    """The names are bounded, and the worst never leave."""
    culprits = Culprits()
    for number in range(5_000):
        culprits.blame("bot", 0.0)
        culprits.blame(f"other-{number}", 0.0)
    assert culprits.names(0.0).startswith("bot (5000)")
    assert len(culprits._counts) == CULPRITS_MAX
    assert culprits.lately(0.0) == 10_000


def test_what_was_is_forgotten() -> None:
    """The minute before still counts; what is older does not."""
    culprits, now = Culprits(), 1_000.0
    culprits.blame("bot", now, 7)
    now += CULPRITS_WINDOW_S
    assert (culprits.lately(now), culprits.names(now)) == (7, "bot (7)")
    culprits.blame("bot", now)
    assert culprits.lately(now) == 8
    now += CULPRITS_WINDOW_S
    assert culprits.lately(now) == 1
    culprits.blame("bot", now)
    now += 2 * CULPRITS_WINDOW_S
    assert (culprits.lately(now), culprits.names(now)) == (0, "")
