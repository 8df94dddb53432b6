"""What is kept of one person goes, and nothing of anybody else."""

import json
import re
import struct
from pathlib import Path

from bench.lab.site import Site
from tests.phone import HOME, SHOP, Phone, site

DOOR = {"lat": 31.204321, "lon": 121.406543}
"""Alice's, and nobody else's."""

NAMES = ("alice", "bob", "r-1", "shop-1")


def delivered(made: Site, name: str, order: str, door: dict[str, float], note: str, *, stays: bool = False) -> None:
    """An order from the tap to the door, and a text about it when it is too late. The rider `stays` on shift or not."""
    phones = {each: Phone(each, made.port, made.tokens[each]) for each in (name, "r-1")}
    customer, rider = phones[name], phones["r-1"]
    rider.send("rider.shift", id=f"on-{order}", on=True, place=SHOP)
    fields = {"order": order, "shop": "shop-1", "pickup": SHOP, "dropoff": door, "prep_s": 0}
    customer.send("order.place", id=f"place-{order}", **fields)
    offer = rider.answer("assignment")
    rider.send("rider.reply", id=f"yes-{order}", order=order, offer=offer["offer"], accept=True)
    for step in ("at_shop", "picked_up", "delivered"):
        rider.send("rider.progress", id=f"{step}-{order}".replace("_", "-"), order=order, step=step)
    while customer.answer("update")["state"] != "delivered":
        continue
    customer.send("order.cancel", id=f"cancel-{order}", order=order, reason=note)
    if not stays:
        rider.send("rider.shift", id=f"off-{order}", on=False)
    for phone in phones.values():
        phone.close()


def on_disk(made: Site, needle: bytes) -> list[str]:
    """The files of the data directory that have it."""
    return [path.name for path in made.node_data.iterdir() if path.is_file() and needle in path.read_bytes()]


def test_a_forgotten_client_is_in_no_byte_and_the_others_are(tmp_path: Path) -> None:
    """Name, door and text go from rows, snapshots and WAL; another's order can be explained and its repeat is answered
    as before, a replay begins behind the gap, and the node goes on."""
    secrets = [b"alice", b"at the back", struct.pack(">d", DOOR["lat"]), b"31.204321"]
    with site(tmp_path, *NAMES, keep_free_text=True) as made:
        delivered(made, "bob", "o-1", HOME, "by bike")
        delivered(made, "alice", "o-2", DOOR, "at the back")
        assert made.command("forget", "alice").returncode == 3
        made.node.stop()
        assert all(on_disk(made, each) for each in secrets[:3])
        before = made.command("export", "bob", "--journal", "edge").stdout
        done = made.command("forget", "alice")
        assert done.returncode == 0, done.stderr
        stand_in = re.search(r"gone-[0-9a-f]{12}", done.stdout)
        assert stand_in is not None
        assert not any(on_disk(made, each) for each in secrets)
        assert on_disk(made, b"bob")
        assert made.command("export", "alice", "--journal", "edge").returncode == 1
        after = json.loads(made.command("export", "bob", "--journal", "edge").stdout)
        assert after["messages"] == json.loads(before)["messages"]
        assert "r-1" in made.command("explain", "o-1", "--journal", "edge").stdout
        replayed = json.loads(made.command("replay", "--journal", "edge", "--json").stdout)
        assert replayed["differences"] == 0
        assert replayed["after_row"] == replayed["last_row"] == after["rows"][1]

        made.node.start()
        assert "alice" not in (tmp_path / "credentials").read_text()
        delivered(made, "bob", "o-3", HOME, "again")
        bob = Phone("bob", made.port, made.tokens["bob"])
        bob.send("order.cancel", id="cancel-o-1", order="o-1", reason="by bike")
        assert bob.answer("receipt")["id"] == "cancel-o-1"
        bob.close()
        made.node.stop()
        replayed = json.loads(made.command("replay", "--journal", "edge", "--json").stdout)
        assert (replayed["differences"], replayed["rows"] > 3) == (0, True)
        assert not on_disk(made, b"alice")


def test_a_name_within_another_is_named_and_goes_all_the_same(tmp_path: Path) -> None:
    """alice-2 stays in every row, and so the look for what is left finds it; alice is out of the credentials. A replay
    begins behind the gap, and a name that nobody has changes nothing."""
    with site(tmp_path, "alice", "alice-2", "r-1", "shop-1") as made:
        delivered(made, "alice-2", "o-1", HOME, "by bike")
        delivered(made, "alice", "o-2", DOOR, "at the back")
        made.node.stop()
        done = made.command("forget", "alice")
        assert (done.returncode, "in something else" in done.stdout) == (0, True)
        assert [line.partition(":")[0] for line in (tmp_path / "credentials").read_text().splitlines()] == [
            "alice-2",
            "r-1",
            "shop-1",
        ]
        made.node.start()
        delivered(made, "alice-2", "o-3", HOME, "again")
        made.node.stop()
        before = made.command("replay", "--journal", "edge", "--json").stdout
        again = made.command("forget", "alcie")
        assert (again.returncode, "Nothing of alcie" in again.stdout) == (0, True)
        after = made.command("replay", "--journal", "edge", "--json").stdout
        assert json.loads(before)["rows"] == json.loads(after)["rows"] > 0


def test_a_rider_at_the_door_goes_first(tmp_path: Path) -> None:
    """Its last place is the customer's door as long as it has been nowhere else: that is named, and nothing changes."""
    with site(tmp_path, *NAMES) as made:
        delivered(made, "alice", "o-1", DOOR, "at the back", stays=True)
        made.node.stop()
        before = made.journal.read_bytes()
        done = made.command("forget", "alice")
        assert done.returncode == 1
        assert "a rider's last place" in done.stderr
        assert made.journal.read_bytes() == before
        made.node.start()
        rider = Phone("r-1", made.port, made.tokens["r-1"])
        rider.send("rider.shift", id="off", on=False)
        rider.close()
        made.node.stop()
        assert made.command("forget", "alice").returncode == 0


def test_what_is_open_ends_first(tmp_path: Path) -> None:
    """A customer with an order under way and a rider on shift are named, and nothing is changed; a node that was never
    started has nothing to forget."""
    with site(tmp_path, *NAMES) as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        alice.send("order.place", id="p", order="o-1", shop="shop-1", pickup=SHOP, dropoff=DOOR, prep_s=0)
        rider = Phone("r-1", made.port, made.tokens["r-1"])
        rider.send("rider.shift", id="on", on=True, place=SHOP)
        rider.answer("assignment")
        for phone in (alice, rider):
            phone.close()
        made.node.stop()
        before = made.journal.read_bytes()
        for name, why in (("alice", "open order"), ("r-1", "on shift")):
            done = made.command("forget", name)
            assert done.returncode == 1
            assert why in done.stderr
        assert made.journal.read_bytes() == before
