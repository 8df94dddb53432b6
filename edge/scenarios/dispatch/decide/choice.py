"""The decision of a round: the candidates of each waiting order, the assignment of riders, and the reasons.

Nothing is changed here: `assignments` applies the decisions, also those that a recovery reads from a row.

The first method that suffices assigns the riders: each order its cheapest candidate where no two orders have the same;
in a burst of new orders with enough riders a matching (`matching`); otherwise, and for the orders that the matching
leaves over, a plan (`round_plan`), in which riders also fetch several orders at once or one after the other. Where more
orders wait than a round takes up, only the periodic decisions plan anew. (With a plan in every round, a node at twice
its capacity spent half its time on plans and served half as many orders.)
"""

from collections import Counter
from collections.abc import Collection
from typing import Final

from ....core.model import Now
from ....limits import (
    CANDIDATES_ALONE,
    CANDIDATES_BURST,
    CANDIDATES_MAX,
    CANDIDATES_RECORDED,
    MATCHED_LOOKS_MAX,
    MATCHED_ORDERS_MIN,
    MATCHED_RIDERS_MIN,
    MATCHING_ROWS_MAX,
    OFFER_AHEAD_S,
    REDECIDE_S,
    ROUND_ORDERS_MAX,
    SERVED_ORDERS,
)
from ..options import DispatchOptions
from ..records import Candidate, Decision, RiderDistance
from ..state.orders import Order, Orders
from ..state.positions import milliseconds
from ..state.riders import Riders
from ..state.sensor import Sensor
from ..state.travel import Service
from .bundling import Bundling
from .candidates import RANK, BusyRiders, CandidateCost, candidate_costs, why_later, why_nobody, why_rider
from .matching import match
from .round_plan import plan_round

RULE: Final = "planned-3"
"""The version of this policy, in every record."""


