"""`doorstep central quarantine`: what could not be stored is listed, stored later, or given up; also while it runs."""

import json
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import CliRunner, Result

from central.command import central
from central.ingest.admit import Bounds
from central.store.open import open_reader, open_store
from edge.messages.batches import NO_BATCH, SYNC_BATCH, BatchMessage, Cell, Window, decode_ack, encode, encode_body
from edge.mqtt.seam import Publish
from tests.central.stores import START, ask, hello

FINE = 0x8D309A7A15AB67F
"""A cell of resolution 13."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A centre with a batch that it could not store."""
    (tmp_path / "data").mkdir()
    store = open_store(tmp_path / "data")
    ask(store, hello("n1"))
    body = encode_body([Window("dispatch", START, 60, 7, {"x": 7}, {}, [Cell(FINE, "x", START, START, 7)])])
    message = BatchMessage(
        epoch=1,
        seq=1,
        sha256=sha256(body).digest(),
        previous=NO_BATCH,
        body=zstandard.compress(body),
        history=NO_BATCH,
    )
    publish = Publish("n1", SYNC_BATCH, encode(message), 1, 1)
    outcome = ask(store, publish, lambda: START, Bounds(k_anonymity=2, rows_per_day_max=10**6))
    assert decode_ack(outcome.payload).refused == "quarantined"
    store.close()
    path = tmp_path / "central.toml"
    path.write_text('data_dir = "data"\nk_anonymity = 2\n', encoding="utf-8")
    return path


def call(config: Path, *words: str) -> Result:
    """The command's outcome."""
    return CliRunner().invoke(central, ["quarantine", "--config", str(config), *words])


def node(config: Path) -> dict[str, Any]:
    """What the centre has of the node."""
    reader = open_reader(config.parent / "data")
    (found,) = reader.nodes()
    reader.close()
    return found


def events(config: Path) -> int:
    """That the centre has."""
    reader = open_reader(config.parent / "data")
    (node,) = reader.nodes()
    assert reader.summary(0, 2 * START)["events"] == node["events"]
    reader.close()
    return int(node["events"])


def test_batches_are_listed_with_why(config: Path) -> None:
    """For people, and for programs."""
    shown = call(config)
    assert shown.exit_code == 0
    assert "n1/1/1  2026-01-01 00:00 UTC  bad_body: A cell has resolution 13." in shown.output
    assert "1 batch is kept aside.\nTo store one once its reason is mended: --retry" in shown.output
    (item,) = json.loads(call(config, "--json").output).values()
    assert (item["at"], item["reason"]) == (START, "bad_body")


def test_what_cannot_be_stored_now_either_stays(config: Path) -> None:
    """With why; and a name that is none changes nothing."""
    for name, words in (
        ("n1/1/1", "It cannot be stored now either. A cell has"),
        ("n1/1/2", "is not among the batches"),
    ):
        result = call(config, "--retry", name)
        assert result.exit_code == 1
        assert words in result.output
    assert "1 batch is kept aside." in call(config).output


def test_a_batch_is_stored_after_an_update(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, with its events, while the centre has the store open; the operator finds it among the alarms."""
    monkeypatch.setattr("central.ingest.admit.CELL_RESOLUTIONS", range(4, 15))
    running = open_store(config.parent / "data")
    before = node(config)
    result = call(config, "--retry", "n1/1/1")
    assert (result.exit_code, result.output) == (0, "n1/1/1: It is stored, with 7 events.\n")
    assert call(config, "--retry", "n1/1/1").exit_code == 1
    assert events(config) == 7
    assert "No batch is kept aside." in call(config).output
    running.close()
    after = node(config)
    assert [alarm["kind"] for alarm in after["alarms"]] == ["quarantine_settled", "quarantined"]
    # The operator did it, not the node.
    assert (after["last_seen"], after["refused"]) == (before["last_seen"], before["refused"])


def test_a_batch_is_given_up(config: Path) -> None:
    """Its events are nowhere, which the alarm shows."""
    assert call(config, "--discard", "n1/1/1").output == "n1/1/1: It is discarded.\n"
    assert events(config) == 0
    assert "No batch is kept aside." in call(config).output


def test_a_batch_is_settled_by_the_centres_clock(config: Path) -> None:
    """In a rehearsal, whose clock stands elsewhere: the alarm has the time that the other alarms have."""
    with config.open("a", encoding="utf-8") as file:
        file.write(f"clock_wall_anchor_ms = {START}\nclock_real_anchor_ms = {time.time_ns() // 1_000_000}\n")
    call(config, "--discard", "n1/1/1")
    reader = open_reader(config.parent / "data")
    assert START <= reader.nodes()[0]["alarms"][0]["at"] < START + 600_000
    reader.close()
