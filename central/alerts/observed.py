"""What the store has that conditions come from, beside how each node is."""

from typing import Final

import msgspec

from edge.messages.sync.ledger import ShopDay

from ..fleet.health import NodeHealth
from ..store.engine.driver import Driver
from .conditions import HAPPENED_MS, LEDGER_MS, Condition, Raised, WentBack, conditions

ROLLOUT_MS: Final = 7 * 86_400_000
"""A roll-out that went back is old news after a week, also where no other one followed."""

ROWS_MAX: Final = 10_000
"""Of each question: one condition for each node of the largest fleet."""

_ROLLOUTS: Final = (
    "select r.id, r.why from rollout r where r.id > 0 and r.state = 'failed' and r.changed_at >= ?"
    " and r.id = (select max(id) from rollout where fleet = r.fleet)"
)

_decode_day = msgspec.msgpack.Decoder(ShopDay).decode


def observed(driver: Driver, fleet: list[NodeHealth], now_ms: int) -> list[Condition]:
    """Every condition at `now_ms` (Unix ms). Errors are those of the driver."""
    with driver.reading():
        raised = driver.rows(
            "select node, kind, events from alarm where at >= ? order by node, id limit ?",
            (now_ms - HAPPENED_MS, ROWS_MAX),
        )
        went_back = driver.rows(_ROLLOUTS, (now_ms - ROLLOUT_MS,))
        ledgers = driver.rows(
            "select node, message from ledger where at >= ? order by node, date, shop limit ?",
            (now_ms - LEDGER_MS, ROWS_MAX),
        )
    return conditions(
        fleet,
        [Raised(*row) for row in raised],
        [WentBack(number, why.split(" ", 1)[0]) for number, why in went_back],
        [(node, _decode_day(message)) for node, message in ledgers],
    )
