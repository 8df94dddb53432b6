"""Where it was measured, and with what."""

from collections.abc import Callable
from pathlib import Path

from bench.load.machine import machine, versions


def test_the_machine_is_named(tmp_path: Path) -> None:
    """Nothing is empty, and there is at least one core."""
    found = machine(tmp_path)
    assert all(found.values())
    assert found["cores"] >= 1
    assert len(found["load_average"]) == 3
    assert 0 < found["python_loop_ms"] < 10_000


def test_every_version_is_known(program: Callable[[str], str]) -> None:
    """Python's, the libraries' and Mosquitto's."""
    program("mosquitto")
    assert "unknown" not in versions().values()
