"""The decision of a round: the candidates of each waiting order, the assignment of riders, and the reasons.

Nothing is changed here: `assignments` applies the decisions, also those that a recovery reads from a row.

Where there are idle riders in plenty, an order that can join no trip gets its cheapest candidate, or the next one
where another order has more to lose. All others are planned together (`round_plan`): they join trips to their shop that
are under way, and riders also fetch several at once, or one after the other. Where more orders wait than a round takes
up, it plans for fewer of them, in the same way.
"""

import math
from typing import Final

from ....core.model import Now
from ...rounds import milliseconds
from ..options import DispatchOptions
from ..records import Candidate, Decision
from ..state.orders import Order, Orders
from ..state.positions import REDECIDE_S
from ..state.riders import Riders
from ..state.sensor import Sensor
from .candidates import (
    CANDIDATES_RECORDED,
    CandidateCost,
    candidates_for,
    why_later,
    why_misfit,
    why_nobody,
    why_pinned,
    why_rider,
)
from .moves import moves
from .reach import OFFER_AHEAD_S
from .round_plan import RoundPlan
from .trips_under_way import trips_under_way

RULE: Final = "planned-8"
"""The version of this policy, in every record."""

ROUND_ORDERS_MAX: Final = 256
"""Waiting orders considered in one round, new ones first, the rest in turn."""

PLENTY: Final = 4
"""Idle riders for each order of a round from which on an order gets its cheapest one without a plan. With fewer, who
goes where now decides who is left for the next order: on nine development days a plan was 0.4 minutes better."""

REGRET_S_MAX: Final = 120
"""What an order may lose so, in seconds of cost, fairness aside; where it is more, it is planned. Riders who had fewer
orders are everybody's cheapest ones, so that orders of one instant want the same rider, and could do with the next."""

PLAN_ORDERS_MAX: Final = 128
"""Orders in one plan; more are planned in parts, the earliest first."""


