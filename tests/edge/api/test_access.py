"""Tests of edge.api.access: who is let in, at what price, and what a refusal costs whom."""

import base64
import json

import pytest

from edge.api.access import WORK_PER_REQUEST
from edge.api.routes import Routes
from edge.messages.grants import Grant
from edge.mqtt.server.budgets import FAILED_CONNECTS_BURST, WORK_BURST
from edge.scenarios.dispatch import Dispatch
from edge.web.board import Place, routes
from tests.edge.api.doors import World

BAD = "|Bearer|Bearer |Bearer phone-7|Bearer phone-7~|Bearer phone-7~wrong|Bearer ~secret-7|Bearer nobody~secret-7|"
BAD += "Basic cGhvbmUtNzpzZWNyZXQtNw==|Bearer a.b.c|Bearer é~é|Bearer " + "x" * 9_000


@pytest.mark.parametrize("header", BAD.split("|"), ids=range(BAD.count("|") + 1))
async def test_without_a_good_token_there_is_nothing(header: str) -> None:
    """401 with a problem, counted, charged to the address, and the end of the connection."""
    world = World()
    async with world.client("") as client:
        answer = await client.get("/v1/orders", headers=[(b"authorization", header.encode())] if header else [])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.counts["refused_credentials"] == 1
    assert world.endpoint.registry.failed.refused["credentials"] == 1


async def test_an_address_that_fails_too_often_is_not_accepted_any_more() -> None:
    """Its bucket is the one of MQTT."""
    world = World()
    async with world.client("") as client:
        for _ in range(FAILED_CONNECTS_BURST):
            assert (await client.get("/v1/orders")).status_code == 401
    assert not world.endpoint.admits("192.0.2.7")
    assert world.endpoint.admits("192.0.2.8")


async def test_a_token_of_the_file_and_a_jwt_name_their_client() -> None:
    """`<client>~<token>`; a JWT by its `sub`, which whoever verifies it compares."""
    world = World()
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "Alice_7"}).encode()).decode().rstrip("=")
    world.tokens["Alice_7"] = (f"e30.{claims}.sig", Grant(("customer",)))
    for name, token in (("Alice_7", f"e30.{claims}.sig"), ("phone-7", "phone-7~secret-7")):
        async with world.client("") as client:
            headers = {"authorization": f"bearer {token}", "content-type": "application/json"}
            assert (await client.post("/v1/events/order.cancel", headers=headers, json={"id": "e"})).status_code == 200
        assert world.publishes[-1].client == name


async def test_a_revoked_token_is_good_for_nothing_more() -> None:
    """Each request asks anew."""
    world = World()
    async with world.client() as client:
        assert (await client.get("/v1/orders")).status_code == 200
        world.tokens.clear()
        assert (await client.get("/v1/orders")).status_code == 401


async def test_requests_have_a_price_and_events_pay_it_back() -> None:
    """Beyond the budget 429 with Retry-After; it fills again; others are not touched."""
    world = World()
    async with world.client() as client:
        for number in range(3 * WORK_BURST // WORK_PER_REQUEST):
            assert (await client.post("/v1/events/order.cancel", json={"id": f"e-{number}"})).status_code == 200
        for _ in range(WORK_BURST // WORK_PER_REQUEST):
            assert (await client.get("/v1/orders")).status_code == 200
        answer = await client.get("/v1/orders")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert world.counts["refused_budget"] == 1
        async with world.client("till-1") as other:
            assert (await other.get("/v1/orders")).status_code == 200
        world.now_s += int(answer.headers["retry-after"])
        assert (await client.get("/v1/orders")).status_code == 200


async def test_without_credentials_only_loopback_names_are_answered() -> None:
    """The token is the client's name; a page whose own name was re-bound to this machine gets nothing."""
    world = World(anonymous=True)
    async with world.client("") as client:
        headers = {"authorization": "Bearer noodle-bar"}
        assert (await client.get("/v1/orders", headers=headers)).status_code == 200
        assert (await client.get("/v1/orders", headers=headers | {"host": "evil.example"})).status_code == 421
        assert (await client.get("/v1/orders", headers={"authorization": "Bearer a/b"})).status_code == 401


async def test_the_contract_needs_no_token_and_no_answer_is_to_be_stored() -> None:
    """It is public; nothing else is."""
    world = World()
    async with world.client("") as client:
        answer = await client.get("/v1/openapi.json")
        assert answer.json()["openapi"] == "3.1.0"
        for path in ("/v1/openapi.json", "/v1/orders", "/", "/v1/openapi.json/"):
            found = await client.get(path)
            assert found.status_code == (200 if path == "/v1/openapi.json" else 401)
            assert found.headers["cache-control"] == "no-store"
            assert "access-control-allow-origin" not in found.headers


async def test_the_board_needs_no_token_and_an_address_pays_for_its_files() -> None:
    """A page with a policy of its own, and its files; what lies beside it needs one, as everything else does."""
    world = World()
    pages = routes(Place("n-1", {"listen_wss": 8884}), "en")
    world.routes = Routes([Dispatch], world, world.endpoint, world.events, world.lookups, world.counts, pages=pages)
    async with world.client("") as client:
        page = await client.get("/board")
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
        assert page.headers["content-security-policy"].endswith("connect-src wss://127.0.0.1:8884")
        assert (await client.get("/board/board.js")).status_code == 200
        assert (await client.get("/board/nothing.js")).status_code == 404
        for path in ("/boards", "/boar", "/", "/v1/orders"):
            assert (await client.get(path)).status_code == 401
        for _ in range(FAILED_CONNECTS_BURST):
            await client.get("/board")
    assert not world.endpoint.admits("192.0.2.7")
