"""What a scenario comes to in a process of its own, so that two processes with different hash seeds can be compared.

python -m edge.scenarios.check.digest NAME SCENARIO_PATH PACKAGE SEEDS MESSAGES OUT
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

import edge

from ..loader import load
from .life import Life
from .subject import Subject

HASH_SEEDS: Final = ("1", "2")
TIMEOUT_S: Final = 600.0


class Digest(Struct, frozen=True):
    """For each seed: the examples as bytes, the rows of a walk, and the scenario's snapshot at its end."""

    examples: list[bytes]
    rows: list[list[bytes]]
    snapshots: list[bytes]


def of_two_processes(subject: Subject, seeds: int, messages: int) -> list[Digest | str]:
    """The digest of each process; where one failed, its last words."""
    with tempfile.TemporaryDirectory(prefix="doorstep-check-") as folder:
        outs = [Path(folder) / seed for seed in HASH_SEEDS]
        running = [_start(subject, seeds, messages, out, seed) for out, seed in zip(outs, HASH_SEEDS, strict=True)]
        return [_end(process, out) for process, out in zip(running, outs, strict=True)]


def _start(subject: Subject, seeds: int, messages: int, out: Path, hash_seed: str) -> "subprocess.Popen[str]":
    arguments = [subject.name, subject.folder, str(subject.package), str(seeds), str(messages), str(out)]
    here = str(Path(edge.__file__).resolve().parents[1])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "edge.scenarios.check.digest", *arguments],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end(process: "subprocess.Popen[str]", out: Path) -> Digest | str:
    try:
        _, words = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"it did not end within {TIMEOUT_S:.0f} s"
    if process.returncode:
        return words.strip().rpartition("\n")[2] or f"exit code {process.returncode}"
    return msgspec.msgpack.decode(out.read_bytes(), type=Digest)


def main(arguments: Sequence[str]) -> None:
    """Write the digest to the file OUT."""
    name, folder, package, seeds, messages, out = arguments
    (kind,) = load([name], folder)
    digest = Digest([], [], [])
    for seed in range(1, int(seeds) + 1):
        life = Life(kind, Path(package)).walk(seed, int(messages))
        digest.examples.append(msgspec.json.encode(kind.examples(seed)))
        digest.rows.append(life.rows)
        digest.snapshots.append(life.scenario.snapshot())
    Path(out).write_bytes(msgspec.msgpack.encode(digest))


if __name__ == "__main__":
    main(sys.argv[1:])
