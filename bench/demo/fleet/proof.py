"""The rules for several nodes at one centre, beside those for each; and the report of the run."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ..proof.invariants import InvariantResult
from ..report import build as build_node
from . import till
from .fleet import FleetEnded


def _every_node_held(t: FleetEnded) -> Iterable[str]:
    """Every order once, every decision on disk, every event counted once: each node's own invariants."""
    for name, ended in t.nodes.items():
        yield from (f"{name}: {each.name}: {each.evidence}" for each in ended.results if not each.held)


def _every_batch_once(t: FleetEnded) -> Iterable[str]:
    """Both sides of each node's day agree, signed: no window is lost, doubled or changed."""
    for name, found in t.reconciled.items():
        if found["agrees"] is not True or found["gaps"] or found["quarantined"]:
            yield f"{name}: {found['sentence']}"
        elif not found["windows_node"]:
            yield f"{name} has stated an empty day, which proves nothing"


def _cut_off_is_red_and_drains(t: FleetEnded) -> Iterable[str]:
    """The node that was cut off was the first of the list, and had sent everything afterwards."""
    yield from t.story.missing


def _bad_settings_on_one_node(t: FleetEnded) -> Iterable[str]:
    """One node tried them and went back by itself; none has them."""
    if len(t.placed) != 1 or list(t.story.tried.items()) != [(t.placed[0], "rolled_back")]:
        yield f"roll-out {t.story.bad} was at {t.placed}, with the outcome {t.story.tried}"
    having = [node for node, (version, _, _) in t.settings.items() if version == t.story.bad]
    if having:
        yield f"{having} have them still"


def _good_settings_everywhere(t: FleetEnded) -> Iterable[str]:
    """Each node has tried them, and stood it."""
    for node in t.nodes:
        if (found := t.settings.get(node)) != (t.story.good, t.story.good, "healthy"):
            yield f"{node} reports (version, about, outcome) {found}; the roll-out is {t.story.good}"


def _planted_differences_found(t: FleetEnded) -> Iterable[str]:
    """The node finds the three in the shop's book, and the centre counts the same."""
    for where, found in (("the node found", t.ledger), ("the centre has", t.counted)):
        if found != till.PLANTED:
            yield f"{where} {found}, planted were {dict(till.PLANTED)}"


def _alerts_sent(t: FleetEnded) -> Iterable[str]:
    """Of the node that was cut off when that began and ended, of the roll-out and of the ledger; all are signed."""
    cut = t.story.cut.node_name
    wanted = [("began", "behind", cut), ("ended", "behind", cut), ("began", "rollout", ""), ("began", "ledger", "")]
    for kind, alarm, node in wanted:
        if not t.inbox.has(kind, alarm, node):
            yield f"no alert came that {alarm} {kind} {node}".rstrip()
    if t.inbox.forged:
        yield f"{t.inbox.forged} alerts had a wrong signature"


RULES: Final[Mapping[str, Callable[[FleetEnded], Iterable[str]]]] = {
    "every_node_held": _every_node_held,
    "every_batch_once": _every_batch_once,
    "cut_off_is_red_and_drains": _cut_off_is_red_and_drains,
    "bad_settings_on_one_node": _bad_settings_on_one_node,
    "good_settings_everywhere": _good_settings_everywhere,
    "planted_differences_found": _planted_differences_found,
    "alerts_sent": _alerts_sent,
}
"""Name in the report -> the rule."""


def check(ended: FleetEnded) -> list[InvariantResult]:
    """Every rule, in the order of `RULES`."""
    found = {name: [*rule(ended)] for name, rule in RULES.items()}
    return [
        InvariantResult(name, not broken, " ".join(f"{text}." for text in broken[:6])) for name, broken in found.items()
    ]


def build(ended: FleetEnded) -> dict[str, Any]:
    """The report, ready for JSON."""
    results = check(ended)
    return {
        "nodes": {name: build_node(each) for name, each in ended.nodes.items()},
        "real_s": round(ended.real_s, 1),
        "cut_off": ended.story.cut.node_name,
        "rollouts": {"bad": ended.story.bad, "good": ended.story.good, "tried_at": ended.placed},
        "ledger": {"found": ended.ledger, "counted": ended.counted},
        "alerts": ended.inbox.texts,
        "reconciled": {name: found["agrees"] for name, found in ended.reconciled.items()},
        "data": ended.folder,
        "invariants": {result.name: result.held for result in results},
        "evidence": {result.name: result.evidence for result in results if not result.held},
    }


def lines(report: Mapping[str, Any]) -> list[str]:
    """The end of a run for a person."""
    nodes: Mapping[str, Any] = report["nodes"]
    placed, delivered = (sum(each["orders"][name] for each in nodes.values()) for name in ("placed", "delivered"))
    events = sum(each["sync"]["events_at_centre"] for each in nodes.values())
    tried = ", ".join(report["rollouts"]["tried_at"]) or "no node"
    agreed = sum(found is True for found in report["reconciled"].values())
    text = [
        f"{placed} orders placed at {len(nodes)} nodes, {delivered} delivered, in {report['real_s']:.0f} s.",
        f"{report['cut_off']} was cut off, and has sent everything; {events} events are at the centre.",
        f"Both sides of the day agree for {agreed} of {len(nodes)} nodes.",
        f"Bad settings were at {tried}, and gone; good ones count at {len(nodes)} nodes.",
        f"{sum(report['ledger']['counted'].values())} differences of a ledger are counted at the centre.",
        f"{len(report['alerts'])} alerts came.",
    ]
    broken = [name for name, held in report["invariants"].items() if not held]
    if broken:
        text.append(f"{len(broken)} of {len(report['invariants'])} invariants of the fleet DID NOT HOLD:")
        text += [f"  {name}: {report['evidence'][name]}" for name in broken]
    else:
        each = len(next(iter(nodes.values()))["invariants"])
        text.append(f"All {len(report['invariants'])} invariants of the fleet held, and all {each} of each node.")
    return text
