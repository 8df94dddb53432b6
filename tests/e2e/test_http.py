"""HTTP in front of a real node: events in, receipts back, orders, waits; beside MQTT, over TLS, through kills."""

import asyncio
import json
import signal
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.lab.programs import make_certificates
from bench.lab.settings import free_port
from bench.lab.site import Site
from edge.identity.credentials import Newcomer, add, remove
from edge.identity.revocations import revoke
from edge.identity.tokens import make_key, mint
from tests.phone import HOME, SHOP, Phone, site
from tests.waiting import wait_until

TIMEOUT_S = 30.0


class Web:
    """A client of a node over HTTP. `token` is a JWT, or the client's name and its token of the credentials file."""

    def __init__(self, url: str, token: str, **more: Any) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, **more)

    def send(self, kind: str, *, key: str | None = None, **fields: Any) -> httpx.Response:
        """An event."""
        headers = {"idempotency-key": key} if key else {}
        body = {"at": int(time.time() * 1000), **fields}
        return self.http.post(f"/v1/events/{kind}", json=body, headers=headers)

    def place(self, number: int, **more: Any) -> httpx.Response:
        """An order at shop-1."""
        fields = {"order": f"o-{number}", "shop": "shop-1", "pickup": SHOP, "dropoff": HOME, "prep_s": 0, **more}
        return self.send("order.place", id=f"place-{number}", **fields)

    def get(self, path: str, tag: str = "") -> httpx.Response:
        """What there is."""
        return self.http.get(path, headers={"if-none-match": tag} if tag else {})

    def until(self, order: str, state: str) -> dict[str, Any]:
        """Wait for a state of an order, as a client does: with long polls."""
        tag = ""
        while True:
            answer = self.get(f"/v1/orders/{order}?wait=20", tag)
            if answer.status_code == 304:
                continue
            found = answer.json()
            if found["state"] == state:
                return found
            tag = answer.headers["etag"]


def web(made: Site, name: str, port: int) -> Web:
    return Web(f"http://127.0.0.1:{port}", f"{name}~{made.tokens[name]}")


def test_an_order_from_the_first_request_to_the_door(tmp_path: Path) -> None:
    """Customer, shop and rider, all over HTTP: from placed to delivered. Each sees its own, and the exact
    door only who has accepted."""
    port = free_port()
    with site(tmp_path, "alice", "bob", "shop-1", "rider-1", listen="", listen_http=f"127.0.0.1:{port}") as made:
        alice, bob, shop, rider = (web(made, name, port) for name in ("alice", "bob", "shop-1", "rider-1"))
        assert rider.send("rider.shift", id="s-1", on=True, place=SHOP).status_code == 200
        assert rider.send("rider.position", points=[[int(time.time() * 1000), 31.2, 121.4]]).status_code == 204
        receipt = alice.place(1)
        assert receipt.status_code == 200
        assert (receipt.json()["status"], receipt.json()["order"]) == ("accepted", "o-1")
        offered = rider.until("o-1", "offered")
        offer, (shop_stop, door) = offered["assignment"]["offer"], offered["assignment"]["stops"]
        assert (shop_stop["lat"], shop_stop["lon"]) == (SHOP["lat"], SHOP["lon"])
        assert (door["lat"], door["lon"]) == (round(HOME["lat"], 2), round(HOME["lon"], 2))
        assert rider.send("rider.reply", id="r-1", order="o-1", offer=offer, accept=True).status_code == 200
        door = rider.until("o-1", "accepted")["assignment"]["stops"][1]
        assert (door["lat"], door["lon"]) == (HOME["lat"], HOME["lon"])
        assert "assignment" not in alice.until("o-1", "accepted")
        assert [each["order"] for each in shop.get("/v1/orders").json()["orders"]] == ["o-1"]
        assert bob.get("/v1/orders").json() == {"orders": []}
        assert bob.get("/v1/orders/o-1").status_code == 404
        assert shop.send("kitchen.ready", id="k-1", order="o-1").status_code == 200
        for step in ("picked_up", "delivered"):
            assert rider.send("rider.progress", id=f"p-{step}", order="o-1", step=step).status_code == 200
        assert alice.until("o-1", "delivered") == {"order": "o-1", "shop": "shop-1", "state": "delivered"}
        late = alice.send("order.cancel", id="c-1", order="o-1")
        assert (late.status_code, late.json()["reason"], late.json()["again"]) == (409, "too_late", False)


