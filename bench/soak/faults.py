"""What goes wrong during a soak, and when: drawn once from the seed, so that a run can be had again."""

from random import Random
from typing import Final

from msgspec import Struct

MEANS_S: Final = {
    "kill_node": 100.0,
    "kill_centre": 100.0,
    "cut": 90.0,
    "nonsense": 20.0,
    "storm": 60.0,
}
"""Mean real seconds between two of a kind."""

KILLS_UNTIL: Final = 1 / 3
"""The share of the run in which processes are killed. What comes after is one life, long enough for a leak to show."""

CUT_S: Final = (2.0, 30.0)
FIRST_S: Final = 10.0
"""Nothing before; nothing in the last QUIET_S either, so that everything can come to rest."""

QUIET_S: Final = 40.0

MALFORMED: Final[tuple[tuple[str, bytes], ...]] = (
    ("order.place", b""),
    ("order.place", b"\xc1"),
    ("order.place", b'{"id": "x", "at": 1}'),
    ("order.place", b"\x81\xa2id\xa3bad"),
    ("rider.reply", b'{"id": "UPPER", "at": -5, "order": "..", "offer": 0, "accept": 1}'),
    ("kitchen.ready", b"[" * 200),
    ("order.cancel", b'{"id": "n-1", "at": 99999999999999999999, "order": "o"}'),
    ("rider.progress", b"\xff" * 300),
    ("no.such.kind", b"{}"),
    ("order.place", b"x" * 9_000),
)
"""Kinds and payloads that no client means."""


class Fault(Struct, frozen=True):
    """One fault, real seconds after the first order; `length_s` is that of a cut."""

    at_s: float
    name: str
    length_s: float = 0.0


def schedule(seconds: float, seed: int) -> list[Fault]:
    """All faults of a run, by time. Cuts do not overlap."""
    faults: list[Fault] = []
    for name, mean_s in MEANS_S.items():
        dice = Random(f"{name} {seed}")
        at = FIRST_S
        end = min(seconds * KILLS_UNTIL if name.startswith("kill") else seconds, seconds - QUIET_S)
        while (at := at + dice.expovariate(1 / mean_s)) < end:
            length_s = min(dice.uniform(*CUT_S), seconds - QUIET_S - at) if name == "cut" else 0.0
            faults.append(Fault(round(at, 3), name, round(length_s, 3)))
            at += length_s
    return sorted(faults, key=lambda fault: fault.at_s)
