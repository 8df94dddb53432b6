"""End to end through somebody else's broker: a real Mosquitto between the node and its clients."""

from typing import Any

from bench.lab.mosquitto import Mosquitto
from tests.e2e.phone import SHOP, Phone, place, site

USERS = {"n-1": "node-word", "alice": "a-word", "r-1": "r-word"}
ACL = """
user n-1
topic read ds/n-1/up/#
topic write ds/n-1/down/#
topic readwrite ds/n-1/status

pattern write ds/n-1/up/%u/#
pattern read ds/n-1/down/%u/#
"""


def test_the_same_node_works_through_a_broker(tmp_path):
    """Order, receipt, assignment and delivery through Mosquitto; SIGKILL of the node loses nothing with a receipt."""
    (tmp_path / "link.token").touch(0o600)
    (tmp_path / "link.token").write_text(USERS["n-1"])
    (tmp_path / "broker").mkdir()
    with Mosquitto(tmp_path / "mosquitto" / "broker", users=USERS, acl=ACL) as broker:
        link: dict[str, Any] = {
            "listen": "",
            "link": f"mqtt://127.0.0.1:{broker.port}",
            "link_token_file": "link.token",
        }
        with site(tmp_path, "alice", "r-1", **link) as made:
            alice = Phone("alice", broker.port, USERS["alice"])
            rider = Phone("r-1", broker.port, USERS["r-1"])
            rider.send("rider.shift", id="on", on=True, place=SHOP)
            assert rider.answer("receipt")["status"] == "accepted"
            place(alice, 1)
            receipt = alice.raw("receipt")
            offer = rider.answer("assignment")
            assert offer["order"] == "o-1"
            made.node.kill()
            rider.send("rider.reply", id="yes", order="o-1", offer=offer["offer"], accept=True)
            place(alice, 1)
            made.node.start()
            assert alice.raw("receipt") == receipt
            while alice.answer("update")["state"] != "accepted":
                continue
            assert "joining the broker" in made.node.output()
            alice.close()
            rider.close()
            assert made.node.stop() == 0
