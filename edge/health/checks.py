"""What is wrong with a node, worst first, derived from its own report: one rule for each thing that can be seen.

A rule reads plain values (the shape is in `status.py`) and returns a sentence: what is wrong and what to do. A
value that is missing or None is not checked: nothing is wrong with an uplink that nobody configured.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from ..limits import CLOCK_WALL_MS_MIN, STATUS_INTERVAL_S, UPLINK_ACK_DEADLINE_S
from ..messages.sentences import span

STATUS_STALL_INTERVALS: Final = 2
"""Samples without progress that make a stall; one alone is what a paused process sees when it goes on."""

DISK_FREE_BYTES_MIN: Final = 256 * 1024 * 1024
"""Below this the node warns. At 20 orders/s (about 100 rows of 500 bytes) it leaves more than an hour to act."""

CERTIFICATE_DAYS_MIN: Final = 30
"""A certificate that expires sooner is a warning: the first of 30, 7 and 1 days ahead."""

RENEWED_DAYS_MIN: Final = 21
"""The same for the certificate of an enrolled node, which renews it by itself from 30 days ahead on."""

CONNECTS_REFUSED_MAX: Final = 20
"""Refused connections in the last minute. One client with a wrong token tries a few times a minute."""

FLOOD_MESSAGES_MAX: Final = 100
"""Messages over a quota in the last one to two minutes. A phone after a dead spot is within the burst."""

FLOOD_HELD_BACK_MAX: Final = 20
"""Times that connections were held back, in the same time: each is a second's work that a client had used up."""

Report = Mapping[str, Any]


class Problem(Struct, frozen=True):
    """One thing that is wrong. `serving` is whether events are still accepted and decided in spite of it, `restart`
    whether a new process would do better: then the service manager's watchdog is no longer fed."""

    name: str
    sentence: str
    serving: bool
    restart: bool = False


class StallCheck(Struct, frozen=True):
    """What it means when a queue holds something and nothing leaves it for `stall_after_s`."""

    what: str
    todo: str
    serving: bool
    restart: bool = False
    stall_after_s: float = STATUS_STALL_INTERVALS * STATUS_INTERVAL_S


STALL_CHECKS: Final = {
    "decode": StallCheck(
        "What was read from clients is not looked at",
        "Restart the node; events without a receipt will be sent again.",
        serving=False,
        restart=True,
    ),
    "commit": StallCheck(
        "Rows wait for the disk",
        "Look at the disk of the data directory (dmesg, iostat); restart the node.",
        serving=False,
        restart=True,
    ),
    "decide": StallCheck(
        "A deadline passed without a decision",
        "Restart the node; events without a receipt will be sent again.",
        serving=False,
        restart=True,
    ),
    "publish": StallCheck(
        "Clients wait for answers that nobody sends",
        "Restart the node, and look at its network.",
        serving=True,
        restart=True,
    ),
    "seal": StallCheck(
        "A window of counts is past its end and stays open",
        "Restart the node when it suits you: decisions go on, the centre's figures come late.",
        serving=True,
    ),
    "cut": StallCheck(
        "Sealed windows do not become batches",
        "Restart the node when it suits you: decisions go on, the centre's figures come late.",
        serving=True,
    ),
    "send": StallCheck(
        "Batches are ready for the centre and are not sent",
        "Restart the node when it suits you: decisions go on, the centre's figures come late.",
        serving=True,
    ),
    "sync": StallCheck(
        "Batches wait for the centre",
        "The connection stands but nothing is acknowledged: look at the centre's log. Local decisions go on.",
        serving=True,
        stall_after_s=2 * UPLINK_ACK_DEADLINE_S,
    ),
}
"""The queues whose stillness is a fault. Others are only shown: an order may wait for long. The watchdog acts
where people are kept waiting; where only the centre's figures are late, interrupting decisions would do more harm."""


def problems(report: Report) -> list[Problem]:
    """Everything wrong in `report`, worst first."""
    found = [problem for rule in _RULES for problem in rule(report)]
    return sorted(found, key=lambda problem: problem.serving)