def test_http_and_mqtt_are_one_way_in(tmp_path: Path) -> None:
    """One id is one decision, whichever way it comes; what one sends the other one sees; receipts reach both."""
    port = free_port()
    with site(tmp_path, "alice", listen_http=f"127.0.0.1:{port}") as made:
        alice, phone = web(made, "alice", port), Phone("alice", made.port, made.tokens["alice"])
        first = alice.place(1)
        assert phone.answer("receipt") == first.json()
        fields = json.loads(first.request.content)
        assert phone.send("order.place", **fields) == 0
        assert phone.answer("receipt") == first.json()
        assert alice.send("order.place", **fields).content == first.content
        assert alice.send("order.place", key="place-1", **fields).content == first.content
        assert alice.send("order.place", **{**fields, "order": "o-9"}).json()["reason"] == "id_reused"
        assert phone.send("order.cancel", id="c-1", order="o-1") == 0
        assert alice.until("o-1", "cancelled")
        assert made.status()["counts"]["duplicate"] == 4


def test_what_was_answered_survives_sigkill(tmp_path: Path) -> None:
    """Kill the node again and again under load: each event that was answered has its receipt afterwards, byte for byte,
    and each that was not is decided once when it comes again."""
    port = free_port()
    names = [f"c-{number}" for number in range(4)]
    with site(tmp_path, *names, listen_http=f"127.0.0.1:{port}") as made:
        answered: dict[tuple[str, int], bytes] = {}

        def order(name: str) -> None:
            number, client = 0, web(made, name, port)
            while number < 60:
                try:
                    answer = client.place(number, order=f"{name}-{number}")
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue  # the same id again
                if answer.status_code == 200:
                    answered[name, number] = answer.content
                    number += 1
                else:
                    assert answer.status_code in (429, 503), answer.text

        with ThreadPoolExecutor(len(names)) as people:
            busy = [people.submit(order, name) for name in names]
            for target in (40, 100, 160):
                wait_until(lambda target=target: len(answered) >= target or all(each.done() for each in busy))
                made.node.kill()
                made.node.start()
            for each in busy:
                each.result()
        assert len(answered) == 240
        for (name, number), receipt in answered.items():
            if number % 10 == 0:
                client = web(made, name, port)
                again = client.place(number, order=f"{name}-{number}")
                assert again.content == receipt
        assert made.status()["queues"]["orders"]["depth"] == 240


def test_a_client_that_hangs_up_has_its_decision_all_the_same(tmp_path: Path) -> None:
    """The request is gone before its answer; sent again it gets the receipt."""
    port = free_port()
    with site(tmp_path, "alice", listen_http=f"127.0.0.1:{port}") as made:
        alice = web(made, "alice", port)
        body = json.dumps({"id": "e-1", "at": 1_767_261_600_000, "order": "o-1"}).encode()

        async def send_and_go() -> None:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            head = f"POST /v1/events/order.cancel HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
            head += f"content-type: application/json\r\nauthorization: {alice.http.headers['authorization']}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
            writer.close()

        asyncio.run(send_and_go())
        wait_until(lambda: made.status()["counts"]["received"].get("order.cancel"))
        answer = alice.send("order.cancel", id="e-1", order="o-1")
        assert (answer.status_code, answer.json()["reason"], answer.json()["again"]) == (404, "unknown_order", True)


def test_tokens_of_phones_work_and_end(tmp_path: Path) -> None:
    """A JWT is a bearer token as it is; revoked, it is refused within seconds, and its wait ends."""
    make_key(tmp_path / "key.json", tmp_path / "keys.json", "ES256")
    port = free_port()
    options: dict[str, Any] = {
        "token_keys": "keys.json",
        "token_revoked": "revoked",
        "listen_http": f"127.0.0.1:{port}",
    }
    with site(tmp_path, **options):
        token, token_id = mint(tmp_path / "key.json", Newcomer("Alice_7", ("customer",)), "doorstep", 600)
        alice = Web(f"http://127.0.0.1:{port}", token)
        assert alice.place(1).status_code == 200
        assert alice.send("kitchen.ready", id="k-1", order="o-1").status_code == 403
        revoke(tmp_path / "revoked", token_id=token_id)
        wait_until(lambda: alice.get("/v1/orders").status_code == 401)


