"""Status: what is counted is reported, what stands still is noticed, and the report always comes out."""

import json
import logging
import os
from pathlib import Path

import msgspec
import pytest

from edge.core.model import Now
from edge.health.checks import FLOOD_MESSAGES_MAX
from edge.health.status import (
    CLOCK_JUMP_NOTICE_S,
    LATENCY_SLICE_S,
    PROBLEM_LOG_S,
    REFUSED_WINDOW_S,
    STAGES,
    STATUS_NAMES_MAX,
    Queue,
    Status,
    process,
)
from edge.limits import STATUS_INTERVAL_S, WALL_SKEW_MS_MAX

WALL_MS = 1_800_000_000_000


class Time:
    """Both clocks of a node, moved by hand."""

    def __init__(self, speed: float = 1.0) -> None:
        self.real_s = 0.0
        self.speed = speed
        self.jump_ms = 0

    def seconds(self) -> float:
        return self.real_s

    def now(self) -> Now:
        scaled = self.real_s * self.speed
        return Now(scaled, WALL_MS + int(scaled * 1000) + self.jump_ms)


def running(time: Time, data_dir: Path | None = None) -> Status:
    """The status of a node that has started."""
    status = Status("shop-7", time.now(), speed=time.speed, data_dir=data_dir, seconds=time.seconds)
    status.phase = "running"
    return status


def test_counts_are_reported_by_kind_and_reason() -> None:
    """Every count that the data path makes stands in the report under its name."""
    time = Time()
    status = running(time)
    status.received["order.place"] = 4
    status.refused("too_late")
    status.dropped("malformed", 2)
    status.counts.update(accepted=4, duplicate=1, decisions=5, answers=6)
    assert status.report(time.now())["counts"] == {
        "received": {"order.place": 4},
        "accepted": 4,
        "duplicate": 1,
        "decisions": 5,
        "answers": 6,
        "refused": {"too_late": 1},
        "dropped": {"malformed": 2},
    }


def test_names_of_counts_are_bounded() -> None:
    """Past STATUS_NAMES_MAX names a count goes to `other`, and none is lost."""
    time = Time()
    status = running(time)
    for number in range(STATUS_NAMES_MAX * 2):
        status.refused(f"reason{number}")
    refused = status.report(time.now())["counts"]["refused"]
    assert len(refused) == STATUS_NAMES_MAX + 1
    assert sum(refused.values()) == STATUS_NAMES_MAX * 2


def test_the_report_has_every_documented_key_and_is_json(tmp_path: Path) -> None:
    """The keys that the docstring promises are there from the first moment, and all of it is JSON."""
    time = Time()
    report = running(time, tmp_path).report(time.now())
    documented = {"node", "version", "state", "serving", "sentence", "problems", "started_at", "uptime_s", "clock"}
    documented |= {"counts", "latency_ms", "queues", "orders", "riders", "journal", "sync", "link", "process", "disk"}
    assert set(report) == documented | {"data_inventory"}
    assert set(report["latency_ms"]["recent"]) == set(report["latency_ms"]["total"]) == set(STAGES)
    assert json.loads(msgspec.json.encode(report)) == report
    assert report["disk"]["free_bytes"] > 0


def test_latency_of_the_last_minute_is_a_real_minute_in_a_rehearsal() -> None:
    """With the clock at 300 times its speed, `recent` still covers 50 to 60 real seconds."""
    time = Time(speed=300)
    status = running(time)
    status.stage("commit", 0.5, 3)
    for _ in range(5):
        time.real_s += LATENCY_SLICE_S
        assert status.report(time.now())["latency_ms"]["recent"]["commit"]["count"] == 3
    time.real_s += LATENCY_SLICE_S
    latency = status.report(time.now())["latency_ms"]
    assert latency["recent"]["commit"]["count"] == 0
    assert latency["total"]["commit"]["count"] == 3
    assert latency["total"]["commit"]["max"] == 500


