"""The ledgers of tills: read in every form that they have, or refused with the line and what to do."""

from contextlib import suppress
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ledger import entries
from edge.ledger.entries import LedgerError, Line, read_ledger

SHANGHAI = timezone(timedelta(hours=8))
AT = 1_790_000_000_000


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("order,time,amount\no-1,2026-09-21 22:13:20,25.80\n", "utf-8"),
        ("order,time,amount\r\no-1,2026-09-21 22:13:20,25.80\r\n", "utf-8-sig"),
        ("订单号;下单时间;实付金额\no-1;2026/09/21 22:13:20;￥25.80\n\n", "gbk"),
        ("备注\t订单编号\t时间\t金额\n不要辣\to-1\t1790000000\t25.8元\n", "gbk"),
        ("Order ID,Time,cents,Total\n`o-1,1790000000000,2580,99\n,,,\n", "utf-8"),
        ('order,time,amount\n"o-1","2026-09-21T14:13:20Z","25.80"\n', "utf-8"),
    ],
)
def test_the_forms_that_tills_have(text: str, encoding: str) -> None:
    """Encodings, delimiters, line ends, names of columns, currencies, times: all the same order."""
    (line,) = read_ledger(text.encode(encoding), SHANGHAI)
    assert (line.order, line.at, line.amount_cents) == ("o-1", AT, 2580)


def test_columns_may_be_named() -> None:
    """Also a shop's, and one that is there twice; what is not there is None."""
    data = b"Beleg,order,order,Laden\nx-1,a,b,shop-1\n"
    names = {"order": "beleg", "shop": "Laden"}
    assert read_ledger(data, UTC, names) == [Line(2, "x-1", None, None, "shop-1")]


@pytest.mark.parametrize(
    ("data", "line", "hint"),
    [
        (b"", 0, "It is empty"),
        (b"\n\n", 0, "It is empty"),
        (b"name,time\n", 1, "No column has the order's name"),
        (b"order,order\n", 1, "2 columns could be the order"),
        (b"order\n\no 1\n", 3, "'o 1' is no order"),
        (b"order,amount\no-1,1\no-2,1.005\n", 3, "'1.005' is no amount"),
        (b"order,amount\no-1,-1\n", 2, "is no amount"),
        (b"order,amount\no-1,1e999999\n", 2, "is no amount"),
        (b"order,cents\no-1,1.5\n", 2, "Write whole cents"),
        (b"order,time\no-1,yesterday\n", 2, "'yesterday' is no time"),
        (b"order,shop\no-1,shop 1\n", 2, "is no shop"),
        ("order,shop\no-1,面馆\n".encode("gbk"), 2, "is no shop"),
        (b'order\n"o-1\n', 2, "It is no CSV"),
        (b"order\no-1\n\x00\n", 3, "It has a NUL"),
        (b"order\no-1\n\xff\xff\n", 3, "neither UTF-8 nor GBK"),
        ("order\n".encode("utf-16"), 0, "It is UTF-16"),
        (b"PK\x03\x04", 0, "spreadsheet"),
        (b"order\n" + b"x" * 300 + b"\n", 2, "300 characters"),
        (b"order" + b"," * 300 + b"\n", 1, "301 columns"),
    ],
)
def test_what_cannot_be_used_is_named(data: bytes, line: int, hint: str) -> None:
    """With its line, its value, and what to do."""
    with pytest.raises(LedgerError, match=hint) as raised:
        read_ledger(data, UTC)
    assert raised.value.line == line


def test_a_column_that_is_not_there_is_named() -> None:
    """With those that are."""
    with pytest.raises(LedgerError, match=r"There is no column 'Beleg'\. The first line has: order, x"):
        read_ledger(b"order,x\n", UTC, {"order": "Beleg"})


def test_a_ledger_has_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of bytes and of lines."""
    monkeypatch.setattr(entries, "LINES_MAX", 2)
    with pytest.raises(LedgerError, match="more than 2 lines"):
        read_ledger(b"order\na\nb\nc\n", UTC)
    monkeypatch.setattr(entries, "LEDGER_BYTES_MAX", 5)
    with pytest.raises(LedgerError, match="7 bytes, 5 are the most"):
        read_ledger(b"order\na", UTC)


@given(st.binary(max_size=200) | st.text(alphabet=',;"\n\to-1order,时间0x', max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing else happens, whatever comes."""
    with suppress(LedgerError):
        assert all(line.order for line in read_ledger(data, UTC))
