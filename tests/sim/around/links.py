"""Between people and the node: its own endpoint, or somebody else's broker. Both lose, repeat and delay.

A person sends with `send` and is called back: `acknowledged(id, reason)`, `answer(kind, payload)`.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from edge.core.model import Answer
from edge.errors import Reason
from edge.limits import PAYLOAD_BYTES_MAX
from edge.mqtt.seam import Pending, Publish

if TYPE_CHECKING:
    from tests.sim.node.process import Process
    from tests.sim.people.people import Person
    from tests.sim.world import World

WINDOW = 8
"""Answers in flight to one client."""


class Connection:
    """One client's session at the endpoint; the source of its publishes."""

    def __init__(self, link: "Endpoint", person: "Person") -> None:
        self.person, self.open = person, True
        self._link = link
        self._ids: dict[int, str] = {}
        self._token = 0
        self._buffer: list[Publish] = []
        self._reading = False
        self._after = 0
        self._more = True
        self._in_flight: dict[int, None] = {}

    def send(self, id_: str, kind: str, payload: bytes, qos: int) -> None:
        """Bytes go off towards the node."""
        token = 0
        if qos:
            self._token += 1
            token = self._token
            self._ids[token] = id_
        self._buffer.append(Publish(self.person.name, kind, payload, qos, token))
        if not self._reading:
            self._reading = True
            self._link.process.loop.call_later(self._link.delay_s(), self._read)

    def _read(self) -> None:
        """One read is one batch."""
        self._reading = False
        if not self.open:
            return
        if self._link.paused:
            self._reading = True
            self._link.process.loop.call_later(0.5, self._read)
            return
        publishes, self._buffer = self._buffer, []
        self._link.process.pipeline.received(self, publishes, 0.0)

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        """PUBACKs leave, if there is still a connection to leave by."""
        process = self._link.process
        process.step()
        if not (process.alive and self.open):
            return
        for token, reason in zip(tokens, reasons, strict=True):
            id_ = self._ids.pop(token)
            self._link.world.acknowledged(self.person.name, id_, reason)
            self._link.world.time.after(self._link.delay_s(), lambda i=id_, r=reason: self._arrived(i, r))

    def _arrived(self, id_: str, reason: str) -> None:
        if self.open:
            self.person.acknowledged(id_, reason)

    def pull(self, fresh: Sequence[Pending] = ()) -> None:
        """Answers leave while the window has room: the `fresh` ones where no other waits before them."""
        process = self._link.process
        if fresh and not fresh[0][0].sequence:
            for answer, _ in fresh:
                self._link.world.time.after(self._link.delay_s(), lambda a=answer: self._deliver(a))
            return
        while self.open and process.alive and len(self._in_flight) < WINDOW:
            room = WINDOW - len(self._in_flight)
            follows = 0 < len(fresh) <= room and not self._more
            pending = fresh if follows else process.pipeline.pending(self.person.name, self._after, room)
            for answer, _ in pending:
                process.step()
                if not process.alive:
                    return
                self._after = answer.sequence
                self._in_flight[answer.sequence] = None
                self._link.world.shown(answer)
                self._link.world.time.after(self._link.delay_s(), lambda a=answer: self._deliver(a))
            self._more = not follows and len(pending) == room
            if not self._more:
                return
        self._more = True

    def _deliver(self, answer: Answer) -> None:
        if not self.open:
            return
        self.person.answer(answer.kind, answer.payload)
        process = self._link.process
        process.loop.call_later(self._link.delay_s(), self._taken, answer.sequence)

    def _taken(self, sequence: int) -> None:
        if self.open and sequence in self._in_flight:
            del self._in_flight[sequence]
            self._link.process.pipeline.delivered(self.person.name, [sequence])
            self.pull()


