"""Tests of edge.webhooks.request: what is sent, how it is signed, and what answers mean."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from edge.service import webhook
from edge.service.webhook import Result
from edge.webhooks.outbox import Message
from edge.webhooks.request import Target
from tests.edge.webhooks.receiver import OTHER, SECRET, Receiver, fields, hang

MESSAGE = Message(7, 41, 1_767_261_600_123, "phone-7", "update", "o-17", fields(order="o-17", state="placed"))
NOW = datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().listening() as made:
        yield made


async def pushed(receiver: Receiver, *secrets: str) -> Result:
    target = Target(receiver.url, [Webhook(each) for each in secrets or (SECRET,)], "shop-1", "0123456789ab", None)
    try:
        return await target.push(MESSAGE, datetime.now(UTC))
    finally:
        await target.close()


async def test_a_message_names_its_node_its_client_and_what_happened(receiver: Receiver) -> None:
    """In the form that the specification asks for, with an id that is the same at every attempt."""
    assert (await pushed(receiver)).fate == (await pushed(receiver)).fate == "delivered"
    first, again = receiver.got
    assert first == again
    assert first.id == "msg_0123456789ab_41"
    assert (first.type, first.client, first.message) == ("update", "phone-7", {"order": "o-17", "state": "placed"})


async def test_while_a_secret_changes_both_sign(receiver: Receiver) -> None:
    """A receiver with either of them is content; one with none of them takes nothing."""
    for secret in (SECRET, OTHER):
        receiver.secret = secret
        assert (await pushed(receiver, SECRET, OTHER)).fate == "delivered"
    receiver.secret = OTHER
    assert (await pushed(receiver, SECRET)).fate == "refused"
    assert receiver.forged == 1


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        *((status, "delivered") for status in (200, 204)),
        *((status, "refused") for status in (301, 307, 400, 401, 410)),
        *((status, "unreachable") for status in (408, 429, 502, 503, 504)),
        *((status, "failed") for status in (500, 501)),
    ],
)
async def test_what_an_answer_means(receiver: Receiver, status: int, fate: str) -> None:
    """A redirect is followed nowhere: it would take the message to somebody else."""
    with Receiver().listening() as elsewhere:
        receiver.answer = lambda _n, _m: (status, {"location": elsewhere.url, "retry-after": "7"})
        result = await pushed(receiver)
        assert not elsewhere.got
    assert result.fate == fate
    assert result.wait_s == (0 if fate == "delivered" else 7)
    assert (fate == "delivered") or f"{status}" in result.why


@pytest.mark.parametrize("asked", ["99999999", "-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_retry_after_that_is_none_is_not_heeded(receiver: Receiver, asked: str) -> None:
    """Seconds are what is understood, an hour of them at most."""
    receiver.answer = lambda _n, _m: (503, {"retry-after": asked})
    assert (await pushed(receiver)).wait_s == 0
    receiver.answer = lambda _n, _m: (503, {"retry-after": "86400"})
    assert (await pushed(receiver)).wait_s == 3600


async def test_a_receiver_that_hangs_is_left(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """After REQUEST_S_MAX."""
    monkeypatch.setattr(webhook, "REQUEST_S_MAX", 0.2)
    receiver.answer = hang(3)
    result = await pushed(receiver)
    assert (result.fate, result.why) == ("unreachable", "no answer within 0.2 s")


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    """Its status counts; neither its size nor its pace holds anything up."""
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while sent < 100_000_000:
                writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                sent += 4096
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = Target(f"http://127.0.0.1:{port}/", [Webhook(SECRET)], "n", "i", None)
    assert (await target.push(MESSAGE, NOW)).fate == "delivered"
    await target.close()
    server.close()
    assert sent < 50_000_000


async def test_where_nobody_listens_nothing_is_raised(receiver: Receiver) -> None:
    """Connection refused, and a name that does not exist."""
    for url in ("http://127.0.0.1:1/", "http://name.invalid/"):
        target = Target(url, [Webhook(SECRET)], "n", "i", None)
        result = await target.push(MESSAGE, NOW)
        assert result.fate == "unreachable"
        assert result.why
        await target.close()


async def test_no_proxy_of_the_environment_is_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pushed goes to the receiver alone."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert (await pushed(receiver)).fate == "delivered"
    assert httpx.AsyncClient  # the library that would have
