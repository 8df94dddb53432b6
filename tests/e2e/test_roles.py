"""Who may do what, on a real node: roles, shops, and tokens of phones."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.lab.site import Site
from edge.identity.credentials import Newcomer, add
from edge.identity.revocations import revoke
from edge.identity.tokens import make_key, mint
from edge.messages.envelope import topic_down
from edge.mqtt.packets.codec import ConnectPacket
from tests.phone import ANSWER_S_MAX, SHOP, Phone, place, site
from tests.waiting import wait_until

REFUSED = 0x80
"""Reason codes of CONNACK from here on."""

REVOKED_S_MAX = 5
"""Within this time a revocation ends an open session."""


class Town:
    """A node with two tills of a shop, a rider, a gateway, and a key for customers."""

    def __init__(self, folder: Path, site: Site, secrets: dict[str, str]) -> None:
        self.folder, self.site, self.secrets = folder, site, secrets

    def staff(self, name: str) -> Phone:
        """Somebody of the credentials file."""
        return Phone(name, self.site.port, self.secrets[name])

    def customer(self, name: str, lasts_s: int = 600, key: str = "key.json") -> Phone:
        """Somebody with a token that was signed just now."""
        token, _ = mint(self.folder / key, Newcomer(name, ("customer",)), "doorstep", lasts_s)
        return Phone(name, self.site.port, token)

    def refused(self, name: str, key: str) -> bool:
        """Whether somebody with a token of this key is turned away."""
        token, _ = mint(self.folder / key, Newcomer(name, ("customer",)), "doorstep", 600)
        with socket.create_connection(("127.0.0.1", self.site.port), ANSWER_S_MAX) as door:
            door.sendall(ConnectPacket(name, username=name, password=token.encode(), clean_start=True).write())
            return door.recv(64)[3] >= REFUSED

    def reload(self) -> None:
        """The node reads its files again."""
        before = self.site.node.output().count("reloaded")
        self.site.node.send_signal(signal.SIGHUP)
        wait_until(lambda: self.site.node.output().count("reloaded") > before)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    make_key(tmp_path / "key.json", tmp_path / "keys.json", "ES256")
    options = {"credentials": "people", "shops": [], "token_keys": "keys.json", "token_revoked": "revoked"}
    people = [
        Newcomer("till-1", ("shop",), "shop-1"),
        Newcomer("till-2", ("shop",), "shop-1"),
        Newcomer("till-9", ("shop",), "shop-9"),
        Newcomer("rider-1", ("rider",)),
        Newcomer("gateway-1", ("gateway",)),
    ]
    secrets = add(tmp_path / "people", people)
    with site(tmp_path, **options) as made:
        yield Town(tmp_path, made, secrets)


def test_each_does_what_its_role_may_and_nothing_else(town: Town) -> None:
    """A customer orders, the tills of the shop learn of it and cook; nobody takes the part of another."""
    alice, rider, gateway = town.customer("Alice_7"), town.staff("rider-1"), town.staff("gateway-1")
    tills = [town.staff("till-1"), town.staff("till-2")]
    other = town.staff("till-9")
    for till in tills:
        till._client.subscribe(topic_down("n-1", "shop-1", "#"), qos=1)
    time.sleep(0.3)
    assert place(alice, 1) == 0
    assert alice.answer("receipt")["status"] == "accepted"
    for till in tills:
        assert till.answer("update")["order"] == "o-1"
    assert tills[1].send("kitchen.ready", id="k-1", order="o-1") == 0
    assert tills[1].answer("receipt")["status"] == "accepted"
    for phone, kind, fields, reason in (
        (alice, "kitchen.ready", {"order": "o-1"}, "not_allowed"),
        (alice, "rider.shift", {"on": True, "place": SHOP}, "not_allowed"),
        (rider, "order.cancel", {"order": "o-1"}, "not_allowed"),
        (gateway, "price.set", {"sku": "milk", "price_cents": 1}, "not_allowed"),
        (other, "kitchen.ready", {"order": "o-1"}, "not_yours"),
        (other, "order.cancel", {"order": "o-1"}, "not_yours"),
    ):
        assert phone.send(kind, id=f"x-{kind}", **fields) == 0x87, (phone.name, kind)
        assert phone.answer("receipt")["reason"] == reason
    assert place(alice, 2, shop="shop-7") != 0
    assert alice.answer("receipt")["reason"] == "unknown_shop"
    assert place(other, 3) == 0x87
    assert other.answer("receipt")["reason"] == "not_allowed"
    for phone in (alice, rider, gateway, *tills, other):
        phone.close()


def test_a_revoked_token_ends_within_seconds(town: Town) -> None:
    """Also for a client that only listens; others stay."""
    eve, alice = town.customer("eve"), town.customer("alice")
    revoke(town.folder / "revoked", client="eve")
    wait_until(lambda: not eve._client.is_connected(), seconds=REVOKED_S_MAX)
    assert place(alice, 1) == 0
    eve.close()
    alice.close()


def test_a_session_ends_with_its_token(town: Town) -> None:
    """At `exp`, and the same token opens no other."""
    eve = town.customer("eve", lasts_s=3)
    wait_until(lambda: not eve._client.is_connected(), seconds=10)
    time.sleep(1.5)  # it tries again by itself
    assert not eve._client.is_connected()
    eve.close()


def test_a_key_comes_and_goes_by_a_reload(town: Town) -> None:
    """Tokens of a second key are taken from the reload on that finds it; with the first key's entry gone, its sessions
    end, its tokens open no other, and those of the second key go on."""
    old = town.customer("alice")
    first = json.loads((town.folder / "keys.json").read_text())["keys"]
    make_key(town.folder / "key-2.json", town.folder / "keys.json", "EdDSA")
    assert town.refused("bob", "key-2.json")
    town.reload()
    new = town.customer("bob", key="key-2.json")
    assert place(old, 1) == place(new, 2) == 0
    both = json.loads((town.folder / "keys.json").read_text())["keys"]
    (town.folder / "keys.json").write_text(json.dumps({"keys": [key for key in both if key not in first]}))
    town.reload()
    wait_until(lambda: not old._client.is_connected())
    assert place(new, 3) == 0
    assert town.refused("carol", "key.json")
    assert not town.refused("carol", "key-2.json")
    old.close()
    new.close()