class Endpoint:
    """The node's own listener."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.paused = False
        self.process: Process
        self._rng = Random(f"endpoint-{world.plan.seed}")
        self._open: dict[str, Connection] = {}

    def delay_s(self) -> float:
        return self.world.plan.latency_s * self._rng.random()

    def attach(self, process: "Process") -> None:
        """A new process: nobody is connected."""
        self.process, self.paused = process, False

    def gone(self) -> None:
        """The process died, and every connection with it."""
        for connection in self._open.values():
            connection.open = False
        self._open = {}

    def connect(self, person: "Person") -> None:
        if person.name in self._open or not self.process.alive:
            return
        connection = self._open[person.name] = Connection(self, person)
        self.process.loop.call_soon(self._present, connection)

    def _present(self, connection: Connection) -> None:
        if connection.open:
            self.process.pipeline.present(connection.person.name, True)
            connection.pull()

    def disconnect(self, person: "Person") -> None:
        connection = self._open.pop(person.name, None)
        if connection is not None:
            connection.open = False
            self.process.loop.call_soon(lambda: self.process.pipeline.present(person.name, False))

    def send(self, person: "Person", id_: str, kind: str, payload: bytes, qos: int) -> None:
        connection = self._open.get(person.name)
        if connection is not None:
            connection.send(id_, kind, payload, qos)

    def shed(self, person: "Person", count: int) -> None:
        """A flood over the quota of one client."""
        if person.name in self._open:
            self.world.drop(count)
            self.process.loop.call_soon(lambda: self.process.pipeline.shed(person.name, Reason.OVER_QUOTA, count))

    def heal(self) -> None:
        """The fault of this link, which mends itself."""
        for connection in list(self._open.values()):
            self.disconnect(connection.person)

    # -- seam.Link -----------------------------------------------------------------------------------------------------

    def wake(self, fresh: Mapping[str, Sequence[Pending]]) -> None:
        for client, answers in fresh.items():
            connection = self._open.get(client)
            if connection is not None:
                connection.pull(answers)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


class Broker:
    """A broker that promises publishers more than it keeps: it acknowledges at once, caps its queues without a word,
    mixes publishers, delivers twice, and forgets everything when it is killed."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.paused = False
        self.process: Process
        self._rng = Random(f"broker-{world.plan.seed}")
        self._queue: dict[str, list[tuple[str, Publish]]] = {}
        self._unacknowledged: dict[int, tuple[str, Publish]] = {}
        self._token = 0
        self._people: dict[str, Person] = {}
        self._known: dict[str, None] = {}
        self._after: dict[str, int] = {}
        self._epoch = 0
        self._reading = False

    def delay_s(self) -> float:
        return self.world.plan.latency_s * self._rng.random()

    def attach(self, process: "Process") -> None:
        """A new process joins: what it had not acknowledged comes again."""
        self.process, self.paused = process, False
        self._known, self._after, self._reading = {}, {}, False
        again = list(self._unacknowledged.values())
        self._unacknowledged = {}
        for id_, publish in reversed(again):
            self._queue.setdefault(publish.client, []).insert(0, (id_, publish))
        process.loop.call_later(
            0.1, lambda: self.wake(dict.fromkeys(process.pipeline.node.pending_answers.clients(), ()))
        )
        self._read_soon()

    def gone(self) -> None:
        """The node died; the broker keeps what it has."""

    def connect(self, person: "Person") -> None:
        self._people[person.name] = person

    def disconnect(self, person: "Person") -> None:
        if self._people.pop(person.name, None) is not None and person.name in self._known:
            self.process.loop.call_soon(lambda: self.process.pipeline.present(person.name, False))

    def send(self, person: "Person", id_: str, kind: str, payload: bytes, qos: int) -> None:
        if sum(map(len, self._queue.values())) >= self.world.plan.broker_cap:
            return  # lost, and acknowledged
        for _ in range(2 if self._rng.random() < 0.1 else 1):
            self._queue.setdefault(person.name, []).append((id_, Publish(person.name, kind, payload, qos, 0)))
        self._read_soon()

    def _read_soon(self) -> None:
        if not self._reading and self.process.alive:
            self._reading = True
            self.process.loop.call_later(self.delay_s(), self._read)

    def _read(self) -> None:
        self._reading = False
        if self.paused:
            self._reading = True
            self.process.loop.call_later(0.5, self._read)
            return
        publishes: list[Publish] = []
        while self._queue and len(publishes) < 20:
            name = self._rng.choice(list(self._queue))
            id_, publish = self._queue[name].pop(0)
            if not self._queue[name]:
                del self._queue[name]
            if name not in self._known:
                self._known[name] = None
                self.process.pipeline.present(name, True)
                self._pull(name)
            if len(publish.payload) > PAYLOAD_BYTES_MAX:
                self.world.drop(1)
                self.process.pipeline.shed(name, Reason.OVERSIZED, 1)
                continue
            token = 0
            if publish.qos:
                self._token += 1
                token = self._token
                self._unacknowledged[token] = (id_, publish)
            publishes.append(Publish(name, publish.kind, publish.payload, publish.qos, token))
        if publishes:
            self.process.pipeline.received(self, publishes, 0.0)
        if self._queue:
            self._read_soon()

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        self.process.step()
        if not self.process.alive:
            return
        for token, reason in zip(tokens, reasons, strict=True):
            known = self._unacknowledged.pop(token, None)
            if known is not None:
                self.world.acknowledged(known[1].client, known[0], reason)

    def shed(self, person: "Person", count: int) -> None:
        """A broker sheds without a word."""

    def heal(self) -> None:
        """Killed and restarted: it has forgotten everything, and notices."""
        self._queue, self._unacknowledged = {}, {}
        self._epoch += 1

    # -- answers -------------------------------------------------------------------------------------------------------

    def wake(self, fresh: Mapping[str, Sequence[Pending]]) -> None:
        for client, answers in fresh.items():
            if answers and not answers[0][0].sequence:
                for answer, _ in answers:
                    self.world.time.after(self.delay_s(), lambda a=answer: self._deliver(a, self._epoch))
            else:
                self._pull(client)

    def _pull(self, client: str) -> None:
        process = self.process
        for answer, _ in process.pipeline.pending(client, self._after.get(client, 0), WINDOW):
            process.step()
            if not process.alive:
                return
            self.world.shown(answer)
            self._after[client] = answer.sequence
            epoch = self._epoch
            process.loop.call_later(self.delay_s(), self._held, client, answer.sequence)
            self.world.time.after(self.delay_s(), lambda a=answer, e=epoch: self._deliver(a, e))

    def _held(self, client: str, sequence: int) -> None:
        self.process.pipeline.delivered(client, [sequence])
        self._pull(client)

    def _deliver(self, answer: Answer, epoch: int) -> None:
        """The broker keeps it for an absent client, unless it is killed meanwhile."""
        if epoch != self._epoch:
            return
        person = self._people.get(answer.client)
        if person is not None:
            person.answer(answer.kind, answer.payload)
        else:
            self.world.time.after(20.0, lambda: self._deliver(answer, epoch))

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
