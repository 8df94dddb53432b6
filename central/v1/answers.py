"""Answers: JSON with an ETag, tables as JSON, CSV or Parquet, and problems as RFC 9457 has them."""

import csv
import io
from collections.abc import Mapping, Sequence
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

HEADERS: Final = {
    "cache-control": "private, no-cache",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
}

FORMATS: Final = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
"""By `format=`, or by Accept."""


class Refused(Exception):
    """A request that is not served: a status, and what to do."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}


class Table:
    """Rows of named columns, each with the type that it has in Parquet: int64, float64 or string."""

    def __init__(self, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        self.columns, self.rows = columns, rows


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """What is wrong, and what to do."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    media = "application/problem+json"
    return Response(msgspec.json.encode(body), status, {**HEADERS, **(headers or {})}, media)


def answer(request: Request, value: Any, status: int = 200, link: str = "") -> Response:
    """JSON."""
    return tagged(request, msgspec.json.encode(value), FORMATS["json"], status, link)


def table(request: Request, name: str, found: Table, form: str, around: Mapping[str, Any], link: str = "") -> Response:
    """A table in the format that was asked for; as JSON with what is `around` it."""
    if form == "csv":
        return tagged(request, as_csv(found), FORMATS[form], 200, link, f"{name}.csv")
    if form == "parquet":
        return tagged(request, as_parquet(found), FORMATS[form], 200, link, f"{name}.parquet")
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    return answer(request, {**around, "rows": rows}, 200, link)


def tagged(request: Request, body: bytes, media: str, status: int, link: str, file: str = "") -> Response:
    """With an ETag of its bytes; 304 where the caller has them."""
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {**HEADERS, "etag": tag, "vary": "accept, authorization, cookie"}
    headers |= {"link": f'<{link}>; rel="next"'} if link else {}
    headers |= {"content-disposition": f'attachment; filename="{file}"'} if file else {}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if status == 200 and request.method in ("GET", "HEAD") and (tag in known or known == ["*"]):
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, media)


def form_of(request: Request, asked: str) -> str:
    """Which of FORMATS. Raises Refused."""
    if asked in FORMATS:
        return asked
    if asked:
        raise Refused(400, f"format is one of {', '.join(FORMATS)}.")
    accepts = request.headers.get("accept", "*/*")
    for form, media in FORMATS.items():
        if media.split(";")[0] in accepts:
            return form
    if "*/*" in accepts or "application/*" in accepts or not accepts.strip():
        return "json"
    raise Refused(406, f"There is {', '.join(media.split(';')[0] for media in FORMATS.values())}.")


def as_csv(found: Table) -> bytes:
    """RFC 4180, with a head. No value begins a formula: names begin with a letter or a digit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(found.columns)
    writer.writerows(found.rows)
    return text.getvalue().encode()


def as_parquet(found: Table) -> bytes:
    """Apache Parquet, zstd. Raises Refused where the library is not installed."""
    try:
        from arro3.core import Array, DataType
        from arro3.core import Table as Arrow
        from arro3.io import write_parquet
    except ImportError:
        raise Refused(406, "Parquet needs a library here: pip install 'doorstep[parquet]'. There is CSV.") from None
    types = {"int64": DataType.int64(), "float64": DataType.float64(), "string": DataType.string()}
    columns: list[list[Any]] = [list(column) for column in zip(*found.rows, strict=True)]
    columns = columns or [[] for _ in found.columns]
    arrays = [
        Array(
            [None if value is None else float(value) if kind == "float64" else value for value in column], types[kind]
        )
        for column, kind in zip(columns, found.columns.values(), strict=True)
    ]
    file = io.BytesIO()
    write_parquet(Arrow.from_arrays(arrays, names=list(found.columns)), file, compression="zstd(3)")
    return file.getvalue()
