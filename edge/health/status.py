"""The node's account of itself: counters by reason, gauges of progress, latency by stage, and its health.

Everything is in memory, counts since the start, and is touched by the event loop's thread only. Whoever runs the node
calls `tick` every STATUS_INTERVAL_S: it rotates the last minute's latencies and samples the progress of queues. What
`report` returns is the JSON of `/api/status`:

    node, version     names
    state             "starting" | "ok" | "degraded" | "draining"
    serving           whether events are accepted: false makes /healthz answer 503
    sentence          what is wrong and what to do, or that all is well
    problems          [{"name", "sentence", "serving", "restart"}], worst first
    started_at        wall ms
    uptime_s          real seconds
    clock             {"wall_ms", "speed", "jump_ms"}; jump_ms: the last jump of the wall clock, null if none lately
    counts            {"received": {kind: n}, "accepted", "duplicate", "decisions", "answers", "refused": {reason: n},
                      "dropped": {reason: n}}
    latency_ms        {"recent": {stage: {"p50", "p99", "max", "count"}}, "total": the same}; recent is the last minute;
                      stages are queue, decode, decide, commit, publish, total
    queues            {name: {"depth", "limit", "done", "stalled_s"}}
    orders, riders    {state: n}
    journal           {"rows", "bytes", "queued", "commit_ms_p50", …}
    sync              {"connected", "epoch", "batches_sent", "batches_acked", "bytes", "in_flight", "pool_windows",
                      "backlog_bytes", "last_ack_age_s", "events_at_node", …}; empty without an uplink
    link              {"connections", …}; "connected" only in broker mode; "certificate_days" only with TLS,
                      "uplink_ca_days" and "link_ca_days" where those options name a file, "plain_beyond_loopback" (the
                      options) where others can listen on the wire
    http              {"connections", "requests", "events_waiting", "waits", "refused_<cause>", …}; only with a door for
                      clients (`listen_http`, `listen_https`)
    webhooks          {"delivered", "dead", "waiting", "rows_behind", "error", …}; only with `webhook_url`
    process           {"pid", "rss_mb", "cpu_s", "fds", "threads"}
    log               {"lines_not_written"}
    disk              {"free_bytes"} of the data directory
    data_inventory    [{"what", "where", "how_long"}]: what the node stores

Sections from orders to link hold what the parts of the node `register`; other sections may appear. Durations are
milliseconds where the name ends in _ms, real seconds where it ends in _s.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import asdict

from ..core.model import Now
from ..limits import STATUS_INTERVAL_S, WALL_SKEW_MS_MAX
from ..log.event import place
from ..log.events import LATELY, PROBLEM, PROBLEM_OVER
from ..log.writer import VERSION
from ..messages.culprits import Culprits
from .checks import Problem, problems, sentence
from .histogram import LATENCY_SLICES, Stages

STATUS_NAMES_MAX: Final = 64
"""Distinct kinds or reasons counted by name. They come from the code; a mistake there ends in `other`, not in RAM."""

LATENCY_SLICE_S: Final = 10.0
"""Length of one slice."""

CLOCK_JUMP_NOTICE_S: Final = 15 * 60.0
"""How long a jump of the wall clock beyond WALL_SKEW_MS_MAX stays in the status, so that somebody sees it."""

PROBLEM_LOG_S: Final = 60.0
"""A problem that comes and goes is logged at most once in this time; what it is after it is logged then."""

REFUSED_WINDOW_S: Final = 60.0
"""Refused connections are counted over this time."""

_REFUSED: Final = "connects_refused"
_NAMED: Final = ("over_quota_by", "held_back_by", "connects_refused_from", "taken_over", "wills_dropped_of")
"""What the section link has of clients and addresses by name."""

Value = float | int | str | None
Gauges = Callable[[], Mapping[str, Mapping[str, Value]]]
"""The present values of one part of the node, by section and name."""

Phase = Literal["starting", "running", "draining"]

STAGES: Final[tuple[str, ...]] = ("queue", "decode", "decide", "commit", "publish", "total")
"""In the order of the data path: waiting to be handled, bytes to events, the core, the disk, out; and all of it."""

SECTIONS: Final = ("orders", "riders", "journal", "sync", "link")
"""Always in the report, empty where nothing registered for them."""


class Queue(Struct):
    """A queue under watch: how many wait in it, the ever-growing count of what has left it, and its bound."""

    depth: Callable[[], int]
    done: Callable[[], int]
    limit: int
    last_done: int = -1
    stalled_s: float = 0.0

    def sample(self) -> None:
        """One interval is over: did anything leave the queue, if there was something in it?"""
        done = self.done()
        still = done == self.last_done and self.depth() > 0
        self.stalled_s = self.stalled_s + STATUS_INTERVAL_S if still else 0.0
        self.last_done = done

    def report(self) -> dict[str, float]:
        """One entry of the report's queues."""
        return {"depth": self.depth(), "limit": self.limit, "done": self.done(), "stalled_s": self.stalled_s}


