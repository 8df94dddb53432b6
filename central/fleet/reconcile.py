"""Whether node and centre have the same of one day: the windows that the node states against the stored ones. Pure.

Both sides are multisets of windows. What is on one side only is a difference, and named: its window, why it may be, and
the counters of which the sums differ. What the centre withholds for the sake of people is none.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Final

from msgspec import Struct

from edge.messages.batches import Window, chain_hash
from edge.messages.sync.statement import (
    Entry,
    SignedStatement,
    Statement,
    decode_statement,
    digest_of,
    entries,
)

LOST, CHANGED, DOUBLED, UNKNOWN, QUARANTINED = "lost", "changed", "doubled", "unknown", "quarantined"
WITHHELD: Final = "withheld."

DIFFERENCES_MAX: Final = 100
"""Windows that are listed; the answer has the number of all."""

AGREES, DIFFERS, UNPROVEN = "agrees", "differs", "unproven"


class Stored(Struct, frozen=True):
    """A window as the centre has it, and when it came (Unix ms)."""

    window: Window
    at: int


class BatchHash(Struct, frozen=True):
    """A batch that the centre took: `sha256` of its body, and when it came (Unix ms)."""

    epoch: int
    seq: int
    sha256: bytes
    at: int


class Aside(Struct, frozen=True):
    """A batch that is kept aside, and what it holds."""

    name: str
    reason: str
    windows: list[Window]


class Evidence(Struct, frozen=True, kw_only=True):
    """What the centre has of one node. `signed` are the statements of the day, as they came, `latest` is the newest of
    any day; `stored` are the windows that began on the day, or, where they are not kept as they came (`is_exact`),
    their sums by the hour; `batches` the hashes that are kept, in sequence; `history` is the centre's `chain_hash`;
    `repeats` and `refused` count the node's life."""

    node: str
    day: int
    signed: Sequence[SignedStatement]
    latest: Statement | None
    stored: Sequence[Stored]
    is_exact: bool = True
    batches: Sequence[BatchHash] = ()
    aside: Sequence[Aside] = ()
    history: bytes = b""
    repeats: int = 0
    refused: int = 0


class Difference(Struct, frozen=True, kw_only=True):
    """A window that the sides do not share, and why. `counters` are those of its scenario whose sums differ."""

    what: str
    scenario: str
    start: int
    width_s: int
    times: int
    counters: list[str]
    detail: str = ""


class Total(Struct, frozen=True):
    """One counter of one scenario, on both sides."""

    scenario: str
    name: str
    node: int
    centre: int


class Reconciliation(Struct, frozen=True, kw_only=True):
    """Both sides of one day. `agrees` is None where the node has stated nothing of it. `later` windows came after the
    node's last statement and are in none yet. `gaps` are numbers of batches (epoch, first, last) that the centre has
    not, `withheld` what it counts without a place. `chain` is whether the hashes of all batches lead from the node's
    last statement to where the centre stands."""

    node: str
    day: int
    agrees: bool | None
    sentence: str
    statements: int
    windows_node: int
    windows_centre: int | None
    later: int
    totals: list[Total]
    differing: list[Total]
    differences: list[Difference]
    differences_count: int
    withheld: list[Total]
    quarantined: list[str]
    gaps: list[tuple[int, int, int]]
    repeats: int
    refused: int
    chain: str
    history_node: str
    history_centre: str
    epoch: int = 0
    through: int = 0


def reconcile(evidence: Evidence) -> Reconciliation:
    """Compare the sides. Raises ValueError where a statement cannot be read."""
    statements = [decode_statement(each.body) for each in evidence.signed]
    stated, node_totals = _stated(statements)
    unlisted = sum(statement.unlisted for statement in statements)
    aside = {entry: item for item in evidence.aside for entry in _entries(item.windows)}
    now, later = _known(evidence, stated)
    totals = _compare(node_totals, _sums(each.window for each in now))
    differing = [total for total in totals if total.node != total.centre and not _is_withheld(total)]
    here = Counter(_entries(each.window for each in now))
    differences = _differences(stated, here, aside, differing) if evidence.is_exact and not unlisted else []
    chain = _chain(evidence)
    count = sum(each.times for each in differences)
    wrong = bool(differences or differing) or chain == DIFFERS
    agrees = not wrong if statements else None
    latest = evidence.latest
    return Reconciliation(
        node=evidence.node,
        day=evidence.day,
        agrees=agrees,
        sentence=_sentence(agrees, count, differing, chain),
        statements=len(statements),
        windows_node=stated.total() + unlisted,
        windows_centre=len(now) if evidence.is_exact else None,
        later=later,
        totals=totals,
        differing=differing,
        differences=differences[:DIFFERENCES_MAX],
        differences_count=count,
        withheld=[total for total in totals if total.name.startswith(WITHHELD)],
        quarantined=sorted({item.name for item in evidence.aside}),
        gaps=_gaps(evidence.batches),
        repeats=evidence.repeats,
        refused=evidence.refused,
        chain=chain,
        history_node=latest.history.hex() if latest else "",
        history_centre=evidence.history.hex(),
        epoch=latest.epoch if latest else 0,
        through=latest.through if latest else 0,
    )


