"""A node with one scenario lives through a walk; what came of it is kept for the checks.

The node, its catalogue and its windows are the real ones. What the pipeline does around them is done here: answers are
acknowledged (most of them), a repeat gets its recorded receipt, deadlines are kept.
"""

import random
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import msgspec

from ...core.aggregate import Windows
from ...core.effects import Measured
from ...core.model import (
    Answer,
    Commit,
    Configure,
    Delivered,
    Effect,
    Event,
    Input,
    Now,
    Rejected,
    Repeats,
    Rules,
)
from ...core.node import Node
from ...core.scenario import Scenario
from ...messages.sync.shops import ShopDays
from .walk import T0, Walk

WAKES_MAX: Final = 40
"""Deadlines kept between two steps; then the rest of the pause is skipped, as where a box was asleep."""

SPIN: Final = 25
"""Rounds at one instant that a deadline may ask for; a scenario that asks for more would keep a processor busy."""

_read = (msgspec.msgpack.decode, msgspec.json.decode)


class CountedWindows(Windows):
    """The node's windows, which note what scenarios count: {(scenario, name, form)}."""

    def __init__(self, k: int, resolution: int) -> None:
        super().__init__(k, resolution)
        self.counted: dict[tuple[str, str, str], None] = {}

    def add(self, scenario: str, now: Now, measured: Measured, shops: ShopDays) -> None:
        """Noted."""
        own = [entry for entry in measured.counts if not entry[3]]  # events are counted by the node
        for form, entries in (("count", own), ("measure", measured.values), ("locate", measured.places)):
            self.counted.update({(scenario, entry[0], form): None for entry in entries})
        super().add(scenario, now, measured, shops)


def rules(kind: type[Scenario]) -> Rules:
    """A node's rules with the scenario's default options."""
    return Rules(node="n-1", scenarios={kind.name: msgspec.Raw(msgspec.msgpack.encode(kind.options()))})


