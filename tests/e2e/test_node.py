"""End to end: a real node, clients that others wrote, and what an operator does to it."""

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from typing import Any

import pytest

from bench.lab.process import Died
from bench.lab.programs import find_program, make_certificates
from bench.lab.settings import free_port
from bench.lab.site import Site
from tests.phone import SHOP, Phone, place, site
from tests.waiting import wait_until


def test_an_order_finds_its_rider_and_is_delivered(tmp_path):
    """Order, receipt with promise, assignment, acceptance, progress, updates: a delivery from tap to door."""
    with site(tmp_path, "alice", "r-1", "shop-1") as made:
        alice = Phone("alice", made.port, made.tokens["alice"], v5=False)
        rider = Phone("r-1", made.port, made.tokens["r-1"])
        shop = Phone("shop-1", made.port, made.tokens["shop-1"])
        assert rider.send("rider.shift", id="on", on=True, place=SHOP) == 0
        place(alice, 1)
        receipt = alice.answer("receipt")
        assert (receipt["id"], receipt["status"]) == ("place-1", "accepted")
        assert receipt["promise"]["dropoff_at"] > receipt["at"]
        offer = rider.answer("assignment")
        assert (offer["order"], offer["state"]) == ("o-1", "offered")
        rider.send("rider.reply", id="yes", order="o-1", offer=offer["offer"], accept=True)
        shop.send("kitchen.ready", id="ready", order="o-1")
        for step in ("at_shop", "picked_up", "delivered"):
            rider.send("rider.progress", id=step.replace("_", "-"), order="o-1", step=step)
        states = [alice.answer("update")["state"]]
        while states[-1] != "delivered":
            states.append(alice.answer("update")["state"])
        assert "picked_up" in states
        for phone in (alice, rider, shop):
            phone.close()
        assert made.node.stop() == 0


