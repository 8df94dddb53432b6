"""Who asks, and whether that may be: sessions by cookie, roles, and that a change comes from our own page.

A change needs three things: the cookie, which browsers send with nothing that another site begins (SameSite=Strict); a
header of the browser that names us as the origin, where it sends one; and the form's token, which is made of the
session's and which no other page can read.
"""

import asyncio
import hmac
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape
from secrets import token_hex
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from edge.errors import DoorstepError

from ..figures.cache import Cache
from ..figures.figures import Figures
from ..health_index.index import Health
from ..health_index.options import HealthOptions
from ..health_index.shops import Shops
from ..operators.operators import Operator, Operators
from ..store.engine.driver import StoreFailed, StoreFull, StoreLost, StoreSlow
from ..store.reader import Reader
from .render import Renderer
from .words import choose, translated

FORM_BYTES_MAX: Final = 16 * 1024
"""A form of the console has a name, a few words, passwords."""

THREADS: Final = 2
"""That work for pages: however many ask, batches have the processor, too."""

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
"""On every page. Scripts and styles are files of ours, none is inline; no other origin may read or frame anything."""

T = TypeVar("T")


class Centre(Struct, frozen=True):
    """What the console shows, and what it may have done. `fleet` gives how each node is, the worst first; `states` the
    invitation and certificate of each node; `health` the health index of so many days, `shops` that of the shops
    of one node, or of all; `settle` stores or discards a batch (NODE/EPOCH/NUMBER): what became of it, and whether it
    is settled; `end_rollout` ends one (its number, how, who); `invite` (name, days, replace) and `revoke` are None
    where nobody is invited."""

    name: str
    timezone: str
    operators: Operators
    reader: Reader
    figures: Figures
    now_ms: Callable[[], int]
    fleet: Callable[[], Sequence[Any]]
    states: Callable[[], dict[str, dict[str, int]]]
    health: Callable[[int], Sequence[Health]]
    shops: Callable[[int, str], Shops]
    health_options: HealthOptions
    settle: Callable[[str, bool], tuple[str, bool]]
    end_rollout: Callable[[int, str, str], None]
    invite: Callable[[str, int, bool], str] | None
    revoke: Callable[[str], None] | None


