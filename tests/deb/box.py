"""A box as it comes from Debian: a root of debootstrap's, in namespaces of its own and without a network."""

import fcntl
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import Final

from bench.lab.programs import find_program

START_S_MAX: Final = 60.0
STOP_S_MAX: Final = 30.0

OF_THE_SYSTEM: Final = (
    "dev",
    "proc",
    "run",
    "tmp",
    "var/cache",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/lib/systemd",
    "var/log",
)
"""Folders in which the system itself keeps books about whatever is installed."""

_BOOKS: Final = frozenset(
    {"etc/group-", "etc/gshadow-", "etc/passwd-", "etc/shadow-", "etc/.pwd.lock", "etc/ld.so.cache"}
)
_PACKAGES: Final = "python3,systemd"
"""What a box has beside Debian's smallest set; nothing of it is for Doorstep alone."""

_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1


class Failed(Exception):
    """A command, or what it was to bring about. The text is what was seen."""


def code_name() -> str:
    """Of this machine's release, for example `bookworm`."""
    found = re.search(r"^VERSION_CODENAME=(\S+)", Path("/etc/os-release").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise Failed("/etc/os-release has no VERSION_CODENAME: which release is to be made?")
    return found[1]


def make_base(folder: Path) -> Path:
    """The root of this machine's release, made once in `folder`, of packages from the release's default mirror."""
    base = folder / f"base-{code_name()}"
    if not base.exists():
        being_made = folder / f"{base.name}.part"
        shutil.rmtree(being_made, ignore_errors=True)
        command = [find_program("debootstrap"), "--variant=minbase", f"--include={_PACKAGES}", code_name(), being_made]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"debootstrap failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        being_made.rename(base)
    return base


def loopback_up() -> None:
    """A new network namespace has its loopback switched off, and nothing else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))


class Box:
    """A copy of the base, with a shell and services. `commands` counts what an operator typed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commands: list[str] = []
        self._services: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, command: str, *, folder: str = "/root") -> str:
        """What an operator types, to its end: its output. Raises Failed where it fails."""
        script = f"cd {folder} && {command}"
        words = ["chroot", str(self.root), "/bin/sh", "-c", script]
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            words, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise Failed(f"{command}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def start(self, service: str) -> None:
        """As systemd would: the unit's command as the unit's user. Anew, where it runs."""
        if service in self._services:
            self.stop(service)
        unit = (self.root / f"usr/lib/systemd/system/{service}.service").read_text(encoding="utf-8")
        setting = dict(re.findall(r"^(User|ExecStart)=(.*)$", unit, re.MULTILINE))
        words = ["chroot", str(self.root), "runuser", "-u", setting["User"], "--", *shlex.split(setting["ExecStart"])]
        with (self.root / f"tmp/{service}.log").open("ab") as log:
            begun = (self.root / f"tmp/{service}.log").stat().st_size
            self._services[service] = subprocess.Popen(
                words, stdout=log, stderr=log, env={"PATH": "/usr/sbin:/usr/bin"}
            )
        self._wait_ready(service, begun)

    def _wait_ready(self, service: str, begun: int) -> None:
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            log = (self.root / f"tmp/{service}.log").read_bytes()[begun:].decode(errors="replace")
            if "is ready" in log:
                return
            if self._services[service].poll() is not None:
                break
            time.sleep(0.1)
        raise Failed(f"{service} is not ready:\n{log[-3000:]}")

    def stop(self, service: str) -> None:
        """SIGTERM, which a service answers by finishing what it accepted. Raises Failed where it does not end well."""
        process = self._services.pop(service)
        if process.poll() is None:
            os.kill(_child_of(process.pid), signal.SIGTERM)
        if process.wait(STOP_S_MAX):
            log = (self.root / f"tmp/{service}.log").read_text(encoding="utf-8", errors="replace")
            raise Failed(f"{service} ended with {process.returncode}:\n{log[-3000:]}")

    def close(self) -> None:
        """Stop whatever still runs."""
        for service in list(self._services):
            self.stop(service)

    def paths(self) -> set[str]:
        """Every path of the box outside of OF_THE_SYSTEM."""
        found: set[str] = set()
        for folder, folders, names in os.walk(self.root):
            here = os.path.relpath(folder, self.root).removeprefix("./").removeprefix(".")
            inner = [os.path.join(here, each) for each in folders]  # noqa: PTH118 - relative to the box's root
            folders[:] = [each for each, path in zip(folders, inner, strict=True) if path not in OF_THE_SYSTEM]
            found |= {path for path in inner if path not in OF_THE_SYSTEM}
            found |= {os.path.join(here, each) for each in names}  # noqa: PTH118
        return found - _BOOKS


def _child_of(process: int) -> int:
    """The process that `runuser` waits for."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return int(children[0]) if children else process
