"""sdk/protocol/vectors: a real node answers each message as the files have it, over MQTT 5 and 3.1.1."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from doorstep_client import Client
from edge.core.decode import Catalog
from edge.errors import Reason
from edge.messages.envelope import is_json, loose
from edge.mqtt.server.acks import WITHHELD
from edge.scenarios.loader import DEFAULT, load
from tests.repo.project import ROOT
from tests.sdk.conversation import conversation, holds, payload_of, running_node

FOLDER = ROOT / "sdk/protocol/vectors"
STORIES: dict[str, Any] = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize(("v5", "broker"), [(True, False), (False, False), (True, True)])
@pytest.mark.parametrize("name", STORIES)
def test_a_node_answers_as_the_vectors_have_it(tmp_path: Path, name: str, v5: bool, broker: bool) -> None:
    """PUBACK, receipt, and what others receive, step by step, and no other receipt; a repeat gets the same
    bytes. Only 5.0 has codes; a broker of others has its own, and keeps everybody from topics of others."""
    story = STORIES[name]
    receipts: dict[str, bytes] = {}
    rationed: list[dict[str, Any]] = []
    with conversation(tmp_path, story["clients"], story["clock"], story["options"], v5=v5, broker=broker) as clients:
        for step in story["steps"]:
            if broker and "below" in step:
                continue
            client = clients[step["client"]]
            qos = step.get("qos", 1)
            code = client.phone.publish(step["kind"], payload_of(step), qos=qos, below=step.get("below", ""))
            assert broker or code == (step.get("puback", 0) if v5 else 0), step["about"]
            expected = step.get("receipt")
            if step.get("rationed"):
                rationed.append(expected)
            elif expected is not None:
                receipt = client.take("receipt", expected)
                assert loose(receipt).get("again", False) == expected.get("again", False), step["about"]
                assert is_json(receipt) == (step.get("answers_in") != "msgpack"), step["about"]
                assert receipts.setdefault(step.get("repeats", step["about"]), receipt) == receipt
                if "repeats" not in step and "id" in expected:
                    receipts[expected["id"]] = receipt
            for answer in step.get("then", ()):
                clients[answer["client"]].take(answer["kind"], answer["has"])
        left = [loose(receipt) for client in clients.values() for receipt in client.left("receipt")]
    assert all(any(holds(receipt, each) for each in rationed) for receipt in left)
    assert bool(left) == bool(rationed)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
@pytest.mark.parametrize("name", STORIES)
async def test_the_python_client_gets_the_receipts_of_the_vectors(tmp_path: Path, name: str, encoding: str) -> None:
    """Of each message that it can send, in either encoding; a repeat gets the same bytes."""
    story = STORIES[name]
    receipts: dict[str, bytes] = {}
    async with AsyncExitStack() as stack:
        conversed = running_node(tmp_path, story["clients"], story["clock"], story["options"])
        site = await asyncio.to_thread(stack.enter_context, conversed)
        clients = {
            each: await stack.enter_async_context(
                Client(site.url, node=site.node_name, name=each, token=site.tokens[each], encoding=encoding)
            )
            for each in story["clients"]
        }
        for step in story["steps"]:
            if "payload" not in step or "below" in step or step.get("qos") == 0 or step.get("rationed"):
                continue
            receipt = await clients[step["client"]].send(step["kind"], step["payload"])
            assert holds(receipt.body, step["receipt"]), (step["about"], receipt.body)
            assert receipts.setdefault(step.get("repeats", step["about"]), receipt.payload) == receipt.payload
            receipts.setdefault(receipt.id, receipt.payload)


def test_the_vectors_have_each_kind_and_each_reason() -> None:
    """But for the reasons of a node without room or time, where a few messages cannot bring it."""
    steps = [step for story in STORIES.values() for step in story["steps"]]
    assert {step["kind"] for step in steps} >= Catalog(load(DEFAULT)).kinds.keys()
    reasons = {receipt["reason"] for step in steps if (receipt := step.get("receipt")) and "reason" in receipt}
    assert reasons == {str(reason) for reason in Reason} - {str(reason) for reason in WITHHELD}
    assert len({step["about"] for step in steps}) == len(steps)