class Visit(Struct):
    """One request of somebody who has logged in."""

    request: Request
    operator: Operator
    csrf: str
    language: str
    form: dict[str, str]

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of its address."""
        return self.request.query_params

    @property
    def where(self) -> str:
        """The address that it came from."""
        return where_from(self.request)


class Desk:
    """Of one centre."""

    def __init__(self, centre: Centre, version: str) -> None:
        self.centre, self.version = centre, version
        self.cache, self._pages = Cache(), Cache()
        self._name, self._csrf = token_hex(16), token_hex(16)
        self.renderer = Renderer(centre.timezone)
        self._threads = ThreadPoolExecutor(THREADS, "console")

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def work(self, call: Callable[..., T], *values: Any) -> T:
        """Run something beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *values)

    def page(
        self,
        role: str,
        show: Callable[[Visit], Response],
        change: Callable[[Visit], Response] | None = None,
        *,
        shared: bool = False,
    ) -> Callable[[Request], Any]:
        """The endpoint of a page that needs this role; `show` and `change` are called beside the event loop. `shared`:
        it has nothing of the visitor but name, role and language, so that those who look at it share it for seconds."""

        async def endpoint(request: Request) -> Response:
            token = request.cookies.get(cookie_name(request), "")
            used = "x-refresh" not in request.headers
            language = language_of(request)
            try:
                operator = await self.work(lambda: self.centre.operators.session(token, used=used)) if token else None
                if operator is None:
                    return self._log_in_first(request)
                visit = Visit(request, operator, form_token(token), language, {})
                if not operator.may(role):
                    return self.problem(visit, 403, "That needs another role.")
                if request.method != "POST" or change is None:
                    return await self.work(self._shared if shared else self._own, show, visit)
                visit.form = await read_form(request)
                if not same_origin(request) or not hmac.compare_digest(visit.form.pop("csrf", ""), visit.csrf):
                    return self.problem(
                        visit, 403, "The page was open for too long, or came from elsewhere. Do it again."
                    )
                return await self.work(change, visit)
            except (StoreLost, StoreFull, StoreFailed):
                return self.bare(request, 503, "The store cannot be reached. Try again in a moment.")
            except StoreSlow as error:
                return self.bare(request, 503, str(error))

        return endpoint

    def _own(self, show: Callable[[Visit], Response], visit: Visit) -> Response:
        return show(visit)

    def _shared(self, show: Callable[[Visit], Response], visit: Visit) -> Response:
        """A page that is worked out once for all: figures, and the text, which takes as long again."""
        url = visit.request.url
        nobody = replace(visit.operator, name=self._name, session=b"")
        key = (url.scheme, url.path, url.query, visit.language, nobody.role)
        page = self._pages.get(key, lambda: show(replace(visit, operator=nobody, csrf=self._csrf)))
        text = bytes(page.body).replace(self._csrf.encode(), visit.csrf.encode())
        text = text.replace(self._name.encode(), escape(visit.operator.name).encode())
        headers = {name: value for name, value in page.headers.items() if name != "content-length"}
        return Response(text, page.status_code, headers)

    def show(self, visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
        """A page with the frame around it."""
        frame = {
            "operator": visit.operator,
            "csrf": visit.csrf,
            "path": visit.request.url.path,
            "now": self.centre.now_ms(),
        }
        return self.html(visit.request, template, status, **frame, **values)

    def html(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """A page, with its headers."""
        common = {"centre": self.centre.name, "version": self.version, "operator": None, "path": "", "now": 0}
        text = self.renderer.page(template, language_of(request), **{**common, **values})
        headers = {**HEADERS, "vary": "cookie, accept-language"}
        if request.url.scheme == "https":
            headers["strict-transport-security"] = "max-age=31536000"
        return HTMLResponse(text, status, headers)

    def problem(self, visit: Visit, status: int, text: str) -> Response:
        """Why not, in the frame."""
        return self.show(visit, "problem.html", status, text=text)

    def bare(self, request: Request, status: int, text: str) -> Response:
        """The same, without knowing who asks."""
        return self.html(request, "problem.html", status, text=text)

    def failed(self, visit: Visit, error: DoorstepError) -> Response:
        """Something that a person has to read, in the frame."""
        return self.problem(visit, 409, str(error))

    def words(self, visit: Visit, text: str) -> str:
        """The text in the visitor's language."""
        return translated(text, visit.language)

    def _log_in_first(self, request: Request) -> Response:
        if "x-refresh" in request.headers or request.method == "POST":
            return self.bare(request, 401, "The page was open for too long, or came from elsewhere. Do it again.")
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.headers.get("sec-fetch-site") == "cross-site" and "again" not in request.query_params:
            # A link elsewhere: browsers send the cookie only when our own page goes on from here.
            return self.html(request, "again.html", target=f"{path}{'&' if '?' in path else '?'}again=1")
        return RedirectResponse(f"/login?next={quote(path, safe='')}", 303, HEADERS)


def cookie_name(request: Request) -> str:
    """Browsers share cookies among the ports of a host: two centres on one machine need two names. Over TLS browsers
    take a name with this prefix from nobody but us."""
    host = "__Host-" if request.url.scheme == "https" else ""
    return f"{host}doorstep-centre-{request.scope['server'][1]}"


def form_token(session: str) -> str:
    """What a form of this session has to carry."""
    return hmac.digest(session.encode(), b"doorstep console form", "sha256").hex()


def same_origin(request: Request) -> bool:
    """Whether a change comes from a page of ours, as far as the browser shows."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    own = origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
    return site in ("same-origin", "none") and own


def where_from(request: Request) -> str:
    """The address of whoever asks."""
    return request.client.host if request.client else ""


def language_of(request: Request) -> str:
    """`en` or `zh`."""
    return choose(request.cookies.get("doorstep-language", ""), request.headers.get("accept-language", ""))


def local(path: str) -> str:
    """A path of ours to go on to; the first page where it is none."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; none where it is longer than it may be, ends too early, or is no form."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > FORM_BYTES_MAX:
                return {}
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=32))
    except (ClientDisconnect, UnicodeDecodeError, ValueError):
        return {}
