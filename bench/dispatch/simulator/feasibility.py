"""Is a solution possible? Checks every rule of the strict track on the three files alone.

It shares no logic with the simulator, so that a mistake in one is found by the other. What the files cannot show (which
orders a bundle held before its last change) is checked as far as they can: at no time may more couriers be under way to
a restaurant than it has orders that are placed and not picked up.
"""

import math
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from ...demo.district.instance import Courier, Instance
from .solution import START, Delivery, Move, Solution, Trip


class Breach(StrEnum):
    """The rule that is broken."""

    UNKNOWN_NAME = "unknown name"
    DOUBLE_ASSIGNMENT = "double assignment"
    MIXED_RESTAURANTS = "mixed-restaurant bundle"
    KNOWLEDGE = "knowledge before placement"
    WRONG_ORDER_DATA = "order data differ from the instance"
    UNMATCHED = "bundles and orders do not agree"
    EARLY_PICKUP = "early pickup"
    LATE_DECISION = "bundle decided after its pickup"
    AFTER_SHIFT = "pickup after shift"
    BEFORE_SHIFT = "moves before shift"
    TELEPORT = "teleport"
    DIVERSION = "diversion"
    PICKUP_SERVICE = "pickup service cut short or drawn out"
    DROPOFF_SERVICE = "drop-off service cut short or drawn out"
    REPOSITIONING = "repositioning not at the start of the shift"
    PHANTOM = "more couriers under way than orders known"


class Violation(Struct, frozen=True):
    """What is broken, and where."""

    breach: Breach
    where: str

    def __str__(self) -> str:
        return f"{self.breach.value}: {self.where}"


def violations(instance: Instance, solution: Solution) -> list[Violation]:
    """Everything that is wrong with `solution`; empty where it is feasible."""
    unknown = _unknown_names(instance, solution)
    if unknown:
        return unknown  # without the names nothing else can be checked
    found = _bundles(instance, solution) + _deliveries(instance, solution)
    for courier in instance.couriers:
        found += _Round(instance, solution, courier.name).check()
    return found + _phantoms(instance, solution)


def _unknown_names(instance: Instance, solution: Solution) -> list[Violation]:
    couriers = {courier.name for courier in instance.couriers}
    orders = {order.name for order in instance.orders}
    places = orders | {restaurant.name for restaurant in instance.restaurants}
    found: list[Violation] = []
    for trip in solution.trips:
        if trip.courier not in couriers or not trip.orders or not set(trip.orders) <= orders:
            found.append(Violation(Breach.UNKNOWN_NAME, f"bundle {trip}"))
    for delivery in solution.deliveries:
        if delivery.courier not in couriers or delivery.order not in orders:
            found.append(Violation(Breach.UNKNOWN_NAME, f"order {delivery}"))
    for move in solution.moves:
        if move.courier not in couriers or move.destination not in places or move.origin not in places | {START}:
            found.append(Violation(Breach.UNKNOWN_NAME, f"move {move}"))
    return found


def _bundles(instance: Instance, solution: Solution) -> list[Violation]:
    orders = {order.name: order for order in instance.orders}
    off = {courier.name: courier.off for courier in instance.couriers}
    found: list[Violation] = []
    for name, times in Counter(name for trip in solution.trips for name in trip.orders).items():
        if times > 1:
            found.append(Violation(Breach.DOUBLE_ASSIGNMENT, f"order {name} is in {times} bundles"))
    for trip in solution.trips:
        held = [orders[name] for name in trip.orders]
        where = (
            f"courier {trip.courier}, bundle {' '.join(trip.orders)}, assigned {trip.assigned}, pickup {trip.pickup}"
        )
        if len({order.restaurant for order in held}) > 1:
            found.append(Violation(Breach.MIXED_RESTAURANTS, where))
        for order in held:
            if trip.assigned < order.placed:
                found.append(Violation(Breach.KNOWLEDGE, f"{where}; {order.name} was placed at {order.placed}"))
            if trip.pickup < order.ready:
                found.append(Violation(Breach.EARLY_PICKUP, f"{where}; {order.name} is ready at {order.ready}"))
        if trip.pickup < trip.assigned:
            found.append(Violation(Breach.LATE_DECISION, where))
        if trip.pickup > off[trip.courier]:
            found.append(Violation(Breach.AFTER_SHIFT, f"{where}; the shift ends at {off[trip.courier]}"))
    return found


