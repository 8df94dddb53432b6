"""The size of an installation."""

from bench.footprint.installed import installed, needed, size_mb


def test_what_is_needed_is_counted_with_what_that_needs() -> None:
    """numpy and starlette's own need are in it, what only the tests need is not."""
    found = needed("doorstep")
    assert {"doorstep", "numpy", "apsw", "starlette", "anyio"} <= set(found)
    assert not {"pytest", "ruff", "hypothesis"} & set(found)
    assert needed("no-such-distribution") == []


def test_sizes_add_up() -> None:
    """The total is at least the sum of the largest, of which numpy is one; our own sources are small."""
    found = installed()
    assert found["total_mb"] >= sum(found["largest_mb"].values()) - 1
    assert found["largest_mb"]["numpy"] > 5
    assert 0.5 < size_mb("doorstep") < 10
