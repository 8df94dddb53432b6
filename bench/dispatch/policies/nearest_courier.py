"""The simplest baseline: each order, oldest first, to the idle courier that is nearest to its restaurant."""

from collections.abc import Sequence

from .policy import ASK_AGAIN_MIN, Assign, Day, Decision, Declined, Free, GaveUp, Known, News, Place, Placed, Wake


class Nearest:
    """One order at a time, no bundles, no waiting for a better courier; decides at multiples of `every` minutes."""

    def __init__(self, day: Day, every: int = 1) -> None:
        self.day = day
        self.every = every
        self.known: dict[str, Known] = {}
        self.waiting: list[str] = []
        self.idle: dict[str, Place] = {}
        self.not_before: dict[tuple[str, str], int] = {}  # (courier, order) -> when it may be asked again

    def decide(self, now: int, news: Sequence[News]) -> Sequence[Decision]:
        """Give every waiting order that some idle courier can pick up within its shift."""
        for item in news:
            if isinstance(item, Placed):
                self.known[item.order.name] = item.order
                self.waiting.append(item.order.name)
            elif isinstance(item, Free):
                self.idle[item.courier] = item.place
            elif isinstance(item, GaveUp | Declined):
                self.waiting += item.orders
            if isinstance(item, Declined):
                self.not_before.update({(item.courier, name): now + ASK_AGAIN_MIN for name in item.orders})
        if now % self.every:
            return [Wake(now + self.every - now % self.every)]
        self.idle = {name: place for name, place in self.idle.items() if now <= self.day.couriers[name].off}
        decisions: list[Decision] = []
        left: list[str] = []
        for name in self.waiting:
            courier = self._nearest(now, self.known[name])
            if courier:
                del self.idle[courier]
                decisions.append(Assign(courier, (name,)))
            else:
                left.append(name)
        self.waiting = left
        return decisions

    def _nearest(self, now: int, order: Known) -> str:
        site = self.day.site(order.restaurant)
        best: tuple[int, str] | None = None
        for courier, place in self.idle.items():
            travel = self.day.travel(place, site)
            pickup = max(order.ready, now + travel + self.day.before_pickup)
            if now < self.not_before.get((courier, order.name), 0):
                continue
            if pickup <= self.day.couriers[courier].off and (best is None or (travel, courier) < best):
                best = travel, courier
        return best[1] if best else ""
