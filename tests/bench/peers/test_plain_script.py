"""The job itself, as the two others do it: the same messages lead to the same answers."""

import json
import subprocess
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from bench.peers import plain_script
from bench.peers.node_red import FUNCTION

Message = tuple[str, str, dict[str, Any]]
Answer = tuple[str, dict[str, Any]] | None

# A flow's context and the function node around its code, for Node.js alone.
HARNESS = """
const store = {}, flow = {get: (k) => store[k], set: (k, v) => { store[k] = v; }};
const {code, messages} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const run = new Function('msg', 'flow', code);
console.log(JSON.stringify(messages.map(([client, kind, payload]) =>
    run({topic: `ds/bench/up/${client}/${kind}`, payload}, flow))));
"""


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """The script's state is its module's."""
    plain_script.riders.clear()
    plain_script.busy.clear()
    plain_script.waiting.clear()


def shift(rider: str, lat: float) -> Message:
    return rider, "rider.shift", {"id": f"s-{rider}", "at": 1, "place": {"lat": lat, "lon": 121.0}}


def order(number: int, lat: float) -> Message:
    place = {"lat": lat, "lon": 121.0}
    return (
        "till",
        "order.place",
        {"id": f"o{number}", "at": 2, "order": f"o{number}", "pickup": place, "dropoff": place},
    )


def delivered(rider: str, order: str = "any") -> Message:
    return rider, "rider.progress", {"id": f"d-{rider}", "at": 3, "order": order, "step": "delivered"}


def day() -> list[Message]:
    """Five riders, thirty orders, and deliveries in between: at times nobody is free."""
    dice = Random(1)
    messages = [shift(f"r{number}", number * 0.1) for number in range(5)]
    for number in range(30):
        messages.append(order(number, dice.random()))
        messages.append(
            ("r0", "rider.reply", {"id": f"a{number}", "at": 3, "order": "any", "offer": 1, "accept": True})
        )
        if dice.random() < 0.7:
            messages.append(delivered(f"r{dice.randrange(5)}"))
    return messages


def answers(messages: list[Message]) -> list[Answer]:
    return [plain_script.handle(*message) for message in messages]


def test_the_nearest_free_rider_gets_the_order() -> None:
    """Of two free riders the nearer one; while that one is busy the other; then whoever becomes free."""
    output = answers(
        [shift("near", 1.0), shift("far", 2.0), order(1, 1.1), order(2, 1.1), order(3, 1.1), delivered("far")]
    )
    assert [one[0] for one in output if one] == [
        "near/receipt", "far/receipt", "near/assignment", "far/assignment", "far/assignment",
    ]  # fmt: skip
    assert output[4] is None
    assert output[5] is not None
    assert output[5][1]["order"] == "o3"


def test_node_red_does_exactly_the_same(program: Callable[[str], str]) -> None:
    """The flow's function node gives, message for message, what the script gives; and to the centre the order."""
    messages = day()
    given = json.dumps({"code": FUNCTION.read_text(encoding="utf-8"), "messages": messages})
    done = subprocess.run([program("node"), "-e", HARNESS], input=given, capture_output=True, text=True, check=True)
    both = json.loads(done.stdout)
    theirs = [one and (one["topic"].removeprefix("ds/bench/down/"), one["payload"]) for one, _ in both]
    ours = answers(messages)
    assert theirs == ours
    assert [decided and decided["payload"] for _, decided in both] == [one and one[1].get("order") for one in ours]
    assert sum(one is not None and one[0].endswith("assignment") for one in ours) > 15
