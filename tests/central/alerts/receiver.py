"""A receiver of alerts as a real HTTP server on loopback: it keeps every request, and answers as the test wants."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

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
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                with receiver._lock:
                    number = len(receiver.got)
                    receiver.got.append(Got(query, {k.lower(): v for k, v in self.headers.items()}, body))
                status, text = receiver.answer(number)
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args: Any) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        server.daemon_threads = True
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
