"""Small messages that ask for much: they cost no more memory and time than their size allows."""

import subprocess
import sys

from tests.repo.project import ROOT

BOMBS = """
import resource
from hashlib import sha256

import zstandard

from central.ingest.verify import BatchError, unpack
from edge.core.decode import Catalog
from edge.scenarios.dispatch import Dispatch
from edge.limits import PACKET_BYTES_MAX, PAYLOAD_BYTES_MAX
from edge.mqtt.packets import v311
from edge.mqtt.packets.codec import Decoder, MalformedPacket, read
from edge.messages.batches import NO_BATCH, BatchMessage, decode_body

SIZE = PAYLOAD_BYTES_MAX - 64
catalog = Catalog([Dispatch])
payloads = [
    b'{"a":' * (SIZE // 5),
    b"[" * SIZE,
    b'{"id":"' + b"\\\\u0061" * (SIZE // 6) + b'"}',
    b'{"at":' + b"9" * SIZE + b"}",
    b'{"at":1e' + b"9" * SIZE + b"}",
    b"\\x81\\xa1x" + b"\\x91" * SIZE,
    b"\\xdf\\xff\\xff\\xff\\xff" + b"\\xa1a\\x01" * (SIZE // 3),
    b"\\x81\\xa6points\\xdd\\xff\\xff\\xff\\xff" + b"\\x93\\x01\\x01\\x01" * (SIZE // 4),
    b"\\x81\\xa1x\\xc6\\xff\\xff\\xff\\xff",
]
packets = [
    b"\\x30\\xff\\xff\\xff\\x7f",
    b"\\x10" + b"\\xff" * 5,
    b"\\xc0\\x00" * 8_000,
    b"\\x82\\xff\\x7f" + b"\\x00" * 16_383,
]


def zeros(size: int) -> bytes:
    # A frame of 200 MB in about 20 kB. Size -1: it does not announce them.
    packer = zstandard.ZstdCompressor(write_content_size=size > 0).compressobj(size=size)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()


digest = sha256(b"").digest()
bodies = (zeros(200_000_000), zeros(-1))
chain = {"previous": NO_BATCH, "history": NO_BATCH}
batches = [BatchMessage(epoch=1, seq=1, sha256=digest, body=body, **chain) for body in bodies]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(5):
    for payload in payloads:
        for kind in ("order.place", "rider.position", "rider.shift"):
            catalog.decode("c-1", kind, payload, "wgs84")
    for packet in packets:
        for reader in (read, v311.read):
            decoder = Decoder(PACKET_BYTES_MAX, reader)
            try:
                decoder.feed(packet)
            except MalformedPacket:
                pass
            assert len(decoder.tail) <= PACKET_BYTES_MAX
    for batch in batches:
        try:
            unpack(batch)
        except BatchError as error:
            assert error.reason == "too_large"
        else:
            raise AssertionError("a bomb was unpacked")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""

CPU_S = 20
GROWTH_MB_MAX = 32


def test_bombs_cost_what_they_weigh() -> None:
    """Depths, lengths and ratios that lie, five times each, in a process of their own: it stays within 20 s of
    processor time, and within 32 MB of where it was."""
    limited = f"import resource\nresource.setrlimit(resource.RLIMIT_CPU, ({CPU_S}, {CPU_S}))\n{BOMBS}"
    done = subprocess.run([sys.executable, "-c", limited], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= GROWTH_MB_MAX
