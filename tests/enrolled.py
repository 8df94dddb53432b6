"""A centre that invites, and a node that is to be enrolled there, as real processes on free ports of loopback."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from bench.lab.process import Process
from bench.lab.programs import find_program
from bench.lab.settings import write_config
from bench.lab.site import Site

DAY_MS = 86_400_000


class EnrolledSite(Site):
    """`configure_enrolment` instead of `configure`: the node has no token at the centre, and no address of it."""

    def shift(self, *processes: Process, days: int) -> None:
        """From their next start on these processes live so many days from now, and so do commands at once. The
        monotonic clock, and the times of files, are real."""
        self.environment = _clock(days)
        for process in processes:
            process.environment = _clock(days)

    def configure_enrolment(self, *clients: str, **options: object) -> None:
        """Write what the processes need."""
        self.configure(clients, options, centre=False)  # type: ignore[arg-type]
        self.address = f"127.0.0.1:{self.centre_port}"
        self.configure_centre()

    def configure_centre(self, **options: str) -> None:
        """The centre's configuration, with these options too."""
        settings = {
            "data_dir": "centre",
            "listen": "",
            "listen_tls": self.address,
            "advertised_address": self.address,
            "api_listen": f"127.0.0.1:{self.api_port}",
            **options,
        }
        write_config(self.folder / "central.toml", settings)

    def invite(self, *words: str) -> str:
        """The invitation of the node."""
        done = self.command("central", "invite", self.node_name, "--expires", "7d", "--config", "central.toml", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def enroll(self, invitation: str = "") -> str:
        """What the command prints on stderr; empty where the node is enrolled."""
        done = self.command("enroll", invitation or self.invite(), "--config", "edge.toml")
        return "" if done.returncode == 0 else done.stderr

    def connected(self) -> bool:
        """Whether the centre has welcomed the node."""
        with contextlib.suppress(OSError):
            return self.status()["sync"]["connected"]
        return False

    def problems(self) -> dict[str, str]:
        """What is wrong with the node, by name."""
        return {each["name"]: each["sentence"] for each in self.status()["problems"]}

    def keep_state(self, name: str) -> None:
        """Put the node's enrolment aside, as a thief or a backup would."""
        for file in ("uplink.pem", "uplink.json"):
            shutil.copy(self.node_data / file, self.folder / f"{name}-{file}")

    def put_back(self, name: str) -> None:
        """The state of `keep_state` again, under the running node; the certificate last, as the node writes it."""
        for file in ("uplink.json", "uplink.pem"):
            fresh = self.node_data / f"{file}.new"
            shutil.copy(self.folder / f"{name}-{file}", fresh)
            fresh.chmod(0o600)
            fresh.replace(self.node_data / file)


@contextlib.contextmanager
def enrolling(folder: Path, *clients: str, **options: object) -> Iterator[EnrolledSite]:
    """A configured site whose processes are gone afterwards; none is started."""
    with EnrolledSite(folder) as made:
        made.configure_enrolment(*clients, **options)
        yield made


def before_midnight(minutes: int) -> dict[str, int]:
    """Options of a clock that shows so many minutes before the last midnight (UTC), and goes on at the usual speed."""
    now_ms = int(time.time() * 1000)
    return {"clock_wall_anchor_ms": now_ms // DAY_MS * DAY_MS - minutes * 60_000, "clock_real_anchor_ms": now_ms}


def quick_from_now(clock: dict[str, int], speed: float) -> dict[str, float]:
    """The same clock, so many times as fast from this moment on. For the next start of a node whose orders are in: on a
    slow machine midnight comes no sooner."""
    passed_ms = int(time.time() * 1000) - clock["clock_real_anchor_ms"]
    return {**{name: at + passed_ms for name, at in clock.items()}, "clock_speed": speed}


def _clock(days: int) -> dict[str, str]:
    """The environment of a process at that time. (Not by the program `faketime`: a kill would end that, and leave
    its child.)"""
    if not days:
        return {}
    find_program("faketime")
    library = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")))
    faked = {"FAKETIME": f"{days:+d}d", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return {"LD_PRELOAD": str(library), **faked, "NO_FAKE_STAT": "1"}
