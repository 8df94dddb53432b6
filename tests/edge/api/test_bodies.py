"""Tests of edge.api.bodies: what is an event, what is too much, and where its id is."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.api import bodies
from edge.limits import PAYLOAD_BYTES_MAX
from tests.edge.api.doors import PLACE, World

URL = "/v1/events/order.place"
WITHOUT = {name: value for name, value in PLACE.items() if name != "id"}


@pytest.mark.parametrize("key", ["e-1", '"e-1"'])
async def test_the_id_may_be_in_the_header(key: str) -> None:
    """What the core gets has it, first of all; the rest is as it was."""
    world = World()
    async with world.client() as client:
        answer = await client.post(URL, json=WITHOUT, headers={"idempotency-key": key})
    assert answer.status_code == 200
    assert json.loads(world.publishes[0].payload) == PLACE


async def test_a_body_with_its_id_is_handed_over_byte_for_byte() -> None:
    """White space, an odd order and a byte order mark are the sender's own."""
    world = World()
    content = b'\xef\xbb\xbf { "at" : 1, "id" : "e-1" }\n'
    async with world.client() as client:
        headers = {"content-type": "application/json; charset=utf-8", "idempotency-key": "e-1"}
        assert (await client.post(URL, content=content, headers=headers)).status_code == 200
    assert world.publishes[0].payload == content


@pytest.mark.parametrize(
    ("body", "key", "field"),
    [
        (PLACE, "e-2", "id"),
        (WITHOUT, None, "id"),
        (PLACE | {"id": 5}, None, "id"),
        (PLACE | {"id": None}, "e-1", "id"),
        (PLACE | {"id": "a b"}, None, "id"),
        (WITHOUT, "a b", "Idempotency-Key"),
        (WITHOUT, "", "Idempotency-Key"),
        (WITHOUT, '"e-1', "Idempotency-Key"),
    ],
)
async def test_an_event_has_one_good_id(body: dict[str, Any], key: str | None, field: str) -> None:
    """None, a bad one, and two that differ are 400, and nothing is handed over."""
    world = World()
    async with world.client() as client:
        answer = await client.post(URL, json=body, headers={} if key is None else {"idempotency-key": key})
    assert (answer.status_code, answer.json()["reason"], answer.json()["field"]) == (400, "malformed", field)
    assert not world.publishes
    assert world.shed_ == {"malformed": 1}


async def test_a_key_that_is_there_twice_is_refused() -> None:
    """A proxy and the node could each take another one for the id."""
    world = World()
    async with world.client() as client:
        answer = await client.post(URL, json=WITHOUT, headers=[("idempotency-key", "e-1"), ("Idempotency-Key", "e-2")])
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")
    assert not world.publishes


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b'"x"', b"null", b"\xff", b"[" * 9000, b"{}x"])
async def test_what_is_no_object_is_no_event(content: bytes) -> None:
    """400, counted as malformed."""
    world = World()
    async with world.client() as client:
        answer = await client.post(URL, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "malformed")
    assert world.shed_ == {"malformed": 1}


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_only_json_is_taken(kind: str | None) -> None:
    """415: what a page of another origin can send without being asked is not JSON."""
    world = World()
    async with world.client() as client:
        answer = await client.post(URL, content=b"{}", headers={"content-type": kind} if kind else {})
    assert answer.status_code == 415


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_has_a_bound(chunked: bool) -> None:
    """Whether its length is announced or not; the connection ends, since the rest is not read."""
    world = World()
    sent = json.dumps(PLACE | {"note": "x" * PAYLOAD_BYTES_MAX}).encode()

    async def parts() -> AsyncIterator[bytes]:
        for begin in range(0, len(sent), 1000):
            yield sent[begin : begin + 1000]

    async with world.client() as client:
        headers = {"content-type": "application/json"}
        answer = await client.post(URL, content=parts() if chunked else sent, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (413, "oversized")
    assert answer.headers["connection"] == "close"
    assert world.shed_ == {"oversized": 1}


async def test_a_body_has_to_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """408 for one that stays half."""
    monkeypatch.setattr(bodies, "BODY_S_MAX", 0.05)
    world = World()

    async def parts() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    async with world.client() as client:
        answer = await client.post(URL, content=parts(), headers={"content-type": "application/json"})
    assert answer.status_code == 408