def sentence(state: str, found: list[Problem], report: Report) -> str:
    """The state in one or two sentences: what is wrong and what to do, or that all is well."""
    if state == "starting":
        return "The node is starting: it reads its journal and accepts events as soon as that is done."
    if state == "draining":
        return "The node is stopping: it accepts nothing new and finishes what it has accepted."
    if found:
        others = len(found) - 1
        more = f" ({others} more {'problem' if others == 1 else 'problems'} below.)" if others else ""
        return found[0].sentence + more
    if report.get("sync", {}).get("connected"):
        return "All is well: events are decided here, and the centre has what it should."
    return "All is well: events are decided here."


def _alarms(report: Report) -> list[Problem]:
    return [Problem(name, *alarm) for name, alarm in report.get("alarms", {}).items()]


def _stalls(report: Report) -> list[Problem]:
    found: list[Problem] = []
    for name, stall in STALL_CHECKS.items():
        queue = report.get("queues", {}).get(name)
        if queue is None or not queue["depth"] or queue["stalled_s"] < stall.stall_after_s:
            continue
        text = f"{stall.what}: {queue['depth']}, and none moved for {span(queue['stalled_s'])}. {stall.todo}"
        found.append(Problem(f"stall_{name}", text, stall.serving, stall.restart))
    return found


def _clock(report: Report) -> list[Problem]:
    clock = report.get("clock", {})
    wall_ms, jump_ms = clock.get("wall_ms"), clock.get("jump_ms")
    if wall_ms is not None and wall_ms < CLOCK_WALL_MS_MIN:
        text = "The wall clock was never set (it is before 2024), so stamps are wrong. Start an NTP client on this box."
        return [Problem("clock_unset", text, serving=True)]
    if jump_ms:
        way = "forward" if jump_ms > 0 else "back"
        text = (
            f"The wall clock jumped {way} by {span(abs(jump_ms) / 1000)}. Timers are not affected, stamps are: "
            "check the time and the NTP client of this box."
        )
        return [Problem("clock_jumped", text, serving=True)]
    return []


def _disk(report: Report) -> list[Problem]:
    free = report.get("disk", {}).get("free_bytes")
    if free is None or free >= DISK_FREE_BYTES_MIN:
        return []
    text = (
        f"Only {free // 1_000_000} MB are free where the journal is. Free some, or lower retention_days: "
        "with a full disk the node stops accepting events."
    )
    return [Problem("disk_low", text, serving=True)]


def _journal(report: Report) -> list[Problem]:
    journal = report.get("journal", {})
    if not journal.get("closed"):
        return []
    text = (
        f"The journal holds {journal['used_bytes'] / 1e9:.1f} GB, as much as it may: no event is accepted until rows "
        "are past their retention. Raise journal_max_gb, or shorten retention_days, and send the node SIGHUP."
    )
    return [Problem("journal_full", text, serving=False)]


def _link(report: Report) -> list[Problem]:
    if report.get("link", {}).get("connected") is not False:
        return []
    text = (
        "There is no connection to the broker, so no event arrives. Check that the broker runs, and link, "
        "link_username and link_token_file in the configuration."
    )
    return [Problem("link_down", text, serving=False)]


def _descriptors(report: Report) -> list[Problem]:
    link = report.get("link", {})
    if not link.get("listeners_paused"):
        return []
    text = (
        f"There are no file descriptors left, so new clients wait ({link.get('connections', 0)} are connected). Raise "
        "the limit of open files (LimitNOFILE in the service's unit, ulimit -n in a shell) and restart the node."
    )
    return [Problem("descriptors", text, serving=False)]


def _refused_connections(report: Report) -> list[Problem]:
    link = report.get("link", {})
    refused = link.get("connects_refused_lately", 0)
    if refused <= CONNECTS_REFUSED_MAX:
        return []
    origin = f", most from {link['connects_refused_from']}" if link.get("connects_refused_from") else ""
    cause = _REFUSALS.get(link.get("connects_refused_mostly", ""), "")
    text = f"{refused} connections were refused in the last minute{origin}. {cause}".rstrip()
    return [Problem("refused_connections", text, serving=True)]


def _flood(report: Report) -> list[Problem]:
    link = report.get("link", {})
    over, held = link.get("over_quota_lately", 0), link.get("held_back_lately", 0)
    found: list[str] = []
    if over > FLOOD_MESSAGES_MAX:
        found.append(f"{over} messages over the quota were dropped lately, of {link.get('over_quota_by')}.")
    if held > FLOOD_HELD_BACK_MAX:
        found.append(f"Connections were held back {held} times for what they send, of {link.get('held_back_by')}.")
    if not found:
        return []
    todo = (
        "The others are served. Mend that client, or end it with doorstep revoke. "
        "If it may send so much, raise messages_per_s."
    )
    return [Problem("flood", f"{' '.join(found)} {todo}", serving=True)]