def _deliveries(instance: Instance, solution: Solution) -> list[Violation]:
    orders = {order.name: order for order in instance.orders}
    bundle = {name: trip for trip in solution.trips for name in trip.orders}
    found: list[Violation] = []
    for name, times in Counter(delivery.order for delivery in solution.deliveries).items():
        if times > 1:
            found.append(Violation(Breach.DOUBLE_ASSIGNMENT, f"order {name} is delivered {times} times"))
    delivered = {delivery.order for delivery in solution.deliveries}
    for name in bundle:
        if name not in delivered:
            found.append(Violation(Breach.UNMATCHED, f"order {name} is in a bundle and not delivered"))
    for delivery in solution.deliveries:
        order, trip = orders[delivery.order], bundle.get(delivery.order)
        if (delivery.placed, delivery.ready) != (order.placed, order.ready):
            found.append(Violation(Breach.WRONG_ORDER_DATA, f"order {delivery}"))
        if trip is None or (trip.courier, trip.pickup) != (delivery.courier, delivery.pickup):
            found.append(
                Violation(Breach.UNMATCHED, f"order {delivery.order} is in no bundle of its courier and pickup")
            )
    return found


class _Round:
    """What one courier did, walked through move by move."""

    def __init__(self, instance: Instance, solution: Solution, name: str) -> None:
        self.instance = instance
        self.courier = next(each for each in instance.couriers if each.name == name)
        self.trips = sorted((trip for trip in solution.trips if trip.courier == name), key=lambda trip: trip.pickup)
        self.moves = [move for move in solution.moves if move.courier == name]
        self.done: dict[str, Delivery] = {each.order: each for each in solution.deliveries if each.courier == name}
        self.restaurant = {order.name: order.restaurant for order in instance.orders}
        self.sites = {each.name: (each.x, each.y) for each in (*instance.restaurants, *instance.orders)}
        self.sites[START] = (self.courier.x, self.courier.y)
        self.found: list[Violation] = []

    def check(self) -> list[Violation]:
        """Everything wrong with this courier's day."""
        self._continuity()
        if not self.found:
            self._sequence()
        return self.found

    def _breach(self, breach: Breach, move: Move, more: str = "") -> None:
        where = f"courier {move.courier}, {move.origin} to {move.destination} at {move.departure}"
        self.found.append(Violation(breach, f"{where}; {more}" if more else where))

    def _arrival(self, move: Move) -> int:
        return move.departure + minutes(
            self.sites[move.origin], self.sites[move.destination], self.instance.parameters.metres_per_minute
        )

    def _continuity(self) -> None:
        """Each move begins where and after the one before ended."""
        for index, move in enumerate(self.moves):
            origin = self.moves[index - 1].destination if index else START
            if move.origin != origin:
                self._breach(Breach.TELEPORT, move, f"it was at {origin}")
            if move.departure < self.courier.on:
                self._breach(Breach.BEFORE_SHIFT, move, f"the shift begins at {self.courier.on}")
        for before, move in pairwise(self.moves):
            if move.departure < self._arrival(before):
                self._breach(Breach.TELEPORT, move, f"it arrives only at {self._arrival(before)}")

    def _sequence(self) -> None:
        """A repositioning perhaps; then for each bundle the way to its restaurant, and from there order by order."""
        left = list(self.moves)
        first = self.restaurant[self.trips[0].orders[0]] if self.trips else ""
        alone = len(left) > 1 and left[1].destination not in self.restaurant
        if left and left[0].destination not in self.restaurant and (alone or left[0].destination != first):
            move = left.pop(0)
            # A last way in vain is possible where an order was not ready by the end of the shift.
            if move.departure != self.courier.on and (left or self.trips):
                self._breach(Breach.REPOSITIONING, move, f"the shift begins at {self.courier.on}")
        free = self._arrival(self.moves[0]) if len(left) < len(self.moves) else self.courier.on
        for trip in self.trips:
            if self.found:
                return
            free = self._trip(trip, left, free)
        if left and not self.found and (len(left) > 1 or left[0].destination in self.restaurant):
            self._breach(Breach.DIVERSION, left[0], "it belongs to no bundle")

    def _trip(self, trip: Trip, left: list[Move], free: int) -> int:
        """One bundle; takes its moves from `left`. Returns when the courier is free again."""
        wanted = [self.restaurant[trip.orders[0]], *trip.orders]
        moves = [left.pop(0) for _ in wanted[: len(left)]]
        for move, destination in zip(moves, wanted, strict=False):
            if move.destination != destination:
                self._breach(Breach.DIVERSION, move, f"its bundle {' '.join(trip.orders)} asks for {destination}")
                return 0
        if len(moves) < len(wanted):
            where = f"courier {trip.courier} has no moves for all of its bundle {' '.join(trip.orders)}"
            self.found.append(Violation(Breach.TELEPORT, where))
            return 0
        before_pickup, after_pickup = _halves(self.instance.parameters.pickup_service)
        before_dropoff, after_dropoff = _halves(self.instance.parameters.dropoff_service)
        if moves[0].departure < free:
            self._breach(Breach.DROPOFF_SERVICE, moves[0], f"its last drop-off keeps it until {free}")
        if trip.pickup < self._arrival(moves[0]) + before_pickup:
            self._breach(Breach.PICKUP_SERVICE, moves[0], f"pickup {trip.pickup}, arrival {self._arrival(moves[0])}")
        leave = trip.pickup + after_pickup
        for move in moves[1:]:
            breach = Breach.PICKUP_SERVICE if move is moves[1] else Breach.DROPOFF_SERVICE
            if move.departure != leave:
                self._breach(breach, move, f"it leaves at {leave}")
            dropoff = self._arrival(move) + before_dropoff
            claimed = self.done[move.destination].dropoff if move.destination in self.done else None
            if claimed != dropoff:
                self._breach(Breach.DROPOFF_SERVICE, move, f"drop-off is at {dropoff}, not {claimed}")
            leave = dropoff + after_dropoff
        return leave


