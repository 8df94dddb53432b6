"""A table of a report: built once, for the terminal and for the page of all reports."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

QUANTILES: Final = ("p50", "p99", "p999")


class Table(Struct, frozen=True):
    """`headings` are of the columns after the first, which has the rows' names; rows have as many cells as columns."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]


def times(row: Mapping[str, float | None], names: Sequence[str] = QUANTILES, digits: int = 2) -> tuple[str, ...]:
    """Cells with these quantiles; empty where a report has no such one."""
    return tuple("" if (value := row.get(name)) is None else f"{value:,.{digits}f}" for name in names)


def show(tables: Iterable[Table], lines: Iterable[str] = (), width_min: int = 0) -> None:
    """On the terminal, then further lines. A terminal that is narrower than `width_min` wraps lines, not numbers."""
    from rich.console import Console
    from rich.table import Table as RichTable

    console = Console(width=max(Console().width, width_min))
    for table in tables:
        drawn = RichTable(title=table.title)
        drawn.add_column("")
        for heading in table.headings:
            drawn.add_column(heading, justify="right")
        for row in table.rows:
            drawn.add_row(*row)
        console.print(drawn)
    for line in lines:
        if line:
            console.print(line, highlight=False)
