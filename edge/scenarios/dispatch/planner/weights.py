"""What makes one plan better than another, in one place and in the unit of the plan's times.

The unit of cost is one unit of time that one order arrives later than it could. Chosen on the development seeds
(0, 1, 5, 7) of the public instances, checked on 2, 3 and 6, one set for all.
"""

from typing import Final

from msgspec import Struct

FORBIDDEN: Final = 1e6
"""The cost of what is forbidden: a pickup after the shift, a delivery after its limit. Finite, so that sums stay
finite."""


class Weights(Struct, frozen=True):
    """`per_minute` is how many units of time a minute has; the other fields are in minutes or in pure numbers."""

    per_minute: float = 1.0
    travel: float = 0.05
    """Cost of a minute of a courier's work. Small: it breaks ties, and keeps couriers available for other orders."""
    scarcity: float = 0.5
    """Added to `travel` for each order per courier: where couriers are scarce, a saved minute serves later orders."""
    target: float = 45.0
    """Minutes from click to door beyond which a quadratic penalty is added."""
    steepness: float = 0.02
    """The penalty's factor: cost for each squared minute beyond `target`."""
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
