"""How the fuzzer breaks things: honest samples with a few damages, drawn by hypothesis so that a failure is made small.

`make test` runs a short form; `make fuzz` sets DOORSTEP_FUZZ_EXAMPLES to let each property run for much longer.
"""

import os
from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("DOORSTEP_FUZZ_EXAMPLES", "100"))

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
"""How hard each property is tried."""

TRICKS = [
    b"",
    b"\x00",
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\x80\x80\x80\x80\x01",
    b"\xdf\xff\xff\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
    b"\x91" * 40,
    b"[" * 40,
    b'{"a":' * 40,
    b"1e999",
    b"-0",
    b"9" * 400,
    b'"\\ud800"',
    "\u202e\u0000\ufeff".encode(),
    b"../../etc/passwd",
    b"'; drop table row; --",
    b"\r\n\r\n",
]
"""Bytes that have broken parsers: lengths that lie, depths, NaN, numbers out of range, surrogates, other languages."""


@st.composite
def damaged(draw: st.DrawFn, samples: Sequence[bytes], damages_max: int = 5) -> bytes:
    """One of `samples`, with up to `damages_max` bytes flipped, cut, inserted, repeated or taken from another one."""
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(0, damages_max))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(("flip", "set", "cut", "insert", "trick", "repeat", "splice"))):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "set" if at < len(data):
                data[at] = draw(st.integers(0, 255))
            case "cut":
                del data[at : at + draw(st.integers(1, 40))]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "trick":
                data[at : at + draw(st.integers(0, 4))] = draw(st.sampled_from(TRICKS))
            case "repeat":
                data[at:at] = data[at : at + draw(st.integers(1, 60))] * draw(st.integers(1, 20))
            case _:
                other = draw(st.sampled_from(samples))
                data[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(data[: 64 * 1024])


def every_damage(sample: bytes) -> list[bytes]:
    """Every truncation of a sample, and every one of its bytes flipped in three ways."""
    cut = [sample[:size] for size in range(len(sample))]
    flipped = [
        sample[:at] + bytes([sample[at] ^ mask]) + sample[at + 1 :]
        for at in range(len(sample))
        for mask in (1, 128, 255)
    ]
    return cut + flipped
