"""Log-in, log-out, the account, and the language."""

import time
from math import ceil
from threading import Lock
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ..operators import passwords
from ..operators.attempts import Attempts, network
from ..operators.operators import OperatorError
from ..store.engine.driver import StoreFailed, StoreFull, StoreLost
from .desk import HEADERS, Desk, Visit, cookie_name, local, read_form, same_origin, where_from
from .words import LANGUAGES

LANGUAGE_S: Final = 365 * 86_400
WRONG: Final = "That did not work: name, password or code is wrong."
FORGED: Final = "The page was open for too long, or came from elsewhere. Do it again."


class LogIn:
    """Of one centre."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._attempts, self._lock = desk, Attempts(), Lock()

    def routes(self) -> list[Route]:
        """Those that somebody needs who is not logged in, and those of the own account."""
        desk = self._desk
        return [
            Route("/login", self._form, methods=["GET"]),
            Route("/login", self._log_in, methods=["POST"]),
            Route("/language", self._language, methods=["POST"]),
            Route("/logout", desk.page("viewer", self._account, self._log_out), methods=["POST"]),
            Route("/account", desk.page("viewer", self._account), methods=["GET"]),
            Route("/account/password", desk.page("viewer", self._account, self._password), methods=["POST"]),
            Route("/account/totp", desk.page("viewer", self._account, self._totp), methods=["POST"]),
            Route("/account/sessions", desk.page("viewer", self._account, self._end_others), methods=["POST"]),
        ]

    # -- not logged in -------------------------------------------------------------------------------------------------

    async def _form(self, request: Request) -> Response:
        try:
            empty = not await self._desk.work(self._desk.centre.operators.everybody)
        except (StoreLost, StoreFailed):
            return self._desk.bare(request, 503, "The store cannot be reached. Try again in a moment.")
        return self._page(request, 200, local(request.query_params.get("next", "/")), empty=empty)

    async def _log_in(self, request: Request) -> Response:
        form = await read_form(request)
        next_, name = local(form.get("next", "/")), form.get("name", "").strip()[:64]
        if not same_origin(request):
            return self._page(request, 403, next_, FORGED)
        where = where_from(request)
        with self._lock:
            wait_s = self._attempts.wait_s(name, network(where), time.monotonic())
            if not wait_s:  # paid for before it is known: of many at one time no more get through
                self._attempts.failed(name, network(where), time.monotonic())
        if wait_s:
            answer = self._page(request, 429, next_, wait_s=ceil(wait_s))
            answer.headers["retry-after"] = str(ceil(wait_s))
            return answer
        try:
            operators = self._desk.centre.operators
            token = await self._desk.work(
                operators.log_in, name, form.get("password", ""), form.get("code", "").strip(), where
            )
        except (StoreLost, StoreFull, StoreFailed):
            return self._page(request, 503, next_, "The store cannot be reached. Try again in a moment.")
        if not token:
            return self._page(request, 401, next_, WRONG)
        with self._lock:
            self._attempts.succeeded(name, network(where), time.monotonic())
        answer = RedirectResponse(next_, 303, HEADERS)
        answer.set_cookie(cookie_name(request), token, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    async def _language(self, request: Request) -> Response:
        form = await read_form(request)
        answer = RedirectResponse(local(form.get("next", "/")), 303, HEADERS)
        if same_origin(request) and form.get("language") in LANGUAGES:
            answer.set_cookie(
                "doorstep-language", form["language"], LANGUAGE_S, path="/", httponly=True, samesite="strict"
            )
        return answer

    def _page(
        self, request: Request, status: int, next_: str, text: str = "", *, wait_s: int = 0, empty: bool = False
    ) -> Response:
        return self._desk.html(request, "login.html", status, next=next_, text=text, wait_s=wait_s, empty=empty)

    # -- the own account -----------------------------------------------------------------------------------------------

    def _account(self, visit: Visit) -> Response:
        return self._show(visit)

    def _show(self, visit: Visit, text: str = "", *, status: int = 200, done: bool = False) -> Response:
        """The page; a fresh key for one-time codes is in it until its code is shown."""
        name, secret = visit.operator.name, visit.form.get("secret", "") or passwords.new_secret()
        address = passwords.address(name, self._desk.centre.name, secret)
        values = {"text": text, "done": done, "secret": secret, "address": address}
        return self._desk.show(visit, "account.html", status, **values)

    def _log_out(self, visit: Visit) -> Response:
        self._desk.centre.operators.log_out(visit.operator, visit.where)
        answer = RedirectResponse("/login", 303, HEADERS | {"clear-site-data": '"cache"'})
        answer.delete_cookie(cookie_name(visit.request), path="/", secure=True, httponly=True, samesite="strict")
        return answer

    def _password(self, visit: Visit) -> Response:
        form, operator = visit.form, visit.operator
        if form.get("new", "") != form.get("again", ""):
            return self._show(visit, "The two passwords differ.", status=400)
        if not self._is_own(visit):
            return self._show(visit, "The present password is wrong.", status=403)
        try:
            self._desk.centre.operators.set_password(
                operator.name, form.get("new", ""), operator.name, keep=operator.session, where=visit.where
            )
        except OperatorError as error:
            return self._show(visit, str(error), status=400)
        return self._show(visit, "Done.", done=True)

    def _totp(self, visit: Visit) -> Response:
        operators, name, form = self._desk.centre.operators, visit.operator.name, visit.form
        if not self._is_own(visit):
            return self._show(visit, "The present password is wrong.", status=403)
        if visit.operator.has_totp:
            operators.set_totp(name, "", 0, visit.where)
            return RedirectResponse("/account", 303, HEADERS)
        step = 0
        if passwords.is_secret(form.get("secret", "")):
            step = passwords.step_of(form["secret"], form.get("code", "").strip(), time.time(), 0)
        if not step:
            return self._show(visit, "That code is wrong, or was used already.", status=400)
        operators.set_totp(name, form["secret"], step, visit.where)
        return RedirectResponse("/account", 303, HEADERS)

    def _end_others(self, visit: Visit) -> Response:
        self._desk.centre.operators.log_out(visit.operator, visit.where, everywhere=True)
        return self._show(visit, "Done.", done=True)

    def _is_own(self, visit: Visit) -> bool:
        """Whether the present password came along; bounded like log-ins."""
        name, where, now = visit.operator.name, network(visit.where), time.monotonic()
        with self._lock:
            if self._attempts.wait_s(name, where, now):
                return False
            self._attempts.failed(name, where, now)
        good = passwords.matches(self._desk.centre.operators.password_of(name), visit.form.get("present", ""))
        if good:
            with self._lock:
                self._attempts.succeeded(name, where, time.monotonic())
        return good
