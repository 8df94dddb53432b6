"""Tests of how mutants meet their tests."""

from pathlib import Path

import pytest

from tests.mutants.operators import Mutant
from tests.mutants.run import Workshop, run

SOURCE = "def rise(a):\n    while a < 10:\n        a = a + 1\n    return a\n\n\ndef other():\n    return 1\n"
TEST = "from source import rise\n\n\ndef test_rise():\n    assert rise(0) == 10\n"
SEEN = Mutant("source.py", 2, "number changed", "    while a < 10:", "    while a < 11:")
HANGS = Mutant("source.py", 3, "sign swapped", "        a = a + 1", "        a = a - 1")
SURVIVES = Mutant("source.py", 8, "number changed", "    return 1", "    return 2")
BROKEN = Mutant("source.py", 8, "statement deleted", "    return 1", "    return (")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A function with a test, and one without."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "source.py").write_text(SOURCE, encoding="utf-8")
    (folder / "test_source.py").write_text(TEST, encoding="utf-8")
    profile = 'from hypothesis import settings\n\nsettings.register_profile("mutants")\n'
    (folder / "conftest.py").write_text(profile, encoding="utf-8")
    return folder


NAMES = ["source.py", "test_source.py", "conftest.py"]


def test_what_no_test_sees_survives(project: Path) -> None:
    """A fault that the tests see is caught, also where it does not even compile; one that they do not see survives; the
    project itself stays as it is."""
    drawn = [SEEN, SURVIVES, BROKEN]
    outcomes = {
        each.mutant: each.survived for each in run(drawn, lambda _: ["test_source.py"], (project, NAMES, ["."]))
    }
    assert outcomes == {SEEN: False, SURVIVES: True, BROKEN: False}
    assert (project / "source.py").read_text(encoding="utf-8") == SOURCE


def test_a_fault_that_hangs_counts_as_seen(project: Path, tmp_path: Path) -> None:
    """It has used up its processor time; then the copy is as it was."""
    shop = Workshop(tmp_path / "copy", project, NAMES, ["."])
    with shop.with_fault(HANGS):
        code, _ = shop.test(["test_source.py"], cpu_s=3)
    assert code < 0
    assert shop.test(["test_source.py"])[0] == 0


def test_tests_that_fail_alone_are_no_baseline(project: Path) -> None:
    """A test that fails without a mutant would catch every one."""
    (project / "test_source.py").write_text(TEST.replace("== 10", "== 9"), encoding="utf-8")
    with pytest.raises(RuntimeError, match="without any mutant"):
        list(run([SEEN], lambda _: ["test_source.py"], (project, NAMES, ["."])))
