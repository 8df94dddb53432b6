"""Cells of H3, by their numbers."""

from functools import cache, lru_cache
from typing import Any, Final

CELLS_KEPT: Final = 16_384
"""Cells of places that are not worked out anew: those of the shops and doors of a day."""


@cache
def h3() -> Any:
    """The library, which takes 20 ms to import: only nodes that use cells wait for it."""
    import h3.api.basic_int  # pyright: ignore[reportMissingTypeStubs]

    return h3.api.basic_int


@lru_cache(CELLS_KEPT)
def cell_at(lat: float, lon: float, resolution: int) -> int:
    """The cell in which a place is."""
    return int(h3().latlng_to_cell(lat, lon, resolution))


def is_cell(cell: str) -> bool:
    """Whether this, in hexadecimal, names a cell."""
    return bool(h3().is_valid_cell(int(cell, 16)))


def resolution_of(cell: int) -> int:
    """How fine a cell is, 0 to 15."""
    return cell >> 52 & 15
