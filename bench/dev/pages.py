"""The pages of an app on loopback, read anew at each request, with an ear on their WebSockets."""

import json
import threading
from collections.abc import Callable, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

OWN: Final = Path(__file__).parent / "static"
TAP: Final = b'<script src="/_dev/tap.js"></script>'
MESSAGE_BYTES_MAX: Final = 64 * 1024
"""Of one message that the pages report."""


class Pages:
    """Serves `folder`, this package's own files below /_dev/ (the frame is /), and `library` as doorstep.whole.js.
    `settings` is what the frame asks for; `on_message` gets what the pages send and receive."""

    def __init__(
        self,
        port: int,
        folder: Path,
        library: Path,
        settings: Mapping[str, Any],
        on_message: Callable[[Mapping[str, Any]], None],
    ) -> None:
        handler = partial(_Handler, self)
        self.folder, self.library, self.settings, self.on_message = folder, library, settings, on_message
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="pages", daemon=True)

    @property
    def url(self) -> str:
        """Of the frame."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def start(self) -> None:
        """Serve."""
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, pages: Pages, *rest: Any) -> None:
        self._pages = pages
        super().__init__(*rest, directory=str(pages.folder))

    def do_GET(self) -> None:
        """A file of the app, a page of it with the tap, or one of ours."""
        path = self.path.partition("?")[0]
        if path == "/":
            self._send((OWN / "frame.html").read_bytes(), "text/html; charset=utf-8")
        elif path == "/_dev/settings.json":
            self._send(json.dumps(dict(self._pages.settings)).encode(), "application/json")
        elif path in ("/_dev/tap.js", "/_dev/frame.js", "/_dev/frame.css"):
            kind = "text/css" if path.endswith("css") else "text/javascript"
            self._send((OWN / path.rpartition("/")[2]).read_bytes(), kind)
        elif path == "/doorstep.whole.js":
            self._send(self._pages.library.read_bytes(), "text/javascript")
        elif path.endswith(".html") and (file := Path(self.translate_path(path))).is_file():
            self._send(_tapped(file.read_bytes()), "text/html; charset=utf-8")
        else:
            super().do_GET()

    def do_POST(self) -> None:
        """Messages that went by."""
        size = int(self.headers.get("content-length", "0"))
        own = self.headers.get("origin", "").rstrip("/") == self._pages.url.rstrip("/")
        if self.path != "/_dev/messages" or size > MESSAGE_BYTES_MAX or not own:
            self.send_error(400)
            return
        try:
            self._pages.on_message(json.loads(self.rfile.read(size)))
        except (ValueError, KeyError, TypeError):
            self.send_error(400)
        else:
            self._send(b"", "text/plain")

    def end_headers(self) -> None:
        """A changed file is there with the next reload."""
        self.send_header("cache-control", "no-store")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """The terminal is for what people want to read."""

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _tapped(page: bytes) -> bytes:
    """The page, with our script before its own."""
    at = page.lower().find(b"<script")
    return page[:at] + TAP + page[at:] if at >= 0 else page + TAP
