"""The table of faults is whole, and names tests that exist."""

import ast
from pathlib import Path

from tests.faults.support.table import FAULTS

ROOT = Path(__file__).parents[3]
ROWS = [*range(1, 26), *range(29, 32), *range(33, 49)]
"""26 to 28 and 32, certificates, revocation, configuration, restoring, are what an operator does rather than faults."""


def functions(name: str) -> set[str]:
    """The test functions of one file."""
    module = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in module.body if isinstance(node, kinds) and node.name.startswith("test_")}


def test_every_fault_has_a_test_and_every_test_exists() -> None:
    """Each fault of the list is proved somewhere, by tests that are there."""
    assert sorted(FAULTS) == ROWS
    for number, (fault, tests) in FAULTS.items():
        assert tests, f"{number}: nothing proves {fault!r}"
        for test in tests:
            name, _, function = test.partition("::")
            assert function in functions(name), f"{number}: {test} does not exist"


def test_every_fault_test_is_in_the_table() -> None:
    """A fault that is driven here and not in the table would be missing from the report of `make faults`."""
    named = {test for _, tests in FAULTS.values() for test in tests}
    for path in sorted((ROOT / "tests/faults").glob("test_*.py")):
        name = str(path.relative_to(ROOT))
        missing = {f"{name}::{function}" for function in functions(name)} - named
        assert not missing, f"not in tests/faults/support/table.py: {sorted(missing)}"
