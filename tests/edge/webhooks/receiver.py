"""An app's server as a real HTTP server on loopback: verifies each webhook with the specification's own library, and
answers as the test wants it to."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from standardwebhooks import Webhook, WebhookVerificationError

from bench.lab.http_server import Answered, Asked, LocalServer

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OTHER = "whsec_" + base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()


class Got(NamedTuple):
    """One attempt, verified, and what it was answered."""

    id: str
    type: str
    client: str
    message: dict[str, Any]
    status: int


class Receiver:
    """`answer(attempt, message)` gives the status, perhaps with headers; it may take its time. `got` has every attempt,
    `taken` the messages of those that were answered 2xx, each once, by first arrival."""

    def __init__(self) -> None:
        self.answer: Callable[[int, dict[str, Any]], int | tuple[int, dict[str, str]]] = lambda _n, _m: 204
        self.secret = SECRET
        self.got: list[Got] = []
        self.forged = 0
        self.port = 0
        self.body = b""
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?node=1"

    @property
    def taken(self) -> list[Got]:
        found: dict[str, Got] = {}
        for each in list(self.got):
            if 200 <= each.status < 300:
                found.setdefault(each.id, each)
        return list(found.values())

    def states(self, order: str, client: str) -> list[str]:
        """What was taken about one order for one client, in sequence."""
        return [
            each.message["state"] for each in self.taken if (each.message.get("order"), each.client) == (order, client)
        ]

    @contextmanager
    def listening(self) -> Iterator["Receiver"]:
        """On the same port each time."""
        with LocalServer(self._answered, self.port) as server:
            self.port = server.port
            yield self

    def _answered(self, asked: Asked) -> Answered:
        status, headers = self.take(asked.headers, asked.body)
        return Answered(status, self.body, headers)

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        """One request."""
        try:
            content = Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
            return 401, {}
        with self._lock:
            number = len(self.got)
            data = content["data"]
            self.got.append(Got(headers["webhook-id"], content["type"], data["client"], data["message"], 0))
        found = self.answer(number, content)
        status, more = found if isinstance(found, tuple) else (found, {})
        with self._lock:
            self.got[number] = self.got[number]._replace(status=status)
        return status, more


def hang(seconds: float) -> Callable[[int, dict[str, Any]], int]:
    """Answers late."""

    def answer(_n: int, _m: dict[str, Any]) -> int:
        time.sleep(seconds)
        return 204

    return answer


def fields(**values: Any) -> bytes:
    """A payload."""
    return json.dumps(values).encode()
