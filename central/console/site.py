"""The routes of the console: pages, changes, files. What the centre's API answers goes through to it."""

import gzip
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .changes import Changes
from .desk import HEADERS, Centre, Desk
from .events import Events
from .login import LogIn
from .pages import Pages

_OWN: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_OF_THE_NODE: Final = ("style.css", "icon.svg")
"""What the console shares with the status page of a node: its look."""

SHARED: Final = ("/", "/orders", "/latency", "/demand")
"""Pages on which a tab stays open, and which are the same for everybody with the same role and language."""


class Console:
    """Of one centre: its routes, and its end."""

    def __init__(self, centre: Centre) -> None:
        files = {path.name: path.read_bytes() for path in sorted(_OWN.iterdir())}
        node = resources.files("edge.web") / "static"
        files |= {name: (node / name).read_bytes() for name in _OF_THE_NODE}
        version = sha256(b"".join(files[name] for name in sorted(files))).hexdigest()[:12]
        self._files = {name: (data, gzip.compress(data, 9, mtime=0)) for name, data in files.items()}
        self.desk = Desk(centre, version)
        self._events = Events(self.desk)

    def routes(self) -> list[Route]:
        """All of them."""
        desk, pages = self.desk, Pages(self.desk)
        changes, role = Changes(desk, pages), "operator"
        desk.renderer.navigation = [(page.path, page.title, page.role) for page in pages.pages()]
        return [
            *(
                Route(page.path, desk.page(page.role, page.show, shared=page.path in SHARED), methods=["GET"])
                for page in pages.pages()
            ),
            Route("/nodes/{node}", desk.page("viewer", pages.node, shared=True), methods=["GET"]),
            Route("/quarantine", desk.page(role, pages.quarantine, changes.quarantine), methods=["POST"]),
            Route("/rollouts", desk.page("admin", pages.rollouts, changes.rollouts), methods=["POST"]),
            Route("/enrolment/invite", desk.page("admin", pages.enrolment, changes.invite), methods=["POST"]),
            Route("/enrolment/revoke", desk.page("admin", pages.enrolment, changes.revoke), methods=["POST"]),
            *LogIn(desk).routes(),
            Route("/events", self._events.stream, methods=["GET"]),
            Route("/static/{name}", self._static, methods=["GET"]),
        ]

    def close(self) -> None:
        """Streams end, and so do the threads."""
        self._events.close()
        self.desk.close()

    async def _static(self, request: Request) -> Response:
        """A file, for a year where its version is asked for: another version has another address."""
        name = request.path_params["name"]
        if name not in self._files:
            return Response("There is no such file.\n", 404, HEADERS, "text/plain")
        plain, packed = self._files[name]
        current = request.query_params.get("v") == self.desk.version
        headers = HEADERS | {"cache-control": "public, max-age=31536000, immutable" if current else "no-cache"}
        headers |= {"vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, 200, headers | {"content-encoding": "gzip"}, _TYPES[Path(name).suffix])
        return Response(plain, 200, headers, _TYPES[Path(name).suffix])