class Status:
    """One for each node. `started` is the clock after it was resumed; `seconds` a monotonic clock in real seconds, so
    that the last minute of a rehearsal is a minute."""

    def __init__(
        self,
        node: str,
        started: Now,
        *,
        speed: float = 1.0,
        data_dir: Path | None = None,
        seconds: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.node = node
        self.phase: Phase = "starting"
        self.latencies = Stages(STAGES)
        self._started = started
        self._speed = speed
        self._data_dir = data_dir
        self._inventory: list[dict[str, str]] = []
        self._seconds = seconds
        self._started_s = self._sliced_s = self._sampled_s = seconds()
        self._sampled = started
        self._jump_ms = 0
        self._jumped_s = 0.0
        self.received: dict[str, int] = {}
        """Publishes that came in, by kind, whatever becomes of them. The pipeline counts here and in `counts`."""
        self._refused: dict[str, int] = {}
        self._dropped: dict[str, int] = {}
        self.counts = {"accepted": 0, "duplicate": 0, "decisions": 0, "answers": 0}
        """Events decided for the first time, events that came again, decisions, answers that clients could get."""
        self.open_problems: list[str] = []
        """Names of what was wrong at the last sample, worst first."""
        self._gauges: dict[str, Gauges] = {}
        self._queues: dict[str, Queue] = {}
        self._alarms: dict[str, tuple[str, bool, bool]] = {}
        self._problems: list[Callable[[], Mapping[str, str]]] = []
        self._connects_refused: deque[dict[str, int]] = deque([{}], int(REFUSED_WINDOW_S / STATUS_INTERVAL_S) + 1)
        self._over_quota = Culprits()
        self._named_s = -PROBLEM_LOG_S
        self._logged: dict[str, tuple[bool, float]] = {}
        """Whether a problem was there when it was last logged, and when that was, by name."""

    # -- the data path -------------------------------------------------------------------------------------------------

    def stage(self, name: str, seconds: float, n: int = 1) -> None:
        """`n` messages of one batch spent `seconds` each in one of STAGES. Once a batch, not once a message."""
        self.latencies.spent.append((name, seconds, n))

    def refused(self, reason: str, n: int = 1) -> None:
        """Events were answered with a refusal."""
        _count(self._refused, reason, n)

    def dropped(self, reason: str, n: int = 1) -> None:
        """Messages were not decided, and nobody could be answered."""
        _count(self._dropped, reason, n)

    def over_quota(self, client: str, n: int) -> None:
        """A link dropped messages of a client that sends too many. That is counted with the rows; here it is who."""
        self._over_quota.blame(client, self._seconds(), n)

    # -- what the parts of the node register or report -----------------------------------------------------------------

    def register(self, name: str, gauges: Gauges, queues: Mapping[str, Queue] = MappingProxyType({})) -> None:
        """Register a part of the node: its values by section, read at each report, and its queues. Where
        `checks.STALL_CHECKS` has the name of a queue, not empty and not moving for longer than its limit is a problem;
        others are only shown."""
        self._gauges[name] = gauges
        self._queues.update(queues)

    def problems(self, read: Callable[[], Mapping[str, str]]) -> None:
        """Register problems that are worked out at each report: a full sentence by name. Events are still accepted."""
        self._problems.append(read)

    def alarm(self, name: str, text: str | None, *, serving: bool = True, restart: bool = False) -> None:
        """Raise an alarm (a full sentence: what is wrong, what to do), or clear it with None. `serving` is whether
        events are still accepted, `restart` whether a new process would do better."""
        if text is None:
            self._alarms.pop(name, None)
        else:
            self._alarms[name] = (text, serving, restart)

    def keeping(self, retention_days: float, k_anonymity: int, shop_scores: bool = False) -> None:
        """What is kept, and leaves, by the configuration."""
        self._inventory = data_inventory(retention_days, k_anonymity, shop_scores)

    def tick(self, now: Now) -> None:
        """Call at least every STATUS_INTERVAL_S. More often costs nothing; less often makes stalls slower to notice."""
        seconds = self._seconds()
        slices = int((seconds - self._sliced_s) / LATENCY_SLICE_S)
        if slices:
            self._sliced_s += slices * LATENCY_SLICE_S
            for latency in self.latencies.histograms().values():
                for _ in range(min(slices, LATENCY_SLICES + 1)):
                    latency.rotate()
        if seconds - self._sampled_s >= STATUS_INTERVAL_S:
            self._sampled_s = seconds
            self._sample_clock(now, seconds)
            for queue in self._queues.values():
                with suppress(Exception):  # `report` names the one that cannot be read
                    queue.sample()
            facts = self._facts(now)
            self._connects_refused.append(_refusals(facts["link"]))
            found = problems(facts)
            self.open_problems = [problem.name for problem in found]
            if self.phase == "running":
                self._log(found, seconds)
                self._log_names(facts["link"], seconds)

    def needs_restart(self) -> bool:
        """Whether something stands still that only a new process can set going again: then the service manager should
        get nothing more from this one. A full disk or a missing centre is no reason."""
        alarms = any(restart for _, _, restart in self._alarms.values())
        return alarms or any(problem.restart for problem in problems({"queues": self._moving({})}))

    def report(self, now: Now) -> dict[str, Any]:
        """The JSON of /api/status."""
        self.tick(now)
        return self._with_checks(self._facts(now))

    def _facts(self, now: Now) -> dict[str, Any]:
        """The report without the judgement."""
        pulled, latencies = self._pull(), self.latencies.histograms()
        return {
            "node": self.node,
            "version": VERSION,
            "started_at": self._started.wall_ms,
            "uptime_s": round(self._seconds() - self._started_s, 1),
            "clock": {"wall_ms": now.wall_ms, "speed": self._speed, "jump_ms": self._recent_jump()},
            "counts": {
                "received": self.received.copy(),
                **self.counts,
                "refused": self._refused.copy(),
                "dropped": self._dropped.copy(),
            },
            "latency_ms": {
                "recent": {stage: asdict(latency.recent()) for stage, latency in latencies.items()},
                "total": {stage: asdict(latency.total()) for stage, latency in latencies.items()},
            },
            **pulled,
            "process": process(),
            "data_inventory": self._inventory,
            "alarms": {**self._alarms, **self._found(pulled["unread"])},
        }

    def _found(self, unread: dict[str, str]) -> dict[str, tuple[str, bool, bool]]:
        found: dict[str, tuple[str, bool, bool]] = {}
        for read in self._problems:
            try:
                found |= {name: (text, True, False) for name, text in read().items()}
            except Exception as error:  # noqa: BLE001 - as in `_pull`
                unread["problems"] = place(error)
        return found

    def _log(self, found: list[Problem], seconds: float) -> None:
        """One line for each problem that has come or gone."""
        sentences = {problem.name: problem.sentence for problem in found}
        for name in sentences | self._logged:
            was_there, logged_s = self._logged.get(name, (False, -PROBLEM_LOG_S))
            if was_there == (name in sentences) or seconds - logged_s < PROBLEM_LOG_S:
                continue
            self._logged[name] = not was_there, seconds
            if was_there:
                PROBLEM_OVER.write(name=name)
            else:
                PROBLEM.write(name=name, sentence=sentences[name])

    def _log_names(self, link: Mapping[str, Value], seconds: float) -> None:
        """One line a minute for those who are refused, held back or taken over."""
        names = [f"{name} {link[name]}" for name in _NAMED if link.get(name)]
        if names and seconds - self._named_s >= PROBLEM_LOG_S:
            self._named_s = seconds
            LATELY.write(names="; ".join(names))

    def _with_checks(self, report: dict[str, Any]) -> dict[str, Any]:
        found = problems(report)
        state = self.phase if self.phase != "running" else "degraded" if found else "ok"
        del report["alarms"], report["unread"]
        health: dict[str, Any] = {
            "state": state,
            "serving": self.phase == "running" and all(problem.serving for problem in found),
            "sentence": sentence(state, found, report),
            "problems": [asdict(problem) for problem in found],
        }
        return {"node": report["node"], "version": report["version"], **health, **report}

    def _pull(self) -> dict[str, Any]:
        """Every registered value. A part that cannot be read is a problem, never the end of the report."""
        sections: dict[str, dict[str, Value]] = {name: {} for name in SECTIONS}
        unread: dict[str, str] = {}
        for part, gauges in self._gauges.items():
            try:
                for name, values in gauges().items():
                    sections.setdefault(name, {}).update(values)
            except Exception as error:  # noqa: BLE001 - whatever it is, the rest of the report must come out
                unread[part] = place(error)
        queues = self._moving(unread)
        link = sections["link"]
        if now := _refusals(link):
            lately = {name: count - self._connects_refused[0].get(name, 0) for name, count in now.items()}
            link["connects_refused_lately"] = lately.pop("", 0)
            link["connects_refused_mostly"] = max(lately, key=lately.__getitem__, default="")
        if over_quota := self._over_quota.lately(self._seconds()):
            link |= {"over_quota_lately": over_quota, "over_quota_by": self._over_quota.names(self._seconds())}
        if self._data_dir is not None:
            space = os.statvfs(self._data_dir)
            sections.setdefault("disk", {})["free_bytes"] = space.f_bavail * space.f_frsize
        return {"queues": queues, **sections, "unread": unread}

    def _moving(self, unread: dict[str, str]) -> dict[str, dict[str, float]]:
        """Every queue that can be read; the others go to `unread`."""
        queues: dict[str, dict[str, float]] = {}
        for name, queue in self._queues.items():
            try:
                queues[name] = queue.report()
            except Exception as error:  # noqa: BLE001
                unread[f"queues.{name}"] = place(error)
        return queues

    def _sample_clock(self, now: Now, seconds: float) -> None:
        """The wall clock should have moved as far as the monotonic one."""
        jump_ms = now.wall_ms - self._sampled.wall_ms - int((now.mono - self._sampled.mono) * 1000)
        self._sampled = now
        if abs(jump_ms) > WALL_SKEW_MS_MAX * max(1.0, self._speed):
            self._jump_ms, self._jumped_s = jump_ms, seconds

    def _recent_jump(self) -> int | None:
        lately = self._jump_ms and self._seconds() - self._jumped_s < CLOCK_JUMP_NOTICE_S
        return self._jump_ms if lately else None


def _refusals(link: Mapping[str, Value]) -> dict[str, int]:
    """How many connections were refused, by reason; all of them together under the empty name."""
    found = {
        name.removeprefix(_REFUSED).lstrip("_"): count for name, count in link.items() if name.startswith(_REFUSED)
    }
    return {name: count for name, count in found.items() if isinstance(count, int)}


def data_inventory(retention_days: float, k_anonymity: int, shop_scores: bool) -> list[dict[str, str]]:
    """What the node stores, where, and how long: in words, for the people whose data it is."""
    found = [
        {"what": "riders' positions", "where": "memory only", "how_long": "until a newer one comes or the node stops"},
        {
            "what": "events, decisions and answers, with travel times but without riders' places",
            "where": "the journal, on this box",
            "how_long": f"{retention_days:g} {'day' if retention_days == 1 else 'days'}",
        },
        {
            "what": f"counts and latencies by the minute; by place only where {k_anonymity} people or more took part",
            "where": "this box, then the centre",
            "how_long": "here until the centre has them",
        },
    ]
    if shop_scores:
        by_shop = f"how the orders of a shop went, by its name and day; only where {k_anonymity} people or more ordered"
        found.append({**found[-1], "what": by_shop})
    return found


def process() -> dict[str, Value]:
    """This process: resident memory, processor time, file descriptors, threads. Source: /proc/self, proc(5)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "pid": os.getpid(),
        "rss_mb": round(pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000, 1),
        "cpu_s": round(time.process_time(), 2),
        "fds": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "threads": sum(1 for _ in Path("/proc/self/task").iterdir()),
    }


def _count(counts: dict[str, int], name: str, n: int) -> None:
    if name in counts:
        counts[name] += n
    else:
        name = name if len(counts) < STATUS_NAMES_MAX else "other"
        counts[name] = counts.get(name, 0) + n
