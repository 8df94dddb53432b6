"""Where the centre's alerts arrive: an HTTP server on loopback that verifies each, as an operator's would."""

import base64
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


class Inbox:
    """`changes` are what the alerts had, each message once: (began or ended, alarm, node, about). `forged` are messages
    whose signature is wrong."""

    def __init__(self) -> None:
        self.secret = self.new_secret()
        self.changes: list[tuple[str, str, str, str]] = []
        self.texts: list[str] = []
        self.forged = 0
        self._seen: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    @staticmethod
    def new_secret() -> str:
        """By which alerts are signed."""
        return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"

    @contextmanager
    def open(self) -> Iterator[None]:
        """Take alerts until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self.close()

    def close(self) -> None:
        """Give the port back, where it was never opened."""
        self._server.server_close()

    def has(self, kind: str, alarm: str, node: str = "") -> bool:
        """Whether an alert has come that such an alarm `began` or `ended`."""
        return any(each[:2] == (kind, alarm) and node in ("", each[2]) for each in list(self.changes))

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """One request; its status."""
        try:
            data: dict[str, Any] = Webhook(self.secret).verify(body, headers)["data"]
        except WebhookVerificationError:
            self.forged += 1
            return 401
        if (name := headers["webhook-id"]) not in self._seen:
            self._seen.add(name)
            self.texts.append(data["text"])
            for kind in ("began", "ended"):
                self.changes += [(kind, each["alarm"], each["node"], each.get("about", "")) for each in data[kind]]
        return 204

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(min(int(self.headers["content-length"]), 1_000_000))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(inbox.take(headers, body))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None: ...

        return Handler
