"""The uplink against a centre that is honest, slow, dumb or lying: a real endpoint, a scripted word behind it."""

import asyncio
from collections.abc import Callable
from hashlib import sha256

import pytest
import zstandard

from central.run import SYNC_PACKET_BYTES_MAX
from edge.core.model import Answer, Now, SyncWelcomed
from edge.errors import Reason
from edge.messages.batches import (
    SYNC_ACK,
    SYNC_BATCH,
    SYNC_HELLO,
    SYNC_WELCOME,
    BatchMessage,
    Hello,
    SyncAck,
    SyncWelcome,
    Window,
    chain_hash,
    decode_batch,
    decode_hello,
    encode,
)
from edge.messages.sync.report import SYNC_REPORT, decode_report
from edge.mqtt.seam import Publish, Source
from edge.mqtt.server.endpoint import Endpoint, EndpointOptions
from edge.uplink.sync import UPLINK_WINDOW_MAX
from tests.edge.uplinks import REPORT, START, Uplinked
from tests.waiting import until

TIMEOUT_S = 30.0
Script = Callable[[str, Hello | BatchMessage], list[tuple[str, bytes]] | Reason]


class Centre:
    """An endpoint whose answers come from a script. It remembers what it received."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.hellos: list[Hello] = []
        self.batch_messages: list[BatchMessage] = []
        self.answers: dict[str, list[Answer]] = {}
        self.sequence = 0
        self.endpoint = Endpoint(
            "centre",
            self,
            lambda _name, _token: None,
            EndpointOptions(packet_bytes_max=SYNC_PACKET_BYTES_MAX, anonymous=True),
        )

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        for publish in publishes:
            if publish.kind == SYNC_HELLO:
                item: Hello | BatchMessage = decode_hello(publish.payload)
                self.hellos.append(item)
            elif publish.kind == SYNC_REPORT:
                assert decode_report(publish.payload) == REPORT
                item = self.hellos[-1]
            else:
                item = decode_batch(publish.payload)
                self.batch_messages.append(item)
            reply = self.script(publish.kind, item)
            for kind, payload in reply if isinstance(reply, list) else []:
                self.sequence += 1
                answer = Answer(self.sequence, publish.client, kind, payload, 0.0)
                self.answers.setdefault(publish.client, []).append(answer)
            self.endpoint.wake({publish.client: ()})
            if publish.token:
                source.acknowledge([publish.token], [reply if isinstance(reply, Reason) else ""])

    def shed(self, client: str, reason: Reason, count: int) -> None:
        raise AssertionError(f"{client} was shed {count} messages: {reason}")

    def delivered(self, client: str, sequences: list[int]) -> None:
        self.answers[client] = [answer for answer in self.answers[client] if answer.sequence not in sequences]

    def present(self, client: str, present: bool) -> None:
        if not present:
            self.answers.pop(client, None)

    def pending(self, client: str, after: int, limit: int) -> list[tuple[Answer, float]]:
        return [(answer, 60.0) for answer in self.answers.get(client, []) if answer.sequence > after][:limit]


class Node(Uplinked):
    """An uplink with short pauses, and a window of one event for each minute."""

    def __init__(self, port: int, ack_deadline_s: float = 20.0) -> None:
        super().__init__(f"mqtt://127.0.0.1:{port}", ack_deadline_s=ack_deadline_s, backoff=(0.01, 0.05))

    def add(self, minute: int) -> None:
        start = START + minute * 60_000
        self.outbox.add([Window("dispatch", start, 60, 1, {f"x{minute}": 1}, {}, [])])
        self.outbox.cut(Now(0.0, START))
        self.sync.wake()


def honest(kind: str, item: Hello | BatchMessage) -> list[tuple[str, bytes]]:
    """Welcomes with epoch 1 and takes everything."""
    if isinstance(item, Hello):
        return [(SYNC_WELCOME, encode(SyncWelcome(epoch=1, through=item.through)))]
    assert kind == SYNC_BATCH
    return [(SYNC_ACK, encode(SyncAck(epoch=item.epoch, through=item.seq)))]


def run(
    script: Script, scenario: Callable[[Centre, Node], asyncio.Future[None]] | object, ack_deadline_s: float = 20.0
) -> None:
    """Run a scenario with a centre that follows `script` and a connected node."""

    async def main() -> None:
        centre = Centre(script)
        _, port = await centre.endpoint.listen("127.0.0.1:0")
        node = Node(port, ack_deadline_s)
        running = asyncio.create_task(node.sync.run())
        try:
            await asyncio.wait_for(scenario(centre, node), TIMEOUT_S)  # type: ignore[operator]
        finally:
            await node.sync.close()
            await running
            await centre.endpoint.close()

    asyncio.run(main())


class Ledger:
    """A centre that takes each batch once, in order, and welcomes with what it has."""

    def __init__(self) -> None:
        self.applied: dict[int, bytes] = {}

    def __call__(self, _kind: str, item: Hello | BatchMessage) -> list[tuple[str, bytes]]:
        if isinstance(item, Hello):
            assert item.epoch == 0 or item.through <= len(self.applied)
            return [(SYNC_WELCOME, encode(SyncWelcome(epoch=1, through=len(self.applied))))]
        assert item.seq <= len(self.applied) + 1
        assert self.applied.setdefault(item.seq, item.sha256) == item.sha256
        return [(SYNC_ACK, encode(SyncAck(epoch=1, through=len(self.applied))))]


def test_batches_go_out_and_their_acknowledgements_come_in() -> None:
    """After the welcome every batch is sent once, unpacks to what was hashed, and is deleted when acknowledged."""

    async def scenario(centre: Centre, node: Node) -> None:
        for minute in range(20):
            node.add(minute)
        await until(lambda: node.outbox.events_acked == 20)
        assert centre.hellos[0].epoch == 0
        assert [batch.seq for batch in centre.batch_messages] == list(range(1, len(centre.batch_messages) + 1))
        for batch in centre.batch_messages:
            assert sha256(zstandard.decompress(batch.body)).digest() == batch.sha256
        assert node.sync.connected
        assert node.sync.batches_sent == node.sync.batches_acked == len(centre.batch_messages)
        assert node.sync.batches_repeated == 0
        assert node.sync.bytes == sum(len(batch.body) for batch in centre.batch_messages)
        assert node.sync.last_ack_age_s is not None
        assert node.sync.error == ""

    run(honest, scenario)


def test_nothing_is_sent_before_the_welcome() -> None:
    """A centre that never welcomes gets hellos, one for each connection, and no batch."""

    async def scenario(centre: Centre, node: Node) -> None:
        node.outbox.welcome(SyncWelcomed(1, 0))
        node.add(0)
        await until(lambda: len(centre.hellos) >= 3)
        assert centre.batch_messages == []
        assert not node.sync.connected
        assert "has not sent its welcome" in node.sync.error
        assert len({hello.boot for hello in centre.hellos}) == 1

    run(lambda _kind, _item: [], scenario, ack_deadline_s=0.2)


def test_a_centre_that_stops_acknowledging_is_left_and_found_again() -> None:
    """A half-dead centre costs a deadline and a new connection, on which the same batches are sent again."""
    silent = True

    def script(kind: str, item: Hello | BatchMessage) -> list[tuple[str, bytes]]:
        return [] if silent and isinstance(item, BatchMessage) else honest(kind, item)

    async def scenario(centre: Centre, node: Node) -> None:
        nonlocal silent
        await until(lambda: node.sync.connected)
        node.add(0)
        await until(lambda: len(centre.hellos) >= 2)
        silent = False
        await until(lambda: node.outbox.events_acked == 1)
        assert {batch.seq for batch in centre.batch_messages} == {1}
        assert node.sync.batches_sent == 1
        assert node.sync.batches_repeated >= 1

    run(script, scenario, ack_deadline_s=0.2)


def test_an_acknowledgement_beyond_what_was_sent_deletes_nothing() -> None:
    """Lies of the centre are counted and never reach the core; its malformed input neither."""

    def script(_kind: str, item: Hello | BatchMessage) -> list[tuple[str, bytes]]:
        if isinstance(item, Hello):
            return honest("", item)
        return [
            (SYNC_ACK, encode(SyncAck(epoch=1, through=item.seq + 5))),
            (SYNC_ACK, encode(SyncAck(epoch=9, through=item.seq))),
            (SYNC_ACK, b"\xc1nonsense"),
            (SYNC_ACK, bytes(1_000)),
        ]

    async def scenario(_centre: Centre, node: Node) -> None:
        await until(lambda: node.sync.connected)
        node.add(0)
        await until(lambda: node.sync.protocol_errors == 4)
        assert node.posted == [SyncWelcomed(1, 0)]
        assert len(node.outbox.in_flight()) == 1

    run(script, scenario)


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ([(SYNC_ACK, encode(SyncAck(epoch=1, through=0, refused="gap", expected=1)))], "gap"),
        (Reason.DISK_FULL, "mqtt_0x97"),
    ],
)
def test_a_refused_batch_leads_to_another_hello(refusal: list[tuple[str, bytes]] | Reason, reason: str) -> None:
    """After a gap, or where the centre's full disk refuses the publish itself, the node begins anew and goes on from
    the number that the centre expects."""
    refusals = [refusal, refusal]

    def script(kind: str, item: Hello | BatchMessage) -> list[tuple[str, bytes]] | Reason:
        return refusals.pop() if isinstance(item, BatchMessage) and refusals else honest(kind, item)

    async def scenario(centre: Centre, node: Node) -> None:
        await until(lambda: node.sync.connected)
        node.add(0)
        await until(lambda: node.outbox.events_acked == 1)
        assert len(centre.hellos) == 3
        assert node.sync.refused == {reason: 2}
        assert node.sync.error == ""

    run(script, scenario)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (
            [(SYNC_ACK, encode(SyncAck(epoch=1, through=0, refused="over_quota", expected=1, detail="At midnight.")))],
            "batch 1 (over_quota). At midnight.",
        ),
        (Reason.OVER_CAPACITY, "no room"),
        (Reason.MALFORMED, "same version"),
    ],
)
def test_a_refused_batch_is_shown_until_the_centre_takes_it(
    refusal: list[tuple[str, bytes]] | Reason, words: str
) -> None:
    """A refusal that no hello mends stays in the status, with the centre's sentence, through every welcome."""
    refusing = True
    seen: list[bool] = []

    async def scenario(centre: Centre, node: Node) -> None:
        nonlocal refusing

        def script(kind: str, item: Hello | BatchMessage) -> list[tuple[str, bytes]] | Reason:
            if isinstance(item, BatchMessage) and refusing:
                seen.append(node.sync.is_refused)
                return refusal
            return honest(kind, item)

        centre.script = script
        await until(lambda: node.sync.connected)
        node.add(0)
        await until(lambda: len(seen) >= 4)
        assert seen[1:4] == [True] * 3
        assert words in node.sync.error
        refusing = False
        await until(lambda: node.outbox.events_acked == 1)
        assert (node.sync.is_refused, node.sync.error) == (False, "")

    run(honest, scenario)


