"""Tests of edge.webhooks.sender: in sequence for each order, again until taken, nothing behind what is stuck."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edge.service import webhook
from edge.service.webhook import REFUSALS_MAX, Result
from edge.webhooks import sender as module
from edge.webhooks.outbox import Cursor, Message
from edge.webhooks.sender import DEAD_KEPT, Sender
from tests.waiting import until

Answer = Callable[[Message], Result]
OK = Result("delivered")


class Rows:
    """An outbox whose rows are a list: message `sequence` about `key` is row `sequence`."""

    def __init__(self, keys: Iterable[str], cursor: Cursor | None = None) -> None:
        self.keys = list(keys)
        self.cursor = cursor or Cursor()
        self.opened_at = len(self.keys)
        self.read_to = self.cursor.row
        self.lost_rows = 0
        self.reads = 0
        self.closed = False

    def read(self, committed: int) -> list[Message]:
        self.reads += 1
        begin, self.read_to = self.read_to, min(committed, self.read_to + 3)
        return [
            Message(number, number, number, "phone-7", "update", self.keys[number - 1], b"{}")
            for number in range(begin + 1, self.read_to + 1)
            if number not in self.cursor.settled
        ]

    def keep(self, row: int, settled: list[int]) -> None:
        self.cursor = Cursor(row, sorted(settled))

    def close(self) -> None:
        self.closed = True


class Target:
    """Takes what `answer` lets it."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[int] = []
        self.taken: list[int] = []
        self.at_once = self.most_at_once = 0
        self.hold: asyncio.Event | None = None

    async def push(self, message: Message, now: Any) -> Result:
        self.asked.append(message.sequence)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await (self.hold.wait() if self.hold is not None else asyncio.sleep(0))
        self.at_once -= 1
        result = self.answer(message)
        if result.fate == "delivered":
            self.taken.append(message.sequence)
        return result

    async def close(self) -> None: ...


