"""sdk/protocol, read by tools that others wrote: Ajv, the schema of AsyncAPI, and the compiler of TypeScript."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.repo.project import ROOT

HERE = Path(__file__).parent
TIMEOUT_S = 120
PACKAGES = ("ajv", "typescript", "@asyncapi/specs")

LOOSER = {
    "One price and several in one message",
    "A failed delivery needs a cause",
    "A price that ends before it begins",
    "A time of last year",
    "A version that was never sent",
}
"""Vectors that no schema can refuse: it would have to compare two fields, or one with what only the node knows."""

STRICTER = {"A clock that was never set"}
"""A vector that the node takes, and that nobody is to send."""


@pytest.fixture(scope="module")
def found(program: Callable[[str], str]) -> dict[str, Any]:
    """What they find."""
    if not all((HERE / "node_modules" / name).is_dir() for name in PACKAGES):
        pytest.skip("Ajv, TypeScript or AsyncAPI is not installed; run: npm ci --prefix tests/interop")
    command = [program("node"), str(HERE / "contract.mjs"), str(ROOT / "sdk/protocol")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_asyncapi_document_is_valid(found: dict[str, Any]) -> None:
    """By the standard's own schema."""
    assert found["asyncapi"] == []


def test_the_schemas_take_and_refuse_what_the_vectors_do(found: dict[str, Any]) -> None:
    """In JavaScript, whose regular expressions are not Python's."""
    assert set(found["wrong"]) == LOOSER | STRICTER
    assert found["compared"] > 70


def test_the_types_compile_and_find_a_mistake(found: dict[str, Any]) -> None:
    """A program that uses them as they are meant, and one with a text for a number and a state that does not exist."""
    assert found["types"] == []
    assert len(found["misuse"]) == 2
    assert "'string' is not assignable to type 'number'" in found["misuse"][0]
    assert "no overlap" in found["misuse"][1]
