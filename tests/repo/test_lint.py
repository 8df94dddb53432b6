"""The tools that read the code find nothing: style, format, types, layers."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.project import ROOT

BIN = Path(sys.executable).parent

TOOLS = {
    "ruff check": [str(BIN / "ruff"), "check", "--no-cache"],
    "ruff format": [str(BIN / "ruff"), "format", "--check", "--no-cache"],
    "pyright": [str(BIN / "pyright"), "--project", "pyproject.toml", "--pythonpath", sys.executable],
    "import-linter": [str(BIN / "lint-imports"), "--no-cache"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_tool_finds_nothing(tool: str) -> None:
    """The tool exits with 0; what it found is in the message."""
    done = subprocess.run(TOOLS[tool], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{tool}:\n{done.stdout[-8000:]}{done.stderr[-2000:]}"
