"""A session that only listens, and its end."""

import socket
from pathlib import Path

import pytest

from bench.lab.site import Site
from bench.revoke.measure import listening


def test_a_session_stands_until_it_is_left(tmp_path: Path) -> None:
    """The node counts it; a wrong token gets none."""
    with Site(tmp_path).configure(["alice"], centre=False) as site:
        site.node.start()
        with listening("n-1", site.port, "alice", site.tokens["alice"]) as plain:
            assert isinstance(plain, socket.socket)
            assert site.status()["link"]["sessions"] == 1
        with pytest.raises(AssertionError), listening("n-1", site.port, "alice", "wrong"):
            pass
