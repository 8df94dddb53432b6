"""What an order asks for beyond the ordinary: when, how urgently, and how long it may be under way. An order that asks
for nothing has none of it.

The planner needs to know little of these: a window makes an order ready later, a deadline and a priority make it count
as placed at another time.
"""

from typing import Final

from msgspec import Struct

TARGET_S: Final = 45 * 60
"""Click-to-door beyond which each minute costs more and more: `target` of the planner's weights."""

PRIORITY_MAX: Final = 100
"""As in VROOM. An order of this priority is as late as one that is beyond it from the first minute on."""


class Terms(Struct, frozen=True, array_like=True):
    """`priority` is 0 to PRIORITY_MAX. `max_bag_s`: from the pickup to the door at most, 0: no limit. From `from_ms` to
    `by_ms` it is to be at its door, and fetched until `pickup_by_ms`, monotonic ms, 0: no such bound. `made_ms` is when
    its kitchen has it ready. `code` is the hash of what its recipient gives at the door, `tries` how often something
    else was. `load` are the grams and millilitres that it adds to a bag."""

    priority: int = 0
    max_bag_s: int = 0
    from_ms: int = 0
    by_ms: int = 0
    made_ms: int = 0
    code: str = ""
    tries: int = 0
    pickup_by_ms: int = 0
    load: tuple[int, int] = (0, 0)

    def counts_from_ms(self, placed_ms: int) -> int:
        """Since when the order counts as waiting: later of one with a deadline far ahead, earlier of an urgent one."""
        since_ms = self.by_ms - TARGET_S * 1000 if self.by_ms else placed_ms
        return since_ms - self.priority * TARGET_S * 1000 // PRIORITY_MAX
