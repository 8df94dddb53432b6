"""Tests of edge.preflight.doors. (What each wrong door is called stands in the table of set-ups.)"""

import socket
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.edge.preflight.setups import setup


def test_a_certificate_is_good_for_its_names(tmp_path: Path) -> None:
    """The certificate of the tests is for localhost: that is found good, another name is not, an address is."""
    for name, good in (("localhost", True), ("127.0.0.1", True), ("shop.localhost", False)):
        folder = tmp_path / name
        folder.mkdir()
        with setup(folder) as site:
            site.tls()
            site.wishes = replace(site.wishes, public=(f"wss://{name}",), offline=True)
            assert site.look().ok == good, name


@pytest.mark.parametrize("both", [True, False])
def test_several_addresses_are_tried_each(tmp_path: Path, both: bool) -> None:
    """Two taken ones are two findings, each with its address."""
    with setup(tmp_path) as site:
        taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        site.open += taken
        addresses = [f"127.0.0.1:{plain.getsockname()[1]}" for plain in taken]
        site.options["listen"] = addresses if both else [addresses[0], "127.0.0.1:0"]
        found = [finding.text for finding in site.look().findings if finding.name == "address"]
    assert len(found) == 1 + both
    assert all(any(address in text for text in found) for address in addresses[: 1 + both])
