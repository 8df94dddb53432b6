"""Phones that survive their network, and what is reported of it."""

import asyncio
from pathlib import Path
from time import perf_counter

import pytest

from bench.load.subjects import node
from bench.phone.district import STAGES, District, Network, Tap, waterfall
from bench.phone.measure import Plan, networks

ORDERS = 12


def test_every_order_survives_cut_connections(tmp_path: Path) -> None:
    """Connections that are reset in the middle of everything lose no order and decide none twice."""
    district = District(Network(rtt_ms=20), 0, 3, 4, 1)

    async def main() -> int:
        async with node(tmp_path / "node", [*district.names, *district.rider_names]) as subject:
            try:
                await district.open(subject.door.port)
                assert district.proxy is not None
                for number in range(ORDERS):
                    district.tap(number, perf_counter())
                    if number % 4 == 3:
                        district.proxy.reset()
                    await asyncio.sleep(0.03)
                await district.settle(20)
                counts = (await subject.status())["counts"]
                assert counts["refused"] == {}
            finally:
                await district.close()
        return counts["accepted"]

    accepted = asyncio.run(main())
    report = district.report(1.0)
    assert (report["orders"], report["lost"]) == (ORDERS, 0)
    assert report["reconnects"] >= 3
    assert accepted >= 4 + ORDERS  # the shifts, and each order once: replies may be under way still


def test_the_waterfall_divides_the_whole_time() -> None:
    """Stages add up to the time from the tap to the arrival, also where the node's stamp is a rounded one."""
    taps = [Tap(10.0, 10.1, 10.3, 10.35, 10.6), Tap(10.0, 10.0, 9.9995, 9.9995, 10.2)]
    for tap in taps:
        stages = waterfall([tap], 2.0)
        assert tuple(stages) == STAGES
        assert all(value >= 0 for value in stages.values())
        assert sum(stages.values()) == pytest.approx((tap.arrived - tap.due) * 1000)
    assert waterfall([taps[0]], 2.0)["rider"] == pytest.approx(50)
    assert set(waterfall([], 2.0).values()) == {0.0}


def test_every_round_trip_meets_every_share_of_stalls() -> None:
    """And one network has the dead spot, unless none is wanted."""
    found = networks(Plan())
    assert len({network.name for network in found}) == len(found) == 3 * 3 + 1
    assert [network.dead_spot_s for network in found if network.dead_spot_s] == [10.0]
    assert len(networks(Plan(dead_spot_s=0.0))) == 9