def _stated(statements: Sequence[Statement]) -> tuple[Counter[Entry], dict[str, dict[str, int]]]:
    """The node's windows and sums. Two statements of one number are of a node that was restored in between: what they
    share counts once."""
    windows: dict[tuple[str, int], Counter[Entry]] = {}
    sums: dict[tuple[str, int], dict[str, dict[str, int]]] = {}
    for statement in statements:
        key = (statement.instance, statement.number)
        windows[key] = windows.get(key, Counter()) | Counter(entries(statement))
        mine = sums.setdefault(key, {})
        for scenario, counters in statement.counters.items():
            into = mine.setdefault(scenario, {})
            for name, count in counters.items():
                into[name] = max(into.get(name, 0), count)
    whole: Counter[Entry] = sum(windows.values(), Counter())
    totals: dict[str, dict[str, int]] = {}
    for mine in sums.values():
        _add(totals, mine)
    return whole, totals


def _known(evidence: Evidence, stated: Counter[Entry]) -> tuple[list[Stored], int]:
    """The stored windows that the node should have stated by now, and how many came after its last word. One that is
    stated belongs to the former, whenever it came: a batch that was kept aside may be stored much later."""
    if not evidence.is_exact:
        return list(evidence.stored), 0
    latest = evidence.latest
    until = max(
        (each.at for each in evidence.batches if latest and (each.epoch, each.seq) <= (latest.epoch, latest.through)),
        default=0,
    )
    now = [each for each in evidence.stored if each.at <= until or _entry(each.window) in stated]
    return now, len(evidence.stored) - len(now)


def _differences(
    stated: Counter[Entry], here: Counter[Entry], aside: Mapping[Entry, Aside], differing: Sequence[Total]
) -> list[Difference]:
    missing, extra = stated - here, here - stated
    spans = {entry[:3]: entry for entry in missing if entry not in aside}
    found: list[Difference] = []
    paired: set[Entry] = set()

    def add(what: str, entry: Entry, times: int, detail: str = "") -> None:
        names = [total.name for total in differing if total.scenario == entry.scenario]
        found.append(
            Difference(
                what=what,
                scenario=entry.scenario,
                start=entry.start,
                width_s=entry.width_s,
                times=times,
                counters=names,
                detail=detail,
            )
        )

    for entry, times in extra.items():
        other = spans.get(entry[:3])
        if entry in stated:
            add(DOUBLED, entry, times)
        elif other is not None and other not in paired:
            paired.add(other)
            add(CHANGED, entry, times)
        else:
            add(UNKNOWN, entry, times)
    for entry, times in missing.items():
        if entry in aside:
            add(QUARANTINED, entry, times, f"{aside[entry].name} ({aside[entry].reason})")
        elif entry not in paired:
            add(LOST, entry, times)
    return sorted(found, key=lambda each: (each.start, each.scenario, each.what))


def _compare(node: Mapping[str, Mapping[str, int]], centre: Mapping[str, Mapping[str, int]]) -> list[Total]:
    return [
        Total(scenario, name, node.get(scenario, {}).get(name, 0), centre.get(scenario, {}).get(name, 0))
        for scenario in sorted({*node, *centre})
        for name in sorted({*node.get(scenario, {}), *centre.get(scenario, {})})
    ]


def _is_withheld(total: Total) -> bool:
    """The centre may withhold more places than the node does: then it counts more of them."""
    return total.name.startswith(WITHHELD) and total.centre > total.node


def _chain(evidence: Evidence) -> str:
    latest = evidence.latest
    if latest is None or not evidence.batches:
        return UNPROVEN
    after = [each for each in evidence.batches if (each.epoch, each.seq) > (latest.epoch, latest.through)]
    if _gaps(after) or (after and after[0].seq != (latest.through + 1 if after[0].epoch == latest.epoch else 1)):
        return UNPROVEN
    led = reduce(chain_hash, (each.sha256 for each in after), latest.history)
    return AGREES if led == evidence.history else DIFFERS


def _gaps(batches: Iterable[BatchHash]) -> list[tuple[int, int, int]]:
    """Numbers between those that are there, of each epoch."""
    found: list[tuple[int, int, int]] = []
    before: BatchHash | None = None
    for each in batches:
        if before is not None and before.epoch == each.epoch and each.seq > before.seq + 1:
            found.append((each.epoch, before.seq + 1, each.seq - 1))
        before = each
    return found


def _entry(window: Window) -> Entry:
    return Entry(window.scenario, window.start, window.width_s, digest_of(window))


def _entries(windows: Iterable[Window]) -> list[Entry]:
    return [_entry(window) for window in windows]


def _sums(windows: Iterable[Window]) -> dict[str, dict[str, int]]:
    totals: dict[str, dict[str, int]] = {}
    for window in windows:
        _add(totals, {window.scenario: window.counters})
    return totals


def _add(totals: dict[str, dict[str, int]], more: Mapping[str, Mapping[str, int]]) -> None:
    for scenario, counters in more.items():
        into = totals.setdefault(scenario, {})
        for name, count in counters.items():
            into[name] = into.get(name, 0) + count


def _sentence(agrees: bool | None, count: int, differing: Sequence[Total], chain: str) -> str:
    if agrees is None:
        return "The node has stated nothing of this day yet: it does so 15 minutes after its end, while connected."
    if agrees:
        return "Both sides have the same."
    parts = [f"{count} windows" if count else "", f"{len(differing)} counters" if differing else ""]
    parts.append("the chain of hashes" if chain == DIFFERS else "")
    return f"The sides differ: {', '.join(filter(None, parts))}."
