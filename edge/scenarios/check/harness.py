"""The checks of `doorstep scenario check`, one function each. They run the real node; a finding names what is wrong,
where, and what to do."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import zip_longest
from typing import Final

import msgspec

from ...core.decode import Catalog
from ...core.model import Answer, Commit, Effect, Event, Observed, RecordedEvent, Row, decode_row
from ...core.node import Node
from ...core.replay import Difference, Replay
from ...core.scenario import Scenario
from ...errors import DoorstepError
from ..loader import available, load
from ..names import Forms, Renaming
from . import declarations as declared
from . import digest, purity
from .growth import Growth, grow
from .life import Life
from .subject import Finding, Subject

SEEDS: Final = 3
MESSAGES: Final = 300
"""Messages of one walk."""

GROWTH_MESSAGES: Final = 20_000
"""Messages of the walk along which the state must stay bounded."""

CLIENTS_FORGOTTEN: Final = 8
"""Of each walk: it begins with one of each role."""

NAMES_HINT: Final = (
    "write the types Client, ClientName, ClientKey or Sentence where names are, and the method renamed()"
)

FINDINGS_MAX: Final = 5
"""Of one check: the first ones are mended first."""


class Harness:
    """All checks of one scenario. What several of them need is lived through once."""

    def __init__(self, subject: Subject, seeds: int = SEEDS) -> None:
        self.subject = subject
        self.kind: type[Scenario] = subject.kind
        self.seeds = seeds
        self.growth_messages = GROWTH_MESSAGES

    @cached_property
    def lives(self) -> list[Life]:
        """One walk for each seed."""
        return [Life(self.kind, self.subject.package).walk(seed, MESSAGES) for seed in range(1, self.seeds + 1)]

    @cached_property
    def digests(self) -> list[digest.Digest | str]:
        """The same walks in two processes."""
        return digest.of_two_processes(self.subject, self.seeds, MESSAGES)

    @cached_property
    def growth(self) -> Growth:
        """One long walk."""
        return grow(self.subject, self.growth_messages)

    def run(self) -> Iterator[Finding]:
        """Every check in turn: one finding that it holds, or some with what is wrong."""
        for check in CHECKS:
            yield from self.check(check)

    def check(self, name: str) -> list[Finding]:
        """One check. What it stumbles over is a finding too, since an author's code may do anything."""
        found: list[str] = []
        check = CHECKS[name](self)
        try:
            while len(found) < FINDINGS_MAX:
                found.append(next(check))
        except StopIteration as end:
            if not found:
                return [Finding(name, True, end.value)]
        except Exception as error:  # noqa: BLE001 - see above
            found.append(f"the check cannot be made: {type(error).__name__}: {error}. Mend what is wrong above first")
        return [Finding(name, False, text) for text in found]


Check = Generator[str, None, str]
"""Yields what is wrong, as sentences; returns what was seen to hold, which counts where nothing is wrong."""


def _declarations(harness: Harness) -> Check:
    others: list[type[Scenario]] = []
    for name in available():
        if name != harness.subject.name:
            try:
                others += load([name])
            except DoorstepError:
                continue  # another scenario that is broken is not this one's fault
    yield from declared.wrong(harness.kind, others)
    return declared.summary(harness.kind)


def _purity(harness: Harness) -> Check:
    hint = "a round knows only its arguments and its sensor: take time from `now`, what was observed from the sensor"
    for text in purity.impurities(harness.subject.package):
        yield text if "walks through" in text else f"{text}: {hint}"
    return "the package asks nothing of the outside world and walks through no set"


def _examples(harness: Harness) -> Check:
    kind, catalog = harness.kind, Catalog([harness.kind])
    for seed in range(1, harness.seeds + 1):
        seen: dict[str, None] = {}
        for number, (client, name, fields) in enumerate(kind.examples(seed), 1):
            seen[name] = None
            for payload in (msgspec.json.encode(fields), msgspec.msgpack.encode(fields)):
                made = catalog.decode(client, name, payload, "wgs84")
                if not isinstance(made, Event | Observed):
                    text = f"{made.field} {made.detail}".strip()
                    yield f"examples({seed}), message {number} ({name}) is refused: {made.reason}, {text}. Mend it"
                    break
        for name in catalog.kinds:
            if name not in seen:
                yield f"examples({seed}) has no {name}: every kind that comes up must occur, or nobody ever tries it"
    if kind.examples(1) == kind.examples(2):
        yield "examples(1) equals examples(2): draw names and values from the seed, so that walks differ"
    yield from _failures(harness)
    first, second = harness.digests
    if isinstance(first, digest.Digest) and isinstance(second, digest.Digest) and first.examples != second.examples:
        yield "examples() of one seed differ between two processes: draw from the seed by arithmetic only"
    return f"{len(kind.examples(1))} messages for a seed, all valid, the same in two processes"


def _failures(harness: Harness) -> Iterator[str]:
    for seed, each in zip(digest.HASH_SEEDS, harness.digests, strict=True):
        if isinstance(each, str):
            yield f"a process with PYTHONHASHSEED={seed} failed: {each}"


