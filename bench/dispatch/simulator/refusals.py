"""Couriers who decline or do not answer: a mode of its own beside the strict track, on which everybody accepts
everything.

Who refuses what and when follows from a hash of day, courier, orders and minute: the same offer in the same minute of
the same day gets the same answer, whoever decides and however often it is run. A policy sees only the answers.
"""

from collections.abc import Sequence
from enum import Enum, auto
from hashlib import blake2b
from typing import Final

from msgspec import Struct

REPLY_MIN: Final = 1
"""Minutes after which an offer that got no answer has lapsed. Until then the courier is bound and stands still."""


class Answer(Enum):
    """A courier's answer to an offer."""

    YES = auto()
    NO = auto()
    NOTHING = auto()


class Unwilling(Struct, frozen=True):
    """The probabilities that an offer is declined, and that nobody answers it."""

    decline: float = 0.0
    silent: float = 0.0

    def __bool__(self) -> bool:
        return self.decline > 0 or self.silent > 0

    def answer(self, day: str, courier: str, orders: Sequence[str], now: int) -> Answer:
        """The answer of `courier` on `day` at minute `now` to an offer of `orders`, whose sequence does not matter."""
        if not self:
            return Answer.YES
        key = "\n".join((day, courier, str(now), *sorted(orders)))
        drawn = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") / 2**64
        if drawn < self.decline:
            return Answer.NO
        return Answer.NOTHING if drawn < self.decline + self.silent else Answer.YES


WILLING: Final = Unwilling()
"""The strict track."""


class Refused(Struct, frozen=True):
    """How often couriers were asked on a day, and how often they declined or did not answer."""

    offers: int = 0
    declined: int = 0
    silent: int = 0
