"""Real peers for tests: a Mosquitto of one's own on free loopback ports, with everything that one does to a process.

with mosquitto(tmp_path, users={"n1": "token"}) as broker:
    broker.url                      # mqtt://127.0.0.1:…
    broker.kill(); broker.start()   # the same ports, the same database
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

START_S = 20.0
SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # Debian keeps mosquitto where users do not look


def find_program(name: str) -> str:
    """The path of an installed program. Where it is missing the test is skipped (under CI=true: fails)."""
    path = shutil.which(name, path=SYSTEM_PATH)
    if path is None:
        pytest.skip(f"{name} is not installed; tests/setup.sh names its package")
    return path


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*command: str) -> None:
    """Run a tool to its end; its output is in the error when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr or done.stdout}")


def make_certificates(folder: Path) -> tuple[Path, Path, Path]:
    """A certificate authority, and a certificate of it for 127.0.0.1 and localhost, valid for two days:
    (authority, certificate, key), all PEM."""
    openssl = find_program("openssl")
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    certificate, key, request, names = (folder / name for name in ("tls.pem", "tls.key", "tls.csr", "names"))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run(openssl, "req", "-x509", *curve, "-keyout", f"{ca_key}", "-out", f"{ca}", "-days", "2", "-subj", "/CN=test CA")
    run(openssl, "req", *curve, "-keyout", f"{key}", "-out", f"{request}", "-subj", "/CN=localhost")
    names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    signed = ("-CA", f"{ca}", "-CAkey", f"{ca_key}", "-CAcreateserial", "-days", "2", "-extfile", f"{names}")
    run(openssl, "x509", "-req", "-in", f"{request}", "-out", f"{certificate}", *signed)
    return ca, certificate, key


class Mosquitto:
    """One broker. Ports, database and log stay the same over restarts; `settings` are lines of its configuration."""

    def __init__(
        self, folder: Path, users: Mapping[str, str] | None, acl: str | None, tls: bool, settings: Sequence[str]
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.socket = folder / "socket"
        self.unix_url = f"unix://{self.socket}"
        self.log = folder / "log"
        self.config = folder / "mosquitto.conf"
        self.tls_url = ""
        self.ca: Path | None = None
        self._program = find_program("mosquitto")
        self._process: subprocess.Popen[bytes] | None = None
        lines = [
            # Started by root it would give up its rights, and with them the test's folder.
            *(["user root"] if os.geteuid() == 0 else []),
            "per_listener_settings false",
            "persistence true",
            f"persistence_location {folder}/",
            "persistence_file broker.db",
            "log_dest stderr",
            "set_tcp_nodelay true",
            *(self._users(users) if users is not None else ["allow_anonymous true"]),
            *settings,
        ]
        if acl is not None:
            (folder / "acl").write_text(acl)
            (folder / "acl").chmod(0o600)
            lines.append(f"acl_file {folder}/acl")
        lines += [f"listener {self.port} 127.0.0.1", f"listener 0 {self.socket}"]
        if tls:
            self.ca, certificate, key = make_certificates(folder)
            port = free_port()
            self.tls_url = f"mqtts://127.0.0.1:{port}"
            lines += [f"listener {port} 127.0.0.1", f"certfile {certificate}", f"keyfile {key}"]
        self.config.write_text("\n".join(lines) + "\n")

    def _users(self, users: Mapping[str, str]) -> list[str]:
        passwords = self.folder / "passwords"
        passwords.write_text("".join(f"{name}:{token}\n" for name, token in users.items()))
        passwords.chmod(0o600)
        run(find_program("mosquitto_passwd"), "-U", f"{passwords}")
        return ["allow_anonymous false", f"password_file {passwords}"]

    @property
    def pid(self) -> int:
        """Of the running broker."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        assert self._process is None
        self.socket.unlink(missing_ok=True)  # one that a kill left behind
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", f"{self.config}"], stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"mosquitto did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def kill(self) -> None:
        """SIGKILL: what is not in its database is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM: it writes its database first."""
        self._end(signal.SIGTERM)

    def save(self) -> None:
        """Make it write its database now (SIGUSR1), and wait until the file is there."""
        database = self.folder / "broker.db"
        before = database.stat().st_mtime_ns if database.exists() else 0
        os.kill(self.pid, signal.SIGUSR1)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if database.exists() and database.stat().st_mtime_ns != before:
                return
            time.sleep(0.02)
        raise RuntimeError("mosquitto did not write its database")

    def freeze(self) -> None:
        """SIGSTOP: alive to the kernel, dead to its clients."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def forget(self) -> None:
        """Lose every session and retained message: delete the database of a broker that does not run."""
        assert self._process is None
        (self.folder / "broker.db").unlink(missing_ok=True)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)  # a frozen one receives SIGTERM only then
        try:
            self._process.wait(START_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


@contextmanager
def mosquitto(
    folder: Path,
    *,
    users: Mapping[str, str] | None = None,
    acl: str | None = None,
    tls: bool = False,
    settings: Sequence[str] = (),
) -> Iterator[Mosquitto]:
    """A running Mosquitto in `folder`. `users` are names and passwords (anonymous where there are none), `acl` the text
    of its access file. It listens on TCP, on a unix socket and, with `tls`, on TLS too."""
    broker = Mosquitto(folder / "mosquitto", users, acl, tls, settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
