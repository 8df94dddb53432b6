"""Cells of H3, by their numbers."""

import h3

from edge.scenarios.dispatch.travel.cells import cell_at, is_cell, resolution_of


def test_a_cell_is_that_of_the_library():
    """By its number, with its resolution; nothing else is one."""
    for resolution in (0, 5, 9, 15):
        cell = cell_at(52.5, 13.4, resolution)
        assert f"{cell:x}" == h3.latlng_to_cell(52.5, 13.4, resolution)
        assert resolution_of(cell) == resolution
        assert is_cell(f"{cell:x}")
    assert not is_cell("8" + "0" * 14)
