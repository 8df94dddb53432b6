"""Each problem has a sentence with what to do, and nothing else is reported as a problem."""

from typing import Any

import pytest

from edge.health.checks import (
    CONNECTS_REFUSED_MAX,
    DISK_FREE_BYTES_MIN,
    FLOOD_HELD_BACK_MAX,
    FLOOD_MESSAGES_MAX,
    STALL_CHECKS,
    Problem,
    problems,
    sentence,
)
from edge.limits import STATUS_INTERVAL_S, UPLINK_ACK_DEADLINE_S

WALL_MS = 1_800_000_000_000

REFUSED = {
    "credentials": "credential list",
    "protocol": "no MQTT",
    "budget": "before they were let in",
    "silent": "port scan",
    "address": "at a proxy",
    "": "in the last minute.",
}


def report(**sections: Any) -> dict[str, Any]:
    """A healthy report with some sections replaced."""
    queue = {"depth": 0, "limit": 10, "done": 5, "stalled_s": 0}
    healthy = {
        "uptime_s": 3600,
        "clock": {"wall_ms": WALL_MS, "speed": 1.0, "jump_ms": None},
        "queues": {"commit": queue},
        "sync": {"connected": True, "last_ack_age_s": 1.0, "in_flight": 1, "backlog_bytes": 0},
        "link": {"connections": 3},
        "disk": {"free_bytes": DISK_FREE_BYTES_MIN},
    }
    return healthy | sections


def test_a_healthy_report_has_no_problem() -> None:
    """All is well, and the sentence shows it."""
    assert problems(report()) == []
    assert sentence("ok", [], report()).startswith("All is well")


def test_a_node_without_uplink_or_tls_has_no_problem_with_them() -> None:
    """What is not configured is not checked."""
    assert problems(report(sync={}, link={}, disk={})) == []
    assert "centre" not in sentence("ok", [], report(sync={}))


STILL = {"depth": 3, "limit": 10, "done": 5, "stalled_s": 2 * UPLINK_ACK_DEADLINE_S}
AGE_S = UPLINK_ACK_DEADLINE_S * 10


@pytest.mark.parametrize(
    ("name", "serving", "expected", "sections"),
    [
        ("stall_decode", False, "Restart", {"queues": {"decode": STILL}}),
        ("stall_commit", False, "disk", {"queues": {"commit": STILL}}),
        ("stall_decide", False, "Restart", {"queues": {"decide": STILL}}),
        ("stall_publish", True, "network", {"queues": {"publish": STILL}}),
        ("stall_seal", True, "window", {"queues": {"seal": STILL}}),
        ("stall_cut", True, "batches", {"queues": {"cut": STILL}}),
        ("stall_send", True, "not sent", {"queues": {"send": STILL}}),
        ("descriptors", False, "LimitNOFILE", {"link": {"connections": 900, "listeners_paused": 1}}),
        ("stall_sync", True, "centre", {"queues": {"sync": STILL}}),
        ("clock_unset", True, "NTP", {"clock": {"wall_ms": 1000, "jump_ms": None}}),
        ("clock_jumped", True, "forward by 10 h", {"clock": {"wall_ms": WALL_MS, "jump_ms": 36_000_000}}),
        ("clock_jumped", True, "back by 10 h", {"clock": {"wall_ms": WALL_MS, "jump_ms": -36_000_000}}),
        ("journal_full", False, "journal_max_gb", {"journal": {"closed": True, "used_bytes": 2_000_000_000}}),
        ("disk_low", True, "retention_days", {"disk": {"free_bytes": DISK_FREE_BYTES_MIN - 1}}),
        ("link_down", False, "broker", {"link": {"connected": False}}),
        ("uplink", True, "5 min", {"sync": {"connected": False, "last_ack_age_s": AGE_S}}),
        ("uplink", True, "since the node started", {"sync": {"connected": False, "last_ack_age_s": None}}),
        ("uplink", True, "Cloned.", {"sync": {"connected": True, "error": "Cloned."}}),
        ("uplink", True, "Refused.", {"sync": {"connected": False, "last_ack_age_s": AGE_S, "error": "Refused."}}),
        (
            "sync_refused",
            True,
            "Cloned.",
            {"sync": {"connected": False, "last_ack_age_s": 1, "refused": True, "error": "Cloned."}},
        ),
        *(
            (
                "refused_connections",
                True,
                words,
                {"link": {"connects_refused_lately": CONNECTS_REFUSED_MAX + 1, "connects_refused_mostly": reason}},
            )
            for reason, words in REFUSED.items()
        ),
        ("flood", True, "of bot (101).", {"link": {"over_quota_lately": 101, "over_quota_by": "bot (101)"}}),
        ("flood", True, "of bot (21).", {"link": {"held_back_lately": 21, "held_back_by": "bot (21)"}}),
        ("certificate", True, "7 days", {"link": {"certificate_days": 7}}),
        ("certificate", True, "expired", {"link": {"certificate_days": -1}}),
        ("gave_up", True, "find that process", {"sync": {"connected": True, "gave_up": True}}),
        ("uplink_ca", True, "centre", {"link": {"uplink_ca_days": 0}}),
        ("link_ca", True, "2 days", {"link": {"link_ca_days": 2.5}}),
        ("journal", False, "broken", {"alarms": {"journal": ("The journal is broken.", False, False)}}),
        ("gauge", True, "journal.rows", {"unread": {"journal.rows": "KeyError('x')"}}),
    ],
)
def test_each_fault_is_named_with_what_to_do(name: str, serving: bool, expected: str, sections: dict[str, Any]) -> None:
    """One fault gives one problem: its name, whether events are still served, and the words that matter."""
    found = problems(report(**sections))
    assert [(problem.name, problem.serving) for problem in found] == [(name, serving)]
    assert expected in found[0].sentence
    assert found[0].sentence.endswith(".")


