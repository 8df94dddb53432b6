"""The body of a request that carries an event: read within its bounds, and the id of the event found."""

import asyncio
import re
from typing import Any, Final, NamedTuple, cast

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ..errors import Reason
from ..limits import NAME_PATTERN, PAYLOAD_BYTES_MAX
from ..messages import tolerance
from ..messages.sentences import NAME_RULE
from .problems import problem, refusal

BODY_S_MAX: Final = 10.0
"""From the head of a request to the end of its body."""

_NAME: Final = re.compile(NAME_PATTERN)
_KEY: Final = re.compile(rf'(?P<quote>"?)(?P<name>{NAME_PATTERN[2:-2]})(?P=quote)')
"""The drafts of its standard have the key in quotes, and many clients have not."""

_CLOSE: Final = {"connection": "close"}  # with what is left of the body unread


class BadBody(Exception):
    """A body that is no event: what to answer, and under which reason it counts."""

    def __init__(self, answer: Response, reason: Reason = Reason.MALFORMED) -> None:
        super().__init__(reason)
        self.answer, self.reason = answer, reason


class Body(NamedTuple):
    """The payload as a publish would have it, and the id of the event, empty where its kind has none."""

    payload: bytes
    id: str


async def read_event(request: Request, *, has_id: bool) -> Body:
    """The event in a request. Its id is in the body, in Idempotency-Key, or the same in both. Raises BadBody."""
    check_json(request)
    payload = await read_bounded(request, PAYLOAD_BYTES_MAX)
    try:
        values: Any = tolerance.loaded(payload, True)
    except tolerance.ERRORS:
        values = None
    if not isinstance(values, dict):
        raise BadBody(_malformed("", "the body is not one JSON object"))
    if not has_id:
        return Body(payload, "")
    return _named(payload, cast(dict[str, Any], values), request.headers.getlist("idempotency-key"))


def _named(payload: bytes, values: dict[str, Any], headers: list[str]) -> Body:
    if len(headers) > 1:
        raise BadBody(_malformed("Idempotency-Key", "it is there more than once: give one id"))
    found = _KEY.fullmatch(headers[0]) if headers else None
    if headers and found is None:
        raise BadBody(_malformed("Idempotency-Key", f"a name is expected for the event: {NAME_RULE}"))
    key = found["name"] if found is not None else None
    given = values.get("id", key)
    if not isinstance(given, str) or not _NAME.fullmatch(given):
        raise BadBody(_malformed("id", f"a name is expected for the event, here or in Idempotency-Key: {NAME_RULE}"))
    if key is not None and given != key:
        raise BadBody(_malformed("id", "Idempotency-Key has another id: give one of them"))
    if "id" not in values:
        payload = msgspec.json.encode({"id": given, **values})
    return Body(payload, given)


def check_json(request: Request) -> None:
    """Raises BadBody where a request has something else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadBody(problem(415, "Send it as one JSON object, with content-type: application/json.", _CLOSE))


async def read_bounded(request: Request, most: int) -> bytes:
    """The body, of `most` bytes. Raises BadBody."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise _oversized(most)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise _oversized(most)
    except TimeoutError:
        text = f"The body was not whole after {BODY_S_MAX:g} s."
        raise BadBody(problem(408, text, _CLOSE)) from None
    except ClientDisconnect:
        raise BadBody(problem(400, "The body ends too soon.", _CLOSE)) from None
    return bytes(body)


def _malformed(field: str, detail: str) -> Response:
    return refusal(Reason.MALFORMED, {"field": field, "detail": detail} if field else {"detail": detail})


def _oversized(most: int) -> BadBody:
    answer = refusal(Reason.OVERSIZED, {"detail": f"at most {most} bytes are taken here"}, close=True)
    return BadBody(answer, Reason.OVERSIZED)