def test_what_was_acknowledged_survives_sigkill(tmp_path):
    """Orders acknowledged and then SIGKILL: all are there afterwards, and a repeat gets the recorded receipt to the
    byte."""
    with site(tmp_path, "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        receipts: dict[str, bytes] = {}
        for number in range(20):
            assert place(alice, number) == 0
            receipts[f"place-{number}"] = alice.raw("receipt")
        made.node.kill()
        alice.close()
        made.node.start()
        alice = Phone("alice", made.port, made.tokens["alice"])
        for number in range(20):
            assert place(alice, number) == 0
        # At least once: an answer whose acknowledgement was not yet on disk comes again, too.
        missing = set(receipts)
        while missing:
            again = alice.raw("receipt")
            name = json.loads(again)["id"]
            assert again == receipts[name]
            missing.discard(name)
        alice.close()
        made.node.stop()
        replay = made.command("replay", "--journal", "edge", "--json")
        assert replay.returncode == 0, replay.stdout + replay.stderr
        explained = made.command("explain", "o-3", "--journal", "edge")
        assert explained.returncode == 0
        assert "o-3" in explained.stdout


def test_answers_wait_for_a_client_that_was_away(tmp_path):
    """A client that hangs up before its receipt finds it when it returns, also after a restart of the node."""
    with site(tmp_path, "alice") as made:
        publish = [find_program("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(made.port), "-V", "5", "-q", "1"]
        order = {"id": "p-1", "at": 1, "order": "o-1", "shop": "s-1", "pickup": SHOP, "dropoff": SHOP, "prep_s": 60}
        topic = "ds/n-1/up/alice/order.place"
        subprocess.run(
            [*publish, "-u", "alice", "-P", made.tokens["alice"], "-t", topic, "-m", json.dumps(order)],
            check=True,
            timeout=20,
        )
        made.node.stop()
        made.node.start()
        subscribe = [find_program("mosquitto_sub"), "-h", "127.0.0.1", "-p", str(made.port), "-V", "5", "-q", "1"]
        got = subprocess.run(
            [*subscribe, "-u", "alice", "-P", made.tokens["alice"], "-t", "ds/n-1/down/alice/receipt", "-C", "1"],
            capture_output=True,
            check=True,
            timeout=20,
        )
        assert json.loads(got.stdout)["id"] == "p-1"


def test_tls_and_secure_websocket(tmp_path):
    """With a certificate the node listens for TLS and secure WebSocket; a client that trusts another authority goes
    away."""
    authority, certificate, key = make_certificates(tmp_path)
    secure: dict[str, Any] = {"listen": "", "listen_tls": "127.0.0.1:0", "listen_wss": "127.0.0.1:0"}
    with site(tmp_path, "alice", tls_cert=str(certificate), tls_key=str(key), **secure) as made:
        ports = made.ports()
        assert set(ports) == {"listen_tls", "listen_wss", "status"}
        order = {"id": "p-1", "at": 1, "order": "o-1", "shop": "s-1", "pickup": SHOP, "dropoff": SHOP, "prep_s": 60}
        address = ["-h", "127.0.0.1", "-p", str(ports["listen_tls"]), "-q", "1", "-V", "5"]
        user = ["-u", "alice", "-P", made.tokens["alice"]]
        publish = [find_program("mosquitto_pub"), *address, *user, "-t", "ds/n-1/up/alice/order.place"]
        sent = subprocess.run([*publish, "--cafile", str(authority), "-m", json.dumps(order)], timeout=20, check=False)
        assert sent.returncode == 0
        (tmp_path / "other").mkdir()
        other_ca, _, _ = make_certificates(tmp_path / "other")
        distrusts = subprocess.run(
            [*publish, "--cafile", str(other_ca), "-m", "x"], capture_output=True, timeout=20, check=False
        )
        assert distrusts.returncode != 0
        context = ssl.create_default_context(cafile=str(authority))
        with (
            socket.create_connection(("127.0.0.1", ports["listen_wss"]), 10) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
        ):
            tls.sendall(
                b"GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Protocol: mqtt\r\n\r\n"
            )
            assert tls.recv(100).startswith(b"HTTP/1.1 101")


def test_refusals_reach_the_sender_and_the_status(tmp_path):
    """A wrong message gets a code, a receipt that names the field, and a counter in `doorstep status`."""
    with site(tmp_path, "alice", "bob", "eve") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        assert place(alice, 1, pickup={"lat": 91, "lon": 0}) == 0x99
        receipt = alice.answer("receipt")
        assert (receipt["reason"], receipt["field"]) == ("malformed", "pickup.lat")
        place(alice, 2)
        eve = Phone("eve", made.port, made.tokens["eve"])
        assert eve.send("order.cancel", id="c-1", order="o-2") >= 0x80
        assert eve.answer("receipt")["reason"] in ("not_yours", "unknown_order")
        assert eve.send("order.teleport", id="t-1") == 0x90
        older = Phone("bob", made.port, made.tokens["bob"], v5=False)
        for number, phone, code in ((7, eve, 0x87), (8, older, 0)):
            assert place(phone, number, below="alice") == code
            while (receipt := phone.answer("receipt"))["id"] != f"place-{number}":
                pass
            assert (receipt["reason"], receipt["of"]) == ("forbidden_topic", "?")
            assert place(phone, number) == 0
            assert phone.answer("receipt")["status"] == "accepted"
        status = made.command("status", "--config", "edge.toml", "--json")
        assert json.loads(status.stdout)["counts"]["refused"]["malformed"] == 1
        text = made.command("status", "--config", "edge.toml")
        assert "malformed" in text.stdout
        for phone in (alice, older, eve):
            phone.close()


@pytest.mark.parametrize("v5", [True, False])
def test_the_will_of_a_rider_who_is_gone_ends_the_shift(tmp_path, v5):
    """It is decided as the rider's own event, and its receipt waits; after a polite end there is none."""
    with site(tmp_path, "r-1") as made:
        token = made.tokens["r-1"]
        rider = Phone("r-1", made.port, token, v5=v5, kind="rider.shift", id="off-1", on=False)
        assert rider.send("rider.shift", id="on", on=True, place=SHOP) == 0
        rider.close()
        rider = Phone("r-1", made.port, token, v5=v5, kind="rider.shift", id="off-2", on=False)
        rider.drop()
        rider = Phone("r-1", made.port, token, v5=v5)
        receipts = {}
        while "off-2" not in receipts:
            receipt = rider.answer("receipt")
            receipts[receipt["id"]] = receipt["status"]
        assert receipts["off-2"] == "accepted"
        assert "off-1" not in receipts
        rider.close()


def test_the_centre_counts_what_the_node_counts(tmp_path):
    """Windows of a scaled minute reach the centre: its summary has every event once, also after SIGKILL of the node in
    between."""
    clock = {
        "clock_speed": 120.0,
        "clock_wall_anchor_ms": int(time.time() * 1000),
        "clock_real_anchor_ms": int(time.time() * 1000),
    }
    with site(tmp_path, "alice", centre=True, **clock) as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        for number in range(10):
            place(alice, number)
        made.node.kill()
        alice.close()
        made.node.start()
        alice = Phone("alice", made.port, made.tokens["alice"])
        for number in range(5, 15):
            place(alice, number)
        deadline = time.monotonic() + 30
        events = 0
        ahead = f"from=0&to={2 * clock['clock_real_anchor_ms']}"  # the node's minutes are ahead of the centre's
        while events < 20 and time.monotonic() < deadline:
            with urllib.request.urlopen(f"http://127.0.0.1:{made.api_port}/api/summary?{ahead}", timeout=5) as answer:
                events = json.load(answer)["events"]
            time.sleep(0.1)
        report = json.loads(made.command("status", "--config", "edge.toml", "--json").stdout)
        assert events == report["sync"]["events_at_node"] == 20
        alice.close()
        assert made.node.stop() == 0
        assert made.centre.stop() == 0


def test_two_nodes_on_one_data_directory(tmp_path):
    """The second node refuses to start, states why, and leaves the first alone."""
    with site(tmp_path, "alice") as made:
        settings = (tmp_path / "edge.toml").read_text().replace(str(made.port), str(free_port()))
        (tmp_path / "second.toml").write_text(settings)
        second = made.command("edge", "--config", "second.toml")
        assert second.returncode == 3
        assert "in use" in second.stderr
        assert made.command("status", "--config", "edge.toml").returncode == 0


def test_a_journal_that_is_taken_away_ends_the_node(tmp_path):
    """Exit code 4 at the next sample, and the log has what happened and what to do."""
    with site(tmp_path, "alice") as made:
        (made.node_data / "journal.sqlite3").rename(tmp_path / "elsewhere")
        assert made.node.wait() == 4
        assert "removed or moved while the node ran" in made.node.output()
        assert "Put the file back" in made.node.output()


def test_a_busy_port_names_which_and_how_to_choose_another(tmp_path):
    """Port taken: exit 3, the port, the option, the file."""
    with site(tmp_path, "alice") as made:
        (tmp_path / "other").mkdir()
        settings = (tmp_path / "edge.toml").read_text()
        (tmp_path / "other.toml").write_text(settings.replace('"edge"', '"other/data"'))
        busy = made.command("edge", "--config", "other.toml")
        assert busy.returncode == 3
        assert str(made.port) in busy.stderr
        assert "listen" in busy.stderr
        assert "other.toml" in busy.stderr
        assert "Traceback" not in busy.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('listen = "nowhere"', ("edge.toml", "listen", "host:port")),
        ("retention_days = -1", ("edge.toml", "retention_days")),
        ("[dispatch]\nspeed = 3", ("edge.toml", "[dispatch] speed", "Did you mean speed_mps?")),
    ],
)
def test_a_broken_configuration_exits_with_2(tmp_path, line, words):
    """File, field and hint on stderr, no traceback, exit 2."""
    (tmp_path / "edge.toml").write_text(f'node = "n-1"\n{line}\n')
    node = Site(tmp_path).node
    with pytest.raises(Died, match="exit code 2"):
        node.start()
    log_text = node.output()
    assert all(word in log_text for word in words), log_text
    assert "Traceback" not in log_text


def test_sighup_reloads_what_can_be_reloaded(tmp_path):
    """A new client and a new rule take effect without a restart; a broken file changes nothing; a fixed option logs
    that it needs a restart."""
    from edge.identity.credentials import Newcomer, add

    with site(tmp_path, "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        config = tmp_path / "edge.toml"
        good = config.read_text()
        token = add(tmp_path / "credentials", [Newcomer("bob", ("customer",))])["bob"]
        config.write_text(good + 'crs = "gcj02"\n[dispatch]\nreply_s = 30\n')
        made.node.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in made.node.output())
        assert "crs" in made.node.output()
        assert "changed: dispatch.reply_s\n" in made.node.output()
        bob = Phone("bob", made.port, token)
        assert place(bob, 1) == 0
        config.write_text(good + "[dispatch]\nreply_s = 1\n")
        made.node.send_signal(signal.SIGHUP)
        wait_until(lambda: "not reloaded" in made.node.output())
        assert "reply_s" in made.node.output()
        assert place(alice, 2) == 0
        alice.close()
        bob.close()
        assert made.node.stop() == 0


def test_a_node_gets_a_new_token_at_its_centre_without_a_restart(tmp_path):
    """The centre takes both tokens, the node takes the new one, the old one goes: no connection is refused."""
    with site(tmp_path, "alice", centre=True) as made:
        wait_until(lambda: made.status()["sync"]["connected"])
        file = ("--file", "centre-credentials", made.node_name)
        token = made.command("credential", "add", "--second", *file).stdout.strip()
        made.centre.send_signal(signal.SIGHUP)
        wait_until(lambda: made.centre.output().count("INFO reloaded: ") == 1)
        (tmp_path / "uplink.token").write_text(token)
        made.node.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in made.node.output())
        wait_until(lambda: made.status()["sync"]["connected"])
        assert made.command("credential", "remove", "--older", *file).returncode == 0
        made.centre.send_signal(signal.SIGHUP)
        wait_until(lambda: made.centre.output().count("INFO reloaded: ") == 2)
        time.sleep(0.5)  # for a connection that the centre ends
        assert made.status()["sync"]["connected"]
        assert "refused" not in made.node.output()