def test_a_refused_node_sends_nothing_and_reports_why(caplog: pytest.LogCaptureFixture) -> None:
    """A cloned node keeps everything, asks again now and then, and its status and its log name the reason."""

    async def scenario(centre: Centre, node: Node) -> None:
        node.outbox.welcome(SyncWelcomed(1, 0))
        node.add(0)
        await until(lambda: len(centre.hellos) >= 3)
        assert centre.batch_messages == []
        assert "cloned" in node.sync.error
        assert node.sync.is_refused
        assert node.sync.refused["cloned"] >= 2
        assert [line for line in caplog.messages if "cloned" in line]
        assert node.outbox.events_waiting == 1

    run(lambda _kind, _item: [(SYNC_WELCOME, encode(SyncWelcome(refused="cloned")))], scenario)


def test_a_new_epoch_numbers_anew() -> None:
    """Where the centre begins a new epoch, what was in flight goes out again under new numbers."""

    def script(kind: str, item: Hello | BatchMessage) -> list[tuple[str, bytes]]:
        if isinstance(item, Hello):
            return [(SYNC_WELCOME, encode(SyncWelcome(epoch=7, through=0, reason="batches_lost")))]
        return honest(kind, item)

    async def scenario(centre: Centre, node: Node) -> None:
        node.outbox.welcome(SyncWelcomed(6, 0))
        for minute in range(3):
            node.add(minute)
        await until(lambda: node.outbox.events_acked == 3)
        assert {batch.epoch for batch in centre.batch_messages} == {7}

    run(script, scenario)


