"""Open orders, a memory of closed ones, their deadlines, and the indexes that keep a round from looking at all of them.

Times are whole milliseconds of the monotonic clock; wall-clock times are made from them when a message leaves.
"""

import math
from collections import OrderedDict
from heapq import nsmallest
from itertools import islice
from typing import Final, Literal

from msgspec import Struct

from ....core.scenario import Refusal
from ....errors import Reason
from ....messages.envelope import Client
from ...rounds import Deadlines
from ..lifecycle import ACCEPTED, AT_SHOP, PLACED, RETURNING, OrderState
from ..options import DispatchOptions
from .terms import Terms

ORDERS_OPEN_MAX: Final = 10_000
"""Orders not yet delivered; at 1 kB each 10 MB. Beyond it an order is refused as `over_capacity`."""

ORDERS_CLOSED_KEPT: Final = 2_000
"""Closed orders kept in memory so that late events about them get a precise refusal; older ones are `unknown_order`."""

OFFERS_PAST_KEPT: Final = 16
"""Earlier offers of an order, so that a late reply gets a precise answer; older ones are `not_offered`."""

ORDERS_COUNTED: Final = 2_000
"""Orders after which the counts of all shops are halved, so that old days fade. Shops that come to nothing are
forgotten, which bounds the table."""

_TO_FETCH: Final = (ACCEPTED, AT_SHOP)
"""The states of an order whose rider is on its way to the shop, or waits there."""


class Offered(Struct, frozen=True, array_like=True):
    """An offer that is over: `accepted` is whether its rider had taken it before it was released."""

    offer: int
    rider: Client
    accepted: bool


class Override(Struct, frozen=True, array_like=True):
    """What a dispatcher (`by`, its client name) has decided about an order: it is `assigned`, or `pinned`, to `rider`;
    or `held`, and nobody is asked."""

    kind: Literal["assigned", "pinned", "held"]
    by: Client
    rider: Client = ""


class Failed(Struct, array_like=True):
    """An order that could not be handed over: why, and so far how often; and its door, since while it comes back its
    drop-off is at its shop."""

    cause: str
    times: int
    lat: float
    lon: float


class Order(Struct, array_like=True):
    """An open order. `arrive_ms`, `pickup_ms` and `dropoff_ms` are what happened, or what is expected (0: nothing).

    `assumed_ms` is the ready time that it `stated`, or the one by the option `prep_s`; `predicted_ms` the drop-off that
    its promise was made from, `earliest_ms` to `latest_ms` where 8 of 10 such drop-offs are (0: nothing learned);
    `promised_anew_at` what its customer was promised since it is `late`, wall ms. While it is returning, its drop-off
    and its ride are those to its shop, and `pickup_ms` is when it turned round: so whoever plans needs to know nothing
    of returns. `scarce` is how scarce riders were when it was promised (`times.learned.scarcity`)."""

    id: str
    client: Client
    shop: Client
    pickup_lat: float
    pickup_lon: float
    dropoff_lat: float
    dropoff_lon: float
    ride_s: int
    placed_ms: int
    ready_ms: int
    wants_promise: bool
    state: OrderState = PLACED
    entered_ms: int = 0
    due_ms: int = 0
    is_ready: bool = False
    rider: Client = ""
    offer: int = 0
    offers: int = 0
    past: list[Offered] = []
    excluded: dict[Client, int] = {}
    plan: Client = ""
    considered: bool = False
    arrive_ms: int = 0
    pickup_ms: int = 0
    dropoff_ms: int = 0
    promised_ms: int = 0
    promised_at: int = 0
    promised_by: str = ""
    stated: bool = True
    assumed_ms: int = 0
    predicted_ms: int = 0
    earliest_ms: int = 0
    latest_ms: int = 0
    failed: Failed | None = None
    late: bool = False
    promised_anew_at: int = 0
    override: Override | None = None
    terms: Terms | None = None
    scarce: float = 1.0

    @property
    def on_hold(self) -> bool:
        """Whether a dispatcher keeps it from being offered."""
        return self.override is not None and self.override.kind == "held"


class Shop(Struct, array_like=True):
    """A shop at the place of its latest order, and how many orders it had lately."""

    id: Client
    lat: float
    lon: float
    orders: int


class Closed(Struct, frozen=True, array_like=True):
    """What late events about a closed order are checked against."""

    id: str
    client: Client
    shop: Client
    state: OrderState
    rider: Client
    offer: int
    past: list[Offered]