def _determinism(harness: Harness) -> Check:
    first, second = harness.digests
    if not (isinstance(first, digest.Digest) and isinstance(second, digest.Digest)):
        yield from _failures(harness)
        return ""
    rows = 0
    for seed, (here, there) in enumerate(zip(first.rows, second.rows, strict=True), 1):
        for body, other in zip(here, there, strict=False):
            rows += 1
            if body != other:
                what = f"two processes wrote different rows: {_difference(body, other)}"
                hint = "Something depends on the order of a set, on hash() or on id(): sort it, or use a dict"
                yield f"walk {seed}: {what}. {hint}"
                return ""
        if len(here) != len(there):
            yield f"walk {seed}: two processes with the same inputs wrote {len(here)} and {len(there)} rows"
            return ""
        if first.snapshots[seed - 1] != second.snapshots[seed - 1]:
            yield f"walk {seed}: the snapshots of two processes differ: sort what comes from a set before it is encoded"
            return ""
    return f"{rows} rows are the same to the byte in two processes with different hash seeds"


class _Other:
    """Stands where `Replay` expects a core: it has one row to offer, of another process."""

    decided = 0

    def __init__(self, body: bytes) -> None:
        self._body = body

    def recover(self, snapshot: bytes | None, rows: Iterable[bytes]) -> None:
        """Nothing to begin at."""

    def replay(self, row: Row) -> list[Effect]:
        """The other row."""
        return [Commit(row.number, row.now, self._body)]


def _difference(body: bytes, other: bytes) -> str:
    return _named(Replay(_Other(other), None).feed(body))


def _named(found: Difference | None) -> str:
    if found is None:
        return ""
    return f"row {found.row}, {found.part}: first {found.recorded}, then {found.replayed}"


def _answers(harness: Harness) -> Check:
    for seed, life in enumerate(harness.lives, 1):
        for text in life.problems:
            yield f"walk {seed}: {text}"
        counts = life.node.counts
        fates = counts.accepted + counts.duplicate + sum(counts.refused.values())
        if not life.crashed and counts.received != fates:
            yield f"walk {seed}: {counts.received} events came, but {fates} were accepted, refused or repeated"
    return _lived(harness)


def _lived(harness: Harness) -> str:
    """What the walks reached, so that an author sees what they did not."""
    messages = sum(life.messages for life in harness.lives)
    text = f"{messages} messages and all deadlines were answered, each event by one receipt"
    kinds = [each for each in harness.kind.messages if each.durable or each.direction == "down"]
    never = [
        each.kind
        for each in kinds
        if not any((life.accepted if each.direction == "up" else life.sent)[each.kind] for life in harness.lives)
    ]
    return f"{text}; never accepted or sent: {', '.join(never)}" if never else text


def _counters(harness: Harness) -> Check:
    known = {(counter.name, counter.form): None for counter in harness.kind.counters}
    seen = {
        (name, form): None
        for life in harness.lives
        for scenario, name, form in life.windows.counted
        if scenario == harness.kind.name
    }
    for name, form in [each for each in seen if each not in known]:
        hint = "declare it in counters; a name made of a client's words would fill the windows"
        yield f"{form}({name!r}, …) is not declared as Counter({name!r}, {form!r}): {hint}"
    unused = [name for name, form in known if (name, form) not in seen]
    text = f"{len(seen)} of {len(known)} counters were used, all of them declared"
    return f"{text}; never used: {', '.join(unused)}" if unused else text


def _reports(harness: Harness) -> Check:
    """Figures, queues, problems, the map and explanations: read at any time, they change nothing."""
    subjects = 0
    fresh = harness.kind()
    known = (*fresh.gauges(), *fresh.queues())
    for life in harness.lives:
        for scenario in [life.scenario, *_restored(life, harness.kind)]:
            before, now = scenario.snapshot(), life.node.last
            for name in (*scenario.gauges(), *scenario.queues()):
                if name not in known:
                    yield f"gauges() or queues() has {name!r} only later: it must be there from the start, be it empty"
                    return ""
            for name, (depth, bound) in scenario.queues().items():
                if depth > bound:
                    yield f"queues(): {name} holds {depth}, more than its bound {bound}: refuse what is too much"
            msgspec.json.encode([scenario.gauges(), scenario.problems(now), scenario.view(now)])
            if scenario.snapshot() != before:
                yield "gauges(), queues(), problems() or view() changes the state: they may only read it"
                return ""
        for row in map(decode_row, life.rows):
            for key in life.scenario.subjects(row):
                subjects += 1
                life.scenario.explain(row, key, str)
    return f"figures, queues, map and explanations ({subjects} subjects) can be read at any time"


def _restored(life: Life, kind: type[Scenario]) -> Iterator[Scenario]:
    """The scenario as it was after every tenth row."""
    for snapshot in life.snapshots[::10]:
        node = Node([kind])
        node.recover(snapshot, ())
        yield node.scenarios[kind.name]


