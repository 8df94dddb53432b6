"""The tables: the same columns on both engines, and keys that a distributed PostgreSQL can spread."""

import re
from pathlib import Path

from central.store.engine.schema import SUMS, added, tables

SHARED = {"bucket", "age", "kept", "rollout"}
"""Small tables of the whole centre: a distributed PostgreSQL keeps a copy of them everywhere."""


def statements(engine: str) -> list[str]:
    """All that lead to this version."""
    return tables(engine) + [statement for each in added(engine).values() for statement in each]


def columns(engine: str) -> dict[str, list[str]]:
    """Of each table: its columns, without types."""
    found: dict[str, list[str]] = {}
    for statement in statements(engine):
        if match := re.match(r"\s*create table (\w+)\((.*)\)", statement, re.DOTALL):
            parts = re.sub(r"primary key\(.*?\)", "", match[2]).split(",")
            found[match[1]] = [part.split()[0] for part in parts if part.strip()]
    return found


def test_both_engines_have_the_same_tables() -> None:
    """One SQL is for both."""
    assert columns("sqlite") == columns("postgresql")
    assert set(SUMS) < set(columns("sqlite"))


def test_every_key_begins_with_a_node_or_a_bucket() -> None:
    """So rows can be spread over machines by it, and no index of all nodes together is hot."""
    for statement in statements("postgresql"):
        table = re.match(r"\s*create (?:table|index \w+ on) (\w+)", statement)
        if table is None or table[1] in SHARED | {"node"}:
            continue
        for key in re.findall(r"primary key\((\w+)|on \w+\((\w+)", statement):
            assert "".join(key) in ("node", "bucket"), statement


def test_the_statements_that_distribute_the_tables_fit_them() -> None:
    """Each table of docs/growth.md is distributed by a column of each of its keys, and none is left out."""
    page = (Path(__file__).parents[4] / "docs/growth.md").read_text(encoding="utf-8")
    shared = re.findall(r"create_reference_table\('(\w+)'\)", page)
    spread = dict(re.findall(r"create_distributed_table\('(\w+)', '(\w+)'", page))
    assert {*shared, *spread} == columns("postgresql").keys()
    assert set(shared) == SHARED | {"node"}
    for statement in statements("postgresql"):
        for table, keys in re.findall(r"create table (\w+)\(.*primary key\(([\w, ]+)\)", statement, re.DOTALL):
            assert table in SHARED or spread[table] in keys.split(", "), table
