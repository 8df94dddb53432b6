"""Whether the client for mini-programs is built."""

import os
from pathlib import Path

import pytest


def need(path: Path) -> None:
    """Skip the test where a file of the build is missing; under CI=true, where every test must run, fail it."""
    if not path.is_file():
        assert os.environ.get("CI") != "true", "make test builds the client before the tests"
        pytest.skip("the client is not built: make test builds it")
