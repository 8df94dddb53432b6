"""Who it was: the names that were refused, held back or replaced most, over the last minute. Bounded and cheap, because
floods are what is counted here. Pure.
"""

from typing import Final

CULPRITS_WINDOW_S: Final = 60.0
"""What is counted in this time and in the one before is shown."""

CULPRITS_MAX: Final = 64
"""Names at one time. A new one takes the place of the one with the least, and its count, so the worst always stay."""

SHOWN_MAX: Final = 3
"""Names in a sentence."""


class Culprits:
    """Of one kind. `now` is monotonic real seconds."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._before: dict[str, int] = {}
        self._turned_s = 0.0

    def blame(self, who: str, now: float, n: int = 1) -> None:
        """Somebody has done it `n` times more."""
        self._turn(now)
        counts = self._counts
        if who not in counts and len(counts) >= CULPRITS_MAX:
            least = min(counts, key=counts.__getitem__)
            counts[who] = counts.pop(least)
        counts[who] = counts.get(who, 0) + n

    def lately(self, now: float) -> int:
        """How often it happened, all names together."""
        self._turn(now)
        return sum(self._counts.values()) + sum(self._before.values())

    def names(self, now: float) -> str:
        """The worst of them with their counts, for people; empty where there is none."""
        self._turn(now)
        both = {who: self._before.get(who, 0) + self._counts.get(who, 0) for who in self._before | self._counts}
        worst = sorted(both.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_MAX]
        # A client identifier may have any characters.
        return ", ".join(f"{ascii(who)[1:-1] or 'no name'} ({count})" for who, count in worst)

    def _turn(self, now: float) -> None:
        age_s = now - self._turned_s
        if age_s >= CULPRITS_WINDOW_S:
            self._before = self._counts if age_s < 2 * CULPRITS_WINDOW_S else {}
            self._counts, self._turned_s = {}, now
