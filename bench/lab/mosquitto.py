"""A Mosquitto of one's own on free ports of loopback.

with Mosquitto(folder, users={"n1": "token"}) as broker:
    broker.url                      # mqtt://127.0.0.1:…
    broker.kill(); broker.start()   # the same ports, the same database
"""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from edge.errors import DoorstepError

from .process import Process
from .programs import Certificates, find_program, make_certificates, run
from .settings import free_port, write_private

SAVE_S_MAX: Final = 20.0
SOCKET_BYTES_MAX: Final = 107
"""Linux takes no longer name of a unix socket."""


class Mosquitto(Process):
    """Not yet started. `users` are names and passwords (anonymous where there are none), `acl` the text of its access
    file, `settings` further lines of its configuration. It listens on TCP (`port`), and on `door`,
    which is another port where `transport` is "tls" or "ws", and at `unix_url` where the folder's name is not too long
    for a socket in it."""

    def __init__(
        self,
        folder: Path,
        *,
        users: Mapping[str, str] | None = None,
        acl: str | None = None,
        transport: str = "tcp",
        certificates: Certificates | None = None,
        persistent: bool = True,
        settings: Sequence[str] = (),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = self.door = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.socket = folder / "socket"
        self.unix_url = f"unix://{self.socket}"
        self.config = folder / "mosquitto.conf"
        self.transport = transport
        self.ca: Path | None = None
        super().__init__("mosquitto", [find_program("mosquitto"), "-c", f"{self.config}"], folder, self.port)
        lines = [
            # Started by root it would give up its rights, and with them this folder.
            *(["user root"] if os.geteuid() == 0 else []),
            "per_listener_settings false",
            f"persistence {str(persistent).lower()}",
            f"persistence_location {folder}/",
            "persistence_file broker.db",
            "log_dest stderr",
            "set_tcp_nodelay true",
            *(self._users(users) if users is not None else ["allow_anonymous true"]),
            *settings,
        ]
        if acl is not None:
            write_private(folder / "acl", acl)
            lines.append(f"acl_file {folder}/acl")
        if transport != "tcp":
            self.door = free_port()
            lines.append(f"listener {self.door} 127.0.0.1")
        if transport == "ws":
            lines.append("protocol websockets")
        if transport == "tls":
            self.ca, chain, key = certificates or make_certificates(folder)
            self.tls_url = f"mqtts://127.0.0.1:{self.door}"
            lines += [f"certfile {chain}", f"keyfile {key}"]
        if len(os.fsencode(self.socket)) <= SOCKET_BYTES_MAX:
            lines.append(f"listener 0 {self.socket}")
        lines.append(f"listener {self.port} 127.0.0.1")  # last, because it shows that the broker is there
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _users(self, users: Mapping[str, str]) -> list[str]:
        passwords = self.folder / "passwords"
        write_private(passwords, "".join(f"{name}:{token}\n" for name, token in users.items()))
        run(find_program("mosquitto_passwd"), "-U", f"{passwords}")
        return ["allow_anonymous false", f"password_file {passwords}"]

    def spawn(self, tracer: Sequence[str] = ()) -> None:
        """As every process; a socket that a kill left behind is removed first."""
        self.socket.unlink(missing_ok=True)
        super().spawn(tracer)

    def save(self) -> None:
        """Make it write its database now (SIGUSR1), and wait until the file is there."""
        database = self.folder / "broker.db"
        before = database.stat().st_mtime_ns if database.exists() else 0
        self.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + SAVE_S_MAX
        while not database.exists() or database.stat().st_mtime_ns == before:
            if time.monotonic() > deadline:
                raise DoorstepError(f"mosquitto did not write {database} within {SAVE_S_MAX:.0f} s.")
            time.sleep(0.02)

    def forget(self) -> None:
        """Lose every session and retained message: delete the database of a broker that does not run."""
        assert not self.alive
        (self.folder / "broker.db").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
