"""The same table in every format, and what an ETag saves."""

import csv
import io

import pytest
from arro3.io import read_parquet
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from central.v1.answers import Refused, Table, as_csv, as_parquet, form_of

COLUMNS = {"at": "int64", "name": "string", "p50": "float64"}
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20)),
        st.one_of(st.none(), st.floats(allow_nan=False), st.integers(0, 2**40)),
    ),
    max_size=20,
)


@given(ROWS)
def test_a_table_is_the_same_in_parquet(rows: list[tuple[object, ...]]) -> None:
    """Each value, with what is missing, in the column's type; also of no rows."""
    found = read_parquet(io.BytesIO(as_parquet(Table(COLUMNS, rows)))).read_all()
    assert found.num_rows == len(rows)
    for index, name in enumerate(COLUMNS):
        assert found.column(name).to_pylist() == [row[index] for row in rows]


@given(ROWS)
def test_a_table_is_the_same_in_csv(rows: list[tuple[object, ...]]) -> None:
    """With quotes, commas and line ends in it; what is missing is empty."""
    found = list(csv.reader(io.StringIO(as_csv(Table(COLUMNS, rows)).decode(), newline="")))
    assert found[0] == list(COLUMNS)
    assert found[1:] == [["" if value is None else str(value) for value in row] for row in rows]


def request(accept: str) -> Request:
    """With this header."""
    return Request({"type": "http", "headers": [(b"accept", accept.encode())]})


@pytest.mark.parametrize(
    ("accept", "asked", "form"),
    [
        ("*/*", "", "json"),
        ("", "", "json"),
        ("text/csv", "", "csv"),
        ("text/html, text/csv;q=0.9", "", "csv"),
        ("application/vnd.apache.parquet", "", "parquet"),
        ("text/html", "parquet", "parquet"),
    ],
)
def test_a_format_is_chosen(accept: str, asked: str, form: str) -> None:
    """By the parameter, else by what the caller accepts."""
    assert form_of(request(accept), asked) == form


def test_a_format_that_there_is_not() -> None:
    """400 for the parameter, 406 for the header."""
    with pytest.raises(Refused) as refused:
        form_of(request("*/*"), "xml")
    assert refused.value.status == 400
    with pytest.raises(Refused) as refused:
        form_of(request("text/html"), "")
    assert refused.value.status == 406
