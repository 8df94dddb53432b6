"""Metrics on a listener of their own: TLS and the token first, and nothing but metrics."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from bench.lab.programs import make_certificates
from edge.web.scrape import Scrape
from tests.edge.web.feed import Feed, now

TOKEN = "m" * 32


@asynccontextmanager
async def scraped(folder: Path, feed: Feed) -> AsyncIterator[tuple[Scrape, httpx.AsyncClient]]:
    """A scraper's door on a free port, and a client that has the token."""
    authority, chain, key = make_certificates(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    scrape = await Scrape.open(feed.status, now, TOKEN)
    _, port = await scrape.listen("127.0.0.1:0", tls=lambda: context)
    trust = ssl.create_default_context(cafile=str(authority))
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(
        base_url=f"https://localhost:{port}", verify=trust, headers=headers, trust_env=False, timeout=20
    ) as client:
        yield scrape, client
    await scrape.close()


async def test_whoever_has_the_token_gets_the_metrics(tmp_path: Path) -> None:
    """Over TLS, in the text format; HEAD gives the headers alone."""
    feed = Feed()
    feed.step()
    async with scraped(tmp_path, feed) as (_, client):
        answer = await client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "\ndoorstep_serving 1.0\n" in answer.text
        assert (await client.head("/metrics")).status_code == 200


async def test_others_learn_nothing(tmp_path: Path) -> None:
    """Without the token, or with another, every path is 401, whether it exists or not."""
    async with scraped(tmp_path, Feed()) as (_, client):
        for wrong in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}):
            client.headers.pop("authorization", None)
            client.headers.update(wrong)
            for path in ("/metrics", "/", "/api/status", "/nothing"):
                answer = await client.get(path)
                assert (answer.status_code, "doorstep_" in answer.text) == (401, False)


async def test_there_is_nothing_but_metrics(tmp_path: Path) -> None:
    """Neither the page nor the status is here, and nothing is written."""
    async with scraped(tmp_path, Feed()) as (_, client):
        for path in ("/", "/api/status", "/api/live", "/healthz", "/metrics/", "/static/app.js"):
            assert (await client.get(path)).status_code == 404
        assert (await client.post("/metrics")).status_code == 405


async def test_a_new_token_replaces_the_old_one(tmp_path: Path) -> None:
    """On the connection that is open, too."""
    async with scraped(tmp_path, Feed()) as (scrape, client):
        assert (await client.get("/metrics")).status_code == 200
        scrape.token = "n" * 32
        assert (await client.get("/metrics")).status_code == 401
        client.headers["authorization"] = f"Bearer {scrape.token}"
        assert (await client.get("/metrics")).status_code == 200


async def test_a_scrape_names_no_person(tmp_path: Path) -> None:
    """What may leave the node has kinds, reasons, states and stages as labels, never who."""
    feed = Feed()
    feed.step()
    async with scraped(tmp_path, feed) as (_, client):
        lines = [line for line in (await client.get("/metrics")).text.splitlines() if "{" in line and line[0] != "#"]
    labels = {each.partition("=")[0] for line in lines for each in line.split("{")[1].split("}")[0].split(",")}
    assert labels <= {"kind", "reason", "state", "stage", "le", "queue", "name"}
