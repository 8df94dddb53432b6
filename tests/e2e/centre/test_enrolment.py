"""From an invitation to the end of a node: a centre, a node, clients and an operator's commands, as real processes."""

import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from bench.lab.site import fetch
from edge.identity.certificate import expires_ms
from edge.identity.invitation import Invitation, parse
from tests.enrolled import EnrolledSite, enrolling
from tests.phone import Phone, place
from tests.waiting import wait_until

CLOCK = {"clock_speed": 120.0}
"""A window of a minute is sealed within a second."""


@pytest.fixture
def made(tmp_path: Path) -> Iterator[EnrolledSite]:
    """Configured, with a client; nothing runs."""
    with enrolling(tmp_path, "alice") as site:
        yield site


def decides(made: EnrolledSite, number: int) -> bool:
    """Whether the node answers an order."""
    alice = Phone("alice", made.port, made.tokens["alice"])
    try:
        place(alice, number)
        return alice.answer("receipt")["id"] == f"place-{number}"
    finally:
        alice.close()


def certificate_days(made: EnrolledSite) -> float:
    """What the file has, from the real now on."""
    ends_ms = expires_ms((made.node_data / "uplink.pem").read_text())
    assert ends_ms is not None
    return (ends_ms / 1000 - time.time()) / 86_400


def test_a_node_is_invited_enrolled_revoked_and_invited_again(tmp_path: Path) -> None:
    """The invitation alone makes the node known, its orders are counted at the centre, `revoke` ends its session and
    its certificate, and a new invitation brings the running node back with the same history."""
    now_ms = int(time.time() * 1000)
    clock = {**CLOCK, "clock_wall_anchor_ms": now_ms, "clock_real_anchor_ms": now_ms}
    with enrolling(tmp_path, "alice", **clock) as made:
        made.centre.start()
        invitation = made.invite()
        assert made.enroll(invitation) == ""
        made.node.start()
        wait_until(made.connected)
        alice = Phone("alice", made.port, made.tokens["alice"])
        for number in range(5):
            place(alice, number)
        wait_until(lambda: made.summary()["events"] == 5, "aggregates at the centre")
        state = fetch(made.api_port, "/api/nodes")["enrolment"]["n-1"]
        assert state["certificate_until"] > now_ms + 89 * 86_400_000
        assert 89 < made.status()["link"]["uplink_certificate_days"] <= 90

        made.keep_state("stolen")
        assert made.command("revoke", "n-1", "--config", "central.toml").returncode == 0
        wait_until(lambda: not made.connected())
        wait_until(lambda: "revoked" in made.problems().get("sync_refused", ""), "the reason at the node")
        assert "revoked_at" in fetch(made.api_port, "/api/nodes")["enrolment"]["n-1"]
        place(alice, 5)
        assert re.search("used", made.enroll(invitation))
        assert made.enroll() == ""
        wait_until(made.connected)
        wait_until(lambda: made.summary()["events"] == 6, "what was decided meanwhile")
        assert made.nodes()[0]["epoch"] == 1
        assert "sync_refused" not in made.problems()
        fresh = (made.node_data / "uplink.pem").read_text()
        made.put_back("stolen")
        wait_until(lambda: "revoked" in made.problems().get("sync_refused", ""), "the refusal of the old certificate")
        assert fresh != (made.node_data / "uplink.pem").read_text()
        alice.close()
        assert made.node.stop() == made.centre.stop() == 0
        at_centre, at_node = made.centre.output(), made.node.output()
        for event in ("node_invited", "node_enrolled", "node_revoked", "session_ended", "refused"):
            assert f" {event}: " in at_centre, event
        assert "refused at listen_tls: n-1 from 127.0.0.1: the certificate of n-1 was revoked" in at_centre
        for event in ("uplink_up", "uplink_down", "uplink_refused", "enrolled"):
            assert f" {event}: " in at_node, event