def test_a_node_that_nobody_asked_for_an_hour_does_not_show_an_old_minute() -> None:
    """However long the gap between two reports, `recent` holds nothing older than a minute."""
    time = Time()
    status = running(time)
    status.stage("total", 0.5)
    time.real_s += 3600
    assert status.report(time.now())["latency_ms"]["recent"]["total"]["count"] == 0


def test_a_queue_that_stands_still_for_two_intervals_is_a_stall_until_it_moves() -> None:
    """Not empty and no progress: degraded after the second interval, well again with the first progress."""
    time = Time()
    status = running(time)
    done = 7
    status.register("commit", dict, {"commit": Queue(lambda: 3, lambda: done, 4096)})

    def interval() -> str:
        time.real_s += STATUS_INTERVAL_S
        return status.report(time.now())["state"]

    assert [interval(), interval()] == ["ok", "ok"]  # the first sample has nothing to compare with
    assert interval() == "degraded"
    report = status.report(time.now())
    assert report["problems"][0]["name"] == "stall_commit"
    assert not report["serving"]
    done += 1
    assert interval() == "ok"


def test_a_pause_of_the_whole_process_is_no_stall() -> None:
    """A minute without a sample counts as one interval: whoever was stopped could not make progress."""
    time = Time()
    status = running(time)
    status.register("commit", dict, {"commit": Queue(lambda: 3, lambda: 7, 4096)})
    status.tick(time.now())
    time.real_s += STATUS_INTERVAL_S
    status.tick(time.now())
    time.real_s += 60
    assert status.report(time.now())["state"] == "ok"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_jump_of_the_wall_clock_is_a_problem_for_a_while(sign: int) -> None:
    """A jump beyond WALL_SKEW_MS_MAX degrades the node for CLOCK_JUMP_NOTICE_S and no longer."""
    time = Time()
    status = running(time)
    time.jump_ms = sign * (WALL_SKEW_MS_MAX + 1000)
    time.real_s += STATUS_INTERVAL_S
    report = status.report(time.now())
    assert report["clock"]["jump_ms"] == time.jump_ms
    assert [problem["name"] for problem in report["problems"]] == ["clock_jumped"]
    time.real_s += CLOCK_JUMP_NOTICE_S
    assert status.report(time.now())["state"] == "ok"


def test_gauges_are_read_at_each_report() -> None:
    """A value is pulled, not pushed; None is one that is not known; parts of the node share sections."""
    time = Time()
    status = running(time)
    rows = 1
    status.register("journal", lambda: {"journal": {"rows": rows}, "orders": {"placed": rows}})
    status.register("orders", lambda: {"orders": {"late": 2}, "sync": {"last_ack_age_s": None}})
    assert status.report(time.now())["journal"] == {"rows": 1}
    rows = 2
    report = status.report(time.now())
    assert report["journal"] == {"rows": 2}
    assert report["orders"] == {"placed": 2, "late": 2}
    assert report["sync"] == {"last_ack_age_s": None}


def test_gauges_that_fail_are_a_problem_and_not_the_end_of_the_report() -> None:
    """The report comes out with those of the others, and the problem names the part and the error."""
    time = Time()
    status = running(time)

    def broken() -> dict[str, dict[str, int]]:
        raise KeyError("gone")

    status.register("journal", broken)
    status.register("orders", lambda: {"orders": {"placed": 1}})
    report = status.report(time.now())
    assert (report["journal"], report["orders"]) == ({}, {"placed": 1})
    assert report["state"] == "degraded"
    assert "journal" in report["sentence"]
    assert "KeyError" in report["sentence"]


def test_a_queue_that_cannot_be_read_is_a_problem_and_the_others_are_watched() -> None:
    """Its name and the error stand in the report's sentence; sampling goes on."""
    time = Time()
    status = running(time)

    def broken() -> int:
        raise KeyError("gone")

    status.register("decide", dict, {"decide": Queue(broken, lambda: 1, 1)})
    status.register("commit", dict, {"commit": Queue(lambda: 3, lambda: 7, 4096)})
    for _ in range(3):
        time.real_s += STATUS_INTERVAL_S
        status.tick(time.now())
    assert [problem["name"] for problem in status.report(time.now())["problems"]] == ["stall_commit", "gauge"]
    assert "queues.decide" in status.report(time.now())["problems"][1]["sentence"]


