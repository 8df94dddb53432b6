"""What it costs to answer late: any policy, with orders held back until the next minute of a grid."""

from collections.abc import Callable, Sequence

from .policy import Day, Decision, News, Placed, Policy, Ready, Wake


class Waiting:
    """A policy that receives an order at the first multiple of `minutes` after its placement, and of all else at once.

    It makes no promises: an order's minute of placement passes before the policy receives it.
    """

    def __init__(self, day: Day, make: Callable[[Day], Policy], minutes: int) -> None:
        self.inner = make(day)
        self.minutes = minutes
        self.held: list[tuple[int, News]] = []  # with the minute of delivery
        self.pending_news: dict[str, int] = {}  # order -> minute of delivery
        self.wakes: set[int] = set()

    def decide(self, now: int, news: Sequence[News]) -> Sequence[Decision]:
        """What the policy decides on the news that is due; nothing where there is none and no call was asked for."""
        later = now + self.minutes - now % self.minutes
        due_news = [item for at, item in self.held if at <= now]
        self.held = [(at, item) for at, item in self.held if at > now]
        for item in news:
            if isinstance(item, Placed):
                self.pending_news[item.order.name] = later
            name = item.order.name if isinstance(item, Placed) else item.order if isinstance(item, Ready) else ""
            if self.pending_news.get(name, now) > now:
                self.held.append((self.pending_news[name], item))
            else:
                due_news.append(item)
        decisions: list[Decision] = []
        if due_news or now in self.wakes:
            decisions += self.inner.decide(now, due_news)
        self.wakes |= {each.at for each in decisions if isinstance(each, Wake)}
        if self.held:
            decisions.append(Wake(later))
        return decisions
