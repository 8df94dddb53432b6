"""What the fault tests share: a site that is gone afterwards, how much of each enumeration to drive, and the table."""

import asyncio
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bench.lab.site import Site
from tests.faults.support.people import Outcome
from tests.faults.support.site import prepare

T = TypeVar("T")
WHOLE = "the-whole-list-of-faults"
"""The name of the plugin with which `python -m tests.faults` asks for everything."""


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether to drive the whole list instead of the short form."""
    return request.config.pluginmanager.has_plugin(WHOLE)


@pytest.fixture
def few(whole: bool) -> Callable[[Sequence[T], int], list[T]]:
    """`few(cases, n)`: every case in the whole list; in the short form n of them, spread evenly (1: the middle one)."""

    def choose(cases: Sequence[T], n: int) -> list[T]:
        if whole or len(cases) <= n:
            return list(cases)
        if n == 1:
            return [cases[len(cases) // 2]]
        return [cases[number * (len(cases) - 1) // (n - 1)] for number in range(n)]

    return choose


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """`make(**options)`: a configured site in a folder of its own. What it started is killed afterwards."""
    made: list[Site] = []

    def build(**options: Any) -> Site:
        made.append(prepare(tmp_path / f"site-{len(made)}", **options))
        return made[-1]

    yield build
    for each in made:
        each.close()


@pytest.fixture
def site(make: Callable[..., Site]) -> Site:
    """One without further options."""
    return make()


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[Outcome], None]:
    """Hands a fault's outcome to the table of `make faults`."""
    return lambda outcome: request.node.user_properties.append(("outcome", asdict(outcome)))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """As everywhere, but without the common deadline: these tests wait for real ones, and have bounds of their own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


def pytest_configure(config: pytest.Config) -> None:
    """One mark of our own."""
    config.addinivalue_line("markers", "whole: takes its time, and belongs to the whole list only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The short form leaves out what waits for real deadlines."""
    if not config.pluginmanager.has_plugin(WHOLE):
        late = [item for item in items if item.get_closest_marker("whole")]
        items[:] = [item for item in items if item not in late]
        config.hook.pytest_deselected(items=late)
