"""Bugs planted on purpose in the real code: a simulator that does not find them proves nothing."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from edge.core.aggregate import Windows
from edge.core.answers import PendingAnswers
from edge.core.dedup import DedupIndex
from edge.core.model import Answer, Commit, Now, Shed
from edge.core.node import Node
from edge.core.outbox import Outbox
from edge.core.scenario import Refusal
from edge.errors import Reason
from edge.pipeline.ingest import InflightRound
from edge.pipeline.pipeline import Pipeline
from edge.pipeline.retention import Retention
from edge.scenarios.dispatch import assignments
from edge.scenarios.dispatch.records import Decision
from edge.scenarios.dispatch.state.dispatch_state import DispatchState
from edge.scenarios.dispatch.state.riders import Rider, Riders
from tests.sim.draw import draw
from tests.sim.planted_in_labels import PLANTED_IN_LABELS
from tests.sim.search import Outcome, live
from tests.sim.world import T0

SEEDS_MAX = 40
WEEK_MS = 7 * 86_400_000
Patch = pytest.MonkeyPatch


def publish_before_commit(patch: Patch) -> None:
    """Answers are handed out as soon as the core made them."""
    honest = Pipeline._commit

    def hasty(self: Pipeline, commit: Commit, round_: InflightRound) -> None:
        self._committed_sequence = self.node.sequence
        for link in self.links:
            link.wake({answer.client: [(answer, 1.0)] for answer in commit.answers})
        honest(self, commit, round_)

    patch.setattr(Pipeline, "_commit", hasty)


def acknowledge_before_commit(patch: Patch) -> None:
    """A publish is acknowledged when it is decided."""
    honest = Pipeline._commit

    def hasty(self: Pipeline, commit: Commit, round_: InflightRound) -> None:
        round_.acknowledge()
        honest(self, commit, round_._replace(acks=()))

    patch.setattr(Pipeline, "_commit", hasty)


def forget_repeats_after_restart(patch: Patch) -> None:
    """A snapshot that does not keep which events were decided."""
    patch.setattr(DedupIndex, "restore", classmethod(lambda cls, body: cls()))


def forget_repeats_when_many(patch: Patch) -> None:
    """The index of decided events loses what it moves into its arrays."""
    patch.setattr(DedupIndex, "_push", lambda self, *_: None)


def delete_beyond_the_acknowledged(patch: Patch) -> None:
    """An acknowledgement takes everything in flight with it."""
    honest = Outbox.stored

    def greedy(self: Outbox, epoch: int, through: int) -> None:
        more = epoch == self.epoch and through > self.through
        honest(self, epoch, self.through + len(self._in_flight) if more else through)

    patch.setattr(Outbox, "stored", greedy)


def seal_twice(patch: Patch) -> None:
    """A sealed window goes out and stays open."""
    honest = Windows.seal

    def twice(self: Windows, now: Now) -> Any:
        before = dict(self._drafts)
        sealed = honest(self, now)
        if len(sealed) > 1:
            key = (sealed[0].scenario, sealed[0].start)
            self._drafts[key] = before[key]
            self._first = None
        return sealed

    patch.setattr(Windows, "seal", twice)


def skip_a_sequence_number(patch: Patch) -> None:
    """Now and then a batch gets the number after the next."""
    honest = Outbox.cut

    def skipping(self: Outbox, now: Now) -> Any:
        batches = honest(self, now)
        for index, sent in enumerate(self._in_flight):
            if sent.batch in batches and sent.batch.seq % 3 == 0:
                batch = msgspec.structs.replace(sent.batch, seq=sent.batch.seq + 1)
                batches[batches.index(sent.batch)] = batch
                self._in_flight[index] = msgspec.structs.replace(sent, batch=batch)
        return batches

    patch.setattr(Outbox, "cut", skipping)


def lose_an_open_window(patch: Patch) -> None:
    """A snapshot without the open windows."""
    honest = Windows.restore

    def losing(self: Windows, body: bytes) -> None:
        honest(self, body)
        self._drafts = {}

    patch.setattr(Windows, "restore", losing)


def assign_after_the_shift(patch: Patch) -> None:
    """The end of a shift is written down, and the rider stays on offer."""
    honest = Riders.end

    def lenient(self: Riders, rider: Rider) -> None:
        honest(self, rider)
        if rider.id in self.known or not rider.orders:
            self.begin(rider.id, rider.capacity, None, 0)

    patch.setattr(Riders, "end", lenient)


def overload_a_rider(patch: Patch) -> None:
    """A capacity is taken for one more than it is."""
    honest = Riders.begin

    def generous(self: Riders, rider: str, capacity: int, until_ms: int | None, now_ms: int) -> None:
        honest(self, rider, capacity + 1, until_ms, now_ms)

    patch.setattr(Riders, "begin", generous)


def offer_to_two(patch: Patch) -> None:
    """An order that waits for an answer is offered to the next one."""
    honest = assignments.apply_decisions

    def hasty(dispatch: DispatchState, decisions: Sequence[Decision], now: Now, out: Any) -> None:
        honest(dispatch, decisions, now, out)
        idle = [rider for rider in dispatch.riders.known.values() if rider.on and not rider.orders]
        for order in dispatch.orders.open.values():
            if order.state == "offered" and order.offers == 1 and idle:
                assignments._offer(dispatch, order, idle.pop())

    patch.setattr(assignments, "apply_decisions", hasty)


def drop_without_a_reason(patch: Patch) -> None:
    """Events refused for want of capacity are not counted."""
    honest = Node._decided

    def silent(self: Node, scenario: str, kind: str, at_ms: int, refusal: Refusal | None, now: Now) -> str:
        if refusal is not None and refusal.reason in (Reason.TOO_LATE, Reason.OVER_CAPACITY):
            return refusal.reason
        return honest(self, scenario, kind, at_ms, refusal, now)

    patch.setattr(Node, "_decided", silent)


def lose_the_count_of_what_was_shed(patch: Patch) -> None:
    """What a link dropped is written to status only."""
    patch.setattr("edge.pipeline.pending.PendingInputs.shed", lambda *_: None)


def lose_the_counts_of_a_full_disk(patch: Patch) -> None:
    """What was dropped while nothing could be written is forgotten by a kill."""
    patch.setattr("edge.pipeline.drops.DropCounter.unrecorded", lambda *_: [])


def lose_the_counts_of_lost_rounds(patch: Patch) -> None:
    """What was on its way to a disk that turned out to be full is not counted again."""
    honest = Pipeline._commit
    patch.setattr(Pipeline, "_commit", lambda self, commit, round_: honest(self, commit, round_._replace(kept=())))


def count_a_kept_drop_twice(patch: Patch) -> None:
    """What a row took along is taken from beside the journal once more."""
    patch.setattr(
        "edge.pipeline.drops.DropCounter.unrecorded",
        lambda self, _: [Shed(*item) for item in self._found.counts.items()],
    )


def decide_a_known_id_again(patch: Patch) -> None:
    """A repeat whose kind is a reply is decided anew."""
    honest = DedupIndex.insert_or_get

    def forgetful(self: DedupIndex, client: str, id_: str, row: int, age_ms: int) -> int | None:
        known = honest(self, client, id_, row, age_ms)
        return None if client == "r-0" and id_.endswith("2") else known

    patch.setattr(DedupIndex, "insert_or_get", forgetful)


def answer_a_repeat_anew(patch: Patch) -> None:
    """The looked up receipt is not the one that was recorded."""
    from edge.pipeline import receipts as repeats

    honest = repeats.receipts_in

    def other(body: bytes, lookups: Any) -> dict[tuple[str, str], bytes]:
        return {key: found + b" " for key, found in honest(body, lookups).items()}

    patch.setattr(repeats, "receipts_in", other)


def believe_a_lost_word(patch: Patch) -> None:
    """After a full disk the centre is not asked again."""
    patch.setattr("edge.uplink.sync.Sync.ask_again", lambda self: None)


def age_by_the_wall_clock(patch: Patch) -> None:
    """Decided events grow old with the wall clock, which jumps."""
    honest = Node._round

    def jumping(self: Node, inputs: Any, recorded: Any, now: Now, *arguments: Any) -> Any:
        self.age_ms = now.wall_ms
        return honest(self, inputs, recorded, now, *arguments)

    patch.setattr(Node, "_round", jumping)


def prune_by_the_wall_clock(patch: Patch) -> None:
    """Rows leave the journal by a clock that jumps, and the ids that they decided stay."""
    honest = Retention.check

    def hasty(self: Retention) -> None:
        honest(self)
        node = self._pipeline.node
        if node.last.wall_ms > T0 + WEEK_MS:
            self._journal.prune(node.number)

    patch.setattr(Retention, "check", hasty)


def withdraw_what_was_reclaimed(patch: Patch) -> None:
    """What a round took from a rider it sends last, even where it gave it back."""
    patch.setattr("edge.core.effects.Effects.cancel", lambda *_: None)


def keep_every_answer(patch: Patch) -> None:
    """No bound on what one client leaves unfetched."""

    def hoard(self: PendingAnswers, answer: Answer) -> None:
        self._pending[answer.sequence] = answer
        self._of.setdefault(answer.client, {})[answer.sequence] = answer

    patch.setattr(PendingAnswers, "add", hoard)


def read_the_clock_twice(patch: Patch) -> None:
    """An effect that depends on what the process lived through, not on its inputs."""
    honest = Node._answer

    def impure(self: Node, client: str, kind: str, payload: bytes, expires: float) -> Answer:
        return honest(self, client, kind, payload, expires + self.decided % 2)

    patch.setattr(Node, "_answer", impure)


def shuffle_the_reasons(patch: Patch) -> None:
    """The reasons of a batch come back in another order."""
    honest = Pipeline._commit

    def mixed(self: Pipeline, commit: Commit, round_: InflightRound) -> None:
        turned = msgspec.structs.replace(commit, reasons=commit.reasons[::-1])
        honest(self, turned, round_._replace(commit=turned))

    patch.setattr(Pipeline, "_commit", mixed)


def count_an_acknowledgement_twice(patch: Patch) -> None:
    """What returns to the pool in a new epoch is there twice."""
    honest = Outbox.welcome

    def doubling(self: Outbox, reply: Any) -> None:
        sent = list(self._in_flight)
        honest(self, reply)
        if sent and not self._in_flight:
            self.events_acked += sent[0].events

    patch.setattr(Outbox, "welcome", doubling)


PLANTED: list[Callable[[Patch], None]] = [
    publish_before_commit,
    acknowledge_before_commit,
    forget_repeats_after_restart,
    forget_repeats_when_many,
    delete_beyond_the_acknowledged,
    seal_twice,
    skip_a_sequence_number,
    lose_an_open_window,
    assign_after_the_shift,
    overload_a_rider,
    offer_to_two,
    drop_without_a_reason,
    lose_the_count_of_what_was_shed,
    lose_the_counts_of_a_full_disk,
    lose_the_counts_of_lost_rounds,
    count_a_kept_drop_twice,
    decide_a_known_id_again,
    answer_a_repeat_anew,
    believe_a_lost_word,
    age_by_the_wall_clock,
    prune_by_the_wall_clock,
    withdraw_what_was_reclaimed,
    keep_every_answer,
    read_the_clock_twice,
    shuffle_the_reasons,
    count_an_acknowledgement_twice,
    *PLANTED_IN_LABELS,
]


ASKED: dict[str, Callable[[Patch], None]] = {
    "publish before commit": publish_before_commit,
    "acknowledge before commit": acknowledge_before_commit,
    "forget dedup after restart": forget_repeats_after_restart,
    "delete beyond the acknowledged": delete_beyond_the_acknowledged,
    "seal twice": seal_twice,
    "skip a sequence number": skip_a_sequence_number,
    "lose an open window": lose_an_open_window,
    "assign after shift end": assign_after_the_shift,
    "drop without a reason": drop_without_a_reason,
    "re-decide a known id": decide_a_known_id_again,
}
"""The ten that the specification names, in its words. They stay planted, whatever else is."""

CONDITIONS: dict[Callable[[Patch], None], dict[str, float]] = {
    believe_a_lost_word: {"disk_full": 0.1},
    age_by_the_wall_clock: {"wall_jump": 0.3},
    prune_by_the_wall_clock: {"wall_jump": 0.2, "crash": 0.1},
    withdraw_what_was_reclaimed: {"disk_full": 0.1},
    lose_the_count_of_what_was_shed: {"flood": 0.3},
    lose_the_counts_of_a_full_disk: {"flood": 0.8, "disk_full": 0.3, "crash": 0.2},
    lose_the_counts_of_lost_rounds: {"flood": 0.5, "disk_full": 0.2},
    count_a_kept_drop_twice: {"flood": 0.8, "disk_full": 0.3, "crash_within": 0.5},
}
"""Bugs that show only in rare network conditions are hunted in that alone."""


def hunt(bug: Callable[[Patch], None], seeds_max: int) -> Outcome | None:
    """The first seed that breaks."""
    for seed in range(seeds_max):
        plan = draw(seed)
        if bug in CONDITIONS:
            plan = msgspec.structs.replace(plan, broker=False, faults=CONDITIONS[bug])
            plan.limits["RECENT_MAX"] = 4
        if (outcome := live(plan)).why:
            return outcome
    return None


def test_the_bugs_that_were_asked_for_are_planted() -> None:
    """All ten, each with a bug of its own among those that are hunted."""
    assert len(ASKED) == len(set(ASKED.values())) == 10
    assert [name for name, bug in ASKED.items() if bug not in PLANTED] == []
    assert len(PLANTED) == len(set(PLANTED))


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(bug: Callable[[Patch], None], monkeypatch: Patch) -> None:
    """The simulator finds each of these bugs within a bounded number of seeds."""
    bug(monkeypatch)
    found = hunt(bug, SEEDS_MAX)
    assert found is not None, f"{SEEDS_MAX} seeds do not find {bug.__name__}"