def test_the_watchdog_is_fed_unless_a_restart_helps() -> None:
    """A full disk or a silent centre is no reason for a restart; rounds that no longer reach the disk are, until they
    do, and so is an alarm about it."""
    time = Time()
    status = running(time)
    done = 7
    status.register("sync", dict, {"sync": Queue(lambda: 3, lambda: 7, 8)})
    status.register("commit", dict, {"commit": Queue(lambda: 3, lambda: done, 4096)})
    status.alarm("disk", "The disk is full.", serving=False)
    for _ in range(20):
        done += 1
        time.real_s += STATUS_INTERVAL_S
        status.tick(time.now())
        assert not status.needs_restart()
    for _ in range(3):
        time.real_s += STATUS_INTERVAL_S
        status.tick(time.now())
    assert status.needs_restart()
    done += 1
    time.real_s += STATUS_INTERVAL_S
    status.tick(time.now())
    assert not status.needs_restart()
    status.alarm("writer", "The writer is gone.", restart=True)
    assert status.needs_restart()


def test_an_alarm_degrades_until_it_is_cleared() -> None:
    """The sentence of an alarm is reported; clearing it, or clearing one that was never raised, ends it."""
    time = Time()
    status = running(time)
    status.alarm("journal", "The disk is full. Free some space.", serving=False)
    report = status.report(time.now())
    assert (report["state"], report["serving"]) == ("degraded", False)
    assert report["sentence"] == "The disk is full. Free some space."
    status.alarm("journal", None)
    status.alarm("never", None)
    assert status.report(time.now())["state"] == "ok"


def test_a_node_that_starts_or_stops_reports_it_and_serves_nobody() -> None:
    """The phases before and after running are states of their own."""
    time = Time()
    status = Status("shop-7", time.now(), seconds=time.seconds)
    assert (status.report(time.now())["state"], status.report(time.now())["serving"]) == ("starting", False)
    status.phase = "draining"
    assert (status.report(time.now())["state"], status.report(time.now())["serving"]) == ("draining", False)


def test_what_is_kept_follows_the_configuration() -> None:
    """The note names the retention and the threshold in force, also after a reload."""
    time = Time()
    status = running(time)
    status.keeping(1, 9)
    keeps = status.report(time.now())["data_inventory"]
    assert "1 day" in [keep["how_long"] for keep in keeps]
    assert any("9 people" in keep["what"] for keep in keeps)
    assert not any("of a shop" in keep["what"] for keep in keeps)
    assert any(keep["where"] == "memory only" for keep in keeps)
    status.keeping(1, 9, shop_scores=True)
    by_shop = status.report(time.now())["data_inventory"][-1]["what"]
    assert by_shop == "how the orders of a shop went, by its name and day; only where 9 people or more ordered"


def test_process_figures_are_this_process() -> None:
    """The pid is ours, and a Python process has memory, descriptors and a thread."""
    found = process()
    assert found["pid"] == os.getpid()
    assert isinstance(found["rss_mb"], float)
    assert 5 < found["rss_mb"] < 2000
    assert found["fds"]
    assert found["threads"]


