"""What all tests share: how hypothesis searches, how coroutines run, and what happens where a program is missing.

Under CI=true every test runs or fails: a skip there is a failure, except of tests marked `real_days`, whose data is not
part of the clone. Elsewhere a skip names what was missing.
"""

import asyncio
import inspect
import os
import shutil
from collections.abc import Callable, Generator

import pytest
from hypothesis import HealthCheck, settings

CI = os.environ.get("CI") == "true"
SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # Debian keeps mosquitto where users do not look

settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True, print_blob=True)
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

    def find(name: str) -> str:
        path = shutil.which(name, path=SYSTEM_PATH)
        if path is None:
            pytest.skip(f"{name} is not installed; tests/setup.sh names its package")
        return path

    return find


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
