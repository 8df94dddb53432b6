"""How roll-outs go, and how a person ends one, on both engines."""

from collections.abc import Iterator

import pytest

from central.rollout import rollouts
from central.rollout.progress import Progress, counting, end, newest, options_of, places, running
from central.rollout.rollouts import Rollouts
from central.store.store import Store
from edge.errors import DoorstepError
from edge.messages.sync.settings import SETTINGS_STATE, SettingsState, decode_offer, encode
from edge.mqtt.seam import Publish
from tests.central.stores import START, Place, ask, hello

HOUR_MS = 3_600_000
NODES = ("n-1", "n-2", "n-3", "n-4")
INTO = "insert into placed(node, rollout, at) values(?, ?, ?)"


def begin(store: Store, number: int, state: str, *nodes: str, at: int = START) -> None:
    """A version with these nodes in it since `at`."""
    values = (number, "all", f"# {number}", b"", b"", "1,50%,all", HOUR_MS, at, state, "", 1, at, "mei")
    with store.driver.transaction():
        store.driver.run(f"insert into rollout values({', '.join('?' * 13)})", values)
        store.driver.run_many(INTO, [(node, number, at) for node in nodes])


def report(store: Store, node: str, at: int = START, **state: object) -> int | None:
    """A node's word; the version that it is offered then."""
    message = encode(SettingsState(at=1, **state))  # type: ignore[arg-type]
    answer = Rollouts(store).reported(Publish(node, SETTINGS_STATE, message, 1, 1), at)
    return decode_offer(answer.payload).version if answer.payload else None


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """Version 1 counts for all; of version 2 one node refuses, one is healthy, one waits, one was always silent."""
    made = place.store()
    for node in NODES:
        ask(made, hello(node))
        report(made, node)
    begin(made, 0, "done")
    begin(made, 1, "done", *NODES, at=START - HOUR_MS)
    begin(made, 2, "running", *NODES[:3])
    with made.driver.transaction():
        made.driver.run(INTO, (NODES[3], 2, START - 2 * HOUR_MS))
    report(made, "n-1", version=1, about=2, outcome="refused", detail="no")
    report(made, "n-2", version=2, sha256="a" * 64, about=2, outcome="healthy")
    report(made, "n-3", version=1)
    report(made, "n-4", version=1)
    yield made
    made.close()


def look(store: Store) -> list[Progress]:
    """All of them, the newest first."""
    with store.driver.reading():
        return newest(store.driver, START + 1, 10)


def test_each_node_is_counted_where_it_stands(store: Store) -> None:
    """As the stages see it; what waits has an end, which is that of the last one."""
    second, first = look(store)
    assert second.counts == {"failed": 1, "silent": 1, "waiting": 1, "left": 0, "healthy": 1}
    assert (second.id, second.state, second.stage, second.started_by) == (2, "running", 1, "mei")
    assert (second.due_at, first.due_at) == (START + HOUR_MS, None)
    assert sum(first.counts.values()) == 4
    with store.driver.reading():
        stands = {each.node: each for each in places(store.driver, START + 1, 2, 10)}
        page = places(store.driver, START + 1, 2, 2, "n-2")
        assert options_of(store.driver, 2) == "# 2"
        assert places(store.driver, START, 99, 10) == []
        assert newest(store.driver, START, 10, 2)[0].id == 1
    assert [each.state for each in stands.values()] == ["failed", "healthy", "waiting", "silent"]
    assert (stands["n-1"].outcome, stands["n-1"].detail, stands["n-1"].version) == ("refused", "no", 1)
    assert (stands["n-2"].sha256, stands["n-3"].outcome) == ("a" * 64, "")
    assert [each.node for each in page] == ["n-3", "n-4"]


def test_each_version_keeps_what_it_was_refused_by(store: Store) -> None:
    """Also when a later one was reported on; who had it, and has another one since, is not called silent."""
    driver = store.driver
    report(store, "n-3", version=1, about=2, outcome="rolled_back", detail="worse")
    with driver.transaction():
        driver.run("update rollout set state = 'failed', why = 'n-1 has refused it: no' where id = 2")
    begin(store, 3, "done", *NODES)
    for node in NODES:
        report(store, node, version=3, about=3, outcome="healthy")
    second = look(store)[1]
    assert second.counts == {"failed": 2, "silent": 1, "waiting": 0, "left": 1, "healthy": 0}
    with driver.reading():
        stands = {each.node: each for each in places(driver, START + HOUR_MS * 9, 2, 10)}
    assert [(each.state, each.outcome, each.detail) for each in stands.values()] == [
        ("failed", "refused", "no"),
        ("left", "", ""),
        ("failed", "rolled_back", "worse"),
        ("silent", "", ""),
    ]
    assert report(store, "n-1", version=3, about=2, outcome="healthy") is None
    assert look(store)[1].counts["failed"] == 1


def test_a_refusal_of_a_later_version_is_none_of_this_one(store: Store) -> None:
    """It is in force there still."""
    begin(store, 3, "running", "n-2")
    report(store, "n-2", version=2, about=3, outcome="refused", detail="no")
    third, second, _ = look(store)
    assert (third.counts["failed"], second.counts["healthy"]) == (1, 1)


def test_what_runs_is_stopped_and_what_counts_is_taken_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step by step to where the group began; nodes are offered what they had, also those that came later."""
    monkeypatch.setattr(rollouts, "LOOK_S", -1.0)
    driver = store.driver
    assert [each.ending for each in look(store)] == ["stop", ""]
    assert (running(driver, "all"), counting(driver, "all"), running(driver, "cafes")) == (2, 1, 0)
    with pytest.raises(DoorstepError, match="cannot be taken back"), driver.transaction():
        end(driver, 1, "back", "mei", START + 1)
    with driver.transaction():
        end(driver, 2, "stop", "mei", START + 1)
    assert [(each.state, each.why, each.ending) for each in look(store)] == [
        ("stopped", "by mei", ""),
        ("done", "", "back"),
    ]
    with pytest.raises(DoorstepError, match="does not run"), driver.transaction():
        end(driver, 2, "stop", "mei", START + 2)
    assert report(store, "n-2", version=2, about=2, outcome="healthy") == 1
    ask(store, hello("n-5"))
    assert report(store, "n-5") == 1
    report(store, "n-5", version=1, about=1, outcome="healthy")
    with driver.transaction():
        end(driver, 1, "back", "mei", START + 3)
    assert look(store)[1].why == "taken back by mei"
    assert [each.ending for each in look(store)] == ["", ""]
    offered = Rollouts(store).look({*NODES, "n-5"}, START + 4)
    assert {node: decode_offer(payload).version for node, _, payload in offered} == dict.fromkeys(
        ("n-1", "n-2", "n-3", "n-4", "n-5"), 0
    )
