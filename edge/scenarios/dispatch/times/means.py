"""Running figures: a few numbers each, the same to the byte everywhere, with a bounded memory and a bounded day.

Only +, -, * and / of doubles are used, which IEEE 754 defines to the last bit; nothing of a mathematical library.
"""

from typing import Final, TypeVar

from msgspec import Struct

WINDOW: Final = 30
"""A mean weighs each new label 1/n, and at least 1/30: an exponentially weighted mean once it is warm."""

STEP: Final = 0.03
STEP_FIRST: Final = 5
"""The step of a quantile for each label (Gibbs and Candès 2021; Angelopoulos et al. 2023, the proportional part). The
first ones are longer, 1/(5 + n), so that the first day is not the price of what the node begins with."""

QUANTILE_MAX: Final = 8.0
"""Scales from the prediction, beyond which no quantile goes."""

K = TypeVar("K")
V = TypeVar("V")


class Mean(Struct, array_like=True):
    """The mean of labels. Of what one day has changed, half stays for the days after it: so a wrong day has half an
    influence, and a right one that follows takes half of the rest away. The first day stays whole.

    `kept` is the value with which `day`, that of the last label, began; None on the first day."""

    n: int = 0
    value: float = 0.0
    day: int = 0
    kept: float | None = None

    def at(self, day: int) -> float:
        """The value on a day."""
        return self.value if day <= self.day or self.kept is None else (self.kept + self.value) / 2

    def add(self, label: float, day: int) -> None:
        """One more label. A day before that of the last one counts as the same."""
        if day > self.day:
            if self.n:
                self.value = self.kept = self.at(day)
            self.day = day
        self.n += 1
        self.value += (label - self.value) / min(self.n, WINDOW)

    def towards(self, above: float, weight: float, day: int) -> float:
        """The value, shrunk towards that of the level above as if there were `weight` labels of it (Micci-Barreca
        2001)."""
        return (self.n * self.at(day) + weight * above) / (self.n + weight)


class Quantile(Struct, array_like=True):
    """A level below which a share of the labels is, tracked. The same rule for days."""

    value: float
    n: int = 0
    day: int = 0
    kept: float | None = None

    def at(self, day: int) -> float:
        """The value on a day."""
        return self.value if day <= self.day or self.kept is None else (self.kept + self.value) / 2

    def add(self, label: float, share: float, day: int) -> None:
        """One more label: up where it lies above, down where it does not, so that both balance at the share."""
        if day > self.day:
            if self.n:
                self.value = self.kept = self.at(day)
            self.day = day
        step = max(STEP, 1 / (STEP_FIRST + self.n))
        self.n += 1
        moved = self.value + step * (share if label > self.value else share - 1)
        self.value = min(max(moved, -QUANTILE_MAX), QUANTILE_MAX)


def touched(table: dict[K, V], key: K, fresh: V, most: int) -> V:
    """The entry of `key`, `fresh` where there is none; it is now the last to go. The first ones go where there are
    more than `most`."""
    entry = table.pop(key, fresh)
    table[key] = entry
    while len(table) > most:
        del table[next(iter(table))]
    return entry


def clipped(value: float, most: float) -> float:
    """The value, no further than `most` from 0."""
    return min(max(value, -most), most)
