"""Where the centre's alerts arrive: an HTTP server on loopback that verifies each, as an operator's would."""

import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from ...lab.http_server import Answered, Asked, LocalServer


class Inbox:
    """`changes` are what the alerts had, each message once: (began or ended, alarm, node, about). `forged` are messages
    whose signature is wrong."""

    def __init__(self) -> None:
        self.secret = self.new_secret()
        self.changes: list[tuple[str, str, str, str]] = []
        self.texts: list[str] = []
        self.forged = 0
        self._seen: set[str] = set()
        self._server = LocalServer(self.take)
        self.url = f"http://127.0.0.1:{self._server.port}/alerts"

    @staticmethod
    def new_secret() -> str:
        """By which alerts are signed."""
        return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"

    @contextmanager
    def open(self) -> Iterator[None]:
        """Take alerts until the block ends."""
        with self._server:
            yield

    def close(self) -> None:
        """Give the port back, where it was never opened."""
        self._server.close()

    def has(self, kind: str, alarm: str, node: str = "") -> bool:
        """Whether an alert has come that such an alarm `began` or `ended`."""
        return any(each[:2] == (kind, alarm) and node in ("", each[2]) for each in list(self.changes))

    def take(self, asked: Asked) -> Answered:
        """One request."""
        try:
            data: dict[str, Any] = Webhook(self.secret).verify(asked.body, asked.headers)["data"]
        except WebhookVerificationError:
            self.forged += 1
            return Answered(401)
        if (name := asked.headers["webhook-id"]) not in self._seen:
            self._seen.add(name)
            self.texts.append(data["text"])
            for kind in ("began", "ended"):
                self.changes += [(kind, each["alarm"], each["node"], each.get("about", "")) for each in data[kind]]
        return Answered(204)
