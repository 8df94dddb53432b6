"""Tests of edge.api.routes: what each path answers to whom."""

import asyncio

import pytest

from edge.core.model import Answer, Configure, Event, Rules
from edge.errors import Reason
from edge.messages.envelope import Place
from edge.scenarios.dispatch.messages.up import OrderCancel, OrderPlace
from tests.edge.api.doors import AT, PLACE, World, names
from tests.waiting import until

URL = "/v1/events/order.place"


def town() -> World:
    """With an order of phone-7 at the noodle bar."""
    world = World()
    place = Place(31.23, 121.47)
    body = OrderPlace(id="e-1", at=AT, order="o-17", shop="noodle-bar", pickup=place, dropoff=place, prep_s=60)
    for item in (Configure(Rules(node="n-1")), Event("phone-7", body, json=True)):
        world.node.handle([item], world.lookups._now())
    world.committed = world.node.number
    return world


@pytest.mark.parametrize("reason", Reason)
async def test_a_refusal_is_a_problem(reason: Reason) -> None:
    """Whether it has a receipt or not."""
    world = World()
    async with world.client() as client:
        world.refuse(reason)
        bare = await client.post(URL, json=PLACE)
        world.decide = lambda publish: world.answer(publish, status="refused", reason=reason, detail="why")
        full = await client.post(URL, json=PLACE)
    assert bare.status_code == full.status_code
    assert bare.json()["reason"] == full.json()["reason"] == reason
    assert (full.json()["detail"], full.json()["id"]) == ("why", "e-1")


@pytest.mark.parametrize(("kind", "meant"), [("order.place", "order.place"), ("no.kind", "no.kind"), ("%00", "?")])
async def test_kinds_are_the_topics_of_mqtt(kind: str, meant: str) -> None:
    """What could be none in a topic is none here; the core names those that there are."""
    world = World()
    async with world.client() as client:
        await client.post(f"/v1/events/{kind}", json=PLACE)
    assert [publish.kind for publish in world.publishes] == [meant]


async def test_what_is_in_memory_only_is_taken_and_has_no_receipt() -> None:
    """204; a question is refused, because its answer finds its way over MQTT only."""
    world = World()
    world.refuse("")
    async with world.client("rider-12") as client:
        answer = await client.post("/v1/events/rider.position", json={"points": [[AT, 31.2, 121.4]]})
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await client.post("/v1/events/order.track", json={"order": "o-17"})).status_code == 404
    assert [publish.kind for publish in world.publishes] == ["rider.position"]


async def test_events_have_the_quota_of_mqtt() -> None:
    """One bucket for a client, however it comes; 429 beyond it, counted."""
    world = World(messages_per_s=1, burst=3)
    world.endpoint.visitor("phone-7").take(1, world.now_s)  # over MQTT
    async with world.client() as client:
        found = [(await client.post(URL, json=PLACE | {"id": f"e-{number}"})).status_code for number in range(4)]
        assert found == [200, 200, 429, 429]
        world.now_s += 1
        assert (await client.post(URL, json=PLACE)).status_code == 200
    assert world.shed_ == {"over_quota": 2}


async def test_a_node_that_is_behind_takes_no_events() -> None:
    """503 with Retry-After; what is there can be looked at."""
    world = town()
    world.routes.paused = True
    async with world.client() as client:
        answer = await client.post(URL, json=PLACE)
        assert (answer.status_code, answer.json()["reason"]) == (503, "overloaded")
        assert answer.headers["retry-after"] == "1"
        assert (await client.get("/v1/orders")).status_code == 200


@pytest.mark.parametrize(("who", "sees"), [("phone-7", ["o-17"]), ("till-1", ["o-17"]), ("rider-12", [])])
async def test_orders_are_those_of_the_client(who: str, sees: list[str]) -> None:
    """In the list and one by one."""
    world = town()
    async with world.client(who) as client:
        assert names((await client.get("/v1/orders")).json()["orders"]) == sees
        assert (await client.get("/v1/orders/o-17")).status_code == (200 if sees else 404)
        assert (await client.get("/v1/orders/o-99")).status_code == 404


async def test_who_has_no_part_in_orders_may_not_look() -> None:
    """403, with the roles that may."""
    async with town().client("gate-1") as client:
        answer = await client.get("/v1/orders")
    assert (answer.status_code, answer.json()["reason"]) == (403, "not_allowed")
    assert "customer or rider or shop" in answer.json()["detail"]


