"""One world: people, links, a node's processes on a disk, an uplink and a centre, and everything that goes wrong."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from random import Random
from unittest.mock import patch

import msgspec

from edge.core.model import Answer, Commit, decode_row
from edge.core.node import Node
from edge.limits import STATUS_INTERVAL_S
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.labels import Labels
from tests.sim.around.centre import Centre
from tests.sim.around.links import Broker, Endpoint
from tests.sim.checks.broken import Broken, need
from tests.sim.checks.end import check_end
from tests.sim.checks.labels import check_labels, labels_of
from tests.sim.checks.rows import Checks, Ledger, dispatch_of
from tests.sim.draw import Plan, bounded
from tests.sim.node.disk import Disk
from tests.sim.node.loop import Time
from tests.sim.node.process import Process, time_of
from tests.sim.people.people import SHOP, Customer, Dispatcher, Person, Rider, Shop
from tests.sim.people.shelves import GATEWAYS, Gateway, Shelves
from tests.sim.people.shelves import SHOP as LABEL_SHOP

T0 = 1_790_000_000_000
QUIET_STEPS = 500
QUIET_STEP_S = 30.0
COUNTS_LATE_S = STATUS_INTERVAL_S + 60.0 + 30.0
"""A count of drops is beside the journal after a heartbeat; a pause and a slow disk may come before it."""
YEAR_MS = 365 * 86_400_000


class World:
    """`run` lives through the plan; it raises Broken."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.time = Time()
        self.chance = Random(f"faults-{plan.seed}")
        self.checks = Checks(self)
        self.lines: list[str] = []
        self.orders = 0
        self.sent_ids: list[str] = []
        """Ids of all events that people have sent."""
        self.quiet = False
        self.instance = "i-1"
        self.uplink = "up"
        self.was_restored = False
        """The node's disk was restored, or it was cloned."""
        self.centre_was_restored = False
        self.rows_lost_events = 0
        self.drops: list[tuple[float, int]] = []
        """When messages were dropped, and how many."""
        self.drops_lost_max = 0
        """Of those, what crashes may have taken the count of with them."""
        self._offset_ms = 0
        self._corrupt = False
        self._failure: Broken | None = None
        self._hash = blake2b(digest_size=8)
        self._boots = 0
        self._heal_at: list[tuple[float, str]] = []
        self.disk = Disk()
        self.backup = self.disk.copy()
        self.centre = Centre(self)
        self.link = Broker(self) if plan.broker else Endpoint(self)
        rng = Random(f"people-{plan.seed}")
        self.people: list[Person] = [Customer(self, f"c-{i}", Random(rng.random())) for i in range(plan.customers)]
        self.people += [Rider(self, f"r-{i}", Random(rng.random())) for i in range(plan.riders)]
        self.people.append(Shop(self, "shop-1", Random(rng.random())))
        if plan.overrides:
            self.people.append(Dispatcher(self, "desk-1", Random(f"desk-{plan.seed}")))
        self.people.append(Shelves(self, LABEL_SHOP, Random(rng.random())))
        self.people += [Gateway(self, name, Random(rng.random())) for name in GATEWAYS]
        self.people = [person for person in self.people if person.name not in plan.absent]
        self.process: Process
        self.clone: Process | None = None

    # -- what everybody asks -------------------------------------------------------------------------------------------

    def wall_ms(self) -> int:
        return max(0, T0 + int(self.time.now * 1000) + self._offset_ms)

    def note(self, text: str) -> None:
        """One line of the trace."""
        line = f"{self.time.now:.4f} {text}"
        self.lines.append(line)
        self._hash.update(line.encode())

    @property
    def trace_hash(self) -> str:
        return self._hash.hexdigest()

    def fail(self, broken: Broken) -> None:
        """Where an exception would be swallowed."""
        self._failure = self._failure or broken

    def corrupted(self, payload: bytes, batch: bool) -> bytes:
        """What the uplink makes of it. A batch may arrive with any byte changed: it is checked by its hashes. What
        has no hash of its own is only cut short, since TLS leaves no other damage."""
        if not (self._corrupt and payload) or self.chance.random() < 0.5:
            return payload
        at = self.chance.randrange(len(payload))
        if batch:
            return payload[:at] + bytes([payload[at] ^ (1 << self.chance.randrange(8))]) + payload[at + 1 :]
        return payload[:at]

    # -- what processes and links report -------------------------------------------------------------------------------

    def durable(self, number: int, row: bytes) -> None:
        self.note(f"row {number} {blake2b(row, digest_size=8).hexdigest()}")
        self.checks.durable(row)

    def shown(self, answer: Answer) -> None:
        self.note(f"answer {answer.sequence} {answer.client} {answer.kind}")
        self.checks.shown(answer)

    def acknowledged(self, client: str, id_: str, reason: str) -> None:
        self.note(f"puback {client} {id_} {reason}")
        self.checks.acknowledged(client, id_, reason)

    def drop(self, count: int) -> None:
        """Messages that are not decided, and of which nothing is known but their number."""
        self.checks.shed += count
        self.drops.append((self.time.now, count))

    def check_recovery(self, process: Process, node: Node) -> None:
        """From the snapshot or from the first row: the same state."""
        if process.main and self.disk.snapshots and self.chance.random() < 0.25:
            scratch = Node([Dispatch, Labels])
            scratch.recover(None, self.disk.rows)
            need(
                scratch.snapshot() == node.snapshot(), "I2", lambda: "the snapshot leads to another state than the rows"
            )

    def gone(self) -> None:
        """The node's process is dead."""
        since = self.time.now - COUNTS_LATE_S
        self.drops_lost_max += sum(count for at, count in self.drops if at > since)
        self.link.gone()
        self.time.after(self.chance.choice((0.5, 5.0, 60.0)), self.start)

    def start(self) -> None:
        """A process, unless one runs."""
        if self._boots and self.process.alive:
            return
        self.disk.broken = False
        self._boots += 1
        self.note(f"boot {self._boots} on {len(self.disk.rows)} rows")
        self.process = Process(self, self.disk, self._boots)

    # -- the run -------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        with surroundings(self):
            self.start()
            for tick in range(self.plan.ticks):
                self._tick(tick)
            self._calm()
            check_labels(self)
            check_end(self)
            self._check_replay()
            self._check_alive()

    def _tick(self, tick: int) -> None:
        for person in self.people:
            person.tick()
        for name, rate in self.plan.faults.items():
            if self.chance.random() < rate:
                self.note(f"fault {name}")
                getattr(self, f"fault_{name}")()
        if tick % 20 == 10:
            self.centre.keep_backup()
            if self.plan.backup:
                self.backup = self.disk.copy()
        self._pass(self.chance.choice((0.1, 1.0, 5.0, 20.0, 60.0)))

    def _pass(self, seconds: float) -> None:
        self.time.advance(seconds)
        if self._failure is not None:
            raise self._failure
        alarm = "disk" in self.process.status.alarms
        need(
            alarm == self.process.pipeline.full,
            "I8",
            lambda: "the status does not show that the disk is full",
        )
        missed = self.process.status.drops.get("recall_missed", 0)
        need(not missed, "I2", lambda: f"{missed} repeats were acknowledged whose receipt is in a row that is gone")
        healed = [name for at, name in self._heal_at if at <= self.time.now]
        self._heal_at = [item for item in self._heal_at if item[0] > self.time.now]
        for name in healed:
            self._heal(name)

    def _for_a_while(self, name: str) -> None:
        self._heal_at.append((self.time.now + self.chance.choice((5.0, 60.0, 600.0)), name))

    # -- what goes wrong -----------------------------------------------------------------------------------------------

    def fault_crash(self) -> None:
        self.process.kill("at any moment")

    def fault_crash_within(self) -> None:
        self.process.crash_in = self.chance.randint(0, 12)

    def fault_disk_full(self) -> None:
        self.disk.full = True
        self._for_a_while("disk")

    def fault_disk_broken(self) -> None:
        self.disk.broken = True

    def fault_connection(self) -> None:
        self.link.disconnect(self.chance.choice(self.people))

    def fault_broker(self) -> None:
        self.link.heal()

    def fault_vanish(self) -> None:
        person = self.chance.choice(self.people)
        person.away_until = self.time.now + self.chance.choice((30.0, 400.0))

    def fault_uplink_cut(self) -> None:
        self.uplink = "cut"
        self.process.run(self.process.uplink.drop)
        self._for_a_while("uplink")

    def fault_uplink_dead(self) -> None:
        self.uplink = "dead"
        self._for_a_while("uplink")

    def fault_uplink_slow(self) -> None:
        self.uplink = "slow"
        self._for_a_while("uplink")

    def fault_uplink_corrupt(self) -> None:
        self._corrupt = True
        self._for_a_while("corrupt")

    def fault_centre_down(self) -> None:
        self.centre.down = True
        self.process.run(self.process.uplink.drop)
        self._for_a_while("centre")

    def fault_centre_restored(self) -> None:
        self.centre_was_restored = True
        self.centre.restore()
        for process in (self.process, self.clone):
            if process is not None:
                process.run(process.uplink.drop)

    def fault_node_restored(self) -> None:
        if not self.plan.backup or not self.backup.rows:
            return
        self.was_restored = True
        self.process.kill("its disk is lost")
        lost, kept = self.checks.ledger, Ledger()
        self.disk = self.backup.copy()
        for row in self.disk.rows:
            kept.enter(decode_row(row))
        self.rows_lost_events += lost.received - kept.received
        self.checks.forget(lost, kept)
        for person in self.people:
            if isinstance(person, Gateway):
                person.restart()

    def fault_clone(self) -> None:
        if self.clone is None and self.disk.rows:
            self.was_restored = True
            self._boots += 1
            self.clone = Process(self, self.disk.copy(), self._boots, main=False)
            self._for_a_while("clone")

    def fault_wall_jump(self) -> None:
        self._offset_ms = self.chance.choice((0, 3_600_000, -3_600_000, 10 * YEAR_MS, -T0, 30_000, -30_000))
        if self.chance.random() < 0.7:
            self._for_a_while("wall")

    def fault_pause(self) -> None:
        self.process.loop.paused_until = self.time.now + self.chance.choice((1.0, 10.0, 60.0))

    def fault_flood(self) -> None:
        self.link.shed(self.chance.choice(self.people), self.chance.randint(1, 50))

    def _heal(self, name: str) -> None:
        self.note(f"well {name}")
        match name:
            case "disk":
                self.disk.full = False
            case "uplink":
                self.uplink = "up"
            case "corrupt":
                self._corrupt = False
            case "centre":
                self.centre.down = False
            case "wall":
                self._offset_ms = 0
            case _:
                self._unclone()

    def _unclone(self) -> None:
        """The operator stops the second node, and restarts the first."""
        if self.clone is not None:
            self.clone.kill("a clone")
            self.clone = None
            self.process.kill("after a clone")

    # -- the end -------------------------------------------------------------------------------------------------------

    def _calm(self) -> None:
        """Everything is mended; the people finish what they have begun."""
        self.quiet = True
        self._heal_at = []
        for name in ("disk", "uplink", "corrupt", "centre", "wall", "clone"):
            self._heal(name)
        for person in self.people:
            person.away_until = 0.0
        self.time.after(60.0, self.start)
        self.settle()

    def settle(self) -> None:
        """Until everything that is under way has come to its end."""
        for step in range(QUIET_STEPS):
            first = step % len(self.people)  # else the last ones never find room at a broker that holds little
            for person in (*self.people[first:], *self.people[:first]):
                person.tick()
            self._pass(QUIET_STEP_S)
            if self.process.alive and not self._unfinished():
                return
        raise Broken("I6", f"after {QUIET_STEPS * QUIET_STEP_S:.0f} s of calm there is still {self._unfinished()}")

    def _unfinished(self) -> str:
        node = self.process.pipeline.node
        left = {
            "unanswered": sum(len(person.outbox) for person in self.people),
            "scheduled": sum(len(person.scheduled) for person in self.people),
            "open orders": len(dispatch_of(node).state.orders.open),
            "events in open windows": sum(draft.events for draft in node.windows._drafts.values()),
            "events that wait": node.outbox.events_waiting,
            "batches": len(node.outbox.in_flight()),
            "unconfirmed labels": self._unconfirmed(),
        }
        if self.process.pipeline.full:
            left["a full disk"] = 1
        return ", ".join(f"{count} {name}" for name, count in left.items() if count)

    def _unconfirmed(self) -> int:
        """Of labels whose gateways take part."""
        names = [person.name for person in self.people]
        labels = labels_of(self.process.pipeline.node).labels.labels.values()
        return sum(label.since_ms is not None and label.gateway in names for label in labels)

    def _check_replay(self) -> None:
        """Every row again, byte for byte."""
        again = Node([Dispatch, Labels])
        for row in self.disk.rows:
            made = again.replay(decode_row(row))[0]
            need(isinstance(made, Commit) and made.row == row, "I2", lambda: f"row {again.number} replays otherwise")

    def _check_alive(self) -> None:
        """A new rider and a new order find each other, once it is ready by what the node has learned of the shop."""
        rng = Random(f"probe-{self.plan.seed}")
        plan = msgspec.structs.replace(self.plan, decline=0.0, ignore=0.0)
        self.plan = plan
        rider, customer = Rider(self, "r-probe", rng), Customer(self, "c-probe", rng)
        self.people += [rider, customer]
        rider.on = True
        rider.tick()
        rider.event("rider.shift", on=True, capacity=1)
        order, places = f"o-{self.orders + 1}", {"pickup": SHOP, "dropoff": SHOP}
        self._pass(5.0)
        rider.position()
        self._pass(5.0)  # where orders out of reach are refused, somebody has to be known to be near
        customer.tick()
        customer.event("order.place", order=order, shop="shop-1", prep_s=0, **places)
        for _ in range(120):
            if order in self.checks.ledger.offered:
                break
            for person in self.people:
                person.tick()
            self._pass(10.0)
        need(
            order in self.checks.ledger.offered,
            "I6",
            lambda: f"{order} was placed after the calm and offered to nobody",
        )


@contextmanager
def surroundings(world: World) -> Iterator[None]:
    """The real code in this world: its bounds and its clock."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with bounded(world.plan.limits), patch("edge.clock.time", time_of(world)):
            yield
    finally:
        logging.disable(level)
