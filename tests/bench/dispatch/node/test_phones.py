"""Connections to a node on the time of a benchmark."""

import socket
import threading
from pathlib import Path

import pytest

from bench.dispatch.node.phones import Phones
from bench.dispatch.node.stepped import Seam
from bench.lab.site import Site
from edge.core.model import Now
from edge.errors import DoorstepError


def test_a_node_that_hangs_up_is_named(tmp_path: Path) -> None:
    """A peer that closes a connection ends the run with the client's name, at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        site = Site(tmp_path)
        site.port = server.getsockname()[1]

        def hang_up() -> None:
            server.accept()[0].close()

        peer = threading.Thread(target=hang_up)
        peer.start()
        with pytest.raises((DoorstepError, ConnectionError), match=r"closed the connection of rider-1|reset"):
            Phones(site, Seam(tmp_path / "seam"), ["rider-1"])
        peer.join()


def test_a_node_that_is_gone_is_reported_with_its_log(tmp_path: Path) -> None:
    """What nobody reads is not waited for where the process has ended: the end of its log has the reason."""
    site = Site(tmp_path)
    site.folder.mkdir(exist_ok=True)
    site.node.log.write_text("no room\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        site.port = server.getsockname()[1]
        answers = b"\x20\x03\x00\x00\x00", b"\x90\x04\x00\x01\x00\x00"  # CONNACK, SUBACK

        def serve() -> None:
            with server.accept()[0] as peer:
                for answer in answers:
                    peer.recv(4096)
                    peer.sendall(answer)
                peer.recv(4096)

        peer = threading.Thread(target=serve)
        peer.start()
        phones = Phones(site, Seam(tmp_path / "seam"), [])
        with pytest.raises(DoorstepError, match="no room"):
            phones.round(Now(0.0, 1), 0)
        phones.close()
        peer.join()
