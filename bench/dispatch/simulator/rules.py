"""What a decision may not do on the strict track, by name."""

from enum import StrEnum

from ..policies.policy import Decision


class Rule(StrEnum):
    """The value is the sentence that a refusal shows."""

    NO_SUCH_COURIER = "there is no such courier"
    NO_SUCH_RESTAURANT = "there is no such restaurant"
    NOT_PLACED = "the order is not placed yet"
    TAKEN = "the order belongs to another courier or is picked up"
    OFF_SHIFT = "the courier is not on shift"
    NOT_FREE = "the courier is under way or has a bundle, and is not diverted"
    NO_BUNDLE = "the courier has no bundle that could still change"
    EMPTY = "a bundle needs an order, and each order once"
    MIXED = "the orders are not all of one restaurant"
    JUST_DECLINED = "the courier declined one of these orders this very minute"
    PICKUP_AFTER_SHIFT = "the pickup would be after the end of the shift"
    NOT_AT_SHIFT_START = "a courier repositions once, in the minute in which its shift begins"
    WAKE_IN_THE_PAST = "a policy wakes at a later minute"


class IllegalDecision(Exception):
    """A policy decided what the rules forbid: a mistake in the policy, so the run ends."""

    def __init__(self, rule: Rule, now: int, decision: Decision) -> None:
        super().__init__(f"minute {now}: {rule.value}. Refused: {decision!r}")
        self.rule = rule
        self._made_of = rule, now, decision

    def __reduce__(self) -> tuple[type["IllegalDecision"], tuple[Rule, int, Decision]]:
        """Days run in processes of their own: the mistake has to come back whole."""
        return IllegalDecision, self._made_of
