"""What a request gets that is not served: a problem as RFC 9457 has it, with a status that libraries understand.

A refusal of the node has its reason in `type`, and the receipt's own fields beside it; where time can mend it, `again`
and Retry-After. What is wrong with the request itself has the type `about:blank`, as the RFC asks for.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.responses import Response

from ..errors import MENDABLE, Reason

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "urn:doorstep:reason:"
"""Before a reason: the type of its problem."""

STATUSES: Final[dict[str, int]] = {
    Reason.MALFORMED: 400,
    Reason.UNKNOWN_KIND: 404,
    Reason.OVERSIZED: 413,
    Reason.FORBIDDEN_TOPIC: 403,
    Reason.ID_REUSED: 422,
    Reason.NOT_ALLOWED: 403,
    Reason.NOT_YOURS: 403,
    Reason.OVER_QUOTA: 429,
    Reason.UNKNOWN_SHOP: 404,
    Reason.UNKNOWN_ORDER: 404,
    Reason.DUPLICATE_ORDER: 409,
    Reason.UNKNOWN_RIDER: 404,
    Reason.UNKNOWN_SKU: 404,
    Reason.UNKNOWN_LABEL: 404,
    Reason.NOT_OFFERED: 409,
    Reason.TOO_LATE: 409,
    Reason.OUT_OF_SEQUENCE: 409,
    Reason.WRONG_CODE: 409,
    Reason.OUT_OF_AREA: 422,
    Reason.UNREACHABLE: 409,
    Reason.OVER_CAPACITY: 503,
    Reason.DISK_FULL: 503,
    Reason.OVERLOADED: 503,
}
"""429 and 503 are what the node itself can mend. What another one has to mend, such as an order that is not placed yet,
is 4xx, with `again`."""

_WAITS_S: Final[dict[str, int]] = {
    Reason.OVER_QUOTA: 1,
    Reason.OVERLOADED: 1,
    Reason.NOT_OFFERED: 5,
    Reason.UNKNOWN_ORDER: 5,
    Reason.DISK_FULL: 30,
    Reason.OVER_CAPACITY: 30,
}
_WAIT_S: Final = 60
"""Retry-After of the others that time can mend: a person has to change something."""


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Something is wrong with the request, or it came at the wrong time; `detail` is what, and what to do."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)


def refusal(reason: str, receipt: Mapping[str, Any], wait_s: int = 0, *, close: bool = False) -> Response:
    """An event was refused. `receipt` has the fields of its receipt, none where it gets none; `wait_s`: after how long
    to send it again, where that is another time than usual; `close`: the connection ends with it."""
    again = reason in MENDABLE
    title = reason.replace("_", " ").capitalize()
    more = {name: value for name, value in receipt.items() if name not in ("status", "detail")}
    more |= {"type": f"{TYPE}{reason}", "title": title, "reason": reason, "again": again}
    headers = {"retry-after": str(wait_s or _WAITS_S.get(reason, _WAIT_S))} if again else {}
    headers |= {"connection": "close"} if close else {}
    return problem(STATUSES[reason], receipt.get("detail") or title, headers, **more)


def later(status: int, detail: str, wait_s: float) -> Response:
    """Not now; `status` is 429 or 503."""
    return problem(status, detail, {"retry-after": str(max(1, round(wait_s + 0.5)))})
