"""Whether anything is missing or was counted twice: what was promised, what is on disk, what the centre counts.

Three witnesses that share no code: the clients' acknowledgements and receipts, the rows of the journal (read without
the core, `bench.demo.proof.evidence`), and the sums at the centre.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..demo.proof.evidence import Evidence, read_journal

Key = tuple[str, str]


class Proof(Struct, kw_only=True):
    """`lost` and `doubled` count events, each way of losing or doubling one by itself; `sentences` are examples."""

    lost: int
    doubled: int
    events: int
    counters_equal: bool
    sentences: list[str]


def prove(journal: Path, promised: set[Key], waiting: int, summary: Mapping[str, Any]) -> Proof:
    """`promised` are (client, id) that were acknowledged or receipted, `waiting` events that have no receipt yet,
    `summary` the centre's. Raises DoorstepError where the journal cannot be read from its first row."""
    evidence, _ = read_journal(journal)
    return compare(evidence, promised, waiting, summary)


def compare(evidence: Evidence, promised: set[Key], waiting: int, summary: Mapping[str, Any]) -> Proof:
    """The same, of a journal that was read."""
    sentences: list[str] = []
    missing = sorted(promised - evidence.receipts.keys())
    if missing:
        sentences.append(f"{len(missing)} promised events are not in the journal, for example {missing[0]}.")
    if waiting:
        sentences.append(f"{waiting} events never got a receipt.")
    differing = evidence.counts["one_decision_per_id"]
    sentences += evidence.findings.get("one_decision_per_id", [])
    at_centre = int(summary["events"])
    short, over = max(evidence.received - at_centre, 0), max(at_centre - evidence.received, 0)
    if short or over:
        sentences.append(f"The journal holds {evidence.received} events, the centre counts {at_centre}.")
    here, there = counters(evidence), outcomes(summary)
    if here != there:
        sentences.append(f"By outcome the journal holds {dict(here)}, the centre {dict(there)}.")
    return Proof(
        lost=len(missing) + waiting + short,
        doubled=differing + over,
        events=evidence.received,
        counters_equal=here == there,
        sentences=sentences,
    )


def counters(evidence: Evidence) -> Counter[str]:
    """What became of the journal's events."""
    found = Counter({f"refused.{reason}": count for reason, count in evidence.refused.items() if count})
    found["accepted"], found["duplicate"] = evidence.accepted, evidence.duplicate
    return +found


def outcomes(summary: Mapping[str, Any]) -> Counter[str]:
    """What became of events as the centre counts them: accepted and duplicate over all kinds, refused by reason."""
    found: Counter[str] = Counter()
    for names in summary["counters"].values():
        for name, count in names.items():
            outcome, _, rest = name.partition(".")
            if outcome in ("accepted", "duplicate") and rest:
                found[outcome] += count
            elif outcome == "refused":
                found[name] += count
    return +found
