"""Of central.alerts.tables: they are made once, and readable by their owner only; on both engines."""

from pathlib import Path

from central.alerts.tables import FILE, TABLES, open_tables
from tests.central.stores import Place


def test_tables_are_made_once(place: Place) -> None:
    """What is in them stays when they are opened again, by another process too."""
    first = open_tables(place.where, place.password)
    sql = f"select instance from {TABLES.prefix(first.name)}lease"
    made = first.rows(sql)
    second = open_tables(place.where, place.password)
    assert second.rows(sql) == first.rows(sql) == made
    assert len(made) == 1
    for each in (first, second):
        each.close()
    if isinstance(place.where, Path):
        assert (place.where / FILE).stat().st_mode & 0o077 == 0
