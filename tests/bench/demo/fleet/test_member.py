"""Of bench.demo.fleet.member: a node without a centre of its own."""

from pathlib import Path

from bench.demo.fleet.centre import RunCentre
from bench.demo.fleet.inbox import Inbox
from bench.demo.fleet.member import Member


def test_it_neither_has_a_centre_nor_a_token_there(tmp_path: Path) -> None:
    """What it writes is a node's only; its way to the centre comes by the invitation."""
    inbox = Inbox()
    member = Member(tmp_path / "shop-1", "shop-1", RunCentre(tmp_path, inbox))
    member.configure({"rider-1": "token"}, {"clock_speed": 60.0})
    text = (tmp_path / "shop-1" / "edge.toml").read_text()
    assert "uplink" not in text
    assert 'node = "shop-1"' in text
    assert not (tmp_path / "shop-1" / "central.toml").exists()
    assert member.centre_data == tmp_path / "centre"
    member.stop()
    inbox.close()
