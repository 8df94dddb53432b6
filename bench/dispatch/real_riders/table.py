"""What a person reads of `--riders real`: each figure, and beside it what it has to reach."""

from collections.abc import Sequence

from ...tables import Table
from .measure import Figures, Must, Row

HEADINGS = ("promises", "late > 5 min, %", "must", "inside, %", "must", "width, min", "must", "click to door, min")


def table(rows: Sequence[Row]) -> Table:
    """All rows. A figure that has missed its must is marked."""
    return Table("promises among real people", HEADINGS, [(row.name, *_cells(row.figures, row.must)) for row in rows])


def _cells(found: Figures, must: Must) -> tuple[str, ...]:
    low, high = must.inside_percent
    return (
        str(found.promises),
        _marked(found.late_percent, 0.0, must.late_percent),
        f"{must.late_percent:g}" if must.late_percent else "",
        _marked(found.inside_percent, low, high),
        "" if not high else f">= {low:g}" if high >= 100 else f"{low:g}-{high:g}",
        _marked(found.width_min, 0.0, must.width_min),
        f"{must.width_min:g}" if must.width_min else "",
        f"{found.click_to_door_min:.1f}",
    )


def _marked(value: float, low: float, high: float) -> str:
    """With one decimal; `high` of 0 is no bound."""
    return f"{value:.1f}{'' if not high or low <= value <= high else ' !'}"
