"""What one seed draws: the workload, the limits, and how often each thing goes wrong."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from random import Random
from typing import Any, Final
from unittest.mock import patch

import msgspec
from msgspec import Struct

from edge.core.model import Rules
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.labels.options import LabelsOptions

TICKS: Final = 80

FAULTS: Final = {
    "crash": 0.03,
    "crash_within": 0.03,
    "disk_full": 0.03,
    "disk_broken": 0.01,
    "connection": 0.1,
    "broker": 0.03,
    "vanish": 0.03,
    "uplink_cut": 0.03,
    "uplink_dead": 0.03,
    "uplink_slow": 0.03,
    "uplink_corrupt": 0.05,
    "centre_down": 0.03,
    "centre_restored": 0.012,
    "node_restored": 0.006,
    "clone": 0.006,
    "wall_jump": 0.05,
    "pause": 0.03,
    "flood": 0.02,
}
"""Each fault and its rate for each tick where a seed has it at full strength."""

LIMITS: Final[dict[str, tuple[str, tuple[int, ...]]]] = {
    "SNAPSHOT_ROWS": ("pipeline.snapshots", (5, 17, 60)),
    "BATCH_INPUTS_MAX": ("pipeline.ingest", (2, 7, 1024)),
    "COMMIT_QUEUE_ROWS_MAX": ("journal.journal", (16, 4096)),
    "RECENT_MAX": ("core.dedup", (4, 32, 8192)),
    "RUN_MAX": ("core.dedup", (16, 64)),
    "ANSWERS_PER_CLIENT_MAX": ("core.answers", (6, 1000)),
    "ANSWERS_PENDING_MAX": ("core.answers", (40, 100_000)),
    "BATCHES_IN_FLIGHT_MAX": ("core.outbox", (1, 3, 8)),
    "BATCH_BYTES_MAX": ("core.outbox", (600, 4_000, 256 * 1024)),
    "POOL_WINDOWS_MAX": ("core.outbox", (3, 4_096)),
    "POOL_CELLS_MAX": ("core.outbox", (2, 32_768)),
    "ORDERS_OPEN_MAX": ("scenarios.dispatch.state.orders", (5, 10_000)),
    "ORDERS_CLOSED_KEPT": ("scenarios.dispatch.state.orders", (3, 2_000)),
    "OFFERS_PAST_KEPT": ("scenarios.dispatch.endings", (2, 16)),
    "ROUND_ORDERS_MAX": ("scenarios.dispatch.decide.choice", (2, 256)),
    "PLAN_ORDERS_MAX": ("scenarios.dispatch.decide.choice", (2, 64)),
    "CANDIDATES_MAX": ("scenarios.dispatch.decide.candidates", (2, 12)),
    "ORDER_STALE_S": ("scenarios.dispatch.assignments", (900,)),
    "EXCLUDED_S": ("scenarios.dispatch.endings", (60, 600)),
    "CELLS_MAX": ("core.aggregate", (2, 4_096)),
    "SKETCH_PENDING_MAX": ("core.aggregate", (3, 512)),
    "CLOCK_DOUBT_S": ("core.aggregate", (60, 600)),
    "WINDOW_GRACE_S": ("core.aggregate", (1, 10)),
}
"""Bounds, where they are read, and what a seed may draw for them: so small that they are met, or as they are."""

LABEL_LIMITS: Final[dict[str, tuple[str, tuple[int, ...]]]] = {
    "GATEWAY_WINDOW": ("scenarios.labels.delivery", (1, 3, 256)),
    "SENDS_PER_ROUND_MAX": ("scenarios.labels.delivery", (1, 1_024)),
    "LABELS_PER_SKU_MAX": ("scenarios.labels.labels", (2, 64)),
    "PRICES_PER_SKU_MAX": ("scenarios.labels.prices", (3, 16)),
    "CHANGES_PER_ROUND_MAX": ("scenarios.labels.prices", (1, 512, 512)),
}
"""Those of labels, which have a draw of their own."""


class Plan(Struct, frozen=True, kw_only=True):
    """One world, whole."""

    seed: int
    ticks: int
    broker: bool
    customers: int
    riders: int
    json_share: float
    order_rate: float
    bad_rate: float
    decline: float
    ignore: float
    lie: float
    latency_s: float
    commit_s: float
    broker_cap: int
    drift: float
    backup: bool
    faults: dict[str, float]
    limits: dict[str, int]
    k_anonymity: int
    dispatch: DispatchOptions
    labels: LabelsOptions
    overrides: float
    """How often a dispatcher, if there is one, decides something in a tick."""
    price_rate: float
    unconfirmed: float
    """Share of the versions that a gateway never confirms."""
    absent: list[str] = []
    """People who do not take part. Only a failure that is made shorter has any."""
    skipped: list[str] = []
    """Ids of events that are not sent, likewise."""

    @property
    def rules(self) -> Rules:
        """What the core gets of it."""
        options = {"dispatch": self.dispatch, "labels": self.labels}
        sections = {name: msgspec.Raw(msgspec.msgpack.encode(each)) for name, each in options.items()}
        return Rules(node="n-1", k_anonymity=self.k_anonymity, scenarios=sections)


def draw(seed: int, ticks: int = TICKS) -> Plan:
    """The plan of a seed. The number of ticks changes nothing else, so that a failure can be made shorter."""
    rng = Random(seed)
    gloom = rng.choice((0.0, 0.5, 1.0, 1.0, 2.0))
    faults = {name: rate * gloom for name, rate in FAULTS.items() if rng.random() < 0.5}
    limits = {name: rng.choice(values) for name, (_, values) in LIMITS.items()}
    mine = Random(f"labels-{seed}")
    limits |= {name: mine.choice(values) for name, (_, values) in LABEL_LIMITS.items()}
    labels = LabelsOptions(
        resend_after_s=mine.choice((1, 5, 30)),
        resend_max_s=mine.choice((5, 300)),
        behind_after_s=mine.choice((5, 60)),
        skus_max=mine.choice((4, 20_000)),
        labels_max=mine.choice((6, 20_000)),
    )
    dispatch = DispatchOptions(
        reply_s=rng.choice((10, 60)),
        silent_s=rng.choice((60, 300)),
        late_s=mine.choice((60, 300, 3600)),
        give_up_s=rng.choice((120, 900)),
        unreachable=mine.choice(("accept", "accept", "refuse")),
        pickup_service_s=rng.choice((0, 240)),
        position_age_s_max=rng.choice((60, 600)),
    )
    return Plan(
        seed=seed,
        ticks=ticks,
        broker=rng.random() < 0.35,
        customers=rng.randint(1, 5),
        riders=rng.randint(1, 5),
        json_share=rng.choice((0.0, 0.5, 1.0)),
        order_rate=rng.choice((0.05, 0.15, 0.3)),
        bad_rate=rng.choice((0.0, 0.05, 0.2)),
        decline=rng.choice((0.0, 0.2, 0.5)),
        ignore=rng.choice((0.0, 0.2)),
        lie=rng.choice((0.0, 0.05, 0.2)),
        latency_s=rng.choice((0.0, 0.05, 1.0)),
        commit_s=rng.choice((0.0, 0.01, 0.5, 3.0)),
        broker_cap=rng.choice((3, 20, 1000)),
        drift=rng.choice((1.0, 1.0, 0.98, 1.03)),
        backup=rng.random() < 0.5,
        faults=faults,
        limits=limits,
        k_anonymity=rng.choice((1, 2, 5)),
        dispatch=dispatch,
        labels=labels,
        overrides=Random(f"desk-{seed}").choice((0.0, 0.1, 0.4)),
        price_rate=mine.choice((0.0, 0.2, 0.6)),
        unconfirmed=mine.choice((0.0, 0.05, 0.3)),
    )


@contextmanager
def bounded(limits: dict[str, int]) -> Iterator[None]:
    """The real code with these bounds."""
    with ExitStack() as stack:
        for name, value in limits.items():
            stack.enter_context(patch.object(_module(name), name, value))
        yield


def _module(name: str) -> Any:
    return import_module(f"edge.{(LIMITS | LABEL_LIMITS)[name][0]}")