def _replay(harness: Harness) -> Check:
    rows = 0
    for seed, life in enumerate(harness.lives, 1):
        replay = Replay(Node([harness.kind]), None)
        found = next((found for body in life.rows if (found := replay.feed(body)) is not None), None)
        if found is not None:
            hint = "A round may know only the state, its arguments and what its sensor recorded"
            yield f"walk {seed}: a recorded row is decided differently when it is replayed: {_named(found)}. {hint}"
            continue
        rows += replay.rows
        node = Node([harness.kind])
        node.recover(None, life.rows)
        if node.recovery_differences or (life.snapshots and node.snapshot() != life.snapshots[-1]):
            yield f"walk {seed}: a node recovered from its rows is not where it was: only round() may change the state"
    return f"{rows} rows are decided again to the byte, and recovery from them comes to the same snapshot"


def _state(harness: Harness) -> Check:
    restored = 0
    blind = harness.kind.live_sensor is Scenario.live_sensor
    for seed, life in enumerate(harness.lives, 1):
        for index, snapshot in enumerate(life.snapshots):
            node = Node([harness.kind])
            node.recover(snapshot, ())
            restored += 1
            wrong = _not_restored(node, life, index, blind)
            if wrong:
                hint = "snapshot() must hold, and restore() bring back, everything that a round reads"
                yield f"walk {seed}: a node restored from the snapshot after row {index + 1} {wrong}. {hint}"
                return ""
    return f"at each of {restored} rows a restored node went on as the one that lived"


def _not_restored(node: Node, life: Life, index: int, blind: bool) -> str:
    """How a node restored after one row differs from the one that lived, "" where it does not. It replays the next
    row; at each fiftieth place all of the rest."""
    last = len(life.rows) if index % 50 == 0 else index + 2
    if node.snapshot() != life.snapshots[index]:
        return "makes another snapshot"
    deadline = node.scenarios[life.kind.name].next_deadline()
    # A scenario with a sensor may wait for what is in memory only, which a restart loses.
    if blind and deadline != life.deadlines[index]:
        return f"has its next deadline at {deadline}; the one that lived had it at {life.deadlines[index]}"
    for at in range(index + 1, min(last, len(life.snapshots))):
        body = life.rows[at]
        commit = node.replay(decode_row(body))[0]
        assert isinstance(commit, Commit)
        if commit.row != body:
            return f"decides differently: {_difference(body, commit.row)}"
        if node.snapshot() != life.snapshots[at]:
            return f"comes to another state in row {at + 1}"
    return ""


def _names(harness: Harness) -> Check:
    """A client that is forgotten: no text in state, records and messages is its name afterwards, whole."""
    forms, looked = Forms([harness.kind]), 0
    for life in harness.lives:
        for client in _parties(life)[:CLIENTS_FORGOTTEN]:
            names, whole = Renaming(client, "gone-1"), msgspec.msgpack.encode(client)

            def is_left(body: bytes, name: str = client, whole: bytes = whole) -> bool:
                """As a text of MessagePack, or of JSON."""
                return whole in body or f'"{name}"'.encode() in body

            if is_left(life.scenario.renamed(life.scenario.snapshot(), "state", names)):
                yield f"the state still has {client!r} when it is forgotten: {NAMES_HINT}"
                return ""
            for row in map(decode_row, life.rows):
                record = row.record_of(harness.kind.name)
                if record and is_left(life.scenario.renamed(record, "record", names)):
                    yield f"the record of row {row.number} still has {client!r} when it is forgotten: {NAMES_HINT}"
                    return ""
                for effect in row.effects:
                    if isinstance(effect, Answer) and effect.client != client:
                        looked += 1
                        body = names.packed(effect.payload, forms.down(effect.kind, effect.payload))
                        if is_left(body):
                            yield f"{effect.kind} still has {client!r} when it is forgotten: {NAMES_HINT}"
                            return ""
    return f"clients were forgotten in state, records and {looked} messages"


def _parties(life: Life) -> list[str]:
    """Who sent something first, and who was sent something first, in turn."""
    rows = [decode_row(body) for body in life.rows]
    senders = [item.client for row in rows for item in row.inputs if isinstance(item, RecordedEvent)]
    receivers = [effect.client for row in rows for effect in row.effects if isinstance(effect, Answer)]
    pairs = zip_longest(dict.fromkeys(senders), dict.fromkeys(receivers))
    return [*dict.fromkeys(name for pair in pairs for name in pair if name)]


def _growth(harness: Harness) -> Check:
    if harness.growth.problem:
        yield harness.growth.problem
    return harness.growth.summary


def _cost(harness: Harness) -> Check:
    yield from ()
    return f"{harness.growth.us_per_message:.0f} us for a message here, the node's own part included"


CHECKS: Final[Mapping[str, Callable[[Harness], Check]]] = {
    "declarations": _declarations,
    "purity": _purity,
    "examples": _examples,
    "determinism": _determinism,
    "answers": _answers,
    "counters": _counters,
    "reports": _reports,
    "replay": _replay,
    "state": _state,
    "names": _names,
    "growth": _growth,
    "cost": _cost,
}
"""Every check, in the order in which an author can mend what they find."""
