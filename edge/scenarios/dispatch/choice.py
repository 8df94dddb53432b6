"""The decision of a round: candidates for each waiting order, one matching over all of them, and the reasons.

Pure choice: nothing is changed here. What is chosen becomes true in `commitment`, also when a recovery reads it from
a row.
"""

from typing import Final

from ...limits import CANDIDATES_MAX, MATCHING_ROWS_MAX, OFFER_AHEAD_S, REDECIDE_S, ROUND_ORDERS_MAX
from ...model import Decision, DispatchRules, Now, Seen
from .candidates import Doors, Option, options
from .explanation import why_later, why_nobody, why_rider
from .matching import match
from .orders import Order, Orders
from .positions import milliseconds
from .riders import Riders
from .sight import Sight
from .travel import Service

RULE: Final = "one-matching-1"
"""The version of this policy, in every record."""


def choose(orders: Orders, riders: Riders, rules: DispatchRules, now: Now, sight: Sight) -> list[Decision]:
    """What changes about the waiting orders: an offer, another plan, a plan dropped, or for the first time nobody."""
    now_ms = milliseconds(now)
    decisions: list[Decision] = []
    due: list[Order] = []
    for order in _selection(orders, now_ms):
        ahead_s = (order.ready_ms - now_ms) // 1000
        if ahead_s <= OFFER_AHEAD_S:
            due.append(order)
        elif not order.considered:
            decisions.append(Decision(order.id, "", False, RULE, why_later(ahead_s), []))
    doors = Doors(riders, orders, rules, now_ms)
    due.sort(key=lambda order: (order.ready_ms, order.placed_ms, order.id))
    serves: dict[str, str] = {}
    for start in range(0, len(due), MATCHING_ROWS_MAX):
        part = due[start : start + MATCHING_ROWS_MAX]
        decisions += _part(part, doors, riders, rules, now, sight, serves)
    return decisions


def _part(
    part: list[Order],
    doors: Doors,
    riders: Riders,
    rules: DispatchRules,
    now: Now,
    sight: Sight,
    serves: dict[str, str],
) -> list[Decision]:
    """One matching. `serves` has the riders that earlier parts of the round have given away, and gets those of this."""
    now_ms = milliseconds(now)
    service = Service(rules)
    choices: list[list[Option]] = []
    for order in part:
        seen: list[Seen] = []
        if riders.idle:
            seen = sight.nearest(order.id, order.pickup_lat, order.pickup_lon, CANDIDATES_MAX, now)
        choices.append(options(order, seen, doors, riders, service, now_ms))
    rows = [[(option.rider, option.total) for option in row if option.rider not in serves] for row in choices]
    chosen = match(rows, [(now_ms - order.placed_ms) // 1000 for order in part])
    serves.update((rider, order.id) for rider, order in zip(chosen, part, strict=True) if rider)
    decisions: list[Decision] = []
    for order, rider, row in zip(part, chosen, choices, strict=True):
        option = next((option for option in row if option.rider == rider), None)
        if option is None:
            if order.plan or not order.considered:
                why = why_nobody(row, serves, riders.idle, len(doors))
                decisions.append(Decision(order.id, "", False, RULE, why, [one.candidate(now) for one in row]))
        elif option.offer or option.rider != order.plan:
            why = why_rider(option, row, serves, now_ms)
            candidates = [one.candidate(now) for one in row]
            decisions.append(Decision(order.id, rider, option.offer, RULE, why, candidates))
    return decisions


def _selection(orders: Orders, now_ms: int) -> list[Order]:
    """All waiting orders; where they are too many, the new ones, and a share of the others that moves on with time."""
    if len(orders.waiting) <= ROUND_ORDERS_MAX:
        return list(orders.waiting.values())
    selected = list(orders.fresh.values())[:ROUND_ORDERS_MAX]
    others = [order for order in orders.waiting.values() if order.considered]
    room = min(ROUND_ORDERS_MAX - len(selected), len(others))
    start = now_ms // (REDECIDE_S * 1000) * ROUND_ORDERS_MAX % max(1, len(others))
    return selected + (others + others)[start : start + room]