def test_what_was_given_up_is_reported() -> None:
    """A welcome that makes the node discard something shows, and each batch names the history that it follows."""
    history = bytes([7]) * 32

    def restored(kind: str, item: Hello | BatchMessage) -> list[tuple[str, bytes]]:
        if isinstance(item, Hello):
            word = SyncWelcome(epoch=2, discard_before=START, history=history, reason="node_restored")
            return [(SYNC_WELCOME, encode(word))]
        return honest(kind, item)

    async def scenario(centre: Centre, node: Node) -> None:
        assert not node.sync.gave_up
        for minute in range(2):
            node.add(minute)
            await until(lambda minute=minute: node.sync.batches_acked > minute)
        assert node.sync.gave_up
        first, second = centre.batch_messages
        assert (first.history, second.history) == (history, chain_hash(history, first.sha256))
        assert node.outbox.hello("i1", "b1").history[-1] == chain_hash(second.history, second.sha256)

    run(restored, scenario)


@pytest.mark.parametrize(("fast_s", "most"), [(0.0, 1), (20.0, UPLINK_WINDOW_MAX)])
def test_a_slow_line_carries_one_batch_at_a_time(monkeypatch: pytest.MonkeyPatch, fast_s: float, most: int) -> None:
    """How many batches are on their way follows from how long the last acknowledgement took."""
    monkeypatch.setattr("edge.uplink.sync.UPLINK_FAST_S", fast_s)

    def script(kind: str, item: Hello | BatchMessage) -> list[tuple[str, bytes]]:
        return [] if isinstance(item, BatchMessage) and item.seq > 1 else honest(kind, item)

    async def scenario(centre: Centre, node: Node) -> None:
        await until(lambda: node.sync.connected)
        node.add(0)
        await until(lambda: node.outbox.events_acked == 1)
        for minute in range(1, UPLINK_WINDOW_MAX + 3):
            node.add(minute)
        await until(lambda: len(centre.batch_messages) == 1 + most)
        await asyncio.sleep(0.1)
        assert len(centre.batch_messages) == 1 + most
        assert node.sync.in_flight == most
        assert len(node.outbox.in_flight()) > most

    run(script, scenario)


