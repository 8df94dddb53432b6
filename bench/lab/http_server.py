"""An HTTP server on loopback for whoever plays the other side: a receiver of webhooks, a routing service."""

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple, Self

BODY_BYTES_MAX: Final = 16 * 1024 * 1024
POLL_S: Final = 0.02


class Asked(NamedTuple):
    """A request; the names of headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Answered(NamedTuple):
    """What it gets."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


class LocalServer:
    """Has its port from the first, and answers GET and POST inside of `with`, each request in a thread."""

    def __init__(self, answer: Callable[[Asked], Answered], port: int = 0) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(min(int(self.headers["content-length"] or 0), BODY_BYTES_MAX))
                headers = {name.lower(): value for name, value in self.headers.items()}
                found = answer(Asked(self.path, headers, body))
                self.send_response(found.status)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(found.body)))
                self.end_headers()
                self.wfile.write(found.body)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_S,), daemon=True)
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Give the port back, where it was never entered."""
        self._server.server_close()
