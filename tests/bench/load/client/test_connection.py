"""The lean client, against a bare echo."""

import asyncio
from pathlib import Path

from bench.load.client.connection import Connection, connect
from bench.load.floors.echo import ECHO
from bench.load.subjects import bare_echo
from edge.messages.envelope import topic_down, topic_up
from edge.mqtt.packets.codec import PublishPacket


def test_publishes_leave_together_and_are_acknowledged(tmp_path: Path) -> None:
    """Publishes wait for `flush`; each comes back, is acknowledged, and nothing stays in flight."""

    async def main() -> None:
        received: list[bytes] = []
        done = asyncio.Event()

        def on_message(_connection: Connection, packet: PublishPacket, _read_at: float) -> None:
            received.append(packet.payload)
            if len(received) == 3:
                done.set()

        async with bare_echo(tmp_path) as echo:
            connection = await connect(echo.door, "till-0", "", (topic_down(ECHO, "till-0", "#"),), on_message)
            for payload in (b"1", b"2", b"3"):
                connection.publish(topic_up(ECHO, "till-0", "order.place"), payload)
            assert connection.in_flight == 3
            assert not received
            connection.flush()
            await asyncio.wait_for(done.wait(), 10)
            await asyncio.sleep(0)  # the last PUBACK may come after the last answer, in the same read
            assert received == [b"1", b"2", b"3"]
            assert (connection.in_flight, connection.refused) == (0, 0)
            connection.close()
            await asyncio.sleep(0.01)
            assert connection.lost

    asyncio.run(main())
