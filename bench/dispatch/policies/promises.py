"""What to promise a customer: when the order will probably come, learned from how plans turned out.

A plan errs in a way of its own for each kind of order: one whose courier leaves at once, one whose courier has to be
free first. So errors are counted for each kind, and a promise is the plan, moved by what orders of its kind were late
on average, with the share of them that came no later than that.
"""

from typing import Final

REMEMBERED: Final = 512
"""Errors of one kind that are kept, the latest ones."""

BEFORE: Final = (7, 10)
"""What confidence begins with, before anything is learned: as if 7 of 10 promises had been kept."""


class Promises:
    """The errors of plans, by kind, in whole units of time; positive where an order came later than planned."""

    def __init__(self) -> None:
        self._errors: dict[int, list[int]] = {}

    def expect(self, kind: int) -> tuple[int, float]:
        """How much later than planned an order of this kind will come, and the probability of no later than that."""
        errors = self._errors.get(kind, [])
        shift = round(sum(errors) / (len(errors) + 1))  # as if one more had come exactly as planned
        kept = sum(error <= shift for error in errors)
        return shift, (BEFORE[0] + kept) / (BEFORE[1] + len(errors))

    def learn(self, kind: int, error: int) -> None:
        """An order has come."""
        errors = self._errors.setdefault(kind, [])
        errors.append(error)
        if len(errors) > REMEMBERED:
            del errors[0]
