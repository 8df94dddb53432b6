"""End to end through somebody else's broker: a real Mosquitto between the node and its clients."""

from tests.phone import SHOP, Phone, place, site
from tests.sdk.conversation import running_broker


def test_the_same_node_works_through_a_broker(tmp_path):
    """Order, receipt, assignment and delivery through Mosquitto; SIGKILL of the node loses nothing with a receipt."""
    with (
        running_broker(tmp_path, ("alice", "r-1")) as (broker, words, link),
        site(tmp_path, "alice", "r-1", **link) as made,
    ):
        alice = Phone("alice", broker.port, words["alice"])
        rider = Phone("r-1", broker.port, words["r-1"])
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
        assert "joined the broker" in made.node.output()
        alice.close()
        rider.close()
        assert made.node.stop() == 0
