"""What makes one plan better than another, in one place and in the unit of the plan's times.

The unit of cost is one unit of time that one order arrives later than it could. Chosen on the development seeds
(0, 1, 5, 7) of the public instances, checked on 2, 3 and 6, one set for all.
"""

from typing import Final

from msgspec import Struct

FORBIDDEN: Final = 1e6
"""The cost of what may not be: a pickup after the shift, a delivery after its limit. Finite, so that sums stay sums."""


class Weights(Struct, frozen=True):
    """`per_minute` is how many units of time a minute has; the other fields are in minutes or in pure numbers."""

    per_minute: float = 1.0
    travel: float = 0.05
    """What a minute of a courier's work costs. Small: it decides between equals, and keeps couriers for others."""
    scarcity: float = 0.5
    """What is added to `travel` for each order that there is for a courier: a minute saved serves those to come."""
    patience: float = 45.0
    """Minutes from click to door after which lateness weighs more than its minutes."""
    steepness: float = 0.02
    """That weight: cost for each squared minute beyond `patience`."""
    dropped: float = 2_000.0
    """An order whose cheapest place costs more than this stays without one."""
    reach: float = 5.0
    """Minutes of travel over which the use of an idle courier for a shop falls to 1/e."""
    covered: float = 0.3
    """Coverage that a shop is assumed to have anyway: the smaller, the more the worst covered shop counts."""

    @property
    def overdue(self) -> float:
        """`steepness` for squared units of time."""
        return self.steepness / self.per_minute
