"""Tests of bench.dev.recording."""

import json
from pathlib import Path
from typing import Any

from bench.dev.recording import STEPS_MAX, Recording


def message(client: str, up: bool, kind: str, qos: int = 1, **body: Any) -> dict[str, Any]:
    """One that went by."""
    return {"client": client, "up": up, "kind": kind, "qos": qos, "body": body}


def recorded(tmp_path: Path, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps after these messages."""
    recording = Recording(tmp_path / "r.json", {"alice": "customer", "rider": "rider"})
    for each in messages:
        recording.take(each)
    return json.loads((tmp_path / "r.json").read_text())["steps"] if (tmp_path / "r.json").exists() else []


def test_a_step_has_its_receipt_and_what_followed(tmp_path: Path) -> None:
    """The receipt by the event's id; what others got, once, without times."""
    place = message("alice", True, "order.place", id="p-1", at=1, order="o-1")
    receipt = message("alice", False, "receipt", id="p-1", of="order.place", status="accepted", at=7)
    update = message("rider", False, "assignment", order="o-1", state="offered", answer_by=9)
    (step,) = recorded(tmp_path, place, receipt, update, update)
    assert step["receipt"] == {"id": "p-1", "of": "order.place", "status": "accepted"}
    assert step["then"] == [{"client": "rider", "kind": "assignment", "has": {"order": "o-1", "state": "offered"}}]


def test_what_is_sent_again_is_one_step(tmp_path: Path) -> None:
    """The same id twice; positions, without one, are a step each."""
    place = message("alice", True, "order.place", id="p-1", at=1)
    position = message("rider", True, "rider.position", qos=0, points=[[1, 2.0, 3.0]])
    steps = recorded(tmp_path, place, place, position, position)
    assert [step["kind"] for step in steps] == ["order.place", "rider.position", "rider.position"]
    assert [step.get("qos", 1) for step in steps] == [1, 0, 0]


def test_unknown_clients_and_bytes_are_left_out(tmp_path: Path) -> None:
    """A client that no page has, and a payload that is no JSON."""
    assert (
        recorded(tmp_path, message("eve", True, "order.place", id="x"), {**message("alice", True, "x"), "body": "?"})
        == []
    )


def test_a_recording_has_an_end(tmp_path: Path) -> None:
    """Beyond the bound nothing is added."""
    recording = Recording(tmp_path / "r.json", {"alice": "customer"})
    recording._steps = [{"payload": {}}] * STEPS_MAX
    recording.take(message("alice", True, "order.place", id="p-1"))
    assert len(recording._steps) == STEPS_MAX