def test_a_restart_is_asked_for_where_it_helps() -> None:
    """What keeps people waiting and a new process would mend is left to the watchdog; a full disk, a missing centre or
    broker, an old certificate, a clock and everything that only delays the centre's figures is not."""
    asked = {name for name in STALL_CHECKS if problems(report(queues={name: STILL}))[0].restart}
    assert asked == {"decode", "decide", "commit", "publish"}
    sick = report(
        alarms={"disk": ("The disk is full.", False, False)},
        link={"connected": False, "certificate_days": -1, "listeners_paused": 1, "connections": 9},
        sync={"connected": False, "last_ack_age_s": AGE_S},
        disk={"free_bytes": 0},
        clock={"wall_ms": 1000, "jump_ms": 36_000_000},
        unread={"journal.rows": "KeyError('x')"},
    )
    assert len(problems(sick)) == 8
    assert not any(problem.restart for problem in problems(sick))


@pytest.mark.parametrize(
    "sections",
    [
        {"queues": {"commit": STILL | {"stalled_s": STATUS_INTERVAL_S}}},
        {"queues": {"sync": STILL | {"stalled_s": UPLINK_ACK_DEADLINE_S}}},
        {"queues": {"orders": STILL}},
        {"queues": {"commit": STILL | {"depth": 0}}},
        {"sync": {"connected": False, "last_ack_age_s": UPLINK_ACK_DEADLINE_S}},
        {"sync": {"connected": True, "last_ack_age_s": AGE_S, "in_flight": 1, "error": None}},
        {"sync": {"connected": False, "last_ack_age_s": None}, "uptime_s": 3},
        {"link": {"connects_refused_lately": CONNECTS_REFUSED_MAX}},
        {"link": {"over_quota_lately": FLOOD_MESSAGES_MAX, "held_back_lately": FLOOD_HELD_BACK_MAX}},
        {"link": {"certificate_days": 31, "connected": True, "listeners_paused": 0}},
    ],
)
def test_what_is_only_nearly_wrong_is_not_called_wrong(sections: dict[str, Any]) -> None:
    """One still interval, an order that waits, a quiet centre, a short outage: no problem yet."""
    assert problems(report(**sections)) == []


def test_what_stops_events_comes_first() -> None:
    """Whatever is found before it, as alarms are: the sentence is about that fault, and has how many others there
    are."""
    alarms = {"caught": ("An error was caught.", True, False)}
    found = problems(report(alarms=alarms, disk={"free_bytes": 0}, link={"connected": False, "certificate_days": 3}))
    assert [problem.name for problem in found] == ["link_down", "caught", "disk_low", "certificate"]
    text = sentence("degraded", found, {})
    assert text.startswith(found[0].sentence)
    assert "3 more problems" in text


def test_phases_have_their_own_sentence() -> None:
    """A node that starts or stops states that, whatever else is wrong."""
    found = [Problem("x", "X.", serving=False)]
    assert "starting" in sentence("starting", found, {})
    assert "stopping" in sentence("draining", found, {})
