"""Tests for edge/log/writer.py."""

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from edge.log import writer as module
from edge.log.event import FIELD_CHARACTERS_MAX, Event
from edge.log.events import LIBRARY
from edge.log.writer import EVENT_EVERY_S, EVENTS_BURST, LINE_BYTES_MAX, QUIET_S, VERSION, Form, Writer, opened

ODD = Event("odd", logging.WARNING, "{what} is odd")
LONG = Event("long", logging.ERROR, "".join(f"{{f{number}}} " for number in range(20)))


def _filled(text: str) -> dict[str, Any]:
    return dict.fromkeys(LONG.fields, text)


class Log:
    """A writer into a pipe, whose clock is moved by hand. `lines` is what came since the last look."""

    def __init__(self, form: Form = "text") -> None:
        self.out, self.into = os.pipe()
        os.set_blocking(self.out, False)
        self.now = 0.0
        self.writer = Writer(form, stderr=self.into, seconds=lambda: self.now)
        logging.getLogger("doorstep").addHandler(self.writer)

    def lines(self) -> list[str]:
        try:
            return os.read(self.out, 1 << 20).decode().splitlines()
        except BlockingIOError:
            return []


@pytest.fixture
def log() -> Generator[Log]:
    made = Log()
    yield made
    logging.getLogger("doorstep").removeHandler(made.writer)
    made.writer.close()
    for descriptor in (made.out, made.into):
        os.close(descriptor)


def test_a_line_for_people(log: Log) -> None:
    """Time, level, name, sentence."""
    ODD.write(what="it")
    (line,) = log.lines()
    time, level, rest = line.split(" ", 2)
    assert (len(time), time[-1], level, rest) == (24, "Z", "WARNING", "odd: it is odd")


def test_a_line_for_programs(log: Log) -> None:
    """An object with the event's fields; one that would be too long keeps what names it."""
    log.writer._stderr = log.writer._stderr._replace(form="json")
    ODD.write(what="it")
    LONG.write(**_filled("ü" * FIELD_CHARACTERS_MAX))
    short, long = log.lines()
    found = json.loads(short)
    assert found.pop("time").endswith("Z")
    assert found == {"level": "warning", "event": "odd", "message": "it is odd", "what": "it"}
    assert json.loads(long)["event"] == "long"
    assert len(long.encode()) < LINE_BYTES_MAX


def test_a_flood_is_a_few_lines_and_a_count(log: Log) -> None:
    """Of a million the first few, then one every EVENT_EVERY_S with how many were passed over; other kinds go on."""
    for _ in range(5_000):
        ODD.write(what="it")
    assert len(log.lines()) == EVENTS_BURST
    assert log.writer.not_written == 5_000 - EVENTS_BURST
    LONG.write(**_filled(""))
    assert len(log.lines()) == 1
    log.now += EVENT_EVERY_S
    ODD.write(what="it")
    ODD.write(what="it")
    count, line = log.lines()
    assert count.endswith(f"not_written: {5_000 - EVENTS_BURST} more of odd were not written")
    assert line.endswith("it is odd")
    log.writer.rest()
    assert log.lines() == []
    log.now += QUIET_S
    log.writer.rest()
    assert [line.split(" ", 2)[2] for line in log.lines()] == ["not_written: 1 more of odd were not written"]
    log.writer.rest()
    assert log.lines() == []


def test_counts_that_are_left_come_at_the_end(log: Log) -> None:
    """A process that stops writes how many lines it has dropped."""
    for _ in range(EVENTS_BURST + 3):
        ODD.write(what="it")
    log.lines()
    log.writer.close()
    assert "3 more of odd" in log.lines()[0]


def test_a_reader_that_does_not_read_holds_nobody_up(log: Log) -> None:
    """A full pipe costs the line, which is counted; with room again lines come."""
    os.set_blocking(log.into, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(log.into, b"x" * 4_096)
    os.set_blocking(log.into, True)
    done = threading.Thread(target=ODD.write, kwargs={"what": "it"}, daemon=True)
    done.start()
    done.join(60)
    assert not done.is_alive()
    assert log.writer.not_written == 1
    while log.lines():
        pass
    ODD.write(what="it")
    assert log.lines()[-1].endswith("it is odd")


def test_a_library_is_not_quoted(log: Log) -> None:
    """Its words as they are in its source, the type and place of its error, and nothing that it fills in."""
    logger = logging.getLogger("doorstep.somebody")
    try:
        raise ValueError("secret-1")
    except ValueError:
        logger.exception("cannot do %s", "secret-2")
    logger.warning("about secret-3")
    first, second = log.lines()
    assert "library: doorstep.somebody: cannot do %s ValueError at " in first
    assert second.endswith("library: doorstep.somebody:")
    assert "secret-" not in first + second


def test_under_systemd_the_journal_gets_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stderr is the journal's, each event is a datagram with priority, name and fields; stderr has nothing."""
    path = tmp_path / "socket"
    monkeypatch.setattr(module, "JOURNAL_SOCKET", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        out, into = os.pipe()
        found = os.fstat(into)
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        made = Writer("text", stderr=into)
        logging.getLogger("doorstep").addHandler(made)
        try:
            ODD.write(what="it")
            fields = dict(line.split("=", 1) for line in journal.recv(65_536).decode().splitlines())
            os.set_blocking(out, False)
            with pytest.raises(BlockingIOError):
                os.read(out, 1)
        finally:
            logging.getLogger("doorstep").removeHandler(made)
            made.close()
            os.close(out)
            os.close(into)
    assert fields == {
        "MESSAGE": "it is odd",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "doorstep",
        "DOORSTEP_EVENT": "odd",
        "DOORSTEP_WHAT": "it",
    }


def test_the_level_and_the_handler_are_the_process_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """`opened` replaces what was there; below the level nothing is written, and libraries only warn."""
    root, logger = logging.getLogger(), logging.getLogger("doorstep")
    monkeypatch.setattr(root, "handlers", [])
    for owner, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    level, own = root.level, logger.level
    try:
        made = opened("json", "error")
        assert root.handlers == [made]
        assert not logger.isEnabledFor(logging.WARNING)
        assert not logging.getLogger("asyncio").isEnabledFor(logging.INFO)
        assert LIBRARY.level == root.level
    finally:
        root.setLevel(level)
        logger.setLevel(own)


def test_an_error_that_nobody_expects_is_a_line_without_its_words() -> None:
    """In the main thread, in another one, in a finaliser: Python itself would print what they quote."""
    script = (
        "import threading\n"
        "from edge.log.writer import opened\n"
        "opened('text', 'info')\n"
        "def fail(): raise ValueError('31.2304')\n"
        "class Odd:\n"
        "    def __del__(self): fail()\n"
        "Odd()\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join()\n"
        "fail()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert all(" ERROR internal_error: an error of our own: ValueError at <string>:" in line for line in lines), lines
    assert "31.2304" not in done.stderr


def test_where_the_journal_takes_nothing_stderr_does(log: Log) -> None:
    """A socket whose other end is gone costs no line."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    there.close()
    log.writer._sink = module._Sink(here.detach(), "journal")
    ODD.write(what="it")
    assert log.lines()[0].endswith("odd: it is odd")
    assert log.writer.not_written == 0


def test_the_version_is_the_distributions() -> None:
    """It stands in the code a second time, so that a start need not look for it."""
    assert version("doorstep") == VERSION
