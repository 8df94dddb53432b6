"""Sessions that only listen, and when each of them ends after its owner was revoked."""

import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from central.config import load
from central.enrolment.files import prepare
from edge.identity.credentials import remove
from edge.identity.invitation import parse
from edge.mqtt.packets.codec import ConnAckPacket, ConnectPacket, Decoder, SubscribePacket, TopicFilter
from edge.uplink.enroll import enroll
from edge.uplink.enrolment import Enrolment

from ..cli_options import Progress
from ..lab.settings import write_config
from ..lab.site import Site

GONE_S_MAX: Final = 30.0
"""A session that is still there then ends the run."""

PACKET_BYTES_MAX: Final = 64 * 1024
"""Nothing larger comes to who only listens."""


def measure(folder: Path, rounds: int, idle: int, progress: Progress) -> dict[str, Any]:
    """`revoked`: by kind the milliseconds of each round, and how many other sessions ended."""
    progress("clients of a node")
    clients = _clients(folder / "clients", rounds, idle)
    progress("nodes of a centre")
    return {
        "rounds": rounds,
        "idle": idle,
        "revoked": {
            "a client, by credential": clients,
            "a node, by certificate": _nodes(folder / "nodes", rounds, idle),
        },
    }


def _clients(folder: Path, rounds: int, idle: int) -> dict[str, Any]:
    names = [f"c-{number}" for number in range(rounds + idle)]
    with Site(folder).configure(names, centre=False) as site, ExitStack() as open_ones:
        site.node.start()
        sessions = {
            name: open_ones.enter_context(listening("n-1", site.port, name, site.tokens[name])) for name in names
        }
        return _revoked(sessions, rounds, lambda name: remove(folder / "credentials", name))


def _nodes(folder: Path, rounds: int, idle: int) -> dict[str, Any]:
    names = [f"n-{number}" for number in range(rounds + idle)]
    site = Site(folder)
    folder.mkdir(parents=True)
    address = f"127.0.0.1:{site.centre_port}"
    path = folder / "central.toml"
    options = {"data_dir": "centre", "listen": "", "listen_tls": address, "advertised_address": address}
    write_config(path, {**options, "api_listen": ""})
    with site, ExitStack() as open_ones:
        site.centre.start()
        invited = site.command("central", "invite", "n", "--count", str(len(names) + 1), "--expires", "1h")
        strings = [parse(line) for line in invited.stdout.splitlines()]
        sessions: dict[str, socket.socket] = {}
        for each in strings[: len(names)]:
            made = enroll(folder / each.node, each)
            sessions[each.node] = open_ones.enter_context(listening("centre", site.centre_port, each.node, made))
        _, _, register = prepare(str(path), load(path))
        open_ones.callback(register.close)
        return _revoked(sessions, rounds, lambda name: register.revoke(name, time.time_ns() // 1_000_000))


def _revoked(sessions: dict[str, socket.socket], rounds: int, revoke: Any) -> dict[str, Any]:
    """Revoke the first so many, one after the other."""
    ms: list[float] = []
    for name in list(sessions)[:rounds]:
        time.sleep(secrets.randbelow(1_000) / 1_000)  # whenever the process looks, this is not in step with it
        begin = time.perf_counter()
        revoke(name)
        while sessions[name].recv(PACKET_BYTES_MAX):
            pass
        ms.append((time.perf_counter() - begin) * 1_000)
    ended = 0
    for name in list(sessions)[rounds:]:
        sessions[name].settimeout(0.001)
        try:
            ended += sessions[name].recv(1) == b""
        except TimeoutError:
            continue
    return {"ms": [round(each, 1) for each in ms], "others_ended": ended}


@contextmanager
def listening(server: str, port: int, name: str, proof: str | Enrolment) -> Iterator[socket.socket]:
    """A session of `name` at the node or centre `server`, by a token or a certificate, that has subscribed to all of
    its topics."""
    plain = socket.create_connection(("127.0.0.1", port), GONE_S_MAX)
    if isinstance(proof, Enrolment):
        plain = proof.context("bench").wrap_socket(plain, server_hostname="127.0.0.1")
    with plain:
        password = None if isinstance(proof, Enrolment) else proof.encode()
        plain.sendall(ConnectPacket(name, username=name, password=password, keep_alive=300).write())
        decoder = Decoder(PACKET_BYTES_MAX)
        (connack,) = _next(plain, decoder)
        assert isinstance(connack, ConnAckPacket)
        assert not int(connack.reason_code), connack
        plain.sendall(SubscribePacket(1, [TopicFilter(f"ds/{server}/down/{name}/#")]).write())
        _next(plain, decoder)
        yield plain


def _next(plain: socket.socket, decoder: Decoder) -> list[Any]:
    while not (packets := list(decoder.feed(plain.recv(PACKET_BYTES_MAX)))):
        pass
    return packets