def choose(orders: Orders, riders: Riders, rules: DispatchOptions, now: Now, sensor: Sensor) -> list[Decision]:
    """The changes of the waiting orders: an offer, another plan, a dropped plan, or for the first time no rider. And
    accepted orders that another rider would bring far sooner."""
    now_ms = milliseconds(now)
    later_ms = now_ms + (OFFER_AHEAD_S + 1) * 1000
    decisions: list[Decision] = []
    due: list[Order] = []
    for order in _selection(orders, now_ms):
        if order.ready_ms < later_ms:
            due.append(order)
        elif not order.considered:
            why = why_later((order.ready_ms - now_ms) // 1000)
            decisions.append(Decision(order.id, "", False, RULE, why, []))
    if due:
        if len(due) > 1:
            due.sort(key=_sequence)
        decisions += _RoundDecision(due, orders, riders, rules, now_ms, now.wall_ms - now_ms, sensor).decide()
    if rules.reassign_gain_s and orders.to_fetch and riders.idle:
        decisions += moves(orders, riders, rules, now_ms, now.wall_ms - now_ms, sensor, decisions, RULE)
    return decisions


def _sequence(order: Order) -> tuple[int, int, str]:
    return order.ready_ms, order.placed_ms, order.id


class _RoundDecision:
    """The orders of a round that are due. By order: `choices` are the riders who could take it, the cheapest first, and
    `chosen` is the one who does. `serves` is the first order that each rider got in the round."""

    def __init__(
        self,
        due: list[Order],
        orders: Orders,
        riders: Riders,
        rules: DispatchOptions,
        now_ms: int,
        behind_ms: int,
        sensor: Sensor,
    ) -> None:
        self._due = due
        self._orders = orders
        self._riders = riders
        self._rules = rules
        self._now_ms, self._behind_ms = now_ms, behind_ms
        self._choices, self._busy = candidates_for(due, orders, riders, rules, sensor, now_ms)
        self._chosen: list[CandidateCost | None] = [None] * len(due)
        self._serves: dict[str, str] = {}

    def decide(self) -> list[Decision]:
        """Assign the riders, and return what is new."""
        self._share_out()
        return self._decisions()

    def _assign(self, index: int, option: CandidateCost) -> None:
        self._chosen[index] = option
        self._serves.setdefault(option.rider, self._due[index].id)

    def _share_out(self) -> None:
        """Assign riders to the orders that have candidates, or a trip to join."""
        due, to_fetch = self._due, self._orders.to_fetch
        shared = [(order.pickup_lat, order.pickup_lon) in to_fetch for order in due] if to_fetch else [False] * len(due)
        rest = [index for index, row in enumerate(self._choices) if row or shared[index]]
        if len(rest) == 1 and not shared[rest[0]]:
            self._assign(rest[0], self._choices[rest[0]][0])
            return
        if len(rest) * PLENTY <= self._riders.idle:
            self._hand_out([index for index in rest if not shared[index]])
            rest = [index for index in rest if self._chosen[index] is None]
        for start in range(0, len(rest), PLAN_ORDERS_MAX):
            self._plan(rest[start : start + PLAN_ORDERS_MAX])

    def _hand_out(self, part: list[int]) -> None:
        """Without a plan: who loses most without its cheapest rider chooses first, and whose cheapest one is gone takes
        its next, where that is nearly as good."""
        choices, serves = self._choices, self._serves
        part.sort(key=lambda index: _regret(choices[index]), reverse=True)
        for index in part:
            row = choices[index]
            best, option = row[0], next((one for one in row if one.rider not in serves), None)
            if option is not None and option.total - option.fairness <= best.total - best.fairness + REGRET_S_MAX:
                self._assign(index, option)

    def _plan(self, part: list[int]) -> None:
        """Plan these orders, without the riders that are assigned already."""
        rows, serves = [self._choices[index] for index in part], self._serves
        due = [self._due[index] for index in part]
        shops = dict.fromkeys((order.pickup_lat, order.pickup_lon) for order in due)
        trips = trips_under_way(shops, self._orders, self._riders, self._now_ms) if self._orders.to_fetch else []
        if not trips and all(option.rider in serves for row in rows for option in row):
            return
        found = RoundPlan(
            due, rows, list(serves), trips, self._orders.open, self._riders, self._rules, self._now_ms
        ).decide()
        for index, option in zip(part, found, strict=True):
            if option is not None:
                self._assign(index, option)

    # -- the records ---------------------------------------------------------------------------------------------------

    def _decisions(self) -> list[Decision]:
        """What is new for each order, by drop-off time: a rider with several orders visits the doors in the sequence
        of the offers."""
        chosen = self._chosen
        behind_ms = self._behind_ms
        decisions: list[Decision] = []
        sequence = range(len(chosen))
        if len(chosen) > 1:
            sequence = sorted(sequence, key=lambda index: one.dropoff_ms if (one := chosen[index]) else 0)
        for index in sequence:
            order, option, row = self._due[index], chosen[index], self._choices[index]
            if option is None:
                if not order.considered or (order.plan and not self._orders.partial):
                    why = (
                        why_nobody(row, self._serves, self._riders.idle, self._busy) + why_misfit(order, self._riders)
                        if order.override is None
                        else why_pinned(order.override)
                    )
                    known = [one.candidate(behind_ms) for one in row[:CANDIDATES_RECORDED]]
                    decisions.append(Decision(order.id, "", False, RULE, why, known))
            elif option.offer or option.rider != order.plan:
                why = why_rider(option, row, self._serves, self._now_ms)
                if order.override is not None:
                    why += f" {order.override.by} has pinned it to {order.override.rider}."
                known = _candidates(option, row, behind_ms)
                decisions.append(Decision(order.id, option.rider, option.offer, RULE, why, known, option.before))
        return decisions


def _regret(row: list[CandidateCost]) -> float:
    """What the order loses where another takes its cheapest rider."""
    return row[1].total - row[0].total if len(row) > 1 else math.inf


def _candidates(option: CandidateCost, row: list[CandidateCost], behind_ms: int) -> list[Candidate]:
    """For the record: the chosen rider, and the cheapest of the others."""
    others = [one for one in row if one.rider != option.rider]
    return [one.candidate(behind_ms) for one in (option, *others[: CANDIDATES_RECORDED - 1])]


def _selection(orders: Orders, now_ms: int) -> list[Order]:
    """All waiting orders; if they are too many, the new ones and a part of the others that rotates with time."""
    if len(orders.waiting) <= ROUND_ORDERS_MAX:
        return list(orders.waiting.values())
    selected = list(orders.fresh.values())[:ROUND_ORDERS_MAX]
    others = [order for order in orders.waiting.values() if order.considered]
    room = min(ROUND_ORDERS_MAX - len(selected), len(others))
    start = now_ms // (REDECIDE_S * 1000) * ROUND_ORDERS_MAX % max(1, len(others))
    return selected + (others + others)[start : start + room]
