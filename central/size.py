"""`doorstep size`: what a centre needs for so many nodes, from what was measured."""

import math
from typing import Final

import click
from msgspec import Struct

SOURCE: Final = "doorstep bench central, 2026-11-30, 2 virtual cores (docs/results.md)"
"""Where the constants below come from."""

NODE_DAY: Final = {"minutes": (609_000, 6_830_000), "hours": (23_000, 308_000), "days": (1_280, 17_400)}
"""Bytes that another node-day takes on SQLite: of a small node, and of a busy one."""

BATCH: Final = (340, 2_810)
"""Bytes of a minute's batch on the wire, likewise, with its envelope."""

COLLECTOR_US, SUMS_US = 332, 240
"""Processor time for a busy batch: of the collector, and of the process that sums up beside it."""

SMALL_ORDERS, BUSY_ORDERS = 28_800, 720_000
"""Orders a day at which a node is as the small, and the busy one of the measurement: 20 and 500 a minute."""

USED: Final = 0.5
"""Of a core's time at most, so that a collector that was away catches up, and another one's nodes fit."""

PACKET: Final = 120
"""Bytes beside a batch: TCP, TLS, MQTT, and the acknowledgement."""

SQLITE_NODES: Final = 10_000
KEPT_DAYS: Final = {"minutes": 7, "hours": 90, "days": 3 * 365}
"""The options' defaults."""

PERIODS: Final = {"minutes": 1_440, "hours": 24, "days": 1}
"""Of a day."""

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")


class Need(Struct, frozen=True):
    """What a fleet needs. Bytes are at most, once everything is kept for as long as it is."""

    batches_per_s: float
    cores: float
    collectors: int
    store: str
    kept: dict[str, float]
    growth: float
    uplink_day: float
    centre_bits_per_s: float


def need(nodes: int, orders_per_day: int) -> Need:
    """For so many nodes, each with so many orders a day."""
    # Between the two that were measured sketches grow with the logarithm of their values. A minute without an order has
    # no batch, an hour without one no row.
    span = math.log(BUSY_ORDERS / SMALL_ORDERS)
    weight = min(max(math.log(max(orders_per_day, 1) / SMALL_ORDERS) / span, 0.0), 1.0)
    share = {tier: 1 - math.exp(-orders_per_day / periods) for tier, periods in PERIODS.items()}
    minutes = share["minutes"]
    node_day = {tier: (small + weight * (busy - small)) * share[tier] for tier, (small, busy) in NODE_DAY.items()}
    batch = BATCH[0] + weight * (BATCH[1] - BATCH[0])
    per_s = nodes * minutes / 60
    cores = per_s * (COLLECTOR_US + SUMS_US) / 1e6
    kept = {tier: nodes * node_day[tier] * days for tier, days in KEPT_DAYS.items()}
    collectors = max(math.ceil(per_s * COLLECTOR_US / 1e6 / USED), 1)
    uplink_day = 1_440 * minutes * (batch + PACKET)
    return Need(
        batches_per_s=per_s,
        cores=cores,
        collectors=collectors,
        store="SQLite" if nodes <= SQLITE_NODES and collectors == 1 else "PostgreSQL",
        kept=kept,
        growth=nodes * node_day["days"],
        uplink_day=uplink_day,
        centre_bits_per_s=8 * nodes * uplink_day / 86_400,
    )


@click.command(short_help="Estimate what a centre needs for so many nodes.")
@click.option("--nodes", type=click.IntRange(1, 100_000_000), required=True, help="How many.")
@click.option("--orders-per-day", type=click.IntRange(1, 10_000_000), required=True, help="Of each node.")
def size(nodes: int, orders_per_day: int) -> None:
    """Estimate collectors, the database by tier and its growth, and the uplink's bandwidth, from measured constants.

    \b
    Examples:
      doorstep size --nodes 100 --orders-per-day 2000
      doorstep size --nodes 10000 --orders-per-day 500
    """
    found = need(nodes, orders_per_day)
    click.echo(f"{nodes:,} nodes with {orders_per_day:,} orders a day each: {found.batches_per_s:,.1f} batches/s")
    click.echo(f"  collectors      {found.collectors} on {found.store}; {found.cores:.2f} cores in all")
    for tier, kept in found.kept.items():
        click.echo(f"  {tier:<15} {amount(kept)} for {KEPT_DAYS[tier]} days")
    click.echo(f"  database        {amount(sum(found.kept.values()))}; then {amount(found.growth)} a day come and go")
    click.echo(
        f"  uplink          {amount(found.uplink_day)} a node and day; {found.centre_bits_per_s / 1e6:,.2f} Mbit/s here"
    )
    click.echo(f"Measured: {SOURCE}.")


def amount(count: float) -> str:
    """Bytes, in three digits or so."""
    power = min(int(math.log(count, 1000)), len(_UNITS) - 1) if count >= 1 else 0
    return f"{count / 1000**power:,.3g} {_UNITS[power]}"
