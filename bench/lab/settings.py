"""What processes find in their folder: configuration, credentials, tokens, and a port that is free."""

import hashlib
import json
import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edge.errors import BusyError
from edge.messages.roles import ROLES

ALL_ROLES: Final = ",".join(ROLES)
PORTS: Final = (18_000, 32_000)
"""Below the range from which the system takes ports for outgoing connections, so that the port of a process that is
being restarted is not taken by a client that tries to reach it."""

Option = str | int | float | bool | list[str]
Options = Mapping[str, Option | Mapping[str, Option]]
"""Options of a process, and for each section its own."""


_drawn: Final[set[int]] = set()
"""Ports that this process was given: whoever has one may not listen yet when another is drawn."""


def free_port() -> int:
    """A port on loopback that nobody listens on now, each once in a process. Truly drawn, so that two runs of one seed
    do not meet."""
    for _ in range(200):
        port = PORTS[0] + secrets.randbelow(PORTS[1] - PORTS[0])
        if port in _drawn:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _drawn.add(port)
        return port
    raise BusyError(f"No free port was found on 127.0.0.1 from {PORTS[0]} to {PORTS[1]}. Stop what listens there.")


def write_config(path: Path, options: Options) -> None:
    """A TOML file: the options, then the sections. Strings, numbers, truth values and lists are the same in JSON."""
    lines: list[str] = []
    sections: list[str] = []
    for name, value in options.items():
        if isinstance(value, Mapping):
            sections += [f"\n[{name}]\n", *(_line(*option) for option in value.items())]
        else:
            lines.append(_line(name, value))
    path.write_text("".join([*lines, *sections]), encoding="utf-8")


def _line(name: str, value: Option) -> str:
    return f"{name} = {json.dumps(value)}\n"


NO_ROLES: Final[Mapping[str, str]] = {}


def write_credentials(path: Path, tokens: Mapping[str, str], roles: Mapping[str, str] = NO_ROLES) -> None:
    """The file of hashed credentials for these clients, each with its role in `roles`, or every role (so that it acts
    for the shop of its own name only). One write, with tokens of the caller."""
    lines: list[str] = []
    for client, token in tokens.items():
        salt = secrets.token_bytes(16)
        digest = hashlib.sha256(salt + token.encode()).hexdigest()
        lines.append(f"{client}:{roles.get(client, ALL_ROLES)}:{salt.hex()}:{digest}\n")
    write_private(path, "".join(lines))


def write_private(path: Path, text: str) -> None:
    """A file for the owner's eyes only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