class Life:
    """One node from its first row to the end of a walk, or to its first exception. `keep`: rows, snapshots and
    receipts are kept (for walks of some hundred messages)."""

    def __init__(self, kind: type[Scenario], package: Path, *, keep: bool = True, wakes_max: int = WAKES_MAX) -> None:
        self.kind = kind
        self.node = Node([kind])
        self.windows = self.node.windows = CountedWindows(5, 8)
        self.rows: list[bytes] = []
        self.snapshots: list[bytes] = []
        """The node's, after each row."""
        self.deadlines: list[float | None] = []
        """What the scenario asked for after each row."""
        self.problems: dict[str, None] = {}
        """What the node's callers would have met: exceptions, events without a receipt, a deadline that never ends."""
        self.crashed = False
        self.messages = 0
        self.accepted: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        """Messages to clients, by kind."""
        self.seconds = 0.0
        """Spent in the node."""
        self._package = package
        self._keep = keep
        self._wakes_max = wakes_max
        self._random = random.Random(7)  # noqa: S311 - the same in every process
        self._next: list[Input] = []
        self._delivered: list[Answer] = []
        self._wall_off = float(T0)
        self._handle([Configure(rules(kind))], Now(0.0, T0))

    @property
    def scenario(self) -> Scenario:
        """The living one."""
        return self.node.scenarios[self.kind.name]

    def walk(self, seed: int, messages: int) -> "Life":
        """Live through a whole walk."""
        for _ in self.steps(Walk(self.kind, seed, messages)):
            pass
        return self

    def steps(self, walk: Walk) -> Iterator[None]:
        """Live through a walk step by step."""
        for now, inputs in walk.steps():
            self._step(now, inputs)
            if self.crashed:
                return
            for answer in self._delivered:
                walk.received(answer.client, _opened(answer.payload))
            self._delivered = []
            yield

    def _step(self, now: Now, inputs: Sequence[Input]) -> None:
        """The deadlines before `now`, then the inputs, with what the pipeline still has to report of the last step."""
        self._wake(now.mono)
        self._wall_off = now.wall_ms - now.mono * 1000
        first, self._next = self._next, []
        if self._keep and self._random.random() < 0.01:
            first.append(Configure(rules(self.kind)))
        self.messages += len(inputs)
        if not self.crashed:
            self._handle([*first, *inputs], now)

    def _handle(self, inputs: list[Input], now: Now) -> None:
        """One round of the node."""
        began = perf_counter()
        try:
            effects = self.node.handle(inputs, now)
        except Exception as error:  # noqa: BLE001 - whatever a scenario raises ends a node: that is the finding
            self.crashed = True
            self.problems[f"{self._place(error)} on {_shown(inputs, now)}. A round must never raise"] = None
            return
        self.seconds += perf_counter() - began
        self._next += [Repeats(each.kind, 1) for each in self.node.repeats]
        if effects:
            self._after(effects, inputs)

    def _wake(self, until: float) -> None:
        at, rounds = -1.0, 0
        for _ in range(self._wakes_max):
            deadline = None if self.crashed else self.node.next_deadline()
            if deadline is None or deadline >= until:
                return
            moment = max(deadline, self.node.last.mono)
            rounds = rounds + 1 if moment == at else 0
            at = moment
            if rounds > SPIN:
                text = f"next_deadline() asks for a round at {deadline} again and again at that instant, which would "
                self.problems[text + "keep a processor busy: let round() do what is due, or give a later time"] = None
                return
            self._handle([], Now(moment, round(self._wall_off + moment * 1000)))

    # -- what comes out ------------------------------------------------------------------------------------------------

    def _after(self, effects: list[Effect], inputs: Sequence[Input]) -> None:
        answers = [effect for effect in effects if isinstance(effect, Answer)]
        self._next.append(Delivered([each.sequence for each in answers if self._random.random() < 0.9]))
        self.sent.update(answer.kind for answer in answers)
        self._delivered += [answer for answer in answers if answer.kind != "receipt"]
        if not self._keep:
            return
        commit = effects[0]
        assert isinstance(commit, Commit)
        self.rows.append(commit.row)
        self._receipted(answers, inputs)
        try:
            self.snapshots.append(self.node.snapshot())
            self.deadlines.append(self.scenario.next_deadline())
        except Exception as error:  # noqa: BLE001 - as above
            self.crashed = True
            self.problems[f"{self._place(error)} in the snapshot after row {commit.number}"] = None

    def _receipted(self, answers: list[Answer], inputs: Sequence[Input]) -> None:
        """One receipt for each event that is new."""
        repeats = Counter((each.client, each.id) for each in self.node.repeats)
        wanted = Counter(key for each in inputs if (key := _key(each))) - repeats
        found: Counter[tuple[str, str]] = Counter()
        for answer in answers:
            if answer.kind == "receipt":
                fields = _opened(answer.payload)
                key = (answer.client, str(fields["id"]))
                found[key] += 1
                if fields["status"] == "accepted":
                    self.accepted[str(fields["of"])] += 1
        for client, event_id in (wanted - found) + (found - wanted):
            counts = f"{found[client, event_id]} receipts instead of {wanted[client, event_id]}"
            self.problems[f"the event {event_id} of {client} got {counts}"] = None

    def _place(self, error: Exception) -> str:
        """What was raised, and where in the package."""
        if isinstance(error, ValueError) and str(error).startswith("zip()"):
            return "round() returned more or fewer outcomes than there were events (one for each, in their order)"
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if Path(frame.filename).is_relative_to(self._package)] or frames
        where = f"{Path(own[-1].filename).name}:{own[-1].lineno} in {own[-1].name}()"
        return f"{type(error).__name__}: {error} ({where})"


def _opened(payload: bytes) -> dict[str, Any]:
    return _read[payload[:1] == b"{"](payload)


def _key(item: Input) -> tuple[str, str] | None:
    """Client and id of what must get a receipt."""
    if isinstance(item, Event):
        return item.client, item.body.id
    return (item.client, item.id) if isinstance(item, Rejected) and item.id else None


def _shown(inputs: Sequence[Input], now: Now) -> str:
    """What a round was given, for a person."""
    shown = [f"{item.client}: {_cut(item.body)}" for item in inputs if isinstance(item, Event)]
    others = "other inputs" if inputs else "a deadline"
    return f"{'; '.join(shown[:3]) or others} at {now.mono:.3f} s"


def _cut(body: msgspec.Struct) -> str:
    text = msgspec.json.encode(body).decode()
    return text if len(text) <= 300 else f"{text[:300]}…"
