"""A node's outbox and a centre's store, with the real words between them and no wire."""

import zstandard

from central.store.store import Store
from edge.core.model import Now, SyncStated, SyncWelcomed
from edge.core.outbox import Outbox
from edge.messages.batches import SYNC_BATCH, BatchMessage, Window, decode_ack, encode
from edge.messages.sync.statement import SYNC_STATEMENT, SignedStatement, Statement
from edge.messages.sync.statement import encode as encode_statement
from edge.mqtt.seam import Publish
from tests.central.stores import START, ask, hello

DAY_MS = 86_400_000
DAY = START // DAY_MS


class Sides:
    """One node, already welcomed. `now` is the clock of both (Unix ms)."""

    def __init__(self, store: Store, node: str = "n1") -> None:
        self.store, self.node, self.now = store, node, START
        self.outbox = Outbox(node)
        ask(store, hello(node), lambda: self.now)
        self.outbox.welcome(SyncWelcomed(1, 0))

    def send(self, *windows: Window) -> str:
        """One batch; why it was refused or kept aside."""
        self.outbox.add(list(windows))
        (batch,) = self.outbox.cut(Now(0.0, self.now))
        message = BatchMessage(
            epoch=batch.epoch,
            seq=batch.seq,
            sha256=batch.sha256,
            previous=batch.previous,
            body=zstandard.compress(batch.body),
            history=self.outbox.hello("i1", "b1").before(batch.seq),
        )
        outcome = ask(self.store, Publish(self.node, SYNC_BATCH, encode(message), 1, 1), lambda: self.now)
        ack = decode_ack(outcome.payload)
        self.outbox.stored(ack.epoch, ack.through)
        self.now += 60_000
        return ack.refused

    def state(self, days: int = 1, keep: bool = True) -> list[Statement]:
        """So many days later: what is over is stated, and reaches the centre unless it is not to be kept."""
        self.now = (self.now // DAY_MS + days) * DAY_MS + 20 * 60_000
        self.outbox.stated(SyncStated(0, close=True), Now(0.0, self.now))
        closed = list(self.outbox.statements.closed)
        for statement in closed if keep else ():
            assert self.publish(SignedStatement(body=encode_statement(statement))) == ""
            self.outbox.stated(SyncStated(statement.number), Now(0.0, self.now))
        return closed

    def publish(self, signed: SignedStatement) -> str:
        """Why the centre does not take a statement; empty where it does."""
        payload = encode_statement(signed)
        return ask(self.store, Publish(self.node, SYNC_STATEMENT, payload, 1, 1), lambda: self.now).reason


def window(minute: int, scenario: str = "dispatch", **counters: int) -> Window:
    """Of that minute of the day START, with an event for each count."""
    return Window(scenario, START + minute * 60_000, 60, sum(counters.values()), counters, {}, [])
