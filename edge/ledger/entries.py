"""Reads a shop's ledger: CSV as it comes out of a till, a spreadsheet or an accounting program.

UTF-8 (with or without a byte order mark) or GBK; comma, semicolon or tab; a first line with names of columns. Whatever
cannot be used names its line, the value and what to do.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Final

from msgspec import Struct

from ..limits import NAME_PATTERN
from ..messages.sentences import NAME_RULE

LEDGER_BYTES_MAX: Final = 32 * 1024 * 1024
LINES_MAX: Final = 200_000
"""A year of 500 orders a day, at 160 bytes a line."""

FIELD_CHARACTERS_MAX: Final = 256
COLUMNS_MAX: Final = 256
"""Of one line: a till exports dozens of columns, of which three count."""

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "order": ("order", "order_id", "order id", "order no", "order number", "订单", "订单号", "订单编号"),
    "time": ("time", "ordered_at", "created_at", "order time", "date", "时间", "下单时间", "订单时间", "创建时间"),
    "amount": ("amount", "total", "paid", "金额", "订单金额", "实付金额", "实收金额", "总金额"),
    "amount_cents": ("amount_cents", "cents"),
    "shop": ("shop", "shop_id", "store", "门店", "店铺", "商家"),
}
"""What a column may be called, in any case. `--columns` names others."""

_NAME: Final = re.compile(NAME_PATTERN)
_NUMBER: Final = re.compile(r"\A[0-9]{10}\Z|\A[0-9]{13}\Z")
_CURRENCY: Final = re.compile(r"^(?:CNY|RMB|¥|￥)?\s*|\s*元?$", re.IGNORECASE)
_CENTS: Final = re.compile("[0-9]{1,12}")
_AMOUNT: Final = re.compile(r"([0-9]{1,10})(?:\.([0-9]{0,2}))?")
_SECONDS_DIGITS: Final = 10


class LedgerError(ValueError):
    """A line that cannot be used; `line` is 0 where the whole ledger cannot."""

    def __init__(self, line: int, hint: str) -> None:
        super().__init__(hint)
        self.line = line


class Line(Struct, frozen=True):
    """An order in the ledger. `at` is Unix ms; None, and an empty `shop`, where the ledger does not have it."""

    number: int
    order: str
    at: int | None = None
    amount_cents: int | None = None
    shop: str = ""


def read_ledger(data: bytes, zone: tzinfo, columns: Mapping[str, str] | None = None) -> list[Line]:
    """The lines of a ledger. Times without an offset are in `zone`; `columns` has how a column is called. Raises
    LedgerError."""
    if len(data) > LEDGER_BYTES_MAX:
        raise LedgerError(0, f"It has {len(data)} bytes, {LEDGER_BYTES_MAX} are the most. Split it by months.")
    text = _text(data)
    rows = _rows(text)
    head = next(rows, None)
    if head is None:
        raise LedgerError(0, "It is empty.")
    places = _places(head[1], columns or {})
    lines: list[Line] = []
    for number, row in rows:
        if len(lines) >= LINES_MAX:
            raise LedgerError(number, f"It has more than {LINES_MAX} lines. Split it by months.")
        lines.append(_line(number, row, places, zone))
    return lines


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise LedgerError(0, "It is UTF-16. Save it as CSV in UTF-8.")
    if data.startswith(b"PK"):
        raise LedgerError(0, "It is a spreadsheet (xlsx), or a zip. Save it as CSV.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        try:
            return data.decode("gb18030")
        except UnicodeDecodeError:
            line = data.count(b"\n", 0, error.start) + 1
            raise LedgerError(line, "It is neither UTF-8 nor GBK. Save it as CSV in UTF-8.") from None


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, each with the number of its first line."""
    if "\0" in text:
        raise LedgerError(text.count("\n", 0, text.index("\0")) + 1, "It has a NUL: it is no text. Save it as CSV.")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise LedgerError(begin, f"It is no CSV ({error}). Look at the quotes in it.") from None
        if row is None:
            return
        if len(row) > COLUMNS_MAX:
            raise LedgerError(begin, f"It has {len(row)} columns, {COLUMNS_MAX} are the most. Leave the others out.")
        if any(field.strip() for field in row):
            yield begin, [field.strip() for field in row]
        begin = reader.line_num + 1


def _places(head: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Which column is which. Raises LedgerError."""
    names = [name.casefold() for name in head]
    places: dict[str, int] = {}
    for what, known in COLUMNS.items():
        wanted = (columns[what].casefold(),) if what in columns else known
        found = [place for place, name in enumerate(names) if name in wanted]
        if len(found) > 1:
            raise LedgerError(1, f"{len(found)} columns could be the {what}. Name it: --columns {what}=NAME.")
        if found:
            places[what] = found[0]
        elif what in columns:
            raise LedgerError(1, f"There is no column {columns[what]!r}. The first line has: {', '.join(head)[:200]}.")
    if "order" not in places:
        hint = "Begin with a line of names, such as order,time,amount; or name it: --columns order=NAME."
        raise LedgerError(1, f"No column has the order's name. {hint}")
    return places


def _line(number: int, row: list[str], places: Mapping[str, int], zone: tzinfo) -> Line:
    fields = {what: row[place] if place < len(row) else "" for what, place in places.items()}
    for what, value in fields.items():
        if len(value) > FIELD_CHARACTERS_MAX:
            raise LedgerError(number, f"Its {what} has {len(value)} characters, {FIELD_CHARACTERS_MAX} are the most.")
    order, shop = fields["order"].lstrip("\t'`"), fields.get("shop", "")  # spreadsheets write long numbers so
    if not _NAME.fullmatch(order):
        raise LedgerError(number, f"{order[:64]!r} is no order: {NAME_RULE}. Leave out sums and remarks.")
    if shop and not _NAME.fullmatch(shop):
        raise LedgerError(number, f"{shop[:64]!r} is no shop: {NAME_RULE}. Leave that column out, and name the shop.")
    return Line(
        number,
        order,
        _at(number, fields.get("time", ""), zone),
        _cents(number, fields.get("amount", ""), fields.get("amount_cents", "")),
        shop,
    )


def _at(number: int, text: str, zone: tzinfo) -> int | None:
    """Unix ms: of seconds, of milliseconds, or of a date with a time."""
    if not text:
        return None
    if _NUMBER.fullmatch(text):
        return int(text) * (1000 if len(text) == _SECONDS_DIGITS else 1)
    try:
        at = datetime.fromisoformat(text.replace("/", "-"))
        return int((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp() * 1000)
    except (ValueError, OverflowError):
        hint = "Write it as 2026-01-31 18:05:00, with an offset if it is of another time zone, or as Unix time."
        raise LedgerError(number, f"{text[:64]!r} is no time. {hint}") from None


def _cents(number: int, amount: str, cents: str) -> int | None:
    if not amount and not cents:
        return None
    if cents:
        if not _CENTS.fullmatch(cents):
            raise LedgerError(number, f"{cents[:64]!r} is no amount. Write whole cents.")
        return int(cents)
    found = _AMOUNT.fullmatch(_CURRENCY.sub("", amount).replace(",", ""))
    if found is None:
        raise LedgerError(number, f"{amount[:64]!r} is no amount. Write it as 25.80, with two decimals at most.")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