def test_tls_is_that_of_the_node(tmp_path: Path) -> None:
    """Over listen_https with the certificate of the other listeners; another authority is refused by the client."""
    ca, certificate, key = make_certificates(tmp_path)
    port = free_port()
    options: dict[str, Any] = {"tls_cert": str(certificate), "tls_key": str(key), "listen_https": f"127.0.0.1:{port}"}
    with site(tmp_path, "alice", **options) as made:
        alice = Web(
            f"https://localhost:{port}",
            f"alice~{made.tokens['alice']}",
            verify=ssl.create_default_context(cafile=str(ca)),
        )
        assert alice.place(1).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"https://localhost:{port}/v1/openapi.json")
        assert made.status()["link"]["certificate_days"] > 1


def test_a_stop_answers_what_was_asked_and_ends_waits(tmp_path: Path) -> None:
    """Whoever waits for a change is answered before the node goes."""
    port = free_port()
    with site(tmp_path, "alice", listen_http=f"127.0.0.1:{port}") as made:
        alice = web(made, "alice", port)
        alice.place(1)
        tag = alice.get("/v1/orders/o-1").headers["etag"]
        with ThreadPoolExecutor(1) as beside:
            wait = beside.submit(alice.get, "/v1/orders/o-1?wait=60", tag)
            wait_until(lambda: made.status()["http"]["waits"])
            began = time.monotonic()
            made.node.stop()
            assert wait.result().status_code == 304
        assert time.monotonic() - began < 55


def test_a_node_without_a_door_imports_nothing_of_it(tmp_path: Path) -> None:
    """Its memory is as it was: no HTTP server, no HTTP client, no signatures."""
    code = (
        "import sys, signal, threading, edge.app.run as run\n"
        "def look():\n"
        "        heavy = 'starlette uvicorn h11 httpx jwt cryptography standardwebhooks edge.api'.split()\n"
        "        print('imported', sorted(set(heavy) & set(sys.modules)), flush=True)\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "run.run('edge.toml', look)\n"
    )
    made = Site(tmp_path).configure(["alice"], {"status_listen": ""}, centre=False)
    found = subprocess.run([sys.executable, "-c", code], cwd=made.folder, capture_output=True, text=True, timeout=60)
    assert "imported []" in found.stdout, found.stdout + found.stderr


def test_a_plain_door_that_others_reach_is_named(tmp_path: Path) -> None:
    """In the log and in the status, as for MQTT; without credentials it is refused."""
    port = free_port()
    with site(tmp_path, "alice", listen_http=[f"127.0.0.1:{port}", "0.0.0.0:0"]) as made:
        assert made.status()["link"]["plain_beyond_loopback"] == "listen_http"
        assert "Use listen_https with a certificate" in made.node.log.read_text(encoding="utf-8")
    refused = Site(tmp_path / "open").configure([], {"anonymous": True, "listen_http": "0.0.0.0:0"}, centre=False)
    ended = refused.command("edge", "--config", f"{refused.folder}/edge.toml")
    assert ended.returncode == 2
    assert "listen_http" in ended.stderr


def test_who_is_removed_is_out_with_the_next_request(tmp_path: Path) -> None:
    """After a reload of the credentials."""
    port = free_port()
    tokens = add(tmp_path / "people", [Newcomer("alice", ("customer",)), Newcomer("bob", ("customer",))])
    options: dict[str, Any] = {"credentials": "people", "listen_http": f"127.0.0.1:{port}"}
    with site(tmp_path, **options) as made:
        alice = Web(f"http://127.0.0.1:{port}", f"alice~{tokens['alice']}")
        assert alice.get("/v1/orders").status_code == 200
        remove(tmp_path / "people", "alice")
        made.node.send_signal(signal.SIGHUP)
        wait_until(lambda: alice.get("/v1/orders").status_code == 401)
