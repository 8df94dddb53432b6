"""How the nodes of a roll-out stand, counted by both engines."""

import pytest

from central.rollout.plan import NodeState, Report, Stand, node_state
from central.rollout.stands import COLUMNS, rollout_of, stands
from tests.central.rollout.test_progress import HOUR_MS, INTO, begin, report
from tests.central.stores import START, Place, ask, hello

REPORTS = {
    "n-1": (1, 2, "refused"),
    "n-2": (2, 2, "healthy"),
    "n-3": (1, 1, "healthy"),
    "n-4": (1, 1, "healthy"),
    "n-5": (2, 2, "trial"),
    "n-6": (3, 3, "in_force"),
    "n-7": (2, 3, "refused"),
    "n-8": (1, 2, "rolled_back"),
}
"""What each node reports: the version in force, and of which one what became."""


@pytest.mark.parametrize("state", ["running", "failed"])
@pytest.mark.parametrize("later", [0, 1, HOUR_MS, HOUR_MS + 1, 2 * HOUR_MS])
def test_the_engine_counts_as_node_by_node(place: Place, later: int, state: str) -> None:
    """Whatever each has reported, and however long ago it came in: as `node_state` has it of each, with the first by
    name and the time of the last."""
    store = place.store()
    since = {node: START - number * HOUR_MS // 2 for number, node in enumerate(REPORTS)}
    begin(store, 2, state)
    with store.driver.transaction():
        store.driver.run_many(INTO, [(node, 2, at) for node, at in since.items()])
    for node, (version, about, outcome) in REPORTS.items():
        ask(store, hello(node))
        report(store, node, version=version, about=about, outcome=outcome)
    with store.driver.reading():
        rollout = rollout_of(store.driver.rows(f"select {COLUMNS}, at from rollout where id = 2")[0])
        found = stands(store.driver, rollout, START + later)
    store.close()
    alike: dict[NodeState, list[str]] = {}
    for node, (version, about, outcome) in REPORTS.items():
        known = Report(version == 2, outcome if about == 2 else "")
        alike.setdefault(node_state(rollout, known, since[node], START + later), []).append(node)
    assert found == {
        state: Stand(len(nodes), min(nodes), max(since[node] for node in nodes)) for state, nodes in alike.items()
    }
