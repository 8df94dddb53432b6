"""What all tests share: how hypothesis searches, how coroutines run, and what happens where a program is missing.

Under CI=true every test runs or fails: a skip there is a failure, except of tests marked `real_days`, whose data is not
part of the clone. Elsewhere a skip names what was missing.
"""

import asyncio
import inspect
import os
from collections.abc import Callable, Generator

import pytest
from hypothesis import HealthCheck, Phase, settings

from bench.lab.programs import ProgramMissing, find_program

CI = os.environ.get("CI") == "true"

settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True, print_blob=True)
settings.register_profile("mutants", settings.get_profile("ci"), phases=(Phase.explicit, Phase.generate))
settings.load_profile("ci" if CI else "desk")


ASYNC_S_MAX = 60
"""A deadline that only a hanging test meets."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test that is a coroutine runs in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), ASYNC_S_MAX))
    return True


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Gives the path of an installed program; where it is missing the test is skipped, or fails under CI=true."""
    return find_program


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """A test that needs a program which is not here is skipped."""
    return (yield from _skipped_without_program())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """As in the set-up."""
    return (yield from _skipped_without_program())


def _skipped_without_program() -> Generator[None, None, None]:
    try:
        return (yield)
    except ProgramMissing as error:
        pytest.skip(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under CI=true what cannot run counts as broken."""
    report = yield
    if CI and report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("real_days") is None:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} could not run, and CI=true. {why}"
    return report