def choose(orders: Orders, riders: Riders, rules: DispatchOptions, now: Now, sensor: Sensor) -> list[Decision]:
    """The changes of the waiting orders: an offer, another plan, a dropped plan, or for the first time no rider."""
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
        self._service = Service(rules)
        self._sensor = sensor
        self._busy = BusyRiders(riders, orders, rules, self._now_ms)
        fresh = len(due) - sum([order.considered for order in due])
        enough = len(due) <= riders.idle or len(due) > MATCHING_ROWS_MAX
        self._burst = fresh >= MATCHED_ORDERS_MIN and enough
        limit = CANDIDATES_MAX
        # In a burst, orders without a rider are looked up again; plans made before need every rider seen then.
        if orders.partial or (self._burst and fresh == len(due)):
            limit = CANDIDATES_BURST
        elif fresh == len(due) == 1 and not due[0].excluded:
            limit = CANDIDATES_ALONE
        self._choices = self._candidates_for(due, limit)
        self._chosen: list[CandidateCost | None] = [None] * len(due)
        self._serves: dict[str, str] = {}

    def decide(self) -> list[Decision]:
        """Assign the riders, and return what is new."""
        if self._orders.to_fetch:
            self._join()
        self._resolve_conflicts()
        return self._decisions()

    # -- who could take them -------------------------------------------------------------------------------------------

    def _candidates_for(self, at: list[Order], limit: int) -> list[list[CandidateCost]]:
        """For each order the idle riders near it, and those who will be free soon."""
        riders, service, busy, now_ms = self._riders, self._service, self._busy, self._now_ms
        return [
            candidate_costs(order, seen, busy, riders, service, now_ms)
            for order, seen in zip(at, self._seen(at, limit, ()), strict=True)
        ]

    def _seen(self, at: list[Order], limit: int, without: Collection[str]) -> list[list[RiderDistance]]:
        if not self._riders.idle:
            return [[]] * len(at)
        if len(at) == 1 and not without:
            (order,) = at
            return [self._sensor.nearest(order.id, order.pickup_lat, order.pickup_lon, limit, self._now_ms)]
        asked = [(order.id, order.pickup_lat, order.pickup_lon) for order in at]
        return self._sensor.nearest_each(asked, limit, self._now_ms, without)

    # -- who gets whom -------------------------------------------------------------------------------------------------

    def _assign(self, index: int, option: CandidateCost) -> None:
        self._chosen[index] = option
        self._serves.setdefault(option.rider, self._due[index].id)

    def _join(self) -> None:
        """Bundle the orders for which no rider is cheaper than a trip of others; at most one for each trip."""
        bundling = Bundling(self._riders, self._orders, self._rules, self._now_ms)
        cheaper: list[tuple[int, int, CandidateCost]] = []
        for index, (order, row) in enumerate(zip(self._due, self._choices, strict=True)):
            found = bundling.options(order)
            cheaper += [(one.total, index, one) for one in found if not row or one.total <= row[0].total]
        cheaper.sort(key=lambda entry: entry[:2])
        for _, index, option in cheaper:
            if self._chosen[index] is None and option.rider not in self._serves:
                self._assign(index, option)

    def _resolve_conflicts(self) -> None:
        """Assign the orders that have candidates and no rider yet."""
        choices, serves = self._choices, self._serves
        rest = [index for index, row in enumerate(choices) if row and self._chosen[index] is None]
        wanted = {choices[index][0].rider for index in rest}
        if len(wanted) == len(rest) and wanted.isdisjoint(serves):
            for index in rest:
                self._assign(index, choices[index][0])
            return
        if self._orders.partial:
            self._serve_backlog(rest)
            return
        if self._match_distinct(rest):
            return
        if self._burst:
            fresh = [index for index in rest if not self._due[index].considered]
            # Riders planned in earlier rounds for orders that still wait are left to the plan.
            planned = {plan: "" for index in rest if (plan := self._due[index].plan)}
            self._match(fresh, planned)
            rest = [index for index in rest if self._chosen[index] is None]
        for start in range(0, len(rest), MATCHING_ROWS_MAX):
            self._plan(rest[start : start + MATCHING_ROWS_MAX])

    def _match_distinct(self, rest: list[int]) -> bool:
        """Match a few new orders of different shops, if there are enough riders: most rounds with a conflict are of
        this kind. Each order gets a rider of its own if that costs less than sharing one; otherwise nothing is done.
        """
        due, riders = self._due, self._riders
        if len(rest) != len(due) or len(due) * MATCHED_RIDERS_MIN > riders.idle or len(due) >= MATCHED_ORDERS_MIN:
            return False
        shops = {(order.pickup_lat, order.pickup_lon) for order in due if not order.considered}
        if len(shops) < len(due):
            return False
        found = match(self._choices, self._serves, [self._rules.dropoff_service_s] * len(due))
        served = [option for option in found if option is not None]
        if len(served) < len(due):
            return False
        for index, option in enumerate(served):
            self._assign(index, option)
        return True

    def _serve_backlog(self, rest: list[int]) -> None:
        """Assign without a new plan: free riders take the orders planned for them; the others take orders near them,
        the earliest first. Orders for which a busy rider is cheapest wait, and plans for busy riders stay."""
        choices, serves = self._choices, self._serves
        plans = {index: self._plan_of(index) for index in rest}
        for index, plan in plans.items():
            option = next((one for one in choices[index] if one.rider == plan and one.offer), None)
            if option is not None and plan not in serves:
                self._assign(index, option)
        left = [index for index in rest if self._chosen[index] is None]
        planned = {plan: "" for index in left if (plan := plans[index])}
        near = [index for index in left if not plans[index] and choices[index][0].offer]
        self._match(near[: SERVED_ORDERS * max(0, self._riders.idle - len(serves))], planned)

    def _plan_of(self, index: int) -> str:
        """The rider for whom the order is planned. Empty where that rider has ended its shift, is silent, or is free
        but no candidate of the order: then the plan is dropped."""
        plan = self._due[index].plan
        rider = self._riders.known.get(plan)
        if rider is None or not rider.on or rider.silent:
            return ""
        return plan if rider.orders or any(one.rider == plan for one in self._choices[index]) else ""

    def _match(self, fresh: list[int], planned: dict[str, str]) -> None:
        """Match new orders of a burst with riders of their own. An order that shares a rider waits at least for a stop
        at another door, and for one at another shop if the shops differ; a rider of its own may cost that much more
        than the cheapest."""
        shops = Counter((order.pickup_lat, order.pickup_lon) for order in self._due)
        door_s = self._rules.dropoff_service_s
        stops_s = self._rules.pickup_service_s + door_s
        for look in range(MATCHED_LOOKS_MAX):
            taken = {**self._serves, **planned}
            if look:
                # All candidates of these orders are assigned to others; more riders may be a little farther away.
                if len(taken) >= self._riders.idle:
                    return
                more = self._seen([self._due[index] for index in fresh], CANDIDATES_BURST << look, taken)
                for index, seen in zip(fresh, more, strict=True):
                    farther = candidate_costs(self._due[index], seen, None, self._riders, self._service, self._now_ms)
                    self._choices[index] = sorted(self._choices[index] + farther, key=RANK)
            orders = [self._due[index] for index in fresh]
            extra_s = [stops_s if shops[one.pickup_lat, one.pickup_lon] == 1 else door_s for one in orders]
            found = match([self._choices[index] for index in fresh], taken, extra_s)
            for index, option in zip(fresh, found, strict=True):
                if option is not None:
                    self._assign(index, option)
            left = [index for index in fresh if self._chosen[index] is None]
            if not left or (look and len(left) == len(fresh)):
                return
            fresh = left

    def _plan(self, part: list[int]) -> None:
        """Plan these orders, without the riders that are assigned already."""
        rows, serves = [self._choices[index] for index in part], self._serves
        if all(option.rider in serves for row in rows for option in row):
            return
        due = [self._due[index] for index in part]
        found = plan_round(due, rows, list(serves), self._riders, self._rules, self._now_ms)
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
                    why = why_nobody(row, self._serves, self._riders.idle, len(self._busy))
                    known = [one.candidate(behind_ms) for one in row[:CANDIDATES_RECORDED]]
                    decisions.append(Decision(order.id, "", False, RULE, why, known))
            elif option.offer or option.rider != order.plan:
                why = why_rider(option, row, self._serves, self._now_ms)
                known = _candidates(option, row, behind_ms)
                decisions.append(Decision(order.id, option.rider, option.offer, RULE, why, known))
        return decisions


def _candidates(option: CandidateCost, row: list[CandidateCost], behind_ms: int) -> list[Candidate]:
    """For the record: the chosen rider, and the cheapest of the others."""
    candidates = [option.candidate(behind_ms)]
    for one in row:
        if len(candidates) == CANDIDATES_RECORDED:
            break
        if one.rider != option.rider:
            candidates.append(one.candidate(behind_ms))
    return candidates


def _selection(orders: Orders, now_ms: int) -> list[Order]:
    """All waiting orders; if they are too many, the new ones and a part of the others that rotates with time."""
    if len(orders.waiting) <= ROUND_ORDERS_MAX:
        return list(orders.waiting.values())
    selected = list(orders.fresh.values())[:ROUND_ORDERS_MAX]
    others = [order for order in orders.waiting.values() if order.considered]
    room = min(ROUND_ORDERS_MAX - len(selected), len(others))
    start = now_ms // (REDECIDE_S * 1000) * ROUND_ORDERS_MAX % max(1, len(others))
    return selected + (others + others)[start : start + room]
