"""One program as a process of its own, started as an operator would, with its log beside its data.

process = Process("edge", [sys.executable, "-m", "edge", "edge"], folder, ready="is ready")
process.start()                    # waits until it is ready; raises Died with the end of its log
process.kill(); process.start()    # SIGKILL, and a second life

Every method blocks, for milliseconds or until its bound; from asyncio they are for `asyncio.to_thread`.
"""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge.errors import DoorstepError

READY_S_MAX: Final = 120.0
"""Real seconds from a start to readiness, on a machine that may have much other work: it ends a run that hangs."""

STOP_S_MAX: Final = 30.0
"""Real seconds for a graceful stop: the node's own bound is 10."""

RESTART_DELAY_S: Final = 0.1
"""systemd's default RestartSec."""

CRASHES_MAX: Final = 5
"""Deaths of one process that nobody ordered; after that it is a crash loop."""

LOOK_S: Final = 0.01
TAIL_LINES: Final = 12


class Died(DoorstepError):
    """A process ended before it was ready. `code` is what it ended with, None where it hung."""

    def __init__(self, process: "Process", what: str, code: int | None) -> None:
        super().__init__(f"The process {process.name} {what}. The end of {process.log}:\n{process.tail()}")
        self.code = code


class Process:
    """`ready` is what it prints, or the port of 127.0.0.1 on which it listens, once it can be used. `lives` counts its
    starts, `kills` those of its deaths that `kill` made."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, ready: str | int) -> None:
        self.name = name
        self.command = list(command)
        self.folder = folder
        self.log = folder / f"{name}.log"
        self.ready = ready
        self.environment: dict[str, str] = {}
        self.lives = 0
        self.kills = 0
        self.stopped = False
        """Whether the last thing that was asked of it is to end."""
        self._process: subprocess.Popen[bytes] | None = None
        self._traced = False
        self._begin = 0

    # -- its life ------------------------------------------------------------------------------------------------------

    def start(self, tracer: Sequence[str] = ()) -> None:
        """Start it and wait until it is ready. Raises Died."""
        self.spawn(tracer)
        self.wait_ready()

    def spawn(self, tracer: Sequence[str] = ()) -> None:
        """Start it and do not wait. `tracer` is a command that runs it as its child, such as strace."""
        assert not self.alive, f"{self.name} runs already"
        self.lives += 1
        self.stopped, self._traced = False, bool(tracer)
        with self.log.open("ab") as log:
            self._begin = log.tell()
            self._process = subprocess.Popen(
                [*tracer, *self.command],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us: a node is stopped after its clients
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
            )

    def wait_ready(self) -> None:
        """Wait until this life is ready. Raises Died."""
        deadline = time.monotonic() + READY_S_MAX
        while not self._is_ready():
            if (code := self.poll()) is not None:
                raise Died(self, f"ended with exit code {code}", code)
            if time.monotonic() > deadline:
                raise Died(self, f"was not ready within {READY_S_MAX:.0f} s", None)
            time.sleep(LOOK_S)

    def kill(self) -> int:
        """SIGKILL, what a power cut looks like to everybody else; wait for its end. Returns its exit code."""
        if self.alive:
            self.kills += 1
            self.send_signal(signal.SIGKILL)
        return self.wait()

    def stop(self) -> int:
        """SIGTERM, and SIGKILL where that is not enough; wait for its end. Returns its exit code, 0 if it never ran."""
        self.stopped = True
        if self.alive:
            self.send_signal(signal.SIGTERM)
            self.send_signal(signal.SIGCONT)  # a frozen one receives SIGTERM only then
        return self.wait(STOP_S_MAX)

    def wait(self, seconds: float = READY_S_MAX) -> int:
        """Wait for its end, which is SIGKILL when the time is over. Returns its exit code (negative: a signal)."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.send_signal(signal.SIGKILL)
            self._process.kill()
            return self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP: alive to the kernel, dead to everybody else."""
        self.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.send_signal(signal.SIGCONT)

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        with suppress(ProcessLookupError, Died):
            os.kill(self.pid, number)

    def limit(self, what: int, value: int) -> None:
        """Lower (or give back) one of its resource limits: RLIMIT_FSIZE and the like. The hard limit stays."""
        _, hard = resource.prlimit(self.pid, what)
        resource.prlimit(self.pid, what, (min(value, hard) if hard >= 0 else value, hard))

    # -- its state -----------------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether it runs, also where it is stopped by a signal."""
        return self._process is not None and self._process.poll() is None

    @property
    def restarts(self) -> int:
        """Starts after the first."""
        return max(self.lives - 1, 0)

    def poll(self) -> int | None:
        """Its exit code (negative: the signal that ended it), or None while it runs."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.poll()

    @property
    def pid(self) -> int:
        """Of the command itself, not of its tracer. Raises Died where it has none."""
        assert self._process is not None, f"{self.name} was never started"
        if not self._traced:
            return self._process.pid
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        with suppress(OSError):
            if found := children.read_text(encoding="ascii").split():
                return int(found[0])
        raise Died(self, "has gone", self._process.wait())

    def output(self) -> str:
        """What it has printed in this life."""
        return self.log.read_bytes()[self._begin :].decode(errors="replace")

    def tail(self) -> str:
        """The last lines of its log."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])

    def memory_kb(self) -> int:
        """Resident memory. Source: /proc/<pid>/status, proc(5)."""
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(text.partition("VmRSS:")[2].split()[0])

    def _is_ready(self) -> bool:
        if isinstance(self.ready, str):
            return self.ready in self.output()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.ready), timeout=1):
            return True
        return False


class Keeper:
    """Starts processes again when they end, as their service manager does. `failure` is why it gave up on one: a
    configuration that is refused (exit code 2), or a crash loop."""

    def __init__(self, *processes: Process) -> None:
        self.failure: DoorstepError | None = None
        self._processes = processes
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """From now on, until `close`."""
        self._tasks = [asyncio.ensure_future(self._keep(process)) for process in self._processes]

    async def kill(self, process: Process) -> None:
        """SIGKILL; returns when it is there again. Raises `failure`, and Died."""
        lives = process.lives
        await asyncio.to_thread(process.kill)
        while process.lives == lives:
            if self.failure is not None:
                raise self.failure
            await asyncio.sleep(LOOK_S)
        await asyncio.to_thread(process.wait_ready)

    async def close(self) -> None:
        """No more starts."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, process: Process) -> None:
        while self.failure is None:
            await asyncio.sleep(LOOK_S)
            if process.alive or process.stopped:
                continue
            code = process.poll()
            if code == 2 or process.lives - process.kills > CRASHES_MAX:
                self.failure = Died(process, f"ended with exit code {code}", code)
                return
            await asyncio.sleep(RESTART_DELAY_S)
            if not process.stopped:
                process.spawn()


@contextlib.asynccontextmanager
async def running(*processes: Process) -> AsyncIterator[None]:
    """Started in this order, stopped in the other. Raises Died."""
    try:
        for process in processes:
            await asyncio.to_thread(process.start)
        yield
    finally:
        for process in reversed(processes):
            await asyncio.to_thread(process.stop)


def cpu_s(pid: int) -> float:
    """Processor seconds of a process, finished threads included. Source: /proc/<pid>/stat, proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
