"""The files of the console: small, cached by their version, with their licences."""

import gzip
import re

from tests.central.consoles import Served

BYTES_MAX = 300_000
"""Of everything that a browser fetches, gzipped."""


def test_everything_is_small(console: Served) -> None:
    """All files and the largest page together stay below the bound; each is fetched once."""
    with console.client("viewer") as client:
        pages = [client.get(path).text for path in ("/", "/orders", "/latency", "/demand")]
        names = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', pages[0]))
        files = [client.get(name) for name in names]
    assert len(names) == 7
    for answer in files:
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
    size = sum(int(answer.headers["content-length"]) for answer in files)
    assert size + max(len(gzip.compress(page.encode())) for page in pages) < BYTES_MAX / 4


def test_files_that_are_not_there_and_old_versions(console: Served) -> None:
    """404, and no long life under another version; a client without gzip gets them plain."""
    with console.client() as client:
        assert client.get("/static/none.js").status_code == 404
        assert client.get("/static/..%2fdesk.py").status_code == 404
        plain = client.get("/static/console.css?v=old", headers={"accept-encoding": "identity"})
        assert (plain.headers["cache-control"], "content-encoding" in plain.headers) == ("no-cache", False)
        licences = client.get("/static/LICENSES.txt").text
    assert "uPlot" in licences
    assert "idiomorph" in licences


def test_what_was_there_before_still_is(console: Served) -> None:
    """The first API answers beside the console, without its session."""
    with console.client() as client:
        assert len(client.get("/api/nodes").json()["nodes"]) == 4
        assert client.get("/api/summary").json()["events"] > 0
        assert client.get("/healthz").json()["ok"]
        assert "doorstep_central_events" in client.get("/metrics").text
        assert client.get("/api/nodes", headers={"host": "evil.example"}).status_code == 400
