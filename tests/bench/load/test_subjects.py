"""What is measured, over every transport: the bare echo, the echo at a Mosquitto, the node."""

import os
from pathlib import Path

import pytest

from bench.lab.process import cpu_s
from bench.lab.programs import make_certificates
from bench.load.client.openloop import Outcome, Round, due_times
from bench.load.client.workload import EVENTS_PER_ORDER, Workload, riders, tills
from bench.load.subjects import TRANSPORTS, bare_echo, broker_echo, mosquitto, node
from edge.errors import DoorstepError

ORDERS = 20


async def _orders(workload: Workload) -> Outcome:
    try:
        return await Round(workload, 0, due_times(40, ORDERS / 40, 1)).run()
    finally:
        workload.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_node_assigns_every_order(tmp_path: Path, transport: str) -> None:
    """Each order reaches a rider once, over each transport, and the node counts three durable events for it."""
    certificates = make_certificates(tmp_path) if transport == "tls" else None
    names = [*tills(3), *riders(4)]
    async with node(tmp_path / "node", names, transport, certificates) as subject:
        workload = await Workload.at_node(subject.door, 3, 4, passwords=True)
        outcome = await _orders(workload)
        assert (outcome.answered, outcome.lost, outcome.duplicates, outcome.refused) == (ORDERS, 0, 0, 0)
        status = await subject.status()
        assert status["counts"]["accepted"] >= 4 + (EVENTS_PER_ORDER - 1) * ORDERS
        assert status["counts"]["refused"] == {}


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_both_echoes_answer_every_order(tmp_path: Path, transport: str) -> None:
    """The floor and Mosquitto's echo send back each order once, over each transport."""
    certificates = make_certificates(tmp_path) if transport == "tls" else None
    async with (
        bare_echo(tmp_path, transport, certificates) as floor,
        mosquitto(tmp_path / "mosquitto", transport, certificates) as broker,
        broker_echo(tmp_path, broker) as through,
    ):
        assert len(through.cpu_s()) == 2
        for subject in (floor, through):
            outcome = await _orders(await Workload.at_echo(subject.door, 3))
            assert (outcome.answered, outcome.lost, outcome.duplicates) == (ORDERS, 0, 0)


async def test_a_wrong_password_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    """A client that is not let in is named, and nothing waits for it."""
    async with node(tmp_path / "node", ["till-0"]) as subject:
        with pytest.raises(DoorstepError, match="rider-0 failed"):
            await Workload.at_node(subject.door, 1, 1, passwords=True)


def test_processor_time_only_grows() -> None:
    """/proc's account of this process is read as seconds."""
    before = cpu_s(os.getpid())
    sum(number * number for number in range(200_000))
    assert 0 < before <= cpu_s(os.getpid())
