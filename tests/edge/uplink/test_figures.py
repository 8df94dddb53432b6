"""What a node reports to its centre: what is sealed, what waits, what is wrong."""

from edge.core.model import Configure, Now, Rules, SyncWelcomed
from edge.core.node import Node
from edge.health.status import Status
from edge.limits import STATUS_INTERVAL_S, WINDOW_GRACE_S
from edge.uplink.figures import gauges, report_of
from tests.edge.uplinks import START, Uplinked

GRACE_MS = WINDOW_GRACE_S * 1000


def test_a_report_has_what_is_sealed_and_what_waits() -> None:
    """Without a window everything is sealed up to the grace; an open one ends it; what has no number is in the pool."""
    node = Node([])
    status = Status("n1", Now(0.0, START))
    node.handle([Configure(Rules(node="n1"))], Now(0.0, START))
    quiet = report_of(node, status, START + 90_000)
    assert (quiet.at, quiet.complete_until, quiet.waiting) == (START + 90_000, START + 90_000 - GRACE_MS, 0)
    node.windows.count("node", Now(90.0, START + 90_000), "x", START + 90_000, events=1)
    opened = report_of(node, status, START + 95_000)
    assert (opened.complete_until, opened.waiting, opened.pool) == (START + 60_000, 1, 0)
    node.handle([], Now(200.0, START + 200_000))
    assert report_of(node, status, START + 200_000).pool == 1
    node.handle([SyncWelcomed(1, 0)], Now(201.0, START + 201_000))
    sent = report_of(node, status, START + 201_000)
    assert (sent.epoch, sent.numbered, sent.pool, sent.waiting) == (1, 1, 0, 1)


def test_a_report_names_what_is_wrong() -> None:
    """As it was at the last sample of the status."""
    seconds = 0.0
    status = Status("n1", Now(0.0, START), seconds=lambda: seconds)
    status.alarm("recovery-0", "Something came out otherwise.")
    seconds = STATUS_INTERVAL_S
    status.tick(Now(seconds, START + 5_000))
    node = Node([])
    node.handle([Configure(Rules(node="n1"))], Now(0.0, START))
    assert report_of(node, status, START).problems == ["recovery"]


def test_the_status_has_the_uplink() -> None:
    """Of an uplink that was never there, too."""
    node = Node([])
    node.handle([Configure(Rules(node="n1"))], Now(0.0, START))
    shown = gauges(Uplinked("mqtt://127.0.0.1:1").sync, node)["sync"]
    assert (shown["connected"], shown["events_waiting"], shown["last_ack_age_s"]) == (False, 0, None)
