"""The benchmark's decisions against those of a node process, one by one."""

from pathlib import Path

from msgspec.structs import replace

from bench.demo.district.instance import Instance
from bench.dispatch.generated import Case, district
from bench.dispatch.node.comparison import NOTHING, compare, difference, through_node
from bench.dispatch.node.tape import Messages, record
from tests.bench.dispatch.days import ALONE

SCARCE = district(Case(14, 8, 0.0))
"""60 orders of one shop in two and a half hours, and eight riders: some trips have two or three orders."""


def test_a_node_process_decides_as_the_benchmark_does(tmp_path: Path) -> None:
    """A day given to a real node over MQTT, at the same times: each order has the same rider, the same place in its
    trip and the same promise, and each message to each client is the same, field by field. The day has something to
    decide: trips of several orders, for all riders."""
    found = compare(SCARCE, tmp_path / "node")
    assert found.first == ""
    assert found.different == {}
    assert "60 orders" in found.sentence()
    assert found.messages > 8 * len(found.decided)
    assert {1, 2} <= {each.position for each in found.decided.values()}
    assert all(each.promise and each.riders and each.position for each in found.decided.values())
    assert len({each.riders[-1] for each in found.decided.values()}) == 8


def test_a_node_that_is_configured_otherwise_decides_otherwise(tmp_path: Path) -> None:
    """The comparison can fail: a node with slower riders promises later, and the first difference is named."""
    rounds, rules = record(ALONE)
    ours = _sent(ALONE)
    found = difference(ours, through_node(rounds, replace(rules, speed_mps=rules.speed_mps / 2), tmp_path / "node"))
    assert list(found.different) == ["o1"]
    mine, its = found.different["o1"]
    assert mine.promise is not None
    assert its.promise is not None
    assert mine.promise.dropoff_at < its.promise.dropoff_at
    assert "1 orders are decided otherwise" in found.sentence()
    assert "OrderReceipt" in found.first


def test_what_is_missing_or_too_much_is_different() -> None:
    """A message that one side did not send, or sent in another sequence, is a difference, for whichever client."""
    ours = _sent(ALONE)
    client, sent = max(ours.items(), key=lambda each: len(each[1]))
    assert len(sent) > 1
    for theirs in (sent[:-1], [*sent, sent[-1]], [*sent[:-2], sent[-1], sent[-2]]):
        assert client in difference(ours, {**ours, client: theirs}).first
    assert difference(ours, {}).different["o1"][1] == NOTHING
    assert difference({}, {}).same


def _sent(instance: Instance) -> Messages:
    found: Messages = {}
    for each in record(instance)[0]:
        for client, kind, body in each.messages():
            found.setdefault(client, []).append((kind, body))
    return found
