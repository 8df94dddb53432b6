"""Of central.alerts.observed: what a store has that is worth an alert, and for how long; on both engines."""

import msgspec

from central.alerts.conditions import HAPPENED_MS, LEDGER_MS, Condition
from central.alerts.observed import ROLLOUT_MS, observed
from central.ingest.verify import Alarm
from central.store.open import open_driver
from edge.messages.sync.ledger import ShopDay
from tests.central.stores import START, Place

DAY = ShopDay(shop="noodle-bar", date="2026-01-31", at=START, here=3, there=3, missing_here=1)


def test_what_the_store_has_is_news_for_a_while(place: Place) -> None:
    """Alarms of collectors for an hour, differences of ledgers for a day, a roll-out that went back until another one
    of its group, or for a week."""
    store = place.store()
    store.alarm("n1", Alarm("batches_lost", "It is restored.", 7), START)
    store.alarm("n1", Alarm("no_progress", "It stands still."), START)
    run = store.driver.run
    run(
        "insert into ledger(node, date, shop, at, message) values(?, ?, ?, ?, ?)",
        ("n1", DAY.date, DAY.shop, START, msgspec.msgpack.encode(DAY)),
    )
    columns = "id, fleet, options, signature, signer, stages, deadline_ms, at, state, why, stage, changed_at"
    values = ("all", "", b"", b"", "1,all", 1, START, "failed", "n2 went back: it has a problem.", 0, START)
    insert = f"insert into rollout({columns}) values({', '.join('?' * 12)})"
    run(insert, (3, *values))
    reader = open_driver(place.where, place.password, readonly=True)
    data, ledger = (
        Condition("data", "n1", "batches_lost", "7 events"),
        Condition("ledger", "n1", "noodle-bar 2026-01-31"),
    )
    rollout = Condition("rollout", "n2", "3")

    def keys(now: int) -> set[tuple[str, str, str]]:
        return {each.key for each in observed(reader, [], now)}

    assert keys(START) == {data.key, ledger.key, rollout.key}
    assert data in observed(reader, [], START)
    assert keys(START + HAPPENED_MS + 1) == {ledger.key, rollout.key}
    assert keys(START + LEDGER_MS + 1) == {rollout.key}
    assert keys(START + ROLLOUT_MS + 1) == set()
    run(insert, (4, *values[:7], "running", *values[8:]))
    assert rollout.key not in keys(START)
    reader.close()
    store.close()