def _phantoms(instance: Instance, solution: Solution) -> list[Violation]:
    """Ways towards a restaurant for which nothing was known there. Bundles of one restaurant share no order and none is
    empty, so orders known and not picked up are at least as many as couriers under way or waiting."""
    picked = {delivery.order: delivery.pickup for delivery in solution.deliveries}
    ways: dict[str, list[tuple[int, int, str]]] = {}
    for courier in instance.couriers:
        for restaurant, departure, end in _ways(instance, solution, courier):
            ways.setdefault(restaurant, []).append((departure, end, courier.name))
    found: list[Violation] = []
    for restaurant, here in ways.items():
        orders = [order for order in instance.orders if order.restaurant == restaurant]
        for departure, _, name in here:
            known = sum(order.placed <= departure <= picked.get(order.name, departure) for order in orders)
            under_way = sum(begin <= departure <= end for begin, end, _ in here)
            if under_way > known:
                where = f"courier {name} to {restaurant} at {departure}; {under_way} couriers, {known} orders"
                found.append(Violation(Breach.PHANTOM, where))
    return found


def _ways(instance: Instance, solution: Solution, courier: Courier) -> Iterator[tuple[str, int, int]]:
    """(restaurant, departure, pickup or end of the shift) of each of a courier's ways to a restaurant, but for its
    repositioning."""
    orders = {order.name for order in instance.orders}
    moves = [move for move in solution.moves if move.courier == courier.name]
    pickups = iter(sorted(trip.pickup for trip in solution.trips if trip.courier == courier.name))
    for index, move in enumerate(moves):
        if move.destination in orders:
            continue
        if index + 1 < len(moves) and moves[index + 1].destination in orders:
            yield move.destination, move.departure, next(pickups, courier.off)
        elif index or move.departure != courier.on:
            yield move.destination, move.departure, courier.off


def minutes(origin: tuple[int, int], destination: tuple[int, int], metres_per_minute: int) -> int:
    """Travel time in whole minutes, rounded up, in whole numbers throughout."""
    metres2 = (origin[0] - destination[0]) ** 2 + (origin[1] - destination[1]) ** 2
    squares = -(-metres2 // metres_per_minute**2)
    return math.isqrt(squares - 1) + 1 if squares else 0


def _halves(service: int) -> tuple[int, int]:
    return service // 2, service - service // 2
