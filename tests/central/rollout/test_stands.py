"""How the nodes of a roll-out stand, counted by both engines."""

import pytest

from central.rollout.plan import NodeState, Report, Stand, node_state
from central.rollout.stands import COLUMNS, rollout_of, stands
from tests.central.rollout.test_progress import HOUR_MS, begin, report
from tests.central.stores import START, Place, ask, hello

REPORTS = {
    "n-1": Report(1, 2, "refused"),
    "n-2": Report(2, 2, "healthy"),
    "n-3": Report(1, 1, "healthy"),
    "n-4": Report(1, 1, "healthy"),
    "n-5": Report(2, 2, "trial"),
    "n-6": Report(3, 3, "in_force"),
}


@pytest.mark.parametrize("later", [0, 1, HOUR_MS, HOUR_MS + 1, 2 * HOUR_MS])
def test_the_engine_counts_as_node_by_node(place: Place, later: int) -> None:
    """Whatever each has reported, and however long ago it since in: as `node_state` has it of each, with the first by
    name and the time of the last."""
    store = place.store()
    since = {node: START - number * HOUR_MS // 2 for number, node in enumerate(REPORTS)}
    for node, reported in REPORTS.items():
        ask(store, hello(node))
        report(store, node, version=reported.version, about=reported.about, outcome=reported.outcome)
    begin(store, 2, "running")
    with store.driver.transaction():
        store.driver.run_many("insert into placed values(?, ?, ?)", [(node, 2, at) for node, at in since.items()])
    with store.driver.reading():
        rollout = rollout_of(store.driver.rows(f"select {COLUMNS}, at from rollout where id = 2")[0])
        found = stands(store.driver, rollout, START + later)
    store.close()
    alike: dict[NodeState, list[str]] = {}
    for node, reported in REPORTS.items():
        alike.setdefault(node_state(rollout, reported, since[node], START + later), []).append(node)
    assert found == {
        state: Stand(len(nodes), min(nodes), max(since[node] for node in nodes)) for state, nodes in alike.items()
    }
