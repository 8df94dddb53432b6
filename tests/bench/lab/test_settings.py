"""What processes find in their folder."""

import stat
import tomllib
from pathlib import Path

from bench.lab.settings import ALL_ROLES, free_port, write_config, write_credentials
from edge.identity.credentials import Credentials


def test_credentials_are_those_of_the_node(tmp_path: Path) -> None:
    """The credentials file is one that the node reads, for the owner's eyes only, without a token in it."""
    tokens = {f"rider-{n}": f"secret{n}" for n in range(20)}
    path = tmp_path / "credentials"
    write_credentials(path, tokens, {"rider-0": "dispatcher"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "secret" not in path.read_text()
    credentials = Credentials.load(path)
    assert all(credentials.verify(name, token.encode()) for name, token in tokens.items())
    assert not credentials.verify("rider-1", b"secret2")
    grants = [credentials.verify(name, tokens[name].encode()) for name in ("rider-0", "rider-1")]
    assert [sorted(grant.roles) for grant in grants if grant] == [["dispatcher"], sorted(ALL_ROLES.split(","))]


def test_configurations_are_toml(tmp_path: Path) -> None:
    """Strings with quotes and backslashes, numbers and truth values come out as they went in, sections last."""
    options = {"a": 'quote " and \\ and ü', "b": 3, "dispatch": {"e": 5, "f": "6"}, "c": 1.5, "d": True}
    write_config(tmp_path / "x.toml", options)
    assert tomllib.loads((tmp_path / "x.toml").read_text()) == options


def test_a_port_is_drawn_once() -> None:
    """Two listeners of one process have two ports, before either of them listens."""
    assert len({free_port() for _ in range(500)}) == 500


def test_free_ports_are_below_those_of_outgoing_connections() -> None:
    """A port is drawn where no client's connection can take it meanwhile."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert 1024 < free_port() < lowest