def test_a_connection_cut_at_any_moment_loses_nothing() -> None:
    """Cutting the line again and again while batches flow leaves every event acknowledged once."""

    async def scenario(_centre: Centre, node: Node) -> None:
        for minute in range(60):
            node.add(minute)
            if minute % 3 == 0:
                node.sync.link.drop()
            await asyncio.sleep(0.005)
        await until(lambda: node.outbox.events_acked == 60)
        assert node.outbox.protocol_errors == 0

    run(Ledger(), scenario)


def test_a_core_that_forgot_the_answers_of_the_centre_gets_them_again() -> None:
    """A core rebuilt from the disk lacks the last word; asked again, the centre repeats it and the batches go."""

    async def scenario(centre: Centre, node: Node) -> None:
        await until(lambda: node.sync.connected)
        for minute in range(5):
            node.add(minute)
        forgetful = node.outbox.snapshot()
        await until(lambda: node.outbox.events_acked == 5)
        node.outbox.restore(forgetful)
        node.sync.ask_again()
        await until(lambda: node.outbox.events_acked == 5)
        assert len(centre.hellos) == 2
        assert node.outbox.protocol_errors == 0

    run(Ledger(), scenario)


class Scissors:
    """A proxy whose connections end after so many bytes towards the centre and so many back, more each time."""

    def __init__(self, port: int, step: int) -> None:
        self.port, self.step, self.connections = port, step, 0

    async def start(self) -> int:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        allowed = self.connections * self.step
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        ways = [
            asyncio.create_task(self.pump(reader, far_writer, allowed)),
            asyncio.create_task(self.pump(far_reader, writer, allowed)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, far_writer):
            end.close()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, allowed: int) -> None:
        while allowed and (data := await reader.read(allowed)):
            writer.write(data)
            allowed -= len(data)


def test_a_line_cut_after_every_few_bytes_applies_each_batch_once() -> None:
    """Connections that end after 7, 14, 21 … bytes in the middle of anything: each event is counted once in the end."""

    async def main() -> None:
        centre = Centre(Ledger())
        _, port = await centre.endpoint.listen("127.0.0.1:0")
        scissors = Scissors(port, 7)
        node = Node(await scissors.start())
        running = asyncio.create_task(node.sync.run())
        for minute in range(40):
            node.add(minute)
        await asyncio.wait_for(until(lambda: node.outbox.events_acked == 40), TIMEOUT_S)
        assert scissors.connections > 20
        assert node.outbox.protocol_errors == 0
        await node.sync.close()
        await running
        scissors.server.close()
        await centre.endpoint.close()

    asyncio.run(main())


@pytest.mark.parametrize(("takes", "alone"), [([], 0), ([SYNC_REPORT], 1)])
def test_a_node_reports_to_a_centre_that_takes_reports(takes: list[str], alone: int) -> None:
    """Beside each batch always; alone once a window's time, and only to a centre that takes it."""
    kinds: list[str] = []

    def script(kind: str, item: Hello | BatchMessage) -> list[tuple[str, bytes]]:
        kinds.append(kind)
        if kind == SYNC_REPORT:
            return []
        if isinstance(item, Hello):
            return [(SYNC_WELCOME, encode(SyncWelcome(epoch=1, takes=takes)))]
        return honest(kind, item)

    async def scenario(centre: Centre, node: Node) -> None:
        await until(lambda: node.sync.connected, "the welcome")
        for _ in range(3):
            node.sync.report()
        node.add(0)
        await until(lambda: node.sync.batches_acked == 1, "the acknowledgement")
        node.sync.report()
        assert centre.batch_messages[-1].report == REPORT

    run(script, scenario)
    assert kinds.count(SYNC_REPORT) == alone
