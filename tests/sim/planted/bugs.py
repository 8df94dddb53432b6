"""Bugs that the simulator must find, as patches of the real code: one place of one file each.

Add one whenever the simulator should have found something.
"""

from tests.sim.planted.patching import Bug

WEEK_LATER_MS = 1_790_000_000_000 + 7 * 86_400_000
"""A week after the simulated worlds begin."""

BUGS = {
    # -- durable before visible ----------------------------------------------------------------------------------------
    "publish before commit": Bug(
        what="answers are handed out as soon as the core made them",
        file="edge/pipeline/pipeline.py",
        before="self._inflight.append(round_)",
        after="self._inflight.append(round_); self._committed_sequence = self.node.sequence; "
        "[link.wake({each.client: [(each, 1.0)]}) for link in self.links for each in commit.answers]",
    ),
    "acknowledge before commit": Bug(
        what="a publish is acknowledged when it is decided",
        file="edge/pipeline/pipeline.py",
        before="self._inflight.append(round_)",
        after="self._acknowledge(round_); self._inflight.append(round_._replace(acks=(), repeats=()))",
    ),
    "shuffle the reasons": Bug(
        what="the reasons of a batch come back in another order",
        file="edge/pipeline/ingest.py",
        before="iter(self.commit.reasons) if",
        after="iter(self.commit.reasons[::-1]) if",
    ),
    # -- one event id, one recorded decision ---------------------------------------------------------------------------
    "forget dedup after restart": Bug(
        what="a snapshot does not keep which events were decided",
        file="edge/core/dedup.py",
        before="        self = cls()\n",
        after="        return cls()\n",
    ),
    "forget repeats when many": Bug(
        what="the index of decided events loses what it moves into its arrays",
        file="edge/core/dedup.py",
        before="self._push(entries[0][1], entries[-1][1], keys, rows)",
        after="pass",
    ),
    "re-decide a known id": Bug(
        what="a repeat of some ids is decided anew",
        file="edge/core/dedup.py",
        before="if entry is not None:",
        after='if entry is not None and not id_.endswith("2"):',
    ),
    "decide a repeat again": Bug(
        what="the second repeat of a batch is part of its round",
        file="edge/core/node.py",
        before="        if row is None:\n            return False",
        after="        if row is None or self.repeats:\n            return False",
    ),
    "answer a repeat anew": Bug(
        what="the receipt that is looked up is not the one that was recorded",
        file="edge/pipeline/receipts.py",
        before="found.setdefault(key, effect.payload)",
        after='found.setdefault(key, effect.payload.replace(b"accepted", b"revised!"))',
    ),
    "age by the wall clock": Bug(
        what="decided events grow old with the wall clock, which jumps",
        file="edge/core/node.py",
        before="return self.age_ms + min(max(0, round((now.mono - self.last.mono) * 1000)), AGE_STEP_MS_MAX)",
        after="return now.wall_ms",
        faults={"wall_jump": 0.3},
    ),
    "prune by the wall clock": Bug(
        what="rows leave the journal by a clock that jumps, and the ids that they decided stay",
        file="edge/pipeline/retention.py",
        before="self._journal.prune(node.dedup.prunable)",
        after=f"self._journal.prune(node.number if node.last.wall_ms > {WEEK_LATER_MS} else node.dedup.prunable)",
        faults={"wall_jump": 0.2, "crash": 0.1},
        seed=17,
    ),
    "read the clock twice": Bug(
        what="an effect depends on what the process lived through, not on its inputs",
        file="edge/core/node.py",
        before="answers.append(Answer(self.sequence, client, kind, payload, until))",
        after="answers.append(Answer(self.sequence, client, kind, payload, until + self.decided % 2))",
    ),
    # -- windows and batches -------------------------------------------------------------------------------------------
    "delete beyond the acknowledged": Bug(
        what="an acknowledgement takes everything in flight with it",
        file="edge/core/outbox.py",
        before="while self.through < through:",
        after="for _ in range(len(self._in_flight) * (self.through < through)):",
        seed=4,
    ),
    "seal twice": Bug(
        what="a sealed window goes out and stays open",
        file="edge/core/aggregate.py",
        before="drafts = [self._drafts.pop(key) for",
        after="drafts = [self._drafts[key] if key == due[0] and due[1:] else self._drafts.pop(key) for",
    ),
    "skip a sequence number": Bug(
        what="now and then a batch gets the number after the next",
        file="edge/core/outbox.py",
        before="seq = self.through + len(self._in_flight) + 1",
        after="seq = self.through + len(self._in_flight) + 1; seq += seq % 3 == 0",
    ),
    "lose an open window": Bug(
        what="a snapshot has no open windows",
        file="edge/core/aggregate.py",
        before="self._drafts = {(draft.scenario, draft.start): draft for draft in state.drafts}",
        after="self._drafts = {}",
    ),
    "count an acknowledgement twice": Bug(
        what="what returns to the pool in a new epoch is there twice",
        file="edge/core/outbox.py",
        before="        self._in_flight = []\n",
        after="        self.events_acked += sum(item.events for item in self._in_flight[:1]); self._in_flight = []\n",
        seed=13,
    ),
    "believe a lost answer": Bug(
        what="after a full disk the centre is not asked again",
        file="edge/pipeline/pipeline.py",
        before="self.on_rebuilt()",
        after="pass",
        faults={"disk_full": 0.1},
        seed=28,
    ),
    # -- dispatch ------------------------------------------------------------------------------------------------------
    "assign after shift end": Bug(
        what="the end of a shift is written down, and the rider stays on offer",
        file="edge/scenarios/dispatch/state/riders.py",
        before="self._turn(rider, False)",
        after="rider.until_ms = None",
    ),
    "overload a rider": Bug(
        what="a capacity is taken for one more than it is",
        file="edge/scenarios/dispatch/state/riders.py",
        before="known.capacity = capacity",
        after="known.capacity = capacity + 1",
    ),
    "offer to two": Bug(
        what="an order that waits for an answer is offered to the next one",
        file="edge/scenarios/dispatch/assignments.py",
        before="dispatch.changed = bool(dispatch.orders.fresh)",
        after="dispatch.changed = bool(dispatch.orders.fresh); "
        "idle = [each for each in dispatch.riders.known.values() if each.on and not each.orders]; "
        "[_offer(dispatch, order, idle.pop()) for order in offered if idle]",
    ),
    "confirm what was taken back": Bug(
        what="a rider gets the door of an order that it took and lost in one round",
        file="edge/scenarios/dispatch/assignments.py",
        before="        if order.state in HELD:",
        after="        if order.offers:",
        faults={"disk_full": 0.2, "vanish": 0.1},
        seed=1,
    ),
    # -- nothing disappears silently -----------------------------------------------------------------------------------
    "drop without a reason": Bug(
        what="events refused for want of capacity are not counted",
        file="edge/core/node.py",
        before="        self.counts.received += 1\n",
        after='        if reason in ("too_late", "over_capacity"): return reason\n        self.counts.received += 1\n',
    ),
    "keep every answer": Bug(
        what="no bound on what one client leaves unfetched",
        file="edge/core/answers.py",
        before="if len(mine) > ANSWERS_PER_CLIENT_MAX:",
        after="if False:",
    ),
    "lose the count of what was shed": Bug(
        what="what a link dropped is written to the status only",
        file="edge/pipeline/pending.py",
        before="self._shed[reason] += count",
        after="return",
        faults={"flood": 0.3},
    ),
    "lose the counts of a full disk": Bug(
        what="what was dropped while nothing could be written is forgotten by a kill",
        file="edge/pipeline/drops.py",
        before="[] if number > self._found.number else self._found.counts",
        after="[]",
        faults={"flood": 0.8, "disk_full": 0.15, "crash": 0.1},
        seed=3,
    ),
    "lose the counts of lost rounds": Bug(
        what="what was on its way to a disk that turned out to be full is not counted again",
        file="edge/pipeline/pipeline.py",
        before="for item in round_.kept:",
        after="for item in ():",
        faults={"flood": 0.5, "disk_full": 0.2},
    ),
    "count a kept drop twice": Bug(
        what="what a row took along is taken from beside the journal once more",
        file="edge/pipeline/drops.py",
        before="[] if number > self._found.number else self._found.counts",
        after="self._found.counts",
        faults={"flood": 0.9, "disk_full": 0.5, "crash_within": 0.6},
        seed=1,
    ),
    # -- labels --------------------------------------------------------------------------------------------------------
    "confirm the newest by any version": Bug(
        what="a confirmation of an old version counts as one of the newest",
        file="edge/scenarios/labels/labels.py",
        before="label.shown = max(label.shown, body.version)",
        after="label.shown = label.sent",
        seed=7,
    ),
    "stop resending after a loss": Bug(
        what="a version that was sent twice is not sent again",
        file="edge/scenarios/labels/delivery.py",
        before="self.gateways[label.gateway].shops[label.shop].queue[key] = None",
        after="self.gateways[label.gateway].shops[label.shop].queue.update({key: None} if label.attempts < 2 else {})",
        seed=3,
    ),
    "change prices too early": Bug(
        what="a price comes into force before its time",
        file="edge/scenarios/labels/prices.py",
        before="if price.from_ms <= wall_ms < price.until_ms), None)",
        after="if price.from_ms <= wall_ms + 60_000 < price.until_ms), None)",
        seed=4,
    ),
    "forget prices ahead after a restart": Bug(
        what="a snapshot does not have the prices that come into force later",
        file="edge/scenarios/labels/prices.py",
        before="self._wall_ms, self.look_ms = state.wall_ms, state.look_ms",
        after="self._wall_ms, self.look_ms = state.wall_ms, state.look_ms; "
        "[setattr(sku, 'prices', sku.prices[:1]) for sku in state.skus]",
        seed=7,
    ),
}

NO_CHAIN = Bug(
    what="a centre looks at numbers and hashes of the present epoch only",
    file="edge/messages/batches.py",
    before="return sha256(history + digest).digest()",
    after="return NO_BATCH",
)
"""Found by the histories of `test_clones`."""

NO_BATCHES = Bug(
    what="nothing is ever numbered",
    file="edge/core/outbox.py",
    before="while self.may_cut and self.epoch and self._pool and len(self._in_flight) < BATCHES_IN_FLIGHT_MAX:",
    after="while False:",
)
"""Fails in every world, for the test of how a failure becomes short."""