class OrdersState(Struct, array_like=True):
    """The durable part: open orders, closed ones (oldest first), those waiting for a rider in the order they
    came; shops with orders lately; and in the order they came to be so, orders that are returning, and late."""

    open: list[Order]
    closed: list[Closed]
    waiting: list[str]
    shops: list[Shop]
    returning: list[str] = []
    late: list[str] = []


class Orders:
    """Every order that the node remembers."""

    def __init__(self) -> None:
        self.open: dict[str, Order] = {}
        # The oldest leaves first. A plain dict would have to look for it behind those that have left.
        self.closed: OrderedDict[str, Closed] = OrderedDict()
        self.waiting: dict[str, Order] = {}
        """Placed and without a rider."""
        self.fresh: dict[str, Order] = {}
        """Of the waiting ones, those about which nothing was decided yet."""
        self.to_fetch: dict[tuple[float, float], dict[str, Order]] = {}
        """By pickup place, the orders that a rider has accepted and not picked up yet."""
        self.of_customer: dict[str, dict[str, Order]] = {}
        """The open orders that each customer has placed, oldest first."""
        self.of_shop: dict[str, dict[str, Order]] = {}
        """The open orders of each shop, oldest first."""
        self.shops: dict[str, Shop] = {}
        """Every shop that had an order lately."""
        self._counted = 0
        self.returning: dict[str, Order] = {}
        """On their way back to their shop, the one that turned round first first."""
        self.late: dict[str, Order] = {}
        """Late but coming, the one that was late first first."""
        self.overridden: dict[str, Order] = {}
        """Those about which a dispatcher has decided. What is on hold does not wait."""
        self.timers = Deadlines()
        self.partial = False
        """More wait than are counted here: see `part`."""

    def find(self, order: str) -> Order | Closed | None:
        """An order, open or closed."""
        return self.open.get(order) or self.closed.get(order)

    def add(self, order: Order, due_ms: int) -> None:
        """A new order, which waits for a rider."""
        self.open[order.id] = order
        self._list(order)
        self._wait(order)
        self.due(order, due_ms)
        shop = self.shops.get(order.shop)
        if shop is None or (shop.lat, shop.lon) != (order.pickup_lat, order.pickup_lon):
            before = 0 if shop is None else shop.orders
            shop = self.shops[order.shop] = Shop(order.shop, order.pickup_lat, order.pickup_lon, before)
        shop.orders += 1
        self._counted += 1
        if self._counted > ORDERS_COUNTED:
            self._fade()

    def move(self, order: Order, state: OrderState, now_ms: int, due_ms: int) -> None:
        """Another open state, which may last until `due_ms`."""
        if state is PLACED:
            self._wait(order)
        else:
            self.waiting.pop(order.id, None)
            self.fresh.pop(order.id, None)
        if state in _TO_FETCH:
            self.to_fetch.setdefault((order.pickup_lat, order.pickup_lon), {})[order.id] = order
        elif order.state in _TO_FETCH:
            self._unlist(order)
        if state is RETURNING:
            self.returning[order.id] = order
        elif order.state is RETURNING:
            del self.returning[order.id]
        order.state = state
        order.entered_ms = now_ms
        self.due(order, due_ms)

    def due(self, order: Order, due_ms: int) -> None:
        """When the state runs out."""
        order.due_ms = due_ms
        self.timers.set(order.id, due_ms)

    def considered(self, order: Order) -> None:
        """Something was decided about it, be it that nobody can take it."""
        order.considered = True
        self.fresh.pop(order.id, None)

    def close(self, order: Order, state: OrderState) -> None:
        """The end. The oldest closed order is forgotten where there are too many."""
        if order.state in _TO_FETCH:
            self._unlist(order)
        if order.failed is not None:
            self.returning.pop(order.id, None)
        if order.late:
            del self.late[order.id]
        if order.override is not None:
            del self.overridden[order.id]
        order.state = state
        del self.open[order.id]
        _leave(self.of_customer, order.client, order.id)
        _leave(self.of_shop, order.shop, order.id)
        self.waiting.pop(order.id, None)
        self.fresh.pop(order.id, None)
        self.timers.drop(order.id)
        self.closed[order.id] = Closed(
            order.id, order.client, order.shop, state, order.rider, order.offer, order.past[-OFFERS_PAST_KEPT:]
        )
        while len(self.closed) > ORDERS_CLOSED_KEPT:
            self.closed.popitem(last=False)

    def set_override(self, order: Order, override: Override | None) -> None:
        """A dispatcher has decided about it, or no longer."""
        order.override = override
        if override is None:
            self.overridden.pop(order.id, None)
        else:
            self.overridden[order.id] = order
        if order.state is not PLACED:
            return
        if order.on_hold:
            self.waiting.pop(order.id, None)
            self.fresh.pop(order.id, None)
            order.plan = ""
        elif not order.plan:
            self._wait(order)  # a plan that stands needs no new decision

    def part(self, fresh: int, again: int) -> "Orders":
        """The same orders, of which fewer wait: at most so many new ones, and so many of the others, those that are to
        be fetched first. Whoever is planned for one that is left out seems free."""
        part = Orders()
        part.partial = True
        part.open, part.closed, part.timers = self.open, self.closed, self.timers
        part.to_fetch = self.to_fetch
        part.fresh = dict(islice(self.fresh.items(), fresh))
        older = ((name, order) for name, order in self.waiting.items() if order.considered)
        part.waiting = {**dict(nsmallest(again, older, key=_planned_for)), **part.fresh}
        return part

    def state(self) -> OrdersState:
        """For a snapshot."""
        waiting, returning, late = list(self.waiting), list(self.returning), list(self.late)
        shops = list(self.shops.values())
        return OrdersState(list(self.open.values()), list(self.closed.values()), waiting, shops, returning, late)

    def restore(self, state: OrdersState) -> None:
        """From a snapshot."""
        self.__init__()
        self.open = {order.id: order for order in state.open}
        self.closed = OrderedDict((order.id, order) for order in state.closed)
        self.waiting = {name: self.open[name] for name in state.waiting}
        self.fresh = {name: order for name, order in self.waiting.items() if not order.considered}
        self.shops = {shop.id: shop for shop in state.shops}
        self._counted = sum(shop.orders for shop in state.shops)
        self.returning = {name: self.open[name] for name in state.returning}
        self.late = {name: self.open[name] for name in state.late}
        self.overridden = {order.id: order for order in state.open if order.override is not None}
        for order in state.open:
            self._list(order)
            self.timers.set(order.id, order.due_ms)
            if order.state in _TO_FETCH:
                self.to_fetch.setdefault((order.pickup_lat, order.pickup_lon), {})[order.id] = order

    def _list(self, order: Order) -> None:
        self.of_customer.setdefault(order.client, {})[order.id] = order
        self.of_shop.setdefault(order.shop, {})[order.id] = order

    def _fade(self) -> None:
        for shop in self.shops.values():
            shop.orders //= 2
        self.shops = {name: shop for name, shop in self.shops.items() if shop.orders}
        self._counted = sum(shop.orders for shop in self.shops.values())

    def _wait(self, order: Order) -> None:
        order.considered = False
        self.waiting[order.id] = order
        self.fresh[order.id] = order

    def _unlist(self, order: Order) -> None:
        """No rider is on its way to fetch the order any more."""
        place = order.pickup_lat, order.pickup_lon
        there = self.to_fetch[place]
        del there[order.id]
        if not there:
            del self.to_fetch[place]