async def test_a_disk_that_takes_nothing_is_no_reason_to_show_what_is_not_on_it() -> None:
    """503, counted."""
    world = town()
    world.full = True
    async with world.client() as client:
        for path in ("/v1/orders", "/v1/orders/o-17"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert "retry-after" in answer.headers
    assert world.counts["refused_disk"] == 2


async def test_an_etag_saves_the_body() -> None:
    """304 where nothing has changed, with whatever else If-None-Match names."""
    async with town().client() as client:
        first = await client.get("/v1/orders/o-17")
        tag = first.headers["etag"]
        for header in (tag, f'"x", {tag}', tag.removeprefix("W/"), "*"):
            again = await client.get("/v1/orders/o-17", headers={"if-none-match": header})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert (await client.get("/v1/orders/o-17", headers={"if-none-match": '"x"'})).status_code == 200


@pytest.mark.parametrize("wait", ["61", "-1", "1.5", "x", "", "99999999999999999999", "１"])
async def test_a_wait_is_bounded(wait: str) -> None:
    """0 to 60 s; anything else is a mistake that somebody should learn of."""
    async with town().client() as client:
        answer = await client.get("/v1/orders/o-17", params={"wait": wait})
    assert answer.status_code == 400
    assert "0 to 60" in answer.json()["detail"]


async def test_a_wait_needs_something_to_compare_with() -> None:
    """Without If-None-Match the answer is there at once, and takes no place."""
    world = town()
    async with world.client() as client:
        assert (await client.get("/v1/orders/o-17?wait=60")).status_code == 200


async def test_a_wait_is_answered_with_the_change() -> None:
    """With the new state, as soon as its update is handed to the links."""
    world = town()
    async with world.client() as client:
        tag = (await client.get("/v1/orders/o-17")).headers["etag"]
        wait = asyncio.ensure_future(client.get("/v1/orders/o-17?wait=60", headers={"if-none-match": tag}))
        await until(lambda: world.lookups.waits)
        cancel = OrderCancel(id="e-2", at=AT, order="o-17")
        world.node.handle([Event("phone-7", cancel, json=True)], world.lookups._now())
        world.committed = world.node.number
        world.lookups.wake(["phone-7"])
        answer = await wait
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert answer.headers["etag"] != tag


async def test_a_token_that_is_revoked_meanwhile_ends_a_wait_without_an_answer() -> None:
    """Whoever has waited with it learns nothing more."""
    world = town()
    async with world.client() as client:
        tag = (await client.get("/v1/orders/o-17")).headers["etag"]
        wait = asyncio.ensure_future(client.get("/v1/orders/o-17?wait=60", headers={"if-none-match": tag}))
        await until(lambda: world.lookups.waits)
        world.tokens.clear()
        world.lookups.close()
        assert (await wait).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/orders/", 404),
        ("GET", "/v1/events/order.place", 405),
        ("POST", "/v1/orders", 405),
        ("DELETE", "/v1/orders/o-17", 405),
        ("GET", "/v1/orders/o-17/x", 404),
        ("GET", "/v1/orders/%2e%2e", 404),
    ],
)
async def test_whatever_else_is_asked_is_a_problem(method: str, path: str, status: int) -> None:
    """With a body that can be read, and the methods that there are."""
    async with town().client() as client:
        answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert ("allow" in answer.headers) == (status == 405)


async def test_a_fault_of_the_node_is_a_problem_and_shows_nothing_of_it() -> None:
    """The log has the rest."""
    world = town()
    world.node.scenarios = {}
    async with world.client() as client:
        answer = await client.get("/v1/orders")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "dispatch" not in answer.text


async def test_answers_of_other_kinds_are_no_receipts() -> None:
    """An update that comes with the receipt does not take its place."""
    world = World()

    def decide(publish) -> None:
        update = Answer(3, "phone-7", "update", b'{"id":"e-1","order":"o-17"}', 1e9)
        world.events.wake({"phone-7": [(update, 60.0)]})
        world.accept(publish)

    world.decide = decide
    async with world.client() as client:
        assert (await client.post(URL, json=PLACE)).json()["of"] == "order.place"