def test_a_removed_client_is_gone_after_a_reload(tmp_path):
    """Revocation ends the open session too, not only new ones."""
    from edge.identity.credentials import remove

    with site(tmp_path, "alice", "eve") as made:
        eve = Phone("eve", made.port, made.tokens["eve"])
        remove(tmp_path / "credentials", "eve")
        made.node.send_signal(signal.SIGHUP)
        wait_until(lambda: not eve._client.is_connected())
        eve.close()


def test_secrets_and_data_are_for_their_owner_only(tmp_path):
    """Every file that the node makes is closed to others."""
    with site(tmp_path, "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        place(alice, 1)
        alice.close()
        found = [path for path in (made.node_data).rglob("*") if path.is_file()]
        assert {path.name for path in found} >= {"status.token", "journal.sqlite3"}
        assert (made.node_data).stat().st_mode & 0o077 == 0
        assert [str(path) for path in found if path.stat().st_mode & 0o077] == []


def problems(made: Site) -> dict[str, str]:
    """What the status of the node calls wrong, with its sentences."""
    return {problem["name"]: problem["sentence"] for problem in made.status()["problems"]}


def test_rot_behind_the_last_snapshot_is_named_while_the_node_decides(tmp_path):
    """A bit of an old order flips on the disk: the start does not read it, the node finds it and goes on deciding."""
    with site(tmp_path, "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        for number in range(90):
            place(alice, number)
        alice.close()
        assert made.node.stop() == 0  # with a snapshot of everything
        raw = bytearray(made.journal.read_bytes())
        raw[raw.index(b"place-11")] ^= 1  # not one of the last rows, which the start reads
        made.journal.write_bytes(raw)
        made.node.start()
        wait_until(lambda: "rot" in problems(made))
        assert "fails its checksum" in problems(made)["rot"]
        assert made.status()["serving"]
        alice = Phone("alice", made.port, made.tokens["alice"])
        assert place(alice, 90) == 0
        alice.close()


def test_who_floods_is_named(tmp_path):
    """A client far over its quota is a problem by name, in the log too; the others are served."""
    with site(tmp_path, "alice", "bot-7", messages_per_s=10, messages_burst=10) as made:
        alice, bot = (Phone(name, made.port, made.tokens[name]) for name in ("alice", "bot-7"))
        for _ in range(300):
            bot._client.publish("ds/n-1/up/bot-7/rider.position", b"{}", qos=0)
        wait_until(lambda: "flood" in problems(made))
        assert "bot-7 (" in problems(made)["flood"]
        wait_until(lambda: "problem flood: " in made.node.output())
        assert place(alice, 1) == 0
        for phone in (alice, bot):
            phone.close()


def on_a_terminal(command: list[str], until: str) -> str:
    """What a command writes to a terminal, up to the line with these words; then it is stopped."""
    master, terminal = os.openpty()
    with subprocess.Popen(command, stdout=terminal, stderr=subprocess.DEVNULL) as process:
        os.close(terminal)
        found = ""
        with open(master, encoding="utf-8", errors="replace") as lines, contextlib.suppress(OSError):  # noqa: PTH123
            for line in lines:
                found += line
                if until in line:
                    break
        process.terminate()
    return found


def test_the_token_of_the_page_is_for_a_terminal_only(tmp_path):
    """Into a file or a pipe neither the node nor doorstep status writes it; at a terminal both give the whole link."""
    with site(tmp_path, "alice") as made:
        token = made.status_token()
        status = [sys.executable, "-m", "edge", "status", "--data-dir", str(made.node_data)]
        piped = subprocess.run(status, capture_output=True, text=True, check=False)
        assert "page: http://127.0.0.1:" in piped.stdout
        assert token not in piped.stdout + piped.stderr
        assert f"?token={token}" in on_a_terminal(status, "page: ")
        assert made.node.stop() == 0
        assert "listening on http://127.0.0.1:" in made.node.output()
        assert token not in made.node.output()
        assert f"?token={token}" in on_a_terminal(made.node.command, "status page")
