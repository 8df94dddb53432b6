"""Where records go: lines of text or JSON to stderr or, under systemd, fields to its journal.

Each kind of event has a bound, so that nobody who knocks at a door fills a disk: EVENTS_BURST lines at once and one
more every EVENT_EVERY_S. What is beyond it is counted, and a line counts them. What does not fit into the
pipe, or the journal's socket, is counted too: nothing waits for whoever reads the log.
"""

import logging
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

import msgspec

from .event import LOGGER, Event, frames
from .events import INTERNAL_ERROR, LIBRARY, NOT_WRITTEN

Form = Literal["text", "json"]
Line = Literal["text", "json", "journal"]

EVENTS_BURST: Final = 20
"""Lines of one kind at once: what a person reads."""

EVENT_EVERY_S: Final = 10.0
"""One more of a kind after this: at most 8,640 lines a day, some 3 MB, however often it happens."""

VERSION: Final = "0.1.0"
"""Of this program, as in pyproject.toml. To ask the installed distribution for it takes 10 ms of each start."""

QUIET_S: Final = 60.0
"""Of a kind that has been denied and does not happen any more, the count is written after this."""

LINE_BYTES_MAX: Final = 4_096
"""PIPE_BUF: so much is written whole, and without waiting, where poll(2) finds room."""

JOURNAL_SOCKET: Final = "/run/systemd/journal/socket"
_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""Levels of syslog(3)."""


class _Kind:
    """The lines that one kind of event has left, and how many it has been denied since the last of them."""

    __slots__ = ("at", "denied", "left")

    def __init__(self, now: float) -> None:
        self.left, self.at, self.denied = float(EVENTS_BURST), now, 0

    def take(self, now: float) -> bool:
        self.left, self.at = min(float(EVENTS_BURST), self.left + (now - self.at) / EVENT_EVERY_S), now
        if self.left < 1:
            self.denied += 1
            return False
        self.left -= 1
        return True


class _Sink(NamedTuple):
    """A descriptor, and the form that it takes."""

    descriptor: int
    form: Line


class Writer(logging.Handler):
    """The one handler of the process. `not_written` counts since the start."""

    def __init__(self, form: Form, *, stderr: int = 2, seconds: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.not_written = 0
        self.hidden: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
        """Gives the fields of an event without what an operator wants in no log."""
        self._seconds = seconds
        self._kinds: dict[str, _Kind] = {}
        self._sink = _journal(stderr) if form == "text" else None
        self._stderr = _Sink(stderr, form)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it."""
        event: Event = getattr(record, "event", LIBRARY)
        now = self._seconds()
        kind = self._kinds.get(event.name)
        if kind is None:
            kind = self._kinds[event.name] = _Kind(now)
        if not kind.take(now):
            self.not_written += 1
            return
        if kind.denied:
            self._count(event.name, kind)
        if event is LIBRARY:
            fields = _of_library(record)
            self._write(record.levelno, LIBRARY, fields, LIBRARY.text.format_map(fields).strip())
        elif self.hidden is not None:
            fields = self.hidden(getattr(record, "fields", {}))
            self._write(record.levelno, event, fields, event.text.format_map(fields))
        else:
            self._write(record.levelno, event, getattr(record, "fields", {}), record.getMessage())

    def rest(self) -> None:
        """Write the counts of kinds that happen no more. Called now and then."""
        self.acquire()
        try:
            now = self._seconds()
            for name, kind in self._kinds.items():
                if kind.denied and now - kind.at >= QUIET_S:
                    self._count(name, kind)
        finally:
            self.release()

    def close(self) -> None:
        """Write the counts that are left, and let go."""
        for name, kind in self._kinds.items():
            if kind.denied:
                self._count(name, kind)
        if self._sink is not None:
            os.close(self._sink.descriptor)
            self._sink = None
        super().close()

    def _count(self, name: str, kind: _Kind) -> None:
        count, kind.denied = kind.denied, 0
        fields = {"count": count, "event": name}
        self._write(NOT_WRITTEN.level, NOT_WRITTEN, fields, NOT_WRITTEN.text.format_map(fields))

    def _write(self, level: int, event: Event, fields: dict[str, Any], text: str) -> None:
        for sink in filter(None, (self._sink, self._stderr)):  # where the journal takes nothing, stderr may
            if _put(sink, _FORMS[sink.form](level, event, fields, text)):
                return
        self.not_written += 1