def no_room(orders: Orders, rules: DispatchOptions, customer: str, shop: str, own: bool) -> Refusal | None:
    """Why one order more cannot be open. `own`: the shop orders at itself, for its guests."""
    if not own and len(orders.of_customer.get(customer, ())) >= rules.orders_per_customer_max:
        option, whose, of_one_max = "orders_per_customer_max", "of this customer", rules.orders_per_customer_max
    elif len(orders.of_shop.get(shop, ())) >= rules.orders_per_shop_max:
        option, whose, of_one_max = "orders_per_shop_max", "of this shop", rules.orders_per_shop_max
    elif len(orders.open) >= ORDERS_OPEN_MAX:
        return Refusal(Reason.OVER_CAPACITY, "", f"{ORDERS_OPEN_MAX} orders are open; try again later")
    else:
        return None
    detail = f"{of_one_max} orders {whose} are open; try again later, or raise the option {option} of dispatch"
    return Refusal(Reason.OVER_CAPACITY, "", detail)


def _planned_for(entry: tuple[str, Order]) -> float:
    """When an order is to be fetched; of those without a plan, who came first is first."""
    return entry[1].pickup_ms or math.inf


def _leave(lists: dict[str, dict[str, Order]], name: str, order: str) -> None:
    mine = lists[name]
    del mine[order]
    if not mine:
        del lists[name]