def test_a_problem_is_logged_when_it_comes_and_when_it_goes(caplog: pytest.LogCaptureFixture) -> None:
    """Once each with its sentence, however long it stays; one that flaps not more often than PROBLEM_LOG_S."""
    caplog.set_level("INFO")
    time = Time()
    status = running(time)

    def later(seconds: float, text: str | None) -> list[str]:
        caplog.clear()
        status.alarm("x", text)
        for _ in range(int(seconds / STATUS_INTERVAL_S)):
            time.real_s += STATUS_INTERVAL_S
            status.tick(time.now())
        return caplog.messages

    assert later(2 * PROBLEM_LOG_S, "It is odd.") == ["problem x: It is odd."]
    assert later(STATUS_INTERVAL_S, None) == ["problem x is over"]
    assert later(STATUS_INTERVAL_S, "It is odd again.") == []
    assert later(PROBLEM_LOG_S, "It is odd again.") == ["problem x: It is odd again."]


def test_refused_connections_are_those_of_the_last_minute() -> None:
    """A burst is a problem while it is in the window, and none after it."""
    time = Time()
    status = running(time)
    total = {"connects_refused": 0}
    status.register("endpoint", lambda: {"link": total})
    total["connects_refused"] = 500
    time.real_s += STATUS_INTERVAL_S
    assert status.report(time.now())["problems"][0]["name"] == "refused_connections"
    for _ in range(int(REFUSED_WINDOW_S / STATUS_INTERVAL_S)):
        time.real_s += STATUS_INTERVAL_S
        status.tick(time.now())
    report = status.report(time.now())
    assert report["problems"] == []
    assert report["link"] == {
        "connects_refused": 500,
        "connects_refused_lately": 0,
        "connects_refused_mostly": "",
    }


def test_the_reason_of_most_refusals_is_that_of_the_last_minute() -> None:
    """What was refused before for another reason no longer counts, and the sentence is that of the present one."""
    time = Time()
    status = running(time)
    total = {"connects_refused": 900, "connects_refused_silent": 900, "connects_refused_credentials": 0}
    status.register("endpoint", lambda: {"link": total | {"connects_refused_from": "10.0.0.7 (30)"}})
    for _ in range(int(REFUSED_WINDOW_S / STATUS_INTERVAL_S) + 1):
        time.real_s += STATUS_INTERVAL_S
        status.tick(time.now())
    total |= {"connects_refused": 930, "connects_refused_credentials": 30}
    (problem,) = status.report(time.now())["problems"]
    assert problem["name"] == "refused_connections"
    assert "30 connections were refused in the last minute, most from 10.0.0.7 (30). Most had" in problem["sentence"]


def test_who_floods_is_named_while_it_does() -> None:
    """Messages over a quota, by client; and a minute or two later there is no problem."""
    time = Time()
    status = running(time)
    status.over_quota("bot-7", FLOOD_MESSAGES_MAX)
    status.over_quota("", 1)
    (problem,) = status.report(time.now())["problems"]
    assert problem["name"] == "flood"
    assert "101 messages over the quota were dropped lately, of bot-7 (100), no name (1)." in problem["sentence"]
    time.real_s += 2 * REFUSED_WINDOW_S
    assert status.report(time.now())["problems"] == []


def test_who_is_refused_or_replaced_is_a_line_of_the_log_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Every name in one line, and no second one within the minute."""
    caplog.set_level(logging.INFO)
    time = Time()
    status = running(time)
    status.register(
        "endpoint", lambda: {"link": {"taken_over": "phone-3 (30)", "connects_refused_from": "1.2.3.4 (9)"}}
    )
    for _ in range(int(PROBLEM_LOG_S / STATUS_INTERVAL_S)):
        time.real_s += STATUS_INTERVAL_S
        status.tick(time.now())
    lines = [record.message for record in caplog.records]
    assert lines == ["lately connects_refused_from 1.2.3.4 (9); taken_over phone-3 (30)"]


def test_problems_that_cannot_be_read_are_a_problem(caplog: pytest.LogCaptureFixture) -> None:
    """What works out problems may fail: the report and the heartbeat go on."""
    time = Time()
    status = running(time)
    status.problems(lambda: {"x": str(1 // 0)})
    time.real_s += STATUS_INTERVAL_S
    assert [problem["name"] for problem in status.report(time.now())["problems"]] == ["gauge"]
    assert "ZeroDivisionError" in caplog.text
