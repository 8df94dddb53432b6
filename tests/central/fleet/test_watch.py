"""While the centre runs, a node that is connected and does not get on raises one alarm."""

from pathlib import Path

from central.fleet.health import NO_PROGRESS, STALLED
from central.fleet.watch import Watch
from central.store.open import open_reader, open_store
from edge.messages.sync.report import SYNC_REPORT, NodeReport
from edge.messages.sync.report import encode as encode_report
from edge.mqtt.seam import Publish
from tests.central.stores import START, ask, hello


def report(at: int, complete_until: int = 0, pool: int = 0) -> Publish:
    """What a node reports, with its clock right."""
    made = NodeReport(at=at, complete_until=complete_until, epoch=1, pool=pool)
    return Publish("n1", SYNC_REPORT, encode_report(made), 0, 0)


def test_a_node_without_progress_is_an_alarm_once(tmp_path: Path) -> None:
    """One that reports that there was nothing is none; one that holds something back is, until it gets on."""
    store = open_store(tmp_path)
    ask(store, hello("n1"), lambda: START)
    reader = open_reader(tmp_path)
    watch = Watch(reader, dict, lambda: {"n1"}, lambda: clock[0])
    clock = [START]
    found: list[str] = []
    for minute in range(1, 12):
        now = clock[0] = START + minute * 60_000
        # From the fourth minute on it has windows that it does not number, up to the ninth.
        waits = 3 < minute < 9
        assert ask(store, report(now, now - 10_000, pool=int(waits)), lambda: clock[0]).reason == ""
        for node, alarm in watch.look():
            assert (node, alarm.kind) == ("n1", NO_PROGRESS)
            store.alarm(node, alarm, now)
            found.append(f"{minute}")
        (health,) = watch.fleet()
        assert (health.state == STALLED) is (bool(found) and minute < 9)
    assert len(found) == 1
    assert [alarm["kind"] for alarm in reader.nodes()[0]["alarms"]] == [NO_PROGRESS]
    reader.close()
    store.close()


def test_a_report_before_a_hello_changes_nothing(tmp_path: Path) -> None:
    """Before its hello a node is nobody, and what cannot be read is refused."""
    store = open_store(tmp_path)
    assert ask(store, report(START)).reason == ""
    assert ask(store, Publish("n1", SYNC_REPORT, b"\x00", 0, 0)).reason == "malformed"
    store.close()
    reader = open_reader(tmp_path)
    assert reader.facts() == []
    reader.close()
