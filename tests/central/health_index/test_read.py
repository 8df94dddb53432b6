"""What the index is made of, on both engines: sums of the days, of the time before, and what was lost."""

from central.figures.figures import Figures
from central.fleet.health import NodeHealth
from central.health_index.options import HealthOptions
from central.health_index.read import health_index
from central.ingest.verify import Alarm
from central.store.open import open_driver
from central.store.tiers import DAY_MS, Calendar
from edge.messages.batches import Measure, Window, fold
from tests.central.stores import START, Place, merge, roll_all

NOW = START + 20 * DAY_MS + DAY_MS // 2


def window(at: int, events: int, scenario: str = "dispatch", **counters: int) -> Window:
    """With answers within ten seconds."""
    named = {name.replace("_", ".", 1): count for name, count in counters.items()}
    measures = (
        {"placed_to_offered_ms": Measure(30, 300_000, fold(b"", [10_000] * 30))} if scenario == "dispatch" else {}
    )
    return Window(scenario, at, 60, events, named, measures, [])


def health(name: str, state: str = "current", behind_s: float = 5.0) -> NodeHealth:
    """How a node is."""
    return NodeHealth(node=name, state=state, sentence="", is_green=True, behind_s=behind_s)


def test_days_are_summed_and_compared(place: Place) -> None:
    """Of today what is not summed up yet, too; of both times; what a node discarded or the centre lost counts."""
    store = place.store()
    days = ((2, 900), (15, 300), (19, 200))
    for seq, (day, events) in enumerate(days, 1):
        for node in ("n1", "n2", "gone"):
            merge(store, seq, [window(START + day * DAY_MS, events, promise_kept=50)], node, START + day * DAY_MS)
    roll_all(store)
    today = [window(NOW - 60_000, 100, promise_broken=50), window(NOW - 60_000, 0, "node", discarded=6)]
    merge(store, 4, today, "n1", NOW)
    with store.group(["n1"], ["n1"]) as group:
        group.refused("n1", Alarm("batches_lost", "", 4), NOW)
        group.refused("n1", Alarm("cloned", "", 1_000), NOW)
    store.close()
    figures = Figures(open_driver(place.where, place.password, readonly=True), Calendar())
    fleet = [health("n1"), health("n2", "behind", 90_000.0), health("gone", "retired")]
    found = {each.node: each for each in health_index(figures, fleet, 10, NOW, HealthOptions())}
    figures.close()
    assert set(found) == {"", "n1", "n2"}
    parts = {node: {part.name: part for part in each.parts} for node, each in found.items()}
    assert {node: each.events for node, each in found.items()} == {"": 1_100, "n1": 600, "n2": 500}
    assert parts["n1"]["trend"].value == 600 / 900
    assert parts["n1"]["loss"].value == 10 / 610
    assert (parts["n1"]["promise"].value, parts["n2"]["promise"].value) == (100 / 150, 1.0)
    assert (parts[""]["freshness"].value, parts["n2"]["freshness"].score) == (0.5, 0.0)
    assert (parts[""]["response"].count, parts["n1"]["response"].value) == (150, 10_000)
