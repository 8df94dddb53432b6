"""A recorded hour: what a node's journal holds after it, with everything that may happen to an order."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.core.model import Commit, Input
from edge.core.node import Node
from edge.scenarios.dispatch import Dispatch
from tests.edge.district import T0, configured, event, now, place, position, shift
from tests.edge.journals import Writing, commit, session

Rounds = list[tuple[float, Sequence[Input]]]


def hour(orders: int = 1) -> Rounds:
    """(seconds, inputs) of each round. Order o-1: offered to r-1, who declines, then to r-2, who lets it lapse, then to
    r-3, who delivers; its shop delays it. The other orders wait or go to r-4."""
    rounds: Rounds = [(0, [configured()])]
    for index, rider in enumerate(("r-1", "r-2", "r-3"), 1):
        rounds.append((index, shift(rider, at_s=index, lat=31.2000 + index / 2000)))
    rounds.append((5, [place(1, 5)]))
    rounds.append((6, [event("shop-1", "kitchen.delay", "delay-1", 6, order="o-1", ready_at=T0 + 100_000)]))
    rounds.append((9, [reply("r-1", 1, 1, 9, accept=False)]))
    rounds.append((9.5, [reply("r-1", 1, 1, 9, accept=False), reply("r-9", 1, 1, 9)]))
    rounds.append((80, [position("r-3", [(T0 + 78_000, 31.2015, 121.4)])]))
    rounds.append((90, [reply("r-3", 1, 3, 90)]))
    for seconds, step in ((200, "at_shop"), (410, "picked_up"), (900, "delivered")):
        done = event("r-3", "rider.progress", f"r-3-at-{seconds}", seconds, order="o-1", step=step)
        rounds.append((seconds, [position("r-3", [(T0 + seconds * 1000, 31.2, 121.4)]), done]))
    rounds.append((901, shift("r-4", at_s=901)))
    for number in range(2, orders + 1):
        seconds = 902 + number
        rounds.append((seconds, [place(number, seconds), position("r-4", [(T0 + seconds * 1000, 31.2, 121.4)])]))
    rounds.append((4000 + orders, []))
    return rounds


def reply(rider: str, number: int, offer: int, at_s: float, *, accept: bool = True) -> Input:
    """A rider's answer to an offer of an order."""
    fields = {"order": f"o-{number}", "offer": offer, "accept": accept}
    return event(rider, "rider.reply", f"{rider}-reply-{offer}", at_s, **fields)


def play(node: Node, rounds: Iterable[tuple[float, Sequence[Input]]]) -> list[bytes]:
    """The rows that a node writes in these rounds, and at its own deadlines between them."""
    rows: list[bytes] = []

    def handle(batch: Sequence[Input], seconds: float) -> None:
        rows.extend(effect.row for effect in node.handle(batch, now(seconds)) if isinstance(effect, Commit))

    for seconds, batch in rounds:
        while (deadline := node.next_deadline()) is not None and deadline < seconds:
            handle([], deadline)
        handle(batch, seconds)
    return rows


def journal(path: Path, rounds: Rounds, snapshots: Iterable[int] = ()) -> list[bytes]:
    """A journal of these rounds, with snapshots of the core after some rows. Returns its rows."""
    node = Node([Dispatch])
    rows: list[bytes] = []
    states: dict[int, bytes] = {}
    wanted = set(snapshots)
    for seconds, batch in rounds:
        while (deadline := node.next_deadline()) is not None and deadline < seconds:
            rows += play(node, [(deadline, [])])
            if node.number in wanted:
                states[node.number] = node.snapshot()
        rows += play(node, [(seconds, batch)])
        if node.number in wanted:
            states[node.number] = node.snapshot()

    async def work(writing: Writing) -> None:
        for number, body in enumerate(rows, 1):
            writing.journal.submit(commit(body))
            if number in states:
                await writing.keep(number, states[number])
            elif writing.journal.queued > 1000:
                await writing.until(lambda: writing.journal.queued == 0)
        await writing.until(lambda: writing.journal.queued == 0)

    session(path, work)
    return rows
