"""What is wrong in the fleet at an instant. Pure: times are Unix ms.

A condition is something about a node that is true for some time: an alert is sent when it begins and when it ends. What
happens at an instant (a node that lost batches) counts for HAPPENED_MS after it happened last. A condition has names
and counts; no person, place, order or token is in it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from edge.messages.sync.ledger import KINDS, ShopDay

from ..fleet.health import BEHIND, CLOCK, QUARANTINED, RETIRED, STALLED, NodeHealth
from ..ingest.verify import ALARMING

HAPPENED_MS: Final = 3_600_000
"""An hour: what comes again within it is no second alert."""

LEDGER_MS: Final = 24 * 3_600_000
"""A shop's differences are news for a day, or until they are gone."""

CERTIFICATE_DAYS: Final = 7.0
"""A certificate that ends sooner was not renewed: nodes do so a month before."""

STATES: Final = (STALLED, BEHIND, QUARANTINED, CLOCK)
"""States of a node that are an alarm."""

DATA: Final = ("batches_lost", "node_restored", "cloned", "replaced", "below_k", "clock_ahead", *ALARMING)
"""Alarms that a collector raises about what a node has sent."""


class Condition(Struct, frozen=True):
    """`about` is what of the node it is, where there can be several; `detail` is how much."""

    alarm: str
    node: str
    about: str = ""
    detail: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Two with the same key are the same condition."""
        return self.alarm, self.node, self.about


class Raised(Struct, frozen=True):
    """An alarm that a collector has written down."""

    node: str
    kind: str
    events: int


class WentBack(Struct, frozen=True):
    """The newest roll-out of a group, where it failed."""

    number: int
    node: str


def conditions(
    fleet: Iterable[NodeHealth],
    raised: Iterable[Raised],
    went_back: Iterable[WentBack],
    ledgers: Iterable[tuple[str, ShopDay]],
) -> list[Condition]:
    """Everything that is wrong, each once, the worst first as `fleet` has it. `raised` are alarms of the last
    HAPPENED_MS, `ledgers` comparisons of the last LEDGER_MS, with their nodes."""
    found = [each for node in fleet if node.state != RETIRED for each in _of_node(node)]
    found += [
        Condition("data", each.node, each.kind, f"{each.events} events" if each.events else "")
        for each in raised
        if each.kind in DATA
    ]
    found += [Condition("rollout", each.node, f"{each.number}") for each in went_back]
    found += [
        Condition("ledger", node, f"{day.shop} {day.date}", text) for node, day in ledgers if (text := differences(day))
    ]
    return list({each.key: each for each in found}.values())


def _of_node(health: NodeHealth) -> Sequence[Condition]:
    node, found = health.node, [Condition("problem", health.node, name) for name in health.problems]
    if health.state in STATES:
        batches = f"{health.quarantined} batches" if health.state == QUARANTINED else ""
        found.insert(0, Condition(health.state, node, "", batches))
    if health.certificate_days is not None and health.certificate_days < CERTIFICATE_DAYS:
        found.append(Condition("certificate", node, "", f"{max(health.certificate_days, 0):.1f} days"))
    return found


def differences(day: ShopDay) -> str:
    """`missing_here 1, other_amount 2`; empty where both sides agree."""
    counts = {name: getattr(day, name) for name in KINDS}
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)