class World:
    """A sender that runs, with rows on disk up to `committed`."""

    def __init__(self, keys: Iterable[str], answer: Answer = lambda _: OK, cursor: Cursor | None = None) -> None:
        self.rows, self.target = Rows(keys, cursor), Target(answer)
        self.committed = len(self.rows.keys)
        self.now_ms = 0
        outbox: Any = self.rows
        target: Any = self.target
        self.sender = Sender(outbox, target, lambda: self.committed, lambda: self.now_ms, lambda: 0.0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["World"]:
        task = asyncio.create_task(self.sender.run())
        try:
            yield self
        finally:
            await self.sender.close()
            await asyncio.wait_for(task, 10)

    @property
    def section(self) -> Any:
        return self.sender.gauges()["webhooks"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of a hundredth."""
    monkeypatch.setattr(webhook, "RETRY_S", 0.02)
    monkeypatch.setattr(webhook, "RETRY_S_MAX", 0.04)
    monkeypatch.setattr(module, "GATHER_S", 0.001)
    monkeypatch.setattr(module, "MESSAGES_PER_S", 10_000)
    monkeypatch.setattr(module, "KEEP_S", 0.02)


async def test_messages_about_one_thing_go_in_sequence_and_others_beside_them() -> None:
    """However many requests are under way."""
    async with World("abcab" * 20).running() as world:
        await until(lambda: len(world.target.taken) == 100)
        for key in "abc":
            mine = [number for number in world.target.taken if world.rows.keys[number - 1] == key]
            assert mine == sorted(mine)
        assert 1 < world.target.most_at_once <= 3
        await until(lambda: world.rows.cursor == Cursor(100, []))
    assert world.rows.closed


async def test_what_is_not_on_disk_is_not_pushed() -> None:
    """It is read when it is, and not before."""
    world = World("aaaa")
    world.committed = 2
    async with world.running():
        await until(lambda: world.target.taken == [1, 2])
        await asyncio.sleep(0.05)
        assert world.target.asked == [1, 2]
        world.committed = 4
        world.sender.wake()
        await until(lambda: world.target.taken == [1, 2, 3, 4])


async def test_a_message_that_fails_holds_up_its_own_order_only() -> None:
    """5xx: it is tried again and again; the cursor stays before it, and has what is settled behind it."""
    broken = True
    world = World("abaab", lambda message: Result("failed", "it answered 500") if broken and message.key == "a" else OK)
    async with world.running():
        await until(lambda: world.target.taken == [2, 5])
        await until(lambda: world.rows.cursor == Cursor(0, [2, 5]))
        assert world.section["error"] == "it answered 500"
        assert world.section["waiting"] == 3
        broken = False
        await until(lambda: world.target.taken == [2, 5, 1, 3, 4])
        await until(lambda: world.rows.cursor == Cursor(5, []))
        assert (world.section["delivered"], world.section["error"]) == (5, None)


async def test_after_a_kill_only_what_was_not_settled_comes_again() -> None:
    """Those before the cursor and those that stand in it are known."""
    async with World("abaab", cursor=Cursor(1, [2, 5])).running() as world:
        await until(lambda: world.target.taken == [3, 4])
        await until(lambda: world.rows.cursor == Cursor(5, []))


async def test_a_receiver_that_is_gone_is_asked_by_one_at_a_time() -> None:
    """All wait, and none of them dies of it; when it is back everything goes, in sequence."""
    there = False
    world = World("abcdabcd", lambda _: OK if there else Result("unreachable", "nobody"))
    async with world.running():
        await until(lambda: world.section["attempts_failed"] >= 4 * REFUSALS_MAX)
        world.target.most_at_once = 0
        asked = len(world.target.asked)
        await until(lambda: len(world.target.asked) > asked + 2)
        assert world.target.most_at_once == 1
        assert len(set(world.target.asked[asked:])) > 1, "one message alone must not decide whether it is back"
        there = True
        await until(lambda: len(world.target.taken) == 8)
        assert world.section["dead"] == 0
        for key in "abcd":
            mine = [number for number in world.target.taken if world.rows.keys[number - 1] == key]
            assert mine == sorted(mine)


async def test_what_is_refused_becomes_a_dead_letter() -> None:
    """After REFUSALS_MAX attempts: counted, named, and out of the way of its order."""
    world = World("a" * 12, lambda message: OK if message.sequence == 12 else Result("refused", "it answered 400"))
    async with world.running():
        await until(lambda: world.target.taken == [12], seconds=60)
        assert world.target.asked.count(1) == REFUSALS_MAX
        assert world.section["dead"] == 11
        assert world.section["dead_lately"].count(";") == DEAD_KEPT - 1
        assert "update 11 about a (it answered 400)" in world.section["dead_lately"]
        assert "11 webhooks were given up" in world.sender.problems()["webhooks_dead"]


async def test_a_message_that_nobody_takes_for_a_day_is_given_up() -> None:
    """The receiver is not even asked; what is younger still goes."""
    world = World("ab")
    world.now_ms = int(module.AGE_S_MAX * 1000) + 2
    async with world.running():
        await until(lambda: world.target.taken == [2])
        assert world.section["dead"] == 1
        assert world.target.asked == [2]


async def test_a_receiver_may_ask_for_time() -> None:
    """Retry-After is heeded, by all lanes where it is unreachable."""
    world = World("ab", lambda _: Result("unreachable", "it answered 503", 3600.0))
    async with world.running():
        await until(lambda: world.target.asked)
        await asyncio.sleep(0.1)
        assert len(world.target.asked) <= 2


async def test_what_waits_in_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest waits in the journal."""
    monkeypatch.setattr(module, "WINDOW_MAX", 10)
    world = World([f"o-{number}" for number in range(100)])
    world.target.hold = asyncio.Event()
    async with world.running():
        await until(lambda: world.section["in_flight"] == module.AT_ONCE_MAX)
        await asyncio.sleep(0.05)
        assert 10 <= world.section["waiting"] < 10 + 3
        assert world.section["rows_behind"] >= 87
        world.target.hold.set()
        await until(lambda: len(world.target.taken) == 100)


async def test_the_pace_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crowd of updates takes no more than its part of the processor."""
    monkeypatch.setattr(module, "MESSAGES_PER_S", 20)
    async with World([f"o-{number}" for number in range(100)]).running() as world:
        began = asyncio.get_running_loop().time()
        await until(lambda: len(world.target.taken) >= 30)
        assert asyncio.get_running_loop().time() - began > 0.3


async def test_a_fault_of_ours_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is a dead letter after its attempts, with its traceback in the log."""

    def answer(message: Message) -> Result:
        if message.key == "a":
            raise KeyError("fault")
        return OK

    async with World("ab", answer).running() as world:
        await until(lambda: world.section["dead"] == 1)
        assert world.target.taken == [2]
    assert "could not be made" in caplog.text


async def test_a_receiver_that_takes_nothing_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """After PROBLEM_S, with what is wrong; it is over with the next message that is taken."""
    there = False
    world = World("a", lambda _: OK if there else Result("unreachable", "ConnectError: nobody"))
    async with world.running():
        await until(lambda: world.section["attempts_failed"])
        assert world.sender.problems() == {}
        monkeypatch.setattr(module, "PROBLEM_S", 0.01)
        await asyncio.sleep(0.05)
        assert "ConnectError: nobody" in world.sender.problems()["webhooks"]
        there = True
        await until(lambda: not world.sender.problems())