def visitor(made: EnrolledSite, invitation: Invitation, client_id: str) -> mqtt.Client:
    """A session that only a code has opened, which asks for all answers and sends what is no request."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
    client.username_pw_set(invitation.node, invitation.code)
    trust = ssl.create_default_context(cafile=str(made.centre_data / "enrolment" / "ca.pem"))
    trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.tls_set_context(trust)
    codes: list[int] = []
    client.on_subscribe = lambda *words: codes.extend(each.value for each in words[3])
    client.connect("127.0.0.1", made.centre_port)
    client.loop_start()
    wait_until(client.is_connected)
    for name in ("n-1", "n-1/invited"):
        client.subscribe(f"ds/centre/down/{name}/#", qos=1)
    wait_until(lambda: codes == [0x87, 1])
    for name in ("n-1", "n-1/invited"):
        client.publish(f"ds/centre/up/{name}/enrol.request", b"nothing", qos=1).wait_for_publish(10)
    return client


def test_who_finds_a_used_code_does_not_disturb_the_node(made: EnrolledSite) -> None:
    """Whatever its sessions are called and send, the node keeps its own, its answers stay with it, and the code's
    sessions are no node in the centre's list; nobody learns more by them than that the code was used."""
    made.centre.start()
    string = made.invite()
    assert made.enroll(string) == ""
    made.node.start()
    wait_until(made.connected)
    visitors = [visitor(made, parse(string), name) for name in ("n-1", *(f"thief-{number}" for number in range(5)))]
    wait_until(lambda: fetch(made.api_port, "/api/nodes")["listener"]["refused_malformed"] == len(visitors))
    assert made.connected()
    assert "the uplink is down" not in made.node.output()
    assert [each["node"] for each in made.nodes()] == ["n-1"]
    for each in visitors:
        each.disconnect()
        each.loop_stop()


def test_a_certificate_renews_itself_over_its_own_session(made: EnrolledSite) -> None:
    """On its day 61 a node asks for the next certificate, keeps its key, and goes on with both good at the centre."""
    made.centre.start()
    assert made.enroll() == ""
    before = (made.node_data / "uplink.pem").read_text()
    made.stop()
    made.shift(made.centre, made.node, days=61)
    made.start()
    wait_until(lambda: certificate_days(made) > 150, "the next certificate")
    after = (made.node_data / "uplink.pem").read_text()
    assert before.partition("-----BEGIN CERTIFICATE")[0] == after.partition("-----BEGIN CERTIFICATE")[0]
    assert before != after
    wait_until(made.connected)
    assert made.status()["link"]["uplink_certificate_days"] > 89
    assert not made.problems()
    assert "refused" not in made.node.output()


def test_an_expired_certificate_stops_no_local_work(made: EnrolledSite) -> None:
    """200 days on, without an uplink, the node decides as before and names why it has none; the centre, when it is
    back, answers the same, and a new invitation mends it without a restart."""
    made.centre.start()
    assert made.enroll() == ""
    made.centre.stop()
    made.shift(made.node, made.centre, days=200)
    made.node.start()
    assert decides(made, 1)
    wait_until(lambda: "uplink_certificate" in made.problems())
    assert "has expired" in made.problems()["uplink_certificate"]
    made.centre.start()
    wait_until(lambda: "ended on" in made.problems().get("sync_refused", ""), "the centre's refusal")
    assert decides(made, 2)
    invitation = made.invite()
    made.shift(days=0)
    assert "clock" in made.enroll(invitation)  # of this command; the code stays good
    made.shift(days=200)
    assert made.enroll(invitation) == ""
    wait_until(made.connected)
    assert "uplink_certificate" not in made.problems()


def test_a_node_that_is_retired_stays_out_and_its_sums_stay(made: EnrolledSite) -> None:
    """`central retire` ends the session; the name cannot be invited again, and the API has since when."""
    made.start()
    assert made.enroll() == ""
    made.node.stop()
    made.node.start()
    wait_until(made.connected)
    assert made.command("central", "retire", "n-1", "--config", "central.toml").returncode == 0
    wait_until(lambda: "out of service" in made.problems().get("sync_refused", ""))
    done = made.command("central", "invite", "n-1", "--expires", "7d")
    assert done.returncode == 1
    assert "another name" in done.stderr
    assert fetch(made.api_port, "/api/nodes")["enrolment"]["n-1"]["retired_at"]
    assert made.nodes()[0]["node"] == "n-1"
    assert " node_retired: n-1 is retired" in made.centre.output()


def test_a_revoked_client_is_gone_though_it_only_listens(made: EnrolledSite) -> None:
    """`revoke` with the node's configuration needs no reload: the session ends and cannot be opened again."""
    made.node.start()
    alice = Phone("alice", made.port, made.tokens["alice"])
    assert made.command("revoke", "alice", "--config", "edge.toml").returncode == 0
    wait_until(lambda: not alice._client.is_connected())
    alice.close()
    done = made.command("revoke", "alice", "--config", "edge.toml")
    assert done.returncode == 1
    assert "is not in" in done.stderr
