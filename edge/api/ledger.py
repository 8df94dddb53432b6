"""`POST /v1/ledger`: a shop's ledger as JSON against the node's record, as `doorstep ledger` does with a file."""

import asyncio
from collections.abc import Callable
from datetime import timedelta, timezone, tzinfo
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from ..errors import InputError, Reason
from ..ledger.audit import ShopUnknown, audit
from ..ledger.compare import Comparison, Difference
from ..ledger.entries import Line
from ..limits import AMOUNT_CENTS_MAX, LEDGER_AT_MS_MAX, LEDGER_ORDERS_MAX
from ..messages import tolerance
from ..messages.envelope import Identifier
from ..messages.sentences import fault
from ..messages.sync.ledger import ShopDay
from .access import Caller
from .bodies import check_json, read_bounded
from .problems import later, problem, refusal

BODY_BYTES_MAX: Final = 1024 * 1024
"""Of one request: LEDGER_ORDERS_MAX orders have some 100 bytes each."""

BUSY_S: Final = 10.0
"""One ledger is compared at a time: it reads the journal, beside the node's own work."""

ROLES: Final = ("shop", "dispatcher")


class Sold(Struct, frozen=True, kw_only=True):
    """An order in the ledger."""

    order: Identifier
    at: Annotated[int, Meta(ge=0, le=LEDGER_AT_MS_MAX)] | None = None
    amount_cents: Annotated[int, Meta(ge=0, le=AMOUNT_CENTS_MAX)] | None = None


class Ledger(Struct, frozen=True, kw_only=True):
    """A shop's ledger. Its days are those at `utc_offset_min` from UTC."""

    orders: Annotated[list[Sold], Meta(min_length=1, max_length=LEDGER_ORDERS_MAX)]
    shop: Identifier | None = None
    utc_offset_min: Annotated[int, Meta(ge=-720, le=840)] = 0


class Answer(Struct, frozen=True):
    """As `doorstep ledger --json` has it; `line` counts the orders of the request, from 1 on."""

    days: list[ShopDay]
    differences: list[Difference]
    before: int
    unpriced: int


class LedgerDoor:
    """Of one node, whose data directory is `folder`. `wall_ms` is its clock (Unix ms)."""

    def __init__(self, folder: Path, wall_ms: Callable[[], int]) -> None:
        self._folder, self._wall_ms = folder, wall_ms
        self._is_busy = False

    async def compare(self, request: Request) -> Response:
        """The answer to a ledger. Raises BadBody."""
        caller: Caller = request.scope["caller"]
        if set(ROLES).isdisjoint(caller.grant.roles):
            return refusal(Reason.NOT_ALLOWED, {"detail": f"it needs the role {' or '.join(ROLES)}"})
        check_json(request)
        payload = await read_bounded(request, BODY_BYTES_MAX)
        try:
            ledger = msgspec.convert(tolerance.loaded(payload, True), Ledger)
        except (*tolerance.ERRORS, msgspec.ValidationError) as error:
            where, why = fault(error)
            return refusal(Reason.MALFORMED, {"field": where, "detail": why} if where else {"detail": why})
        own = caller.sees_as.shop if "dispatcher" not in caller.grant.roles else ""
        if own and ledger.shop not in (None, own):
            return refusal(Reason.NOT_ALLOWED, {"field": "shop", "detail": f"a shop compares its own ledgers: {own}"})
        zone = timezone(timedelta(minutes=ledger.utc_offset_min))
        if self._is_busy:
            return later(429, "Another ledger is being compared. Send it again.", BUSY_S)
        self._is_busy = True
        try:
            found = await asyncio.to_thread(self._audit, ledger, ledger.shop or own, zone)
        except ShopUnknown as error:
            return refusal(Reason.UNKNOWN_SHOP, {"field": "shop", "detail": str(error)})
        except InputError as error:
            return problem(500, str(error))
        finally:
            self._is_busy = False
        body = msgspec.json.encode(Answer(found.days, found.differences, found.before, found.unpriced))
        return Response(body, media_type="application/json")

    def _audit(self, ledger: Ledger, shop: str, zone: tzinfo) -> Comparison:
        lines = [Line(number, each.order, each.at, each.amount_cents) for number, each in enumerate(ledger.orders, 1)]
        return audit(self._folder, lines, shop, zone, self._wall_ms())
