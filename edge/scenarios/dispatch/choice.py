"""The decision of a round: candidates for each waiting order, one matching over all of them, and the reasons.

Pure choice: nothing is changed here. What is chosen becomes true in `commitment`, also when a recovery reads it from
a row.
"""

from typing import Final

from ...limits import (
    CANDIDATES_MAX,
    CANDIDATES_RECORDED,
    MATCHING_ROWS_MAX,
    OFFER_AHEAD_S,
    REDECIDE_S,
    ROUND_ORDERS_MAX,
)
from ...model import Decision, DispatchRules, Now, Seen
from .candidates import Doors, Option, options
from .explanation import why_later, why_nobody, why_rider
from .joins import Joins
from .orders import Order, Orders
from .positions import milliseconds
from .riders import Riders
from .rounds import plan_round
from .sight import Sight
from .travel import Service

RULE: Final = "planned-1"
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
    joins = Joins(riders, orders, rules, now_ms)
    due.sort(key=lambda order: (order.ready_ms, order.placed_ms, order.id))
    serves: dict[str, str] = {}
    for start in range(0, len(due), MATCHING_ROWS_MAX):
        part = due[start : start + MATCHING_ROWS_MAX]
        decisions += _part(part, doors, joins, riders, rules, now, sight, serves)
    return decisions


def _part(
    part: list[Order],
    doors: Doors,
    joins: Joins,
    riders: Riders,
    rules: DispatchRules,
    now: Now,
    sight: Sight,
    serves: dict[str, str],
) -> list[Decision]:
    """One plan. `serves` has the riders that earlier parts of the round have given away, and gets those of this."""
    now_ms = milliseconds(now)
    service = Service(rules)
    choices: list[list[Option]] = []
    for order in part:
        seen: list[Seen] = []
        if riders.idle:
            seen = sight.nearest(order.id, order.pickup_lat, order.pickup_lon, CANDIDATES_MAX, now)
        choices.append(options(order, seen, doors, riders, service, now_ms))
    chosen = _joined(part, choices, joins, serves)
    rest = [index for index, option in enumerate(chosen) if option is None]
    if rest:
        left, rows = [part[index] for index in rest], [choices[index] for index in rest]
        found = _first_choices(rows, serves) or plan_round(left, rows, list(serves), riders, rules, now_ms)
        for index, option in zip(rest, found, strict=True):
            chosen[index] = option
            if option is not None:
                serves.setdefault(option.rider, part[index].id)
    decisions: list[Decision] = []
    # A rider who gets several orders visits their doors in the sequence of the offers.
    for index in sorted(range(len(part)), key=lambda index: option.dropoff_ms if (option := chosen[index]) else 0):
        order, option, row = part[index], chosen[index], choices[index]
        if option is None:
            if order.plan or not order.considered:
                why = why_nobody(row, serves, riders.idle, len(doors))
                known = [one.candidate(now) for one in row[:CANDIDATES_RECORDED]]
                decisions.append(Decision(order.id, "", False, RULE, why, known))
        elif option.offer or option.rider != order.plan:
            why = why_rider(option, row, serves, now_ms)
            others = [one for one in row if one.rider != option.rider][: CANDIDATES_RECORDED - 1]
            candidates = [one.candidate(now) for one in (option, *others)]
            decisions.append(Decision(order.id, option.rider, option.offer, RULE, why, candidates))
    return decisions


def _joined(
    part: list[Order], choices: list[list[Option]], joins: Joins, serves: dict[str, str]
) -> list[Option | None]:
    """The orders for which nothing is cheaper than to be fetched together with others; each rider is joined once."""
    cheaper: list[tuple[int, int, Option]] = []
    for index, (order, row) in enumerate(zip(part, choices, strict=True)):
        cheaper += [
            (option.total, index, option) for option in joins.options(order) if not row or option.total <= row[0].total
        ]
    cheaper.sort(key=lambda entry: entry[:2])
    chosen: list[Option | None] = [None] * len(part)
    for _, index, option in cheaper:
        if chosen[index] is None and option.rider not in serves:
            chosen[index] = option
            serves[option.rider] = part[index].id
    return chosen


def _first_choices(choices: list[list[Option]], serves: dict[str, str]) -> list[Option | None] | None:
    """Everybody's first choice, where no two orders want the same rider: then there is nothing to weigh up."""
    first: list[Option | None] = [row[0] if row else None for row in choices]
    if not any(choices):
        return first
    wanted = [option.rider for option in first if option is not None]
    if len(wanted) < len(first) or len(set(wanted)) < len(wanted) or any(rider in serves for rider in wanted):
        return None
    return first


def _selection(orders: Orders, now_ms: int) -> list[Order]:
    """All waiting orders; where they are too many, the new ones, and a share of the others that moves on with time."""
    if len(orders.waiting) <= ROUND_ORDERS_MAX:
        return list(orders.waiting.values())
    selected = list(orders.fresh.values())[:ROUND_ORDERS_MAX]
    others = [order for order in orders.waiting.values() if order.considered]
    room = min(ROUND_ORDERS_MAX - len(selected), len(others))
    start = now_ms // (REDECIDE_S * 1000) * ROUND_ORDERS_MAX % max(1, len(others))
    return selected + (others + others)[start : start + room]