def _put(sink: _Sink, body: bytes) -> bool:
    """Whether it could be written at once."""
    room = select.poll()
    room.register(sink.descriptor, select.POLLOUT)
    try:
        return bool(room.poll(0)) and os.write(sink.descriptor, body) == len(body)
    except OSError:  # a closed pipe, a full disk, a journal that is gone
        return False


def _of_library(record: logging.LogRecord) -> dict[str, Any]:
    """What another's code has logged: its words as they are in its source, without what they quote."""
    error = record.exc_info[1] if record.exc_info else None
    where = f"{type(error).__name__}{frames(error.__traceback__)}" if error is not None else ""
    message = record.msg if isinstance(record.msg, str) and record.args else ""
    return {"logger": record.name, "message": message[:200].replace("\n", " "), "error": where}


def _text(level: int, event: Event, fields: dict[str, Any], text: str) -> bytes:
    del fields
    line = f"{_time()} {logging.getLevelName(level)} {event.name}: {text}".encode()
    return _cut(line) + b"\n"


def _json(level: int, event: Event, fields: dict[str, Any], text: str) -> bytes:
    head = {"time": _time(), "level": logging.getLevelName(level).lower(), "event": event.name, "message": text}
    line = msgspec.json.encode(head | {name: value for name, value in fields.items() if name not in head})
    if len(line) >= LINE_BYTES_MAX:  # several long fields: the message has them, as far as there is room
        head["message"] = text[: LINE_BYTES_MAX // 8]
        line = msgspec.json.encode(head)
    return line + b"\n"


def _native(level: int, event: Event, fields: dict[str, Any], text: str) -> bytes:
    """A datagram of systemd's native protocol: lines of KEY=value (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""
    priority = next((number for least, number in _PRIORITIES if level >= least), 7)
    known = {"MESSAGE": text, "PRIORITY": priority, "SYSLOG_IDENTIFIER": "doorstep", "DOORSTEP_EVENT": event.name}
    own = {f"DOORSTEP_{name.upper()}": value for name, value in fields.items() if value is not None}
    return "".join(f"{name}={value}\n" for name, value in (known | own).items()).encode()


_FORMS: Final = {"text": _text, "json": _json, "journal": _native}


def _time() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def _cut(line: bytes) -> bytes:
    if len(line) < LINE_BYTES_MAX:
        return line
    return f"{line[: LINE_BYTES_MAX - 4].decode(errors='ignore')}…".encode()


def _journal(stderr: int) -> _Sink | None:
    """The journal's socket, where stderr is connected to the journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        found = os.fstat(stderr)
        if os.environ.get("JOURNAL_STREAM") != f"{found.st_dev}:{found.st_ino}":
            return None
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as journal:
            journal.setblocking(False)
            journal.connect(JOURNAL_SOCKET)
            return _Sink(journal.detach(), "journal")
    except OSError:
        return None


def opened(form: Form, level: str) -> Writer:
    """The handler of this process, in place of any other. Errors that nobody expects end there too: what Python would
    print of them quotes their input."""
    writer = Writer(form)
    logging.basicConfig(handlers=[writer], level=logging.WARNING, force=True)
    set_level(level)
    sys.excepthook = lambda _kind, error, _trace: INTERNAL_ERROR.write(error=error)
    threading.excepthook = lambda found: INTERNAL_ERROR.write(error=found.exc_value)
    sys.unraisablehook = lambda found: INTERNAL_ERROR.write(error=found.exc_value)
    return writer


def set_level(level: str) -> None:
    """From here on events count that are as important as that. Libraries warn, or are silent."""
    LOGGER.setLevel(level.upper())
