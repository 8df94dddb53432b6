"""Tests of edge.app.process.loop_errors: exceptions are counted and reported, and a dead stage ends the node."""

import asyncio
import types
from collections.abc import Callable

import pytest
import uvloop

from edge.app.process.loop_errors import STAGES, LoopExceptionHandler
from edge.core.model import Now
from edge.health.status import Status

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop, uvloop.new_event_loop]


def failing_in(module: str) -> Callable[[], None]:
    """A callback of `module` that raises."""
    made = types.ModuleType(module)
    exec("def fail():\n    raise ValueError('odd')", made.__dict__)
    return made.fail


def after(
    make: Callable[[], asyncio.AbstractEventLoop], callbacks: list[Callable[[], None]]
) -> tuple[Status, list[str]]:
    """Run the callbacks in a loop. The status, and the reasons with which the node gave up."""
    status = Status("n1", Now(0.0, 0))
    reasons: list[str] = []
    loop = make()
    try:
        loop.set_exception_handler(LoopExceptionHandler(status, reasons.append).handle)
        for callback in callbacks:
            loop.call_soon(callback)
        loop.run_until_complete(asyncio.sleep(0.01))
    finally:
        loop.close()
    return status, reasons


@pytest.mark.parametrize("make", LOOPS)
def test_an_exception_in_a_callback_is_counted_and_reported(make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """A fault in a connection's callback affects that connection: the node goes on, and its status has a problem."""
    status, reasons = after(make, [failing_in("edge.mqtt.server.endpoint")] * 3)
    assert reasons == []
    report = status.report(Now(1.0, 1000))
    assert report["core"]["errors_caught"] == 3
    (problem,) = [problem for problem in report["problems"] if problem["name"] == "caught"]
    assert problem["serving"]
    assert "3 times, the last in edge.mqtt.server.endpoint: ValueError." in problem["sentence"]


@pytest.mark.parametrize("make", LOOPS)
@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_dead_stage_ends_the_node(make: Callable[[], asyncio.AbstractEventLoop], stage: str) -> None:
    """A stage that every event passes must not fail silently."""
    _, reasons = after(make, [failing_in(stage)])
    assert len(reasons) == 1
    assert stage in reasons[0]
    assert "report" in reasons[0]


def test_the_stages_are_modules_of_the_node() -> None:
    """A stage that is renamed must be renamed here."""
    for stage in STAGES:
        __import__(stage)


def test_a_message_without_an_exception_is_counted_too() -> None:
    """A loop also reports errors that are no exceptions."""
    reasons: list[str] = []
    status = Status("n1", Now(0.0, 0))
    handler = LoopExceptionHandler(status, reasons.append)
    loop = asyncio.new_event_loop()
    handler.handle(loop, {"message": "a transport was odd"})
    loop.close()
    assert handler.count == 1
    assert reasons == []
    (problem,) = status.report(Now(1.0, 1000))["problems"][:1]
    assert "a transport was odd" in problem["sentence"]