def _uplink(report: Report) -> list[Problem]:
    sync = report.get("sync", {})
    connected, error = sync.get("connected"), sync.get("error")
    age = sync.get("last_ack_age_s")
    if sync.get("refused"):
        text = f"{error or 'The centre refuses this node: its log has the reason.'} Local decisions go on."
        return [Problem("sync_refused", text, serving=True)]
    waited_s = report.get("uptime_s", 0) if age is None else age
    if connected is None or (connected and not error) or (not connected and waited_s <= UPLINK_ACK_DEADLINE_S):
        return []
    backlog = sync.get("backlog_bytes")
    waiting = f"; {backlog / 1000:.0f} kB wait" if backlog else ""
    since = "since the node started" if age is None else f"for {span(age)}"
    text = "" if connected else f"The centre has not been reached {since}{waiting}. "
    text += error or "Check uplink in the configuration, and the network."
    return [Problem("uplink", f"{text} Local decisions go on.", serving=True)]


def _gave_up(report: Report) -> list[Problem]:
    sync = report.get("sync", {})
    if not sync.get("gave_up"):
        return []
    text = (
        "The centre takes this node for one that was restored from a backup: what it may have sent before is not sent "
        f"again ({sync.get('events_discarded', 0)} events so far). If it was not restored, a copy of its data "
        "directory has spoken as this node: find that process, stop it, and restart this node."
    )
    return [Problem("gave_up", text, serving=True)]


def _certificate(report: Report) -> list[Problem]:
    link = report.get("link", {})
    found: list[Problem] = []
    for name, option, cost, todo in _CERTIFICATES:
        days = link.get(f"{name}_days")
        least = RENEWED_DAYS_MIN if name == "uplink_certificate" else CERTIFICATE_DAYS_MIN
        if days is not None and days <= least:
            when = f"has expired: {cost}" if days <= 0 else f"expires in {span(days * 86_400)}"
            found.append(Problem(name, f"The certificate in {option} {when}. {todo}", serving=True))
    return found


def _unread(report: Report) -> list[Problem]:
    return [
        Problem(
            "gauge", f"The gauge {name} cannot be read ({why}). Please report this fault of the node.", serving=True
        )
        for name, why in report.get("unread", {}).items()
    ]


_REFUSALS: Final = {
    "credentials": "Most had a wrong name or token, or somebody guesses: compare doorstep credential list with what "
    "the clients use.",
    "protocol": "Most broke a rule of MQTT, or are no MQTT at all: look at what connects to that port, and to its TLS.",
    "budget": "Most sent too much before they were let in, or connect too often: look at that client.",
    "silent": "Most sent nothing for 10 s: a port scan, a health check that only connects, or a bad network.",
    "address": "Most are from an address from which too many have failed: look at what fails there, and at a proxy.",
}
"""By reason (`mqtt.server.budgets.REFUSALS`): what it means, and what to do."""

_CERTIFICATES: Final = (
    ("certificate", "tls_cert", "TLS clients cannot connect", "Replace the file and send the node SIGHUP."),
    (
        "uplink_certificate",
        "uplink.pem of the data directory",
        "the centre does not let this node in; local decisions go on",
        (
            "It should have been renewed by itself: see the problem of the uplink. With a new invitation of the centre "
            "(doorstep central invite) run doorstep enroll."
        ),
    ),
    ("uplink_ca", "uplink_ca", "the centre cannot be reached", "Replace the file and restart the node."),
    ("link_ca", "link_ca", "the broker cannot be reached", "Replace the file and restart the node."),
)
"""The certificate, the option that names it, what it costs when it has expired, and what to do."""


_RULES: Final[tuple[Callable[[Report], list[Problem]], ...]] = (
    _alarms,
    _stalls,
    _descriptors,
    _link,
    _journal,
    _disk,
    _uplink,
    _gave_up,
    _refused_connections,
    _flood,
    _certificate,
    _clock,
    _unread,
)
"""Worst first; `problems` then moves those that stop events before those that do not."""
