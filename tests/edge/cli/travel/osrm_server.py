"""A small routing service that answers as OSRM does, as a real HTTP server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from math import dist
from urllib.parse import parse_qs, urlsplit

from bench.lab.http_server import Answered, LocalServer


class Service:
    """`asked` are its requests; `fails_after`: so many are answered. `body` replaces each answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, int, int]] = []
        self.fails_after = 10**9
        self.body: bytes | None = None

    def answer(self, path: str) -> tuple[int, bytes]:
        """As https://project-osrm.org/docs/v5.24.0/api/#table-service has it."""
        parts = urlsplit(path)
        _, service, version, profile, places = parts.path.split("/")
        assert (service, version) == ("table", "v1")
        at = [tuple(map(float, place.split(","))) for place in places.split(";")]
        query = parse_qs(parts.query)
        sources, destinations = (
            [int(number) for number in query[name][0].split(";")] for name in ("sources", "destinations")
        )
        if len(at) > 100:
            return 400, json.dumps({"code": "TooBig", "message": "Too many table coordinates"}).encode()
        self.asked.append((profile, len(sources), len(destinations)))
        if len(self.asked) > self.fails_after:
            return 503, b"busy"
        rows = [
            [None if one == two else round(1e5 * dist(at[one], at[two]), 1) for two in destinations] for one in sources
        ]
        return 200, self.body or json.dumps({"code": "Ok", "durations": rows, "sources": []}).encode()


@contextmanager
def osrm() -> Iterator[Service]:
    """The service, on a free port."""

    with LocalServer(lambda asked: Answered(*service.answer(asked.path))) as server:
        service = Service(f"http://127.0.0.1:{server.port}")
        yield service
