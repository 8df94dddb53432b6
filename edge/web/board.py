"""The dispatcher's board: a page whose scripts speak MQTT in a WebSocket with the node, as any client does. It is at
the status page's address, and for other machines at the listeners for HTTP.

Nothing of the node is in its files but its name and the ports of its listeners. So they need no token of the page's:
who dispatches logs in with a dispatcher's own, and sees no map of riders.
"""

import html
from collections.abc import Mapping
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..words.words import LANGUAGES, Language, known, words
from .pages import STATIC, translated, words_script

FOLDER: Final = STATIC / "board"
PATH: Final = "/board"
_TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
ASSETS: Final = (
    FOLDER / "client.js",
    FOLDER / "board.js",
    FOLDER / "orders.js",
    FOLDER / "riders.js",
    FOLDER / "actions.js",
    FOLDER / "dialogs.js",
    FOLDER / "questions.js",
    FOLDER / "style.css",
    STATIC / "language.js",
    STATIC / "icon.svg",
)
"""What the page is made of beside the table of words, read into memory once: 60 kB, of which the client has 37."""


class Place(NamedTuple):
    """Where the page finds the node: its name, and the ports of its listeners by option."""

    node: str
    ports: Mapping[str, int]


def routes(place: Place, language: Language) -> list[Route]:
    """The page and its files; `language` is for who asks for none with `?lang=`."""
    assets = {path.name: (_TYPES[path.suffix], path.read_bytes()) for path in ASSETS}
    assets["words.js"] = _TYPES[".js"], words_script()
    page = (FOLDER / "index.html").read_bytes()
    pages = {each: _filled(translated(page, words(each)), place) for each in LANGUAGES}

    async def index(request: Request) -> Response:
        asked = known(request.query_params.get("lang", "")) or language
        headers = {"content-security-policy": policy(request.url.hostname or "", place.ports)}
        return Response(pages[asked], headers=headers, media_type="text/html; charset=utf-8")

    async def asset(request: Request) -> Response:
        kind, body = assets.get(request.path_params["name"], ("", b""))
        return Response(body, media_type=kind) if kind else PlainTextResponse("There is no such file.\n", 404)

    return [Route(PATH, index), Route(f"{PATH}/{{name}}", asset)]


def policy(host: str, ports: Mapping[str, int]) -> str:
    """Scripts of this page alone, and connections to this node's listeners alone: no link, and nothing that a client
    writes, can send a dispatcher's token elsewhere."""
    named = f"[{host}]" if ":" in host else host
    sockets = [f"{scheme}://{named}:{ports[option]}" for scheme, option in SOCKETS if ports.get(option)]
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'none'; connect-src {' '.join(sockets) or repr('none')}"
    )


SOCKETS: Final = (("ws", "listen_ws"), ("wss", "listen_wss"))


def _filled(page: bytes, place: Place) -> bytes:
    values = {"node": place.node, **{scheme: str(place.ports.get(option, "")) for scheme, option in SOCKETS}}
    for name, value in values.items():
        page = page.replace(f"[[{name}]]".encode(), html.escape(value).encode())
    return page
