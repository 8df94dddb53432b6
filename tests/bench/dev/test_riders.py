"""Tests of bench.dev.riders, with a real node."""

import asyncio
from pathlib import Path

from bench.dev import riders
from bench.lab.site import Site
from doorstep_client import Client


async def test_a_robot_brings_an_order_to_its_door(tmp_path: Path, monkeypatch) -> None:
    """From the offer to the delivery, step by step."""
    monkeypatch.setattr(riders, "SERVICE_S", 0.05)
    monkeypatch.setattr(riders, "REPLY_S", 0.05)
    monkeypatch.setattr(riders, "SPEED_MPS", 60.0)
    with Site(tmp_path, "dev").configure((), {"anonymous": True, "shops": ["*"]}, centre=False) as site:
        await asyncio.to_thread(site.start)
        robot = asyncio.create_task(riders.ride(site.url, "dev", 1))
        async with Client(site.url, node="dev", name="alice") as alice:
            place = {"lat": riders.SHOP[0], "lon": riders.SHOP[1]}
            door = {"lat": riders.SHOP[0] + 0.001, "lon": riders.SHOP[1]}
            order = alice.send("order.place", order="o-1", shop="s", prep_s=0, pickup=place, dropoff=door)
            assert (await order).status == "accepted"
            states: list[str] = []
            async with asyncio.timeout(90):
                async for answer in alice.answers():
                    states.append(answer.body["state"])
                    if states[-1] == "delivered":
                        break
        robot.cancel()
        await asyncio.gather(robot, return_exceptions=True)
    assert [state for state in states if state != "placed"] == [
        "offered",
        "accepted",
        "at_shop",
        "picked_up",
        "delivered",
    ]
