"""A receiver of alerts as a real HTTP server on loopback: it keeps every request, and answers as the test wants."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from bench.lab.http_server import Answered, Asked, LocalServer

Answer = tuple[int, bytes]
OK: Answer = (200, b'{"errcode":0,"errmsg":"ok"}')


class Got(NamedTuple):
    """One request."""

    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers.get("webhook-id", "")

    @property
    def content(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def data(self) -> dict[str, Any]:
        return self.content["data"]


class Receiver:
    """`answer(number)` is what the attempt of that number gets."""

    def __init__(self) -> None:
        self.answer: Callable[[int], Answer] = lambda _number: OK
        self.got: list[Got] = []
        self.port = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/send"

    def table(self, folder: Any, *, secret: str = "", **options: Any) -> str:
        """It as a table of a centre's configuration in `folder`."""
        name = options.setdefault("name", "ops")
        path = folder / f"{name}.secret"
        path.touch(0o600)
        path.write_text(secret or "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
        values = {"url": self.url, "secret_file": str(path), "after_s": 0, "per_minute": 60, **options}
        return "[[alert]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())

    @contextmanager
    def listening(self) -> Iterator["Receiver"]:
        """On the same port each time."""
        with LocalServer(self._take, self.port) as server:
            self.port = server.port
            yield self

    def _take(self, asked: Asked) -> Answered:
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        with self._lock:
            number = len(self.got)
            self.got.append(Got(query, asked.headers, asked.body))
        return Answered(*self.answer(number))
