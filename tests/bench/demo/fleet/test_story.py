"""Of bench.demo.fleet.story: its steps in sequence, and what does not happen in time. The whole of it, with real nodes,
is in test_fleet.py."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bench.demo.fleet import story as module
from bench.demo.fleet.story import BAD, GOOD, Story


class Fleet:
    """A centre and two nodes that do at once what is asked of them; `log` has it in sequence."""

    def __init__(self, fails: bool = True) -> None:
        self.log: list[str] = []
        self.fails = fails
        self.demos: list[Any] = [self.demo(name) for name in ("shop-1", "shop-2")]

    def demo(self, name: str) -> Any:
        async def cut(_: int) -> None:
            self.log.append(f"cut {name}")

        async def mend(_: int) -> None:
            self.log.append(f"mend {name}")

        trouble = SimpleNamespace(cut=cut, mend=mend)
        return SimpleNamespace(
            node_name=name, trouble=trouble, phase="day", day_ms=1, scheduler=None, now_ms=lambda: 10**6
        )

    def push(self, options: str) -> int:
        self.log.append({BAD: "bad", GOOD: "good"}[options])
        return len([each for each in self.log if each in ("bad", "good")])

    def rollout(self, number: int) -> tuple[str, str]:
        return ("failed" if number == 1 and self.fails else "done"), "shop-1 went back"

    def settings(self) -> dict[str, tuple[int, int, str]]:
        return {"shop-1": (0, 1, "rolled_back"), "shop-2": (0, 0, "healthy")}

    def health(self) -> list[dict[str, Any]]:
        is_cut = self.log.count("cut shop-2") > self.log.count("mend shop-2")
        states = [("shop-2", "behind" if is_cut else "current"), ("shop-1", "current")]
        return [{"node": node, "state": state} for node, state in states]


async def run_to_its_end(fleet: Fleet) -> Story:
    """The story, to its end."""
    made = Story(fleet, fleet.demos)  # type: ignore[arg-type]
    task = asyncio.create_task(made.run())
    while not task.done():
        await made.look()
        await asyncio.sleep(0.001)
    await task
    return made


async def test_its_steps_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node is cut off before the bad settings come, so that they meet another one, and good ones go to all."""
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    fleet = Fleet()
    made = await run_to_its_end(fleet)
    assert fleet.log == ["cut shop-2", "bad", "mend shop-2", "good"]
    assert (made.is_over, made.missing, made.bad, made.good) == (True, [], 1, 2)
    assert made.tried == {"shop-1": "rolled_back"}


async def test_what_does_not_happen_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the run goes on to its end: the proof has it."""
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    monkeypatch.setattr(module, "STEP_REAL_S_MAX", 0.05)
    made = await run_to_its_end(Fleet(fails=False))
    assert made.is_over
    assert made.missing == ["waited in vain for the bad settings to go back"]
